// Sums over all words of the steps [3] of
//   v0 = Policy(0)
//   v1 = Exponential(0)
//   v2 = Times(1, 0)
//   v3 = Negative(2)

__device__ inline void region_backward_90e7bbe827ff77ec_row(float* d_given, bf16* to0, const u32* taken0, const float* d_taken0, const float* d_sums, const float* scores, const float* given, u32 words) {
    SHARED(memory);
    float* scratch = (float*)memory;
    const size_t row = blockIdx.x, apart = (size_t)gridDim.x * words;
    scores += row * words;
    bool empty;
    RegionSum sum0;
    region_words<1>(scores, apart, words, [&](const float* z, u32 word) {
        sum0.add(z[0], 1.0f);
    });
    const float whole0 = sum0.total(scratch, &empty);
    const float upstream0 = d_sums[row * 1 + 0];
    float d_sum0 = 0.0f;
    region_words<1>(scores, apart, words, [&](const float* z, u32 word) {
        const float v0 = z[0] - whole0;
        const float v1 = expf(v0);
        const float v2 = v1 * v0;
        const float v3 = -v2;
        float d0 = 0.0f;
        float d1 = 0.0f;
        float d2 = 0.0f;
        float d3 = 0.0f;
        d3 += upstream0;
        d2 -= d3;
        d1 += region_pushed(d2, v0);
        d0 += region_pushed(d2, v1);
        d0 += region_pushed(d1, v1);
        d_sum0 += d0;
    });
    const u32 target0 = taken0 ? taken0[row] : 0xffffffffu;
    const float more0 = taken0 ? d_taken0[row] : 0.0f;
    d_sum0 = block_sum(d_sum0, scratch) + more0;
    bf16* const to[1] = {to0 + row * words};
    region_change<1, 1>(
        to, scores, apart, words, [&](const float* z, u32 word, float* d) {
            const float v0 = z[0] - whole0;
            const float v1 = expf(v0);
            const float v2 = v1 * v0;
            const float v3 = -v2;
            float d0 = 0.0f;
            float d1 = 0.0f;
            float d2 = 0.0f;
            float d3 = 0.0f;
            d3 += upstream0;
            d2 -= d3;
            d1 += region_pushed(d2, v0);
            d0 += region_pushed(d2, v1);
            d0 += region_pushed(d1, v1);
            d[0] = d0 + (word == target0 ? more0 : 0.0f) - d_sum0 * expf(z[0] - whole0);
        });
}
KERNEL(region_backward_90e7bbe827ff77ec, 256, (float* d_given, bf16* to0, const u32* taken0, const float* d_taken0, const float* d_sums, const float* scores, const float* given, u32 words), region_backward_90e7bbe827ff77ec_row(d_given, to0, taken0, d_taken0, d_sums, scores, given, words))
