// Causal attention with grouped queries and shared prefixes, tile by tile; the formulas stand in `kernels/src/attention`.
//
// A block of 128 threads has 32 rows, four threads for each: of the 32 columns of a tile of scores a thread computes every
// fourth, and of the numbers of a head it sums up every fourth. `D` is the width of a head, rounded up; the rest is zeros.


// A tile of 32 keys (or values) from the key `first` on; `heads` is the head's place in the first row of all.
template <class T, int D>
__device__ inline void attention_load_keys(float* tile, const T* heads, size_t stride, u32 width,
                                           const AttentionBlock& block, u32 first) {
    for (u32 i = threadIdx.x; i < 32 * D; i += blockDim.x) {
        u32 key = first + i / D, column = i % D;
        bool there = key < block.keys() && column < width;
        tile[i / D * (D + 1) + column] = there ? wide(heads[block.row(key) * stride + column]) : 0.0f;
    }
}

// A tile of 32 rows from the row `first` on, of which `count` are there.
template <class T, int D>
__device__ inline void attention_load_rows(float* tile, const T* heads, size_t stride, u32 width, u32 first,
                                           u32 count) {
    for (u32 i = threadIdx.x; i < 32 * D; i += blockDim.x) {
        u32 row = i / D, column = i % D;
        bool there = row < count && column < width;
        tile[row * (D + 1) + column] = there ? wide(heads[(size_t)(first + row) * stride + column]) : 0.0f;
    }
}

template <int D>
__device__ inline float attention_dot(const float* a, const float* b) {
    float sum = 0.0f;
#pragma unroll 8
    for (int i = 0; i < D; i++) sum += a[i] * b[i];
    return sum;
}

// Over the four threads of a row.
__device__ inline float attention_row_sum(float x) {
    x += __shfl_xor_sync(0xffffffffu, x, 1);
    return x + __shfl_xor_sync(0xffffffffu, x, 2);
}
__device__ inline float attention_row_max(float x) {
    x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
    return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}

template <class T, int D>
__device__ void attention_forward(T* out, float* logsumexp, const T* qkv, const u32* blocks, AttentionShape shape) {
    SHARED(memory);
    float* queries = (float*)memory;
    float* keys = queries + 32 * (D + 1);  // and then values
    float* weights = keys + 32 * (D + 1);
    AttentionBlock block(blocks + 5 * blockIdx.x);
    u32 head = blockIdx.y, key_head = head / shape.group(), width = shape.width;
    const T* key_heads = qkv + (size_t)(shape.query_heads + key_head) * width;
    const T* value_heads = key_heads + (size_t)shape.key_heads * width;
    u32 row = threadIdx.x / 4, part = threadIdx.x % 4, sees = block.sees(row);
    attention_load_rows<T, D>(queries, qkv + (size_t)head * width, shape.row(), width, block.first, block.length);
    float highest = NOTHING, sum = 0.0f, total[D / 4];
    for (int i = 0; i < D / 4; i++) total[i] = 0.0f;
    for (u32 tile = 0; tile < block.keys(); tile += 32) {
        __syncthreads();
        attention_load_keys<T, D>(keys, key_heads, shape.row(), width, block, tile);
        __syncthreads();
        float scores[8], best = highest;
        for (u32 j = 0; j < 8; j++) {
            u32 key = part + 4 * j;
            scores[j] = shape.scale() * attention_dot<D>(queries + row * (D + 1), keys + key * (D + 1));
            if (tile + key < sees) best = fmaxf(best, scores[j]);
        }
        best = attention_row_max(best);
        float tile_sum = 0.0f;
        for (u32 j = 0; j < 8; j++) {
            u32 key = part + 4 * j;
            float weight = tile + key < sees ? expf(scores[j] - best) : 0.0f;
            weights[row * 33 + key] = weight;
            tile_sum += weight;
        }
        float keep = expf(highest - best);
        sum = sum * keep + attention_row_sum(tile_sum);
        highest = best;
        __syncthreads();
        attention_load_keys<T, D>(keys, value_heads, shape.row(), width, block, tile);
        __syncthreads();
        for (int i = 0; i < D / 4; i++) total[i] *= keep;
#pragma unroll 2
        for (u32 key = 0; key < 32; key++) {
            float weight = weights[row * 33 + key];
            for (int i = 0; i < D / 4; i++) total[i] += weight * keys[key * (D + 1) + part + 4 * i];
        }
    }
    if (row >= block.length) return;
    size_t token = block.first + row;
    for (int i = 0; i < D / 4; i++) {
        u32 column = part + 4 * i;
        if (column < width) out[token * shape.out() + head * width + column] = narrow<T>(total[i] / sum);
    }
    if (part == 0) logsumexp[(size_t)head * shape.tokens + token] = highest + logf(sum);
}

