// One word for each row of scores, a block for each row. Limits as in `runtime/src/sample`: of the `top_k` heaviest words
// those are allowed that together have the share `top_p`, the heaviest first and of equal ones the first; `top_k` of 0 and
// `top_p` of 1 allow all. The word is the one, in the order of the vocabulary, in whose share of the allowed weight
// `uniform` falls. `logp` is the logarithm of its probability at temperature 1 and with no limits.

// Larger for a larger score.
__device__ inline u32 sampling_key(float score) {
    u32 bits = __float_as_uint(score);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

// Those above `key`, and the first `ties` of those at it.
struct SamplingLimit {
    u32 key, ties;
};

struct SamplingRow {
    const float* scores;
    u32 words;
    float highest, inverse;
    double* scratch;  // one for each thread
    __device__ inline double weight(u32 word) const { return (double)expf((scores[word] - highest) * inverse); }
    __device__ inline double sum(double x) const {
        scratch[threadIdx.x] = x;
        __syncthreads();
        for (u32 half = blockDim.x / 2; half > 0; half /= 2) {
            if (threadIdx.x < half) scratch[threadIdx.x] += scratch[threadIdx.x + half];
            __syncthreads();
        }
        x = scratch[0];
        __syncthreads();
        return x;
    }
    // Of the words whose key is not below `key`: how many, or how heavy they are together.
    __device__ inline double from(u32 key, bool weigh) const {
        double x = 0.0;
        for (u32 i = threadIdx.x; i < words; i += blockDim.x) {
            if (sampling_key(scores[i]) >= key) x += weigh ? weight(i) : 1.0;
        }
        return sum(x);
    }
    // The largest key such that the words from it on are `enough`.
    __device__ inline u32 largest(double enough, bool weigh) const {
        u32 key = 0;
        for (u32 bit = 0x80000000u; bit > 0; bit /= 2) {
            if (from(key | bit, weigh) >= enough) key |= bit;
        }
        return key;
    }
    // The weight of one word at the key, which some word has.
    __device__ inline double weight_at(u32 key) const {
        u32 bits = key & 0x80000000u ? key & 0x7fffffffu : ~key;
        return (double)expf((__uint_as_float(bits) - highest) * inverse);
    }
    __device__ inline double above(u32 key, bool weigh) const { return key == 0xffffffffu ? 0.0 : from(key + 1, weigh); }
    __device__ inline SamplingLimit limit(u32 top_k, float top_p) const {
        SamplingLimit by_count = {0, words};
        if (top_k != 0 && top_k < words) {
            by_count.key = largest((double)top_k, false);
            by_count.ties = (u32)((double)top_k - above(by_count.key, false));
        }
        if (top_p >= 1.0f) return by_count;
        double total = by_count.key == 0 ? from(0, true)
                                         : above(by_count.key, true) + by_count.ties * weight_at(by_count.key);
        double enough = (double)top_p * total;
        u32 key = largest(enough, true);
        if (key < by_count.key) return by_count;
        double missing = enough - above(key, true), each = weight_at(key);
        double ties = ceil(missing / each);
        if (ties < 1.0) ties = 1.0;
        // What a share leaves of the words at the first limit is no more than that limit leaves.
        if (key == by_count.key && ties > (double)by_count.ties) ties = (double)by_count.ties;
        return SamplingLimit{key, ties > (double)words ? words : (u32)ties};
    }
};

__device__ inline void sampling_choose(u32* tokens, float* logp, const float* all, const float* uniform, u32 words,
                                       float temperature, u32 top_k, float top_p) {
    SHARED(memory);
    double* scratch = (double*)memory;
    u32* ties_before = (u32*)(scratch + blockDim.x);
    u32* found = ties_before + blockDim.x;
    const float* scores = all + (size_t)blockIdx.x * words;
    float highest = NOTHING;
    for (u32 i = threadIdx.x; i < words; i += blockDim.x) highest = fmaxf(highest, scores[i]);
    highest = block_max(highest, (float*)scratch);
    SamplingRow plain = {scores, words, highest, 1.0f, scratch};
    double whole = plain.from(0, true);
    SamplingRow row = {scores, words, highest, temperature > 0.0f ? 1.0f / temperature : 1.0f, scratch};
    // Without a temperature it is the first of the highest.
    SamplingLimit limit = temperature > 0.0f ? row.limit(top_k, top_p) : SamplingLimit{sampling_key(highest), 1};

    // Each thread has a strip of words; first it must know how many at the limit stand before.
    u32 strip = (words + blockDim.x - 1) / blockDim.x;
    u32 begin = threadIdx.x * strip < words ? threadIdx.x * strip : words;
    u32 end = begin + strip < words ? begin + strip : words;
    u32 ties = 0;
    for (u32 i = begin; i < end; i++) ties += sampling_key(scores[i]) == limit.key ? 1 : 0;
    ties_before[threadIdx.x] = ties;
    __syncthreads();
    u32 before = 0;
    for (u32 i = 0; i < threadIdx.x; i++) before += ties_before[i];
    double heavy = 0.0;
    u32 seen = before;
    for (u32 i = begin; i < end; i++) {
        u32 key = sampling_key(scores[i]);
        if (key > limit.key || (key == limit.key && seen++ < limit.ties)) heavy += row.weight(i);
    }
    scratch[threadIdx.x] = heavy;
    __syncthreads();
    double total = 0.0, sum = 0.0;
    for (u32 i = 0; i < blockDim.x; i++) {
        if (i == threadIdx.x) sum = total;
        total += scratch[i];
    }
    double target = (double)uniform[blockIdx.x] * total;
    // The first word at which the running sum is above the target; should rounding leave none, the last with a weight.
    u32 mine = words, last = words;
    seen = before;
    for (u32 i = begin; i < end && mine == words; i++) {
        u32 key = sampling_key(scores[i]);
        if (key > limit.key || (key == limit.key && seen++ < limit.ties)) {
            double weight = row.weight(i);
            sum += weight;
            if (weight > 0.0) last = i;
            if (weight > 0.0 && sum > target) mine = i;
        }
    }
    __syncthreads();
    found[threadIdx.x] = mine;
    ties_before[threadIdx.x] = last;
    __syncthreads();
    if (threadIdx.x != 0) return;
    u32 word = words, fallback = 0;
    for (u32 i = 0; i < blockDim.x; i++) {
        if (word == words && found[i] < words) word = found[i];
        if (ties_before[i] < words) fallback = ties_before[i];
    }
    if (word == words) word = fallback;
    tokens[blockIdx.x] = word;
    logp[blockIdx.x] = (float)((double)(scores[word] - highest) - log(whole));
}

KERNEL(sampling_choose_f32, 256,
       (u32* tokens, float* logp, const float* scores, const float* uniform, u32 words, float temperature, u32 top_k,
        float top_p),
       sampling_choose(tokens, logp, scores, uniform, words, temperature, top_k, top_p))
