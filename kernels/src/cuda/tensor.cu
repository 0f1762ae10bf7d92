// Attention on tensor cores, in bf16: as `attention.cu`, with products of 16 x 16 by 16 x 8 numbers that a warp does at once.
//
// A block of 128 threads has 64 rows, 16 for each warp. In such a product, thread `4 g + t` of a warp holds of the result the
// columns 2t and 2t + 1 of the rows g and g + 8; of the first factor, pairs of neighbours in a row; of the second, pairs of
// neighbours in a column. So a result becomes a first factor without leaving its thread. `D` is the width of a head, a
// multiple of 16, rounded up.
//
// Tiles of rows stand in shared memory twice: while products are made of one, the next is copied into the other.

static __device__ const float LOG2_E = 1.4426950408889634f;
static __device__ const float LN_2 = 0.6931471805599453f;

// Two numbers as bf16, the first in the lower half.
__device__ inline u32 tensor_pack(float low, float high) {
#ifdef EMULATED
    return (u32)narrow<bf16>(low).bits | (u32)narrow<bf16>(high).bits << 16;
#else
    u32 pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
#endif
}

#ifndef EMULATED
// Where something stands in shared memory, as instructions that know no other take it.
__device__ inline u32 tensor_place(const void* at) { return (u32)__cvta_generic_to_shared(at); }
#endif

// c += a b, all threads of a warp together.
__device__ inline void tensor_product(float* c, const u32* a, const u32* b) {
#ifdef EMULATED
    emulation::warp_product(c, a, b, __FILE__, __LINE__);
#else
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

// A pair of neighbours in a row, zeros if they are not there.
__device__ inline u32 tensor_pair(const bf16* at, bool there) { return there ? *(const u32*)at : 0; }

// The 16 columns from `column` on of rows g and g + 8 as a first factor, from rows `stride` apart of which `rows` are there.
__device__ inline void tensor_first(u32* a, const bf16* from, size_t stride, u32 row, u32 rows, u32 column, u32 width) {
    u32 at = column + threadIdx.x % 4 * 2;
    bool inside = column < width;
    a[0] = tensor_pair(from + row * stride + at, inside && row < rows);
    a[1] = tensor_pair(from + (row + 8) * stride + at, inside && row + 8 < rows);
    a[2] = tensor_pair(from + row * stride + at + 8, inside && row < rows);
    a[3] = tensor_pair(from + (row + 8) * stride + at + 8, inside && row + 8 < rows);
}

// Four matrices of 8 x 8 numbers from shared memory: thread l of a warp says where row l % 8 of matrix l / 8 begins. Of each
// matrix thread `4 g + t` gets the pair 2t, 2t + 1 of row g, or, if turned, of column g.
template <bool TURNED>
__device__ inline void tensor_matrices(u32* four, const bf16* row) {
#ifdef EMULATED
    emulation::warp_matrices(four, row, TURNED, __FILE__, __LINE__);
#else
    u32 at = tensor_place(row);
    if (TURNED) {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(four[0]), "=r"(four[1]), "=r"(four[2]), "=r"(four[3])
                     : "r"(at)
                     : "memory");
    } else {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(four[0]), "=r"(four[1]), "=r"(four[2]), "=r"(four[3])
                     : "r"(at)
                     : "memory");
    }
#endif
}

// A first factor of 16 x 16 from shared memory: the rows from `row` on, the columns from `column` on.
__device__ inline void tensor_first_of(u32* a, const bf16* from, u32 stride, u32 row, u32 column) {
    u32 lane = threadIdx.x % 32;
    tensor_matrices<false>(a, from + (row + lane % 16) * stride + column + lane / 16 * 8);
}

// Two second factors of 16 x 8 that stand one after the other, from rows of `from`: their columns are the 16 rows from `row` on, and
// their rows the 16 columns from `column` on.
__device__ inline void tensor_seconds_of_rows(u32* b, const bf16* from, u32 stride, u32 row, u32 column) {
    u32 lane = threadIdx.x % 32;
    tensor_matrices<false>(b, from + (row + lane / 16 * 8 + lane % 8) * stride + column + lane / 8 % 2 * 8);
}

