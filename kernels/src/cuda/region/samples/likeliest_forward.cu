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

__device__ inline void region_forward_f485b24deb5792d7_row(float* sums, u32* none, const float* scores, const float* given, u32 words) {
    SHARED(memory);
    float* scratch = (float*)memory;
    const size_t row = blockIdx.x, apart = (size_t)gridDim.x * words;
    scores += row * words;
    const float given0 = given[row * 1 + 0];
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
    if (empty && missing == 0xffffffffu) missing = 3u;
    const float number4 = gathered4.total(scratch, &empty);
    if (empty && missing == 0xffffffffu) missing = 4u;
    float total0 = 0.0f;
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
        total0 += v12;
    });
    total0 = block_sum(total0, scratch);
    if (threadIdx.x == 0) {
        sums[row * 1 + 0] = total0;
        none[row] = missing;
    }
}
KERNEL(region_forward_f485b24deb5792d7, 256, (float* sums, u32* none, const float* scores, const float* given, u32 words), region_forward_f485b24deb5792d7_row(sums, none, scores, given, words))
