// Sums over all words of the steps [12] of
//   v0 = Policy(0)
//   v1 = Policy(1)
//   v2 = Top(0, 64)
//   v3 = LogSum(0, 2)
//   v4 = LogSum(1, 2)
//   v5 = Minus(0, 3)
//   v6 = Minus(1, 4)
//   v7 = Minus(5, 6)
//   v8 = Exponential(5)
//   v9 = Times(8, 7)
//   v10 = Kept(2, 9)
//   v11 = Given(0)
//   v12 = Times(10, 11)

__device__ inline void region_backward_c9a7d9bb0d6e4231_row(float* d_given, bf16* to1, const u32* taken1, const float* d_taken1, const float* d_sums, const float* scores, const float* given, u32 words) {
    SHARED(memory);
    float* scratch = (float*)memory;
    const size_t row = blockIdx.x, apart = (size_t)gridDim.x * words;
    scores += row * words;
    const float given0 = given[row * 1 + 0];
    bool empty;
    RegionSum sum0;
    RegionSum sum1;
    region_words<2>(scores, apart, words, [&](const float* z, u32 word) {
        sum0.add(z[0], 1.0f);
        sum1.add(z[1], 1.0f);
    });
    const float whole0 = sum0.total(scratch, &empty);
    const float whole1 = sum1.total(scratch, &empty);
    const RegionLimit limit2 = region_top<2>(
        scores, apart, words, 64u, scratch, [&](const float* z, u32 word) {
            const float v0 = z[0] - whole0;
            return v0;
        });
    RegionSum gathered3;
    RegionSum gathered4;
    region_words<2>(scores, apart, words, [&](const float* z, u32 word) {
        const float v0 = z[0] - whole0;
        const float v1 = z[1] - whole1;
        const float v2 = limit2.mark(v0, word);
        gathered3.add(v0, v2);
        gathered4.add(v1, v2);
    });
    const float number3 = gathered3.total(scratch, &empty);
    const float number4 = gathered4.total(scratch, &empty);
    const float upstream0 = d_sums[row * 1 + 0];
    float by4 = 0.0f;
    region_words<2>(scores, apart, words, [&](const float* z, u32 word) {
        const float v0 = z[0] - whole0;
        const float v1 = z[1] - whole1;
        const float v2 = limit2.mark(v0, word);
        const float v3 = number3;
        const float v4 = number4;
        const float v5 = v0 - v3;
        const float v6 = v1 - v4;
        const float v7 = v5 - v6;
        const float v8 = expf(v5);
        const float v9 = v8 * v7;
        const float v10 = v2 == 0.0f ? 0.0f : v9;
        const float v11 = given0;
        const float v12 = v10 * v11;
        float d1 = 0.0f;
        float d4 = 0.0f;
        float d6 = 0.0f;
        float d7 = 0.0f;
        float d9 = 0.0f;
        float d10 = 0.0f;
        float d11 = 0.0f;
        float d12 = 0.0f;
        d12 += upstream0;
        d10 += region_pushed(d12, v11);
        d11 += region_pushed(d12, v10);
        d9 += region_pushed(d10, v2 != 0.0f ? 1.0f : 0.0f);
        d7 += region_pushed(d9, v8);
        d6 -= d7;
        d1 += d6;
        d4 -= d6;
        by4 += d4;
    });
    by4 = block_sum(by4, scratch);
    float d_sum1 = 0.0f;
    float d_given0 = 0.0f;
    region_words<2>(scores, apart, words, [&](const float* z, u32 word) {
        const float v0 = z[0] - whole0;
        const float v1 = z[1] - whole1;
        const float v2 = limit2.mark(v0, word);
        const float v3 = number3;
        const float v4 = number4;
        const float v5 = v0 - v3;
        const float v6 = v1 - v4;
        const float v7 = v5 - v6;
        const float v8 = expf(v5);
        const float v9 = v8 * v7;
        const float v10 = v2 == 0.0f ? 0.0f : v9;
        const float v11 = given0;
        const float v12 = v10 * v11;
        float d1 = 0.0f;
        float d4 = 0.0f;
        float d6 = 0.0f;
        float d7 = 0.0f;
        float d9 = 0.0f;
        float d10 = 0.0f;
        float d11 = 0.0f;
        float d12 = 0.0f;
        d12 += upstream0;
        d10 += region_pushed(d12, v11);
        d11 += region_pushed(d12, v10);
        d9 += region_pushed(d10, v2 != 0.0f ? 1.0f : 0.0f);
        d7 += region_pushed(d9, v8);
        d6 -= d7;
        d1 += d6;
        d4 -= d6;
        d4 = by4;
        d1 += region_pushed(d4, v2 == 0.0f ? 0.0f : v2 * expf(v1 - v4));
        d_sum1 += d1;
        d_given0 += d11;
    });
    d_given0 = block_sum(d_given0, scratch);
    if (threadIdx.x == 0) d_given[row * 1 + 0] = d_given0;
    const u32 target1 = taken1 ? taken1[row] : 0xffffffffu;
    const float more1 = taken1 ? d_taken1[row] : 0.0f;
    d_sum1 = block_sum(d_sum1, scratch) + more1;
    bf16* const to[1] = {to1 + row * words};
    region_change<2, 1>(
        to, scores, apart, words, [&](const float* z, u32 word, float* d) {
            const float v0 = z[0] - whole0;
            const float v1 = z[1] - whole1;
            const float v2 = limit2.mark(v0, word);
            const float v3 = number3;
            const float v4 = number4;
            const float v5 = v0 - v3;
            const float v6 = v1 - v4;
            const float v7 = v5 - v6;
            const float v8 = expf(v5);
            const float v9 = v8 * v7;
            const float v10 = v2 == 0.0f ? 0.0f : v9;
            const float v11 = given0;
            const float v12 = v10 * v11;
            float d1 = 0.0f;
            float d4 = 0.0f;
            float d6 = 0.0f;
            float d7 = 0.0f;
            float d9 = 0.0f;
            float d10 = 0.0f;
            float d11 = 0.0f;
            float d12 = 0.0f;
            d12 += upstream0;
            d10 += region_pushed(d12, v11);
            d11 += region_pushed(d12, v10);
            d9 += region_pushed(d10, v2 != 0.0f ? 1.0f : 0.0f);
            d7 += region_pushed(d9, v8);
            d6 -= d7;
            d1 += d6;
            d4 -= d6;
            d4 = by4;
            d1 += region_pushed(d4, v2 == 0.0f ? 0.0f : v2 * expf(v1 - v4));
            d[0] = d1 + (word == target1 ? more1 : 0.0f) - d_sum1 * expf(z[1] - whole1);
        });
}
KERNEL(region_backward_c9a7d9bb0d6e4231, 256, (float* d_given, bf16* to1, const u32* taken1, const float* d_taken1, const float* d_sums, const float* scores, const float* given, u32 words), region_backward_c9a7d9bb0d6e4231_row(d_given, to1, taken1, d_taken1, d_sums, scores, given, words))