// The same as they stand: their rows are the 16 rows from `row` on, and their columns the 16 from `column` on.
__device__ inline void tensor_seconds(u32* b, const bf16* from, u32 stride, u32 row, u32 column) {
    u32 lane = threadIdx.x % 32;
    tensor_matrices<true>(b, from + (row + lane % 16) * stride + column + lane / 16 * 8);
}

// Two neighbouring results of 16 x 8 as a first factor of 16 x 16.
__device__ inline void tensor_turn(u32* a, const float* left, const float* right) {
    a[0] = tensor_pack(left[0], left[1]);
    a[1] = tensor_pack(left[2], left[3]);
    a[2] = tensor_pack(right[0], right[1]);
    a[3] = tensor_pack(right[2], right[3]);
}

// Rows of shared memory begin this many numbers apart: 16 bytes more than they hold, so that eight of them lie in different
// banks.
template <int N>
struct TensorRow {
    static const u32 stride = N + 8;
};

// Begins to copy `BYTES` bytes, 4 or 16, to shared memory; zeros if they are not there.
template <int BYTES>
__device__ inline void tensor_fetch(void* to, const void* from, bool there) {
#ifdef EMULATED
    emulation::fetch(to, from, BYTES, there);
#else
    int bytes = there ? BYTES : 0;
    if (BYTES == 16) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(tensor_place(to)), "l"(from), "r"(bytes) : "memory");
    } else {
        asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(tensor_place(to)), "l"(from), "r"(bytes) : "memory");
    }
#endif
}

