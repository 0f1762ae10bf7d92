// Normalisation of each head of queries and keys, a warp for each head; the formulas stand in `kernels/src/head_norm`. A row has
// `query_heads`, then `key_heads` and as many value heads, of `width` numbers each. `weights` is of [2, width].

template <class T>
__device__ void head_norm_forward(T* y, float* inverse, const T* x, const T* weights, u32 query_heads, u32 key_heads,
                                  u32 width, float epsilon) {
    u32 lane = threadIdx.x % 32, normed = query_heads + key_heads, all = normed + key_heads;
    for (u32 head = threadIdx.x / 32; head < all; head += blockDim.x / 32) {
        size_t place = ((size_t)blockIdx.x * all + head) * width;
        if (head >= normed) {
            for (u32 i = lane; i < width; i += 32) y[place + i] = x[place + i];
            continue;
        }
        float sum = 0.0f;
        for (u32 i = lane; i < width; i += 32) sum += wide(x[place + i]) * wide(x[place + i]);
        float r = 1.0f / sqrtf(warp_sum(sum) / (float)width + epsilon);
        if (lane == 0) inverse[(size_t)blockIdx.x * normed + head] = r;
        const T* weight = weights + (head < query_heads ? 0 : width);
        for (u32 i = lane; i < width; i += 32) y[place + i] = narrow<T>(wide(x[place + i]) * (r * wide(weight[i])));
    }
}

// In place: `d` becomes the gradient of `x`. A block has a strip of rows, each of its warps every so many of their heads, and
// each thread columns of its own; the block leaves its part of the weights' gradient in `partial`, a row for each strip.
template <class T>
__device__ void head_norm_backward(T* d, float* partial, const T* x, const float* inverse, const T* weights, u32 rows,
                                   u32 query_heads, u32 key_heads, u32 width, u32 strip) {
    SHARED(memory);
    float* sums = (float*)memory;  // of [warps, 2, width]
    u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    u32 normed = query_heads + key_heads, all = normed + key_heads;
    float* own = sums + warp * 2 * width;
    for (u32 i = lane; i < width; i += 32) own[i] = own[width + i] = 0.0f;
    u32 first = blockIdx.x * strip;
    u32 end = first + strip < rows ? first + strip : rows;
    for (u32 index = warp; index < (end - first) * normed; index += warps) {
        u32 row = first + index / normed, head = index % normed, vector = head < query_heads ? 0 : width;
        size_t place = ((size_t)row * all + head) * width;
        float r = inverse[(size_t)row * normed + head], sum = 0.0f;
        for (u32 i = lane; i < width; i += 32) {
            float upstream = wide(d[place + i]), number = wide(x[place + i]);
            sum += wide(weights[vector + i]) * upstream * number;
            own[vector + i] += upstream * number * r;
        }
        // mean(g n) = r * sum(w dy x) / width.
        float mean = r * warp_sum(sum) / (float)width;
        for (u32 i = lane; i < width; i += 32) {
            float n = wide(x[place + i]) * r;
            d[place + i] = narrow<T>(r * (wide(weights[vector + i]) * wide(d[place + i]) - n * mean));
        }
    }
    __syncthreads();
    for (u32 i = threadIdx.x; i < 2 * width; i += blockDim.x) {
        float sum = 0.0f;
        for (u32 other = 0; other < warps; other++) sum += sums[other * 2 * width + i];
        partial[(size_t)blockIdx.x * 2 * width + i] = sum;
    }
}

#define HEAD_NORM(T, suffix)                                                                                        \
    KERNEL(head_norm_forward_##suffix, 256,                                                                         \
           (T * y, float* inverse, const T* x, const T* weights, u32 query_heads, u32 key_heads, u32 width,         \
            float epsilon),                                                                                         \
           head_norm_forward<T>(y, inverse, x, weights, query_heads, key_heads, width, epsilon))                    \
    KERNEL(head_norm_backward_##suffix, 256,                                                                        \
           (T * d, float* partial, const T* x, const float* inverse, const T* weights, u32 rows, u32 query_heads,   \
            u32 key_heads, u32 width, u32 strip),                                                                   \
           head_norm_backward<T>(d, partial, x, inverse, weights, rows, query_heads, key_heads, width, strip))
HEAD_NORM(float, f32)
HEAD_NORM(bf16, bf16)
