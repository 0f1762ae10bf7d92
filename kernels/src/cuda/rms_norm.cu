// Root-mean-square normalisation of rows, a block for each row; the formulas stand in `kernels/src/rms_norm`.

template <class T>
__device__ void rms_norm_scale(T* y, const T* x, float inverse, const T* weight, u32 width) {
    for (u32 i = threadIdx.x; i < width; i += blockDim.x) y[i] = narrow<T>(wide(x[i]) * inverse * wide(weight[i]));
}

template <class T>
__device__ void rms_norm_forward(T* y, float* inverse, const T* x, const T* weight, u32 width, float epsilon) {
    SHARED(memory);
    size_t start = (size_t)blockIdx.x * width;
    float sum = 0.0f;
    for (u32 i = threadIdx.x; i < width; i += blockDim.x) sum += wide(x[start + i]) * wide(x[start + i]);
    float r = 1.0f / sqrtf(block_sum(sum, (float*)memory) / (float)width + epsilon);
    if (threadIdx.x == 0) inverse[blockIdx.x] = r;
    rms_norm_scale(y + start, x + start, r, weight, width);
}

template <class T>
__device__ void rms_norm_apply(T* y, const T* x, const float* inverse, const T* weight, u32 width) {
    size_t start = (size_t)blockIdx.x * width;
    rms_norm_scale(y + start, x + start, inverse[blockIdx.x], weight, width);
}

// A block has a strip of rows and leaves its part of the weight's gradient in `partial`, a row for each strip.
template <class T>
__device__ void rms_norm_backward(T* d_x, float* partial, const T* d_y, const T* x, const float* inverse,
                                  const T* weight, u32 rows, u32 width, u32 strip) {
    SHARED(memory);
    float* scratch = (float*)memory;
    float* d_weight = scratch + 32;
    // Each thread has columns of its own.
    for (u32 i = threadIdx.x; i < width; i += blockDim.x) d_weight[i] = 0.0f;
    u32 first = blockIdx.x * strip;
    u32 end = first + strip < rows ? first + strip : rows;
    for (u32 row = first; row < end; row++) {
        size_t start = (size_t)row * width;
        float r = inverse[row], sum = 0.0f;
        for (u32 i = threadIdx.x; i < width; i += blockDim.x) {
            sum += wide(weight[i]) * wide(d_y[start + i]) * wide(x[start + i]);
        }
        // mean(g n) = inverse * sum(w dy x) / width.
        float mean = r * block_sum(sum, scratch) / (float)width;
        for (u32 i = threadIdx.x; i < width; i += blockDim.x) {
            float n = wide(x[start + i]) * r, upstream = wide(d_y[start + i]);
            float change = r * (wide(weight[i]) * upstream - n * mean);
            d_x[start + i] = narrow<T>(wide(d_x[start + i]) + change);
            d_weight[i] += upstream * n;
        }
    }
    for (u32 i = threadIdx.x; i < width; i += blockDim.x) partial[(size_t)blockIdx.x * width + i] = d_weight[i];
}

// Adds the strips to the gradient, in their order.
__device__ inline void rms_norm_gather(float* d_weight, const float* partial, u32 strips, u32 width) {
    u32 column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= width) return;
    float sum = 0.0f;
    for (u32 strip = 0; strip < strips; strip++) sum += partial[(size_t)strip * width + column];
    d_weight[column] += sum;
}

#define RMS_NORM(T, suffix)                                                                                          \
    KERNEL(rms_norm_forward_##suffix, 256,                                                                           \
           (T * y, float* inverse, const T* x, const T* weight, u32 width, float epsilon),                           \
           rms_norm_forward<T>(y, inverse, x, weight, width, epsilon))                                               \
    KERNEL(rms_norm_apply_##suffix, 256, (T * y, const T* x, const float* inverse, const T* weight, u32 width),      \
           rms_norm_apply<T>(y, x, inverse, weight, width))                                                          \
    KERNEL(rms_norm_backward_##suffix, 256,                                                                          \
           (T * d_x, float* partial, const T* d_y, const T* x, const float* inverse, const T* weight, u32 rows,      \
            u32 width, u32 strip),                                                                                   \
           rms_norm_backward<T>(d_x, partial, d_y, x, inverse, weight, rows, width, strip))
RMS_NORM(float, f32)
RMS_NORM(bf16, bf16)
KERNEL(rms_norm_gather_f32, 256, (float* d_weight, const float* partial, u32 strips, u32 width),
       rms_norm_gather(d_weight, partial, strips, width))