// What this thread began to copy since the last time is one group.
__device__ inline void tensor_group() {
#ifdef EMULATED
    emulation::fetch_group();
#else
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits for the groups of this thread but for the last `LATER`. What others copied is there after a barrier.
template <int LATER>
__device__ inline void tensor_await() {
#ifdef EMULATED
    emulation::fetch_await(LATER);
#else
    asm volatile("cp.async.wait_group %0;" ::"n"(LATER) : "memory");
#endif
}

// Begins to copy a tile of `COUNT` rows of `D` numbers. `place(i)` is where row i begins, or null.
template <int D, int COUNT, class Place>
__device__ inline void tensor_load(bf16* tile, const bf16* anything, u32 width, Place place) {
    for (u32 i = threadIdx.x; i < COUNT * D / 8; i += blockDim.x) {
        u32 row = i / (D / 8), column = i % (D / 8) * 8;
        const bf16* from = place(row);
        bool there = from != 0 && column < width;
        tensor_fetch<16>(tile + row * TensorRow<D>::stride + column, there ? from + column : anything, there);
    }
}

// total += scores x rows: the scores of 16 rows for `KEYS` keys as a product leaves them, and the keys' rows of `D` numbers.
template <int D, int KEYS>
__device__ inline void tensor_add(float (*total)[4], const float (*scores)[4], const bf16* rows) {
    for (int k = 0; k < KEYS / 16; k++) {
        u32 a[4];
        tensor_turn(a, scores[2 * k], scores[2 * k + 1]);
        for (int n = 0; n < D / 16; n++) {
            u32 b[4];
            tensor_seconds(b, rows, TensorRow<D>::stride, k * 16, n * 16);
            tensor_product(total[2 * n], a, b);
            tensor_product(total[2 * n + 1], a, b + 2);
        }
    }
}

// Over the four threads that hold a row.
__device__ inline float tensor_row_sum(float x) {
    x += __shfl_xor_sync(0xffffffffu, x, 1);
    return x + __shfl_xor_sync(0xffffffffu, x, 2);
}
__device__ inline float tensor_row_max(float x) {
    x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
    return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}

// Writes a row's two numbers of each result, times a factor.
template <int D>
__device__ inline void tensor_store(bf16* to, const float (*results)[4], int half, float factor, u32 width) {
    for (int n = 0; n < D / 8; n++) {
        u32 column = n * 8 + threadIdx.x % 4 * 2;
        if (column < width) {
            *(u32*)(to + column) = tensor_pack(results[n][2 * half] * factor, results[n][2 * half + 1] * factor);
        }
    }
}

template <int D>
__device__ void tensor_forward(bf16* out, float* logsumexp, const bf16* qkv, const u32* blocks, AttentionShape shape) {
    SHARED(memory);
    const u32 whole_tile = 64 * TensorRow<D>::stride;
    bf16* tiles = (bf16*)memory;  // twice the keys of [64, D], and then the values
    AttentionBlock block(blocks + 5 * blockIdx.x);
    u32 head = blockIdx.y, key_head = head / shape.group(), width = shape.width;
    size_t stride = shape.row();
    const bf16* key_heads = qkv + (size_t)(shape.query_heads + key_head) * width;
    const bf16* value_heads = key_heads + (size_t)shape.key_heads * width;
    u32 row = threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4, column = threadIdx.x % 4 * 2;
    u32 sees[2] = {block.sees(row), block.sees(row + 8)};
    u32 queries[D / 16][4];
    const bf16* query_heads = qkv + block.first * stride + (size_t)head * width;
    for (int k = 0; k < D / 16; k++) tensor_first(queries[k], query_heads, stride, row, block.length, k * 16, width);
    // In powers of two rather than of e.
    float scale = shape.scale() * LOG2_E, highest[2] = {NOTHING, NOTHING}, sum[2] = {0.0f, 0.0f}, total[D / 8][4];
    for (int n = 0; n < D / 8; n++) total[n][0] = total[n][1] = total[n][2] = total[n][3] = 0.0f;
    auto load = [&](u32 tile, u32 side) {
        auto key = [&](const bf16* heads) {
            return [=](u32 i) {
                return tile + i < block.keys() ? heads + block.row(tile + i) * stride : (const bf16*)0;
            };
        };
        tensor_load<D, 64>(tiles + 2 * side * whole_tile, qkv, width, key(key_heads));
        tensor_load<D, 64>(tiles + (2 * side + 1) * whole_tile, qkv, width, key(value_heads));
    };
    load(0, 0);
    tensor_group();
    for (u32 tile = 0, side = 0; tile < block.keys(); tile += 64, side ^= 1) {
        if (tile + 64 < block.keys()) load(tile + 64, side ^ 1);
        tensor_group();
        tensor_await<1>();
        __syncthreads();
        const bf16 *keys = tiles + 2 * side * whole_tile, *values = keys + whole_tile;
        float scores[8][4], best[2] = {highest[0], highest[1]};
        for (int j = 0; j < 8; j++) scores[j][0] = scores[j][1] = scores[j][2] = scores[j][3] = 0.0f;
        for (int k = 0; k < D / 16; k++) {
            for (int j = 0; j < 4; j++) {
                u32 b[4];
                tensor_seconds_of_rows(b, keys, TensorRow<D>::stride, j * 16, k * 16);
                tensor_product(scores[2 * j], queries[k], b);
                tensor_product(scores[2 * j + 1], queries[k], b + 2);
            }
        }
        for (int j = 0; j < 8; j++) {
            for (int i = 0; i < 4; i++) {
                bool seen = tile + j * 8 + column + i % 2 < sees[i / 2];
                scores[j][i] = seen ? scores[j][i] * scale : NOTHING;
                best[i / 2] = fmaxf(best[i / 2], scores[j][i]);
            }
        }
        for (int half = 0; half < 2; half++) {
            best[half] = tensor_row_max(best[half]);
            float keep = exp2f(highest[half] - best[half]), added = 0.0f;
            highest[half] = best[half];
            for (int j = 0; j < 8; j++) {
                for (int i = 2 * half; i < 2 * half + 2; i++) {
                    bool seen = tile + j * 8 + column + i % 2 < sees[half];
                    scores[j][i] = seen ? exp2f(scores[j][i] - best[half]) : 0.0f;
                    added += scores[j][i];
                }
            }
            sum[half] = sum[half] * keep + tensor_row_sum(added);
            for (int n = 0; n < D / 8; n++) {
                total[n][2 * half] *= keep;
                total[n][2 * half + 1] *= keep;
            }
        }
        tensor_add<D, 64>(total, scores, values);
        __syncthreads();
    }
    tensor_await<0>();
    for (int half = 0; half < 2; half++) {
        u32 query = row + 8 * half;
        if (query >= block.length) continue;
        size_t token = block.first + query;
        tensor_store<D>(out + token * shape.out() + (size_t)head * width, total, half, 1.0f / sum[half], width);
        if (column == 0) {
            logsumexp[(size_t)head * shape.tokens + token] = highest[half] * LN_2 + logf(sum[half]);
        }
    }
}

// dQ of a block of queries.
template <int D>
__device__ void tensor_queries(bf16* d_qkv, const bf16* d_out, const float* along, const float* logsumexp,
                               const bf16* qkv, const u32* blocks, AttentionShape shape) {
    SHARED(memory);
    const u32 whole_tile = 32 * TensorRow<D>::stride;
    bf16* tiles = (bf16*)memory;  // twice the keys of [32, D], and then the values
    AttentionBlock block(blocks + 5 * blockIdx.x);
    u32 head = blockIdx.y, key_head = head / shape.group(), width = shape.width;
    size_t stride = shape.row();
    const bf16* key_heads = qkv + (size_t)(shape.query_heads + key_head) * width;
    const bf16* value_heads = key_heads + (size_t)shape.key_heads * width;
    u32 row = threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4, column = threadIdx.x % 4 * 2;
    u32 sees[2] = {block.sees(row), block.sees(row + 8)};
    float whole[2], share[2];
    for (int half = 0; half < 2; half++) {
        size_t kept = (size_t)head * shape.tokens + block.first + row + 8 * half;
        bool there = row + 8 * half < block.length;
        whole[half] = there ? logsumexp[kept] * LOG2_E : 0.0f;
        share[half] = there ? along[kept] : 0.0f;
    }
    u32 queries[D / 16][4], upstream[D / 16][4];
    const bf16* query_heads = qkv + block.first * stride + (size_t)head * width;
    const bf16* upstream_heads = d_out + block.first * shape.out() + (size_t)head * width;
    for (int k = 0; k < D / 16; k++) {
        tensor_first(queries[k], query_heads, stride, row, block.length, k * 16, width);
        tensor_first(upstream[k], upstream_heads, shape.out(), row, block.length, k * 16, width);
    }
    float scale = shape.scale() * LOG2_E, total[D / 8][4];
    for (int n = 0; n < D / 8; n++) total[n][0] = total[n][1] = total[n][2] = total[n][3] = 0.0f;
    auto load = [&](u32 tile, u32 side) {
        auto key = [&](const bf16* heads) {
            return [=](u32 i) {
                return tile + i < block.keys() ? heads + block.row(tile + i) * stride : (const bf16*)0;
            };
        };
        tensor_load<D, 32>(tiles + 2 * side * whole_tile, qkv, width, key(key_heads));
        tensor_load<D, 32>(tiles + (2 * side + 1) * whole_tile, qkv, width, key(value_heads));
    };
    load(0, 0);
    tensor_group();
    for (u32 tile = 0, side = 0; tile < block.keys(); tile += 32, side ^= 1) {
        if (tile + 32 < block.keys()) load(tile + 32, side ^ 1);
        tensor_group();
        tensor_await<1>();
        __syncthreads();
        const bf16 *keys = tiles + 2 * side * whole_tile, *values = keys + whole_tile;
        float scores[4][4], d_scores[4][4];
        for (int j = 0; j < 4; j++) {
            for (int i = 0; i < 4; i++) scores[j][i] = d_scores[j][i] = 0.0f;
        }
        for (int k = 0; k < D / 16; k++) {
            for (int j = 0; j < 2; j++) {
                u32 b[4];
                tensor_seconds_of_rows(b, keys, TensorRow<D>::stride, j * 16, k * 16);
                tensor_product(scores[2 * j], queries[k], b);
                tensor_product(scores[2 * j + 1], queries[k], b + 2);
                tensor_seconds_of_rows(b, values, TensorRow<D>::stride, j * 16, k * 16);
                tensor_product(d_scores[2 * j], upstream[k], b);
                tensor_product(d_scores[2 * j + 1], upstream[k], b + 2);
            }
        }
        for (int j = 0; j < 4; j++) {
            for (int i = 0; i < 4; i++) {
                bool seen = tile + j * 8 + column + i % 2 < sees[i / 2];
                float weight = seen ? exp2f(scores[j][i] * scale - whole[i / 2]) : 0.0f;
                d_scores[j][i] = weight * (d_scores[j][i] - share[i / 2]);
            }
        }
        tensor_add<D, 32>(total, d_scores, keys);
        __syncthreads();
    }
    tensor_await<0>();
    for (int half = 0; half < 2; half++) {
        u32 query = row + 8 * half;
        if (query >= block.length) continue;
        bf16* to = d_qkv + (block.first + query) * stride + (size_t)head * width;
        tensor_store<D>(to, total, half, shape.scale(), width);
    }
}

// The tiles of queries that a block of keys goes through: reader by reader, and of each head by head.
struct TensorWalk {
    const u32* readers;
    u32 reader, last, first_key, first_head, heads, head, begin, end, tile;
    __device__ inline TensorWalk(const u32* readers, u32 reader, u32 last, u32 first_key, u32 first_head, u32 heads)
        : readers(readers), reader(reader), last(last), first_key(first_key), first_head(first_head), heads(heads) {
        enter();
    }
    __device__ inline bool more() const { return reader < last; }
    __device__ inline bool own() const { return readers[4 * reader + 3] == 0; }
    // Queries of the tile.
    __device__ inline u32 there() const { return end - tile < 32 ? end - tile : 32; }
    // To the first reader from here on that has queries.
    __device__ inline void enter() {
        head = first_head;
        for (; reader < last; reader++) {
            begin = readers[4 * reader];
            end = readers[4 * reader + 1];
            // Those before the first key do not see it.
            if (own() && begin < first_key) begin = first_key;
            tile = begin;
            if (begin < end) return;
        }
    }
    __device__ inline void next() {
        tile += 32;
        if (tile < end) return;
        tile = begin;
        if (++head < first_head + heads) return;
        reader++;
        enter();
    }
};

// dK and dV of a block of keys; `blocks` and `readers` as in `attention.cu`. Scores stand with a row for each key.
template <int D>
__device__ void tensor_keys(bf16* d_qkv, const bf16* d_out, const float* along, const float* logsumexp,
                            const bf16* qkv, const u32* blocks, const u32* readers, AttentionShape shape) {
    SHARED(memory);
    const u32 whole_tile = 32 * TensorRow<D>::stride;
    bf16* keys = (bf16*)memory;             // [64, D]
    bf16* values = keys + 2 * whole_tile;   // [64, D]
    bf16* tiles = values + 2 * whole_tile;  // twice the queries of [32, D], and then their upstream gradients
    float* numbers = (float*)(tiles + 4 * whole_tile);  // twice the logarithms of 32, and then their shares
    const u32* block = blocks + 4 * blockIdx.x;
    u32 first = block[0], count = block[1], key_head = blockIdx.y, width = shape.width;
    size_t stride = shape.row(), key_place = (size_t)(shape.query_heads + key_head) * width;
    size_t value_place = key_place + (size_t)shape.key_heads * width;
    u32 row = threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4, column = threadIdx.x % 4 * 2;
    tensor_load<D, 64>(keys, qkv, width, [&](u32 i) {
        return i < count ? qkv + (first + i) * stride + key_place : (const bf16*)0;
    });
    tensor_load<D, 64>(values, qkv, width, [&](u32 i) {
        return i < count ? qkv + (first + i) * stride + value_place : (const bf16*)0;
    });
    auto load = [&](const TensorWalk& walk, u32 side) {
        u32 there = walk.there(), tile = walk.tile, head = walk.head;
        tensor_load<D, 32>(tiles + 2 * side * whole_tile, qkv, width, [&](u32 i) {
            return i < there ? qkv + (tile + i) * stride + (size_t)head * width : (const bf16*)0;
        });
        tensor_load<D, 32>(tiles + (2 * side + 1) * whole_tile, qkv, width, [&](u32 i) {
            return i < there ? d_out + (tile + i) * shape.out() + (size_t)head * width : (const bf16*)0;
        });
        for (u32 i = threadIdx.x; i < 64; i += blockDim.x) {
            const float* from = (i < 32 ? logsumexp : along) + (size_t)head * shape.tokens;
            tensor_fetch<4>(numbers + 64 * side + i, from + (i % 32 < there ? tile + i % 32 : 0), i % 32 < there);
        }
    };
    float scale = shape.scale() * LOG2_E, d_keys[D / 8][4], d_values[D / 8][4];
    for (int n = 0; n < D / 8; n++) {
        for (int i = 0; i < 4; i++) d_keys[n][i] = d_values[n][i] = 0.0f;
    }
    TensorWalk walk(readers, block[2], block[3], first, key_head * shape.group(), shape.group());
    if (walk.more()) load(walk, 0);
    tensor_group();
    for (u32 side = 0; walk.more(); side ^= 1) {
        u32 there = walk.there(), tile = walk.tile;
        bool own = walk.own();
        const u32* reader = readers + 4 * walk.reader;
        walk.next();
        if (walk.more()) load(walk, side ^ 1);
        tensor_group();
        tensor_await<1>();
        __syncthreads();
        const bf16 *queries = tiles + 2 * side * whole_tile, *upstream = queries + whole_tile;
        const float *whole = numbers + 64 * side, *share = whole + 32;
        float weights[4][4], d_scores[4][4];
        for (int j = 0; j < 4; j++) {
            for (int i = 0; i < 4; i++) weights[j][i] = d_scores[j][i] = 0.0f;
        }
        for (int k = 0; k < D / 16; k++) {
            u32 of_keys[4], of_values[4];
            tensor_first_of(of_keys, keys, TensorRow<D>::stride, threadIdx.x / 32 * 16, k * 16);
            tensor_first_of(of_values, values, TensorRow<D>::stride, threadIdx.x / 32 * 16, k * 16);
            for (int j = 0; j < 2; j++) {
                u32 b[4];
                tensor_seconds_of_rows(b, queries, TensorRow<D>::stride, j * 16, k * 16);
                tensor_product(weights[2 * j], of_keys, b);
                tensor_product(weights[2 * j + 1], of_keys, b + 2);
                tensor_seconds_of_rows(b, upstream, TensorRow<D>::stride, j * 16, k * 16);
                tensor_product(d_scores[2 * j], of_values, b);
                tensor_product(d_scores[2 * j + 1], of_values, b + 2);
            }
        }
        for (int j = 0; j < 4; j++) {
            for (int i = 0; i < 4; i++) {
                u32 query = j * 8 + column + i % 2, among = row + 8 * (i / 2), key = first + among;
                bool seen = query < there && among < count &&
                            (own ? key <= tile + query : reader[2] <= key && key < reader[3]);
                float weight = seen ? exp2f(weights[j][i] * scale - whole[query] * LOG2_E) : 0.0f;
                d_scores[j][i] = weight * (d_scores[j][i] - share[query]);
                weights[j][i] = weight;
            }
        }
        tensor_add<D, 32>(d_values, weights, upstream);
        tensor_add<D, 32>(d_keys, d_scores, queries);
        __syncthreads();
    }
    tensor_await<0>();
    for (int half = 0; half < 2; half++) {
        u32 among = row + 8 * half;
        if (among >= count) continue;
        bf16* to = d_qkv + (first + among) * stride;
        tensor_store<D>(to + key_place, d_keys, half, shape.scale(), width);
        tensor_store<D>(to + value_place, d_values, half, 1.0f, width);
    }
}

#define TENSOR(D)                                                                                                     \
    KERNEL(tensor_forward_##D##_bf16, 128,                                                                            \
           (bf16 * out, float* logsumexp, const bf16* qkv, const u32* blocks, u32 tokens, u32 query_heads,            \
            u32 key_heads, u32 width),                                                                                \
           tensor_forward<D>(out, logsumexp, qkv, blocks, AttentionShape{tokens, query_heads, key_heads, width}))     \
    KERNEL(tensor_queries_##D##_bf16, 128,                                                                            \
           (bf16 * d_qkv, const bf16* d_out, const float* along, const float* logsumexp, const bf16* qkv,             \
            const u32* blocks, u32 tokens, u32 query_heads, u32 key_heads, u32 width),                                \
           tensor_queries<D>(d_qkv, d_out, along, logsumexp, qkv, blocks,                                             \
                             AttentionShape{tokens, query_heads, key_heads, width}))                                  \
    KERNEL(tensor_keys_##D##_bf16, 128,                                                                               \
           (bf16 * d_qkv, const bf16* d_out, const float* along, const float* logsumexp, const bf16* qkv,             \
            const u32* blocks, const u32* readers, u32 tokens, u32 query_heads, u32 key_heads, u32 width),            \
           tensor_keys<D>(d_qkv, d_out, along, logsumexp, qkv, blocks, readers,                                       \
                          AttentionShape{tokens, query_heads, key_heads, width}))
TENSOR(32)
TENSOR(64)
TENSOR(128)
