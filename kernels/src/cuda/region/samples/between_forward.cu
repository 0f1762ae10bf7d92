// Sums over all words of the steps [5, 8] of
//   v0 = Policy(0)
//   v1 = Policy(1)
//   v2 = Mixture(0, 1, 0.5)
//   v3 = Minus(0, 2)
//   v4 = Exponential(0)
//   v5 = Times(4, 3)
//   v6 = Minus(1, 2)
//   v7 = Exponential(1)
//   v8 = Times(7, 6)

__device__ inline void region_forward_9e5a1a9de7455fcc_row(float* sums, u32* none, const float* scores, const float* given, u32 words) {
    SHARED(memory);
    float* scratch = (float*)memory;
    const size_t row = blockIdx.x, apart = (size_t)gridDim.x * words;
    scores += row * words;
    bool empty;
    u32 missing = 0xffffffffu;
    RegionSum sum0;
    RegionSum sum1;
    region_words<2>(scores, apart, words, [&](const float* z, u32 word) {
        sum0.add(z[0], 1.0f);
        sum1.add(z[1], 1.0f);
    });
    const float whole0 = sum0.total(scratch, &empty);
    const float whole1 = sum1.total(scratch, &empty);
    float total0 = 0.0f;
    float total1 = 0.0f;
    region_words<2>(scores, apart, words, [&](const float* z, u32 word) {
        const float v0 = z[0] - whole0;
        const float v1 = z[1] - whole1;
        const float v2 = region_log_plus(v0 + __uint_as_float(0xbf317218u) /* -0.6931472 */, v1 + __uint_as_float(0xbf317218u) /* -0.6931472 */);
        const float v3 = v0 - v2;
        const float v4 = expf(v0);
        const float v5 = v4 * v3;
        const float v6 = v1 - v2;
        const float v7 = expf(v1);
        const float v8 = v7 * v6;
        total0 += v5;
        total1 += v8;
    });
    total0 = block_sum(total0, scratch);
    total1 = block_sum(total1, scratch);
    if (threadIdx.x == 0) {
        sums[row * 2 + 0] = total0;
        sums[row * 2 + 1] = total1;
        none[row] = missing;
    }
}
KERNEL(region_forward_9e5a1a9de7455fcc, 256, (float* sums, u32* none, const float* scores, const float* given, u32 words), region_forward_9e5a1a9de7455fcc_row(sums, none, scores, given, words))
