// Sums over all words of the steps [3] of
//   v0 = Policy(0)
//   v1 = Exponential(0)
//   v2 = Times(1, 0)
//   v3 = Negative(2)

__device__ inline void region_forward_0215e6cf958ea57a_row(float* sums, u32* none, const float* scores, const float* given, u32 words) {
    SHARED(memory);
    float* scratch = (float*)memory;
    const size_t row = blockIdx.x, apart = (size_t)gridDim.x * words;
    scores += row * words;
    bool empty;
    u32 missing = 0xffffffffu;
    RegionSum sum0;
    region_words<1>(scores, apart, words, [&](const float* z, u32 word) {
        sum0.add(z[0], 1.0f);
    });
    const float whole0 = sum0.total(scratch, &empty);
    float total0 = 0.0f;
    region_words<1>(scores, apart, words, [&](const float* z, u32 word) {
        const float v0 = z[0] - whole0;
        const float v1 = expf(v0);
        const float v2 = v1 * v0;
        const float v3 = -v2;
        total0 += v3;
    });
    total0 = block_sum(total0, scratch);
    if (threadIdx.x == 0) {
        sums[row * 1 + 0] = total0;
        none[row] = missing;
    }
}
KERNEL(region_forward_0215e6cf958ea57a, 256, (float* sums, u32* none, const float* scores, const float* given, u32 words), region_forward_0215e6cf958ea57a_row(sums, none, scores, given, words))
