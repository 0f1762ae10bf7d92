// Log-probability of one word for each row, from tiles of scores; the formulas stand in `kernels/src/head`.
// A tile holds the scores in f32 of some rows for `words` words from `first` on; a block has a row.

// What is known of a row after the words so far: [rows, 3] of the highest score, the sum of exp(score - highest), and the
// score of the target.
__device__ inline void head_run(float* running, const float* tile, const u32* targets, u32 first, u32 words) {
    SHARED(memory);
    float* scratch = (float*)memory;
    const float* scores = tile + (size_t)blockIdx.x * words;
    float* known = running + 3 * (size_t)blockIdx.x;
    float before = first == 0 ? NOTHING : known[0];
    float sum_before = first == 0 ? 0.0f : known[1];
    // The scores are read once: each thread has the highest of its own, and the sum of what they are to that.
    float own = NOTHING, sum = 0.0f;
    if (in_eights(scores, words)) {
        for (u32 i = 8 * threadIdx.x; i < words; i += 8 * blockDim.x) {
            Eight<float> some(scores + i);
            float best = own;
            for (int j = 0; j < 8; j++) best = fmaxf(best, some.at[j]);
            sum *= expf(own - best);
            own = best;
            for (int j = 0; j < 8; j++) sum += expf(some.at[j] - own);
        }
    } else {
        for (u32 i = threadIdx.x; i < words; i += blockDim.x) {
            float best = fmaxf(own, scores[i]);
            sum = sum * expf(own - best) + expf(scores[i] - best);
            own = best;
        }
    }
    float highest = fmaxf(before, block_max(own, scratch));
    sum = block_sum(sum * expf(own - highest), scratch);
    if (threadIdx.x == 0) {
        u32 target = targets[blockIdx.x];
        known[0] = highest;
        known[1] = sum_before * expf(before - highest) + sum;
        if (target >= first && target - first < words) known[2] = scores[target - first];
    }
}

__device__ inline void head_finish(float* logp, float* logsumexp, const float* running, u32 rows) {
    u32 row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    const float* known = running + 3 * (size_t)row;
    logsumexp[row] = known[0] + logf(known[1]);
    logp[row] = known[2] - logsumexp[row];
}

// dz = g (onehot(target) - exp(z - logsumexp)). `d_tile` may be `tile`.
template <class T>
__device__ void head_differentiate(T* d_tile, const float* tile, const u32* targets, const float* logsumexp,
                                   const float* d_logp, u32 first, u32 words) {
    const float* scores = tile + (size_t)blockIdx.x * words;
    T* d_scores = d_tile + (size_t)blockIdx.x * words;
    float upstream = d_logp[blockIdx.x], whole = logsumexp[blockIdx.x];
    u32 target = targets[blockIdx.x];
    if (in_eights(scores, words) && in_eights(d_scores, words)) {
        for (u32 i = 8 * threadIdx.x; i < words; i += 8 * blockDim.x) {
            Eight<float> some(scores + i);
            Eight<T> change;
            for (u32 j = 0; j < 8; j++) {
                float taken = first + i + j == target ? 1.0f : 0.0f;
                change.at[j] = upstream * (taken - expf(some.at[j] - whole));
            }
            change.store(d_scores + i);
        }
        return;
    }
    for (u32 i = threadIdx.x; i < words; i += blockDim.x) {
        float taken = first + i == target ? 1.0f : 0.0f;
        d_scores[i] = narrow<T>(upstream * (taken - expf(scores[i] - whole)));
    }
}

KERNEL(head_run_f32, 256, (float* running, const float* tile, const u32* targets, u32 first, u32 words),
       head_run(running, tile, targets, first, words))
KERNEL(head_finish_f32, 256, (float* logp, float* logsumexp, const float* running, u32 rows),
       head_finish(logp, logsumexp, running, rows))
#define HEAD(T, suffix)                                                                                         \
    KERNEL(head_differentiate_##suffix, 256,                                                                    \
           (T * d_tile, const float* tile, const u32* targets, const float* logsumexp, const float* d_logp,     \
            u32 first, u32 words),                                                                              \
           head_differentiate<T>(d_tile, tile, targets, logsumexp, d_logp, first, words))
HEAD(float, f32)
HEAD(bf16, bf16)