// sum(dO * O) of each token and query head, a warp for each; of [query heads, tokens].
template <class T>
__device__ void attention_along(float* along, const T* d_out, const T* out, AttentionShape shape) {
    size_t index = (size_t)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    bool there = index < (size_t)shape.tokens * shape.query_heads;
    size_t start = index * shape.width;
    float sum = 0.0f;
    for (u32 i = threadIdx.x % 32; there && i < shape.width; i += 32) sum += wide(d_out[start + i]) * wide(out[start + i]);
    sum = warp_sum(sum);
    size_t token = index / shape.query_heads, head = index % shape.query_heads;
    if (there && threadIdx.x % 32 == 0) along[head * shape.tokens + token] = sum;
}

// dQ of a block of queries.
template <class T, int D>
__device__ void attention_queries(T* d_qkv, const T* d_out, const float* along, const float* logsumexp, const T* qkv,
                                  const u32* blocks, AttentionShape shape) {
    SHARED(memory);
    float* queries = (float*)memory;
    float* upstream = queries + 32 * (D + 1);
    float* keys = upstream + 32 * (D + 1);
    float* values = keys + 32 * (D + 1);
    float* d_scores = values + 32 * (D + 1);
    AttentionBlock block(blocks + 5 * blockIdx.x);
    u32 head = blockIdx.y, key_head = head / shape.group(), width = shape.width;
    const T* key_heads = qkv + (size_t)(shape.query_heads + key_head) * width;
    const T* value_heads = key_heads + (size_t)shape.key_heads * width;
    u32 row = threadIdx.x / 4, part = threadIdx.x % 4, sees = block.sees(row);
    size_t token = block.first + row, kept = (size_t)head * shape.tokens + token;
    float whole = row < block.length ? logsumexp[kept] : 0.0f, share = row < block.length ? along[kept] : 0.0f;
    attention_load_rows<T, D>(queries, qkv + (size_t)head * width, shape.row(), width, block.first, block.length);
    attention_load_rows<T, D>(upstream, d_out + (size_t)head * width, shape.out(), width, block.first, block.length);
    float total[D / 4];
    for (int i = 0; i < D / 4; i++) total[i] = 0.0f;
    for (u32 tile = 0; tile < block.keys(); tile += 32) {
        __syncthreads();
        attention_load_keys<T, D>(keys, key_heads, shape.row(), width, block, tile);
        attention_load_keys<T, D>(values, value_heads, shape.row(), width, block, tile);
        __syncthreads();
#pragma unroll 2
        for (u32 j = 0; j < 8; j++) {
            u32 key = part + 4 * j;
            float score = shape.scale() * attention_dot<D>(queries + row * (D + 1), keys + key * (D + 1));
            float d_weight = attention_dot<D>(upstream + row * (D + 1), values + key * (D + 1));
            float weight = tile + key < sees ? expf(score - whole) : 0.0f;
            d_scores[row * 33 + key] = weight * (d_weight - share);
        }
        __syncthreads();
#pragma unroll 2
        for (u32 key = 0; key < 32; key++) {
            float d_score = d_scores[row * 33 + key];
            for (int i = 0; i < D / 4; i++) total[i] += d_score * keys[key * (D + 1) + part + 4 * i];
        }
    }
    if (row >= block.length) return;
    for (int i = 0; i < D / 4; i++) {
        u32 column = part + 4 * i;
        if (column < width) d_qkv[token * shape.row() + head * width + column] = narrow<T>(shape.scale() * total[i]);
    }
}

