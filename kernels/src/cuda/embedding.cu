// Rows of a table by number, and back.

template <class T>
__device__ void embedding_gather(T* y, const T* table, const u32* rows, u32 width) {
    T* to = y + (size_t)blockIdx.x * width;
    const T* from = table + (size_t)rows[blockIdx.x] * width;
    if (in_eights(y, width) && in_eights(table, width)) {
        for (u32 i = threadIdx.x; i < width * sizeof(T) / 16; i += blockDim.x) ((Words*)to)[i] = ((const Words*)from)[i];
        return;
    }
    for (u32 i = threadIdx.x; i < width; i += blockDim.x) to[i] = from[i];
}

// A block has a row of the table to itself, number `words[block]`, and adds to it the rows of `d_y` whose numbers stand in
// `order` from `starts[block]` to `starts[block + 1]`: one after the other, so that the sum is the same on every run.
template <class O, class T>
__device__ void embedding_scatter_add(O* d_table, const T* d_y, const u32* order, const u32* starts, const u32* words,
                                      u32 width) {
    O* to = d_table + (size_t)words[blockIdx.x] * width;
    u32 begin = starts[blockIdx.x], end = starts[blockIdx.x + 1];
    if (begin == end) return;
    if (in_eights(d_table, width) && in_eights(d_y, width)) {
        for (u32 i = 8 * threadIdx.x; i < width; i += 8 * blockDim.x) {
            Eight<O> sum(to + i);
            for (u32 place = begin; place < end; place++) {
                Eight<T> more(d_y + (size_t)order[place] * width + i);
                for (int j = 0; j < 8; j++) sum.at[j] += more.at[j];
            }
            sum.store(to + i);
        }
        return;
    }
    for (u32 i = threadIdx.x; i < width; i += blockDim.x) {
        float sum = wide(to[i]);
        for (u32 place = begin; place < end; place++) sum += wide(d_y[(size_t)order[place] * width + i]);
        to[i] = narrow<O>(sum);
    }
}

#define EMBEDDING_GATHER(T, suffix)                                                                           \
    KERNEL(embedding_gather_##suffix, 256, (T * y, const T* table, const u32* rows, u32 width),               \
           embedding_gather<T>(y, table, rows, width))
#define EMBEDDING_SCATTER(O, T, suffix)                                                                       \
    KERNEL(embedding_scatter_add_##suffix, 256,                                                               \
           (O * d_table, const T* d_y, const u32* order, const u32* starts, const u32* words, u32 width),     \
           (embedding_scatter_add<O, T>(d_table, d_y, order, starts, words, width)))
EMBEDDING_GATHER(float, f32)
EMBEDDING_GATHER(bf16, bf16)
EMBEDDING_SCATTER(float, float, f32)
EMBEDDING_SCATTER(float, bf16, f32_bf16)
EMBEDDING_SCATTER(bf16, bf16, bf16)
