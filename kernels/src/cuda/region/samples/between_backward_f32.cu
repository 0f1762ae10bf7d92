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

__device__ inline void region_backward_160a68dfa1312d8b_row(float* d_given, float* to1, const u32* taken1, const float* d_taken1, const float* d_sums, const float* scores, const float* given, u32 words) {
    SHARED(memory);
    float* scratch = (float*)memory;
    const size_t row = blockIdx.x, apart = (size_t)gridDim.x * words;
    scores += row * words;
    bool empty;
    RegionSum sum0;
    RegionSum sum1;
    region_words<2>(scores, apart, words, [&](const float* z, u32 word) {
        sum0.add(z[0], 1.0f);
        sum1.add(z[1], 1.0f);
    });
    const float whole0 = sum0.total(scratch, &empty);
    const float whole1 = sum1.total(scratch, &empty);
    const float upstream0 = d_sums[row * 2 + 0];
    const float upstream1 = d_sums[row * 2 + 1];
    float d_sum1 = 0.0f;
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
        float d1 = 0.0f;
        float d2 = 0.0f;
        float d3 = 0.0f;
        float d5 = 0.0f;
        float d6 = 0.0f;
        float d7 = 0.0f;
        float d8 = 0.0f;
        d5 += upstream0;
        d8 += upstream1;
        d7 += region_pushed(d8, v6);
        d6 += region_pushed(d8, v7);
        d1 += region_pushed(d7, v7);
        d1 += d6;
        d2 -= d6;
        d3 += region_pushed(d5, v4);
        d2 -= d3;
        d1 += region_pushed(d2, expf(__uint_as_float(0xbf317218u) /* -0.6931472 */ + v1 - v2));
        d_sum1 += d1;
    });
    const u32 target1 = taken1 ? taken1[row] : 0xffffffffu;
    const float more1 = taken1 ? d_taken1[row] : 0.0f;
    d_sum1 = block_sum(d_sum1, scratch) + more1;
    float* const to[1] = {to1 + row * words};
    region_change<2, 1>(
        to, scores, apart, words, [&](const float* z, u32 word, float* d) {
            const float v0 = z[0] - whole0;
            const float v1 = z[1] - whole1;
            const float v2 = region_log_plus(v0 + __uint_as_float(0xbf317218u) /* -0.6931472 */, v1 + __uint_as_float(0xbf317218u) /* -0.6931472 */);
            const float v3 = v0 - v2;
            const float v4 = expf(v0);
            const float v5 = v4 * v3;
            const float v6 = v1 - v2;
            const float v7 = expf(v1);
            const float v8 = v7 * v6;
            float d1 = 0.0f;
            float d2 = 0.0f;
            float d3 = 0.0f;
            float d5 = 0.0f;
            float d6 = 0.0f;
            float d7 = 0.0f;
            float d8 = 0.0f;
            d5 += upstream0;
            d8 += upstream1;
            d7 += region_pushed(d8, v6);
            d6 += region_pushed(d8, v7);
            d1 += region_pushed(d7, v7);
            d1 += d6;
            d2 -= d6;
            d3 += region_pushed(d5, v4);
            d2 -= d3;
            d1 += region_pushed(d2, expf(__uint_as_float(0xbf317218u) /* -0.6931472 */ + v1 - v2));
            d[0] = d1 + (word == target1 ? more1 : 0.0f) - d_sum1 * expf(z[1] - whole1);
        });
}
KERNEL(region_backward_160a68dfa1312d8b, 256, (float* d_given, float* to1, const u32* taken1, const float* d_taken1, const float* d_sums, const float* scores, const float* given, u32 words), region_backward_160a68dfa1312d8b_row(d_given, to1, taken1, d_taken1, d_sums, scores, given, words))
