// Root-mean-square normalisation of rows, a block for each row; the formulas stand in `kernels/src/rms_norm`.

template <class T>
__device__ inline bool rms_norm_eights(const T* a, const T* b, const T* weight, u32 width) {
    return in_eights(a, width) && in_eights(b, width) && in_eights(weight, width);
}

template <class T>
__device__ void rms_norm_scale(T* y, const T* x, float inverse, const T* weight, u32 width) {
    if (rms_norm_eights(y, x, weight, width)) {
        for (u32 i = 8 * threadIdx.x; i < width; i += 8 * blockDim.x) {
            Eight<T> numbers(x + i), weights(weight + i);
            for (int j = 0; j < 8; j++) numbers.at[j] *= inverse * weights.at[j];
            numbers.store(y + i);
        }
        return;
    }
    for (u32 i = threadIdx.x; i < width; i += blockDim.x) {
        y[i] = narrow<T>(wide(x[i]) * (inverse * wide(weight[i])));
    }
}

template <class T>
__device__ void rms_norm_forward(T* y, float* inverse, const T* x, const T* weight, u32 width, float epsilon) {
    SHARED(memory);
    size_t start = (size_t)blockIdx.x * width;
    float sum = 0.0f;
    if (in_eights(x + start, width)) {
        for (u32 i = 8 * threadIdx.x; i < width; i += 8 * blockDim.x) {
            Eight<T> numbers(x + start + i);
            for (int j = 0; j < 8; j++) sum += numbers.at[j] * numbers.at[j];
        }
    } else {
        for (u32 i = threadIdx.x; i < width; i += blockDim.x) sum += wide(x[start + i]) * wide(x[start + i]);
    }
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
    // Each thread has columns of its own: eight by eight, or every so many.
    bool eights = rms_norm_eights(d_x, x, weight, width) && in_eights(d_y, width);
    u32 begin = (eights ? 8 : 1) * threadIdx.x, step = (eights ? 8 : 1) * blockDim.x;
    for (u32 i = begin; i < width; i += step) {
        for (u32 j = i; j < i + (eights ? 8 : 1); j++) d_weight[j] = 0.0f;
    }
    u32 first = blockIdx.x * strip;
    u32 end = first + strip < rows ? first + strip : rows;
    for (u32 row = first; row < end; row++) {
        size_t start = (size_t)row * width;
        float r = inverse[row], sum = 0.0f;
        for (u32 i = begin; i < width; i += step) {
            if (eights) {
                Eight<T> w(weight + i), g(d_y + start + i), numbers(x + start + i);
                for (int j = 0; j < 8; j++) sum += w.at[j] * g.at[j] * numbers.at[j];
            } else {
                sum += wide(weight[i]) * wide(d_y[start + i]) * wide(x[start + i]);
            }
        }
        // mean(g n) = inverse * sum(w dy x) / width.
        float mean = r * block_sum(sum, scratch) / (float)width;
        for (u32 i = begin; i < width; i += step) {
            if (eights) {
                Eight<T> w(weight + i), g(d_y + start + i), numbers(x + start + i), to(d_x + start + i);
                Eight<float> total(d_weight + i);
                for (int j = 0; j < 8; j++) {
                    float n = numbers.at[j] * r;
                    to.at[j] += r * (w.at[j] * g.at[j] - n * mean);
                    total.at[j] += g.at[j] * n;
                }
                to.store(d_x + start + i);
                total.store(d_weight + i);
                continue;
            }
            float n = wide(x[start + i]) * r, upstream = wide(d_y[start + i]);
            float change = r * (wide(weight[i]) * upstream - n * mean);
            d_x[start + i] = narrow<T>(wide(d_x[start + i]) + change);
            d_weight[i] += upstream * n;
        }
    }
    for (u32 i = begin; i < width; i += step) {
        for (u32 j = i; j < i + (eights ? 8 : 1); j++) partial[(size_t)blockIdx.x * width + j] = d_weight[j];
    }
}

// Adds the strips to the gradient, always in the same order. A block has 32 columns, and each of its warps every so many of
// the strips.
__device__ inline void rms_norm_gather(float* d_weight, const float* partial, u32 strips, u32 width) {
    SHARED(memory);
    float* sums = (float*)memory;
    u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32, column = blockIdx.x * 32 + lane;
    float sum = 0.0f;
    if (column < width) {
        for (u32 strip = warp; strip < strips; strip += warps) sum += partial[(size_t)strip * width + column];
    }
    sums[threadIdx.x] = sum;
    __syncthreads();
    if (warp > 0 || column >= width) return;
    for (u32 other = 1; other < warps; other++) sum += sums[32 * other + lane];
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
