// From one type of number to the other, a thread for each.

template <class O, class T>
__device__ void cast(O* to, const T* from, size_t count) {
    size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) to[i] = narrow<O>(wide(from[i]));
}

KERNEL(cast_to_bf16, 256, (bf16 * to, const float* from, size_t count), (cast<bf16, float>(to, from, count)))
KERNEL(cast_to_f32, 256, (float* to, const bf16* from, size_t count), (cast<float, bf16>(to, from, count)))
