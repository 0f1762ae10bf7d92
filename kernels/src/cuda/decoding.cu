// Attention of one new token of each of many sequences to what was read before; the formulas stand in `kernels/src/attention`.
// A row of the cache has the keys of one token and then its values, of all key heads.

// A block for each row of `qkv`: what follows its queries is kept in the row of the cache that `rows` names.
template <class T>
__device__ void decoding_keep(T* cache, const T* qkv, const u32* rows, u32 queries, u32 kept) {
    const T* from = qkv + (size_t)blockIdx.x * (queries + kept) + queries;
    T* to = cache + (size_t)rows[blockIdx.x] * kept;
    for (u32 i = threadIdx.x; i < kept; i += blockDim.x) to[i] = from[i];
}

// A block has a query head of a sequence, and each of its warps every so many of the keys, of which a thread has every 32nd
// number, up to four. `reaches` has four numbers for each sequence: where the rows of its prompt begin and how many there are,
// and the same of what was added to it.
template <class T>
__device__ void decoding_attend(T* out, const T* qkv, const T* cache, const u32* reaches, u32 query_heads,
                                u32 key_heads, u32 width) {
    SHARED(memory);
    u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    float* parts = (float*)memory;  // of each warp the highest score, the sum and `width` numbers
    u32 stride = width + 2;
    const u32* reach = reaches + 4 * blockIdx.x;
    u32 head = blockIdx.y, key_head = head / (query_heads / key_heads), keys = reach[1] + reach[3];
    const T* query = qkv + (size_t)blockIdx.x * (query_heads + 2 * key_heads) * width + (size_t)head * width;
    float asked[4], total[4], highest = NOTHING, sum = 0.0f, scale = 1.0f / sqrtf((float)width);
    for (u32 i = 0; i < 4; i++) {
        asked[i] = lane + 32 * i < width ? wide(query[lane + 32 * i]) : 0.0f;
        total[i] = 0.0f;
    }
    for (u32 key = warp; key < keys; key += warps) {
        u32 row = key < reach[1] ? reach[0] + key : reach[2] + key - reach[1];
        const T* at = cache + ((size_t)row * 2 * key_heads + key_head) * width;
        const T* value = at + (size_t)key_heads * width;
        float score = 0.0f;
        for (u32 i = 0; i < 4; i++) {
            if (lane + 32 * i < width) score += asked[i] * wide(at[lane + 32 * i]);
        }
        score = warp_sum(score) * scale;
        float best = fmaxf(highest, score), keep = expf(highest - best), weight = expf(score - best);
        highest = best;
        sum = sum * keep + weight;
        for (u32 i = 0; i < 4; i++) {
            if (lane + 32 * i < width) total[i] = total[i] * keep + weight * wide(value[lane + 32 * i]);
        }
    }
    float* own = parts + warp * stride;
    if (lane == 0) {
        own[0] = highest;
        own[1] = sum;
    }
    for (u32 i = 0; i < 4; i++) {
        if (lane + 32 * i < width) own[2 + lane + 32 * i] = total[i];
    }
    __syncthreads();
    for (u32 column = threadIdx.x; column < width; column += blockDim.x) {
        float best = NOTHING, whole = 0.0f, value = 0.0f;
        for (u32 w = 0; w < warps; w++) best = fmaxf(best, parts[w * stride]);
        for (u32 w = 0; w < warps; w++) {
            // A warp without keys has a share of nothing.
            float share = expf(parts[w * stride] - best);
            whole += share * parts[w * stride + 1];
            value += share * parts[w * stride + 2 + column];
        }
        out[((size_t)blockIdx.x * query_heads + head) * width + column] = narrow<T>(value / whole);
    }
}

#define DECODING(T, suffix)                                                                                         \
    KERNEL(decoding_keep_##suffix, 256, (T * cache, const T* qkv, const u32* rows, u32 queries, u32 kept),          \
           decoding_keep<T>(cache, qkv, rows, queries, kept))                                                       \
    KERNEL(decoding_attend_##suffix, 256,                                                                           \
           (T * out, const T* qkv, const T* cache, const u32* reaches, u32 query_heads, u32 key_heads, u32 width),  \
           decoding_attend<T>(out, qkv, cache, reaches, query_heads, key_heads, width))
DECODING(float, f32)
DECODING(bf16, bf16)
