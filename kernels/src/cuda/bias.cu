// A vector added to every row, a thread for each number, or for eight of them if `eights`.
template <class T>
__device__ void bias_add(T* y, const T* bias, size_t count, u32 width, u32 eights) {
    size_t index = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * (eights ? 8 : 1);
    if (index >= count) return;
    u32 column = index % width;
    if (eights) {
        Eight<T> numbers(y + index), added(bias + column);
        for (int i = 0; i < 8; i++) numbers.at[i] += added.at[i];
        numbers.store(y + index);
    } else {
        y[index] = narrow<T>(wide(y[index]) + wide(bias[column]));
    }
}

// The vector's gradient: a block sums some columns over a strip of rows, and leaves its part in `partial`, a row for each strip.
template <class T>
__device__ void bias_backward(float* partial, const T* d_y, u32 rows, u32 width, u32 strip) {
    u32 column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= width) return;
    u32 first = blockIdx.y * strip;
    u32 end = first + strip < rows ? first + strip : rows;
    float sum = 0.0f;
    for (u32 row = first; row < end; row++) sum += wide(d_y[(size_t)row * width + column]);
    partial[(size_t)blockIdx.y * width + column] = sum;
}

#define BIAS(T, suffix)                                                                              \
    KERNEL(bias_add_##suffix, 256, (T * y, const T* bias, size_t count, u32 width, u32 eights),      \
           bias_add<T>(y, bias, count, width, eights))                                               \
    KERNEL(bias_backward_##suffix, 256, (float* partial, const T* d_y, u32 rows, u32 width, u32 strip), \
           bias_backward<T>(partial, d_y, rows, width, strip))
BIAS(float, f32)
BIAS(bf16, bf16)