// dK and dV of a block of keys. `blocks` holds four numbers for each: the first row, the number of rows, and where among
// `readers` those begin and end that see any of them. A reader is four numbers as well: its first query and its end, and
// the rows of its prefix; or, where the end of the prefix is 0, queries that see the rows up to their own.
template <class T, int D>
__device__ void attention_keys(T* d_qkv, const T* d_out, const float* along, const float* logsumexp, const T* qkv,
                               const u32* blocks, const u32* readers, AttentionShape shape) {
    SHARED(memory);
    float* keys = (float*)memory;
    float* values = keys + 32 * (D + 1);
    float* queries = values + 32 * (D + 1);
    float* upstream = queries + 32 * (D + 1);
    float* weights = upstream + 32 * (D + 1);
    float* d_scores = weights + 32 * 33;
    const u32* block = blocks + 4 * blockIdx.x;
    u32 first = block[0], count = block[1], key_head = blockIdx.y, width = shape.width;
    size_t key_place = (size_t)(shape.query_heads + key_head) * width;
    size_t value_place = key_place + (size_t)shape.key_heads * width;
    u32 row = threadIdx.x / 4, part = threadIdx.x % 4, key = first + row;
    attention_load_rows<T, D>(keys, qkv + key_place, shape.row(), width, first, count);
    attention_load_rows<T, D>(values, qkv + value_place, shape.row(), width, first, count);
    float d_keys[D / 4], d_values[D / 4];
    for (int i = 0; i < D / 4; i++) d_keys[i] = d_values[i] = 0.0f;
    for (u32 r = block[2]; r < block[3]; r++) {
        const u32* reader = readers + 4 * r;
        bool own = reader[3] == 0;
        // Of its own segment, no query before the first of these keys sees any.
        u32 begin = own && first > reader[0] ? first : reader[0], end = reader[1];
        for (u32 head = key_head * shape.group(); head < (key_head + 1) * shape.group(); head++) {
            for (u32 tile = begin; tile < end; tile += 32) {
                u32 there = end - tile < 32 ? end - tile : 32;
                __syncthreads();
                attention_load_rows<T, D>(queries, qkv + (size_t)head * width, shape.row(), width, tile, there);
                attention_load_rows<T, D>(upstream, d_out + (size_t)head * width, shape.out(), width, tile, there);
                __syncthreads();
#pragma unroll 2
                for (u32 j = 0; j < 8; j++) {
                    u32 query = part + 4 * j;
                    bool seen = query < there && row < count &&
                                (own ? key <= tile + query : reader[2] <= key && key < reader[3]);
                    float weight = 0.0f, d_score = 0.0f;
                    if (seen) {
                        size_t kept = (size_t)head * shape.tokens + tile + query;
                        float score = shape.scale() * attention_dot<D>(queries + query * (D + 1), keys + row * (D + 1));
                        float d_weight = attention_dot<D>(upstream + query * (D + 1), values + row * (D + 1));
                        weight = expf(score - logsumexp[kept]);
                        d_score = weight * (d_weight - along[kept]);
                    }
                    weights[row * 33 + query] = weight;
                    d_scores[row * 33 + query] = d_score;
                }
                __syncthreads();
#pragma unroll 2
                for (u32 query = 0; query < 32; query++) {
                    float weight = weights[row * 33 + query], d_score = d_scores[row * 33 + query];
                    for (int i = 0; i < D / 4; i++) {
                        d_values[i] += weight * upstream[query * (D + 1) + part + 4 * i];
                        d_keys[i] += d_score * queries[query * (D + 1) + part + 4 * i];
                    }
                }
            }
        }
    }
    if (row >= count) return;
    T* to = d_qkv + (size_t)key * shape.row();
    for (int i = 0; i < D / 4; i++) {
        u32 column = part + 4 * i;
        if (column < width) {
            to[key_place + column] = narrow<T>(shape.scale() * d_keys[i]);
            to[value_place + column] = narrow<T>(d_values[i]);
        }
    }
}

#define ATTENTION(T, D, suffix)                                                                                     \
    KERNEL(attention_forward_##suffix, 128,                                                                         \
           (T * out, float* logsumexp, const T* qkv, const u32* blocks, u32 tokens, u32 query_heads, u32 key_heads, \
            u32 width),                                                                                             \
           (attention_forward<T, D>(out, logsumexp, qkv, blocks,                                                    \
                                    AttentionShape{tokens, query_heads, key_heads, width})))                        \
    KERNEL(attention_queries_##suffix, 128,                                                                         \
           (T * d_qkv, const T* d_out, const float* along, const float* logsumexp, const T* qkv, const u32* blocks, \
            u32 tokens, u32 query_heads, u32 key_heads, u32 width),                                                 \
           (attention_queries<T, D>(d_qkv, d_out, along, logsumexp, qkv, blocks,                                    \
                                    AttentionShape{tokens, query_heads, key_heads, width})))                        \
    KERNEL(attention_keys_##suffix, 128,                                                                            \
           (T * d_qkv, const T* d_out, const float* along, const float* logsumexp, const T* qkv, const u32* blocks, \
            const u32* readers, u32 tokens, u32 query_heads, u32 key_heads, u32 width),                             \
           (attention_keys<T, D>(d_qkv, d_out, along, logsumexp, qkv, blocks, readers,                              \
                                 AttentionShape{tokens, query_heads, key_heads, width})))
#define ATTENTION_ALONG(T, suffix)                                                                                  \
    KERNEL(attention_along_##suffix, 128,                                                                           \
           (float* along, const T* d_out, const T* out, u32 tokens, u32 query_heads, u32 key_heads, u32 width),     \
           attention_along<T>(along, d_out, out, AttentionShape{tokens, query_heads, key_heads, width}))
ATTENTION(float, 32, 32_f32)
ATTENTION(float, 64, 64_f32)
ATTENTION(float, 128, 128_f32)
ATTENTION(bf16, 32, 32_bf16)
ATTENTION(bf16, 64, 64_bf16)
ATTENTION(bf16, 128, 128_bf16)
ATTENTION_ALONG(float, f32)
ATTENTION_ALONG(bf16, bf16)
