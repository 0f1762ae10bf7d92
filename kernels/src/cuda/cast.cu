// From one type of number to the other, a thread for each, or for eight of them if `eights`.

template <class O, class T>
__device__ void cast(O* to, const T* from, size_t count, u32 eights) {
    size_t i = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * (eights ? 8 : 1);
    if (i >= count) return;
    if (eights) {
        Eight<T> numbers(from + i);
        Eight<O> same;
        for (int j = 0; j < 8; j++) same.at[j] = numbers.at[j];
        same.store(to + i);
    } else {
        to[i] = narrow<O>(wide(from[i]));
    }
}

KERNEL(cast_to_bf16, 256, (bf16 * to, const float* from, size_t count, u32 eights),
       (cast<bf16, float>(to, from, count, eights)))
KERNEL(cast_to_f32, 256, (float* to, const bf16* from, size_t count, u32 eights),
       (cast<float, bf16>(to, from, count, eights)))
