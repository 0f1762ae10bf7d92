// What a generated kernel is compiled behind: going over the words of a row, and what must be known of all of them.
// `source.rs` writes the kernels. A block has a row; `scores` are its scores by the first policy, in f32, and those by the next
// one lie `apart` numbers further on.

// A function of a word is called with its scores by each policy, and its number.
template <int POLICIES, class Each>
__device__ inline void region_words(const float* scores, size_t apart, u32 words, Each each) {
    if (in_eights(scores, words)) {
        for (u32 i = 8 * threadIdx.x; i < words; i += 8 * blockDim.x) {
            Eight<float> some[POLICIES];
#pragma unroll
            for (int p = 0; p < POLICIES; p++) some[p] = Eight<float>(scores + p * apart + i);
#pragma unroll
            for (u32 j = 0; j < 8; j++) {
                float z[POLICIES];
#pragma unroll
                for (int p = 0; p < POLICIES; p++) z[p] = some[p].at[j];
                each(z, i + j);
            }
        }
        return;
    }
    for (u32 i = threadIdx.x; i < words; i += blockDim.x) {
        float z[POLICIES];
#pragma unroll
        for (int p = 0; p < POLICIES; p++) z[p] = scores[p * apart + i];
        each(z, i);
    }
}

// The same where the function leaves a number for each policy that is trained, in `to`. Of these one may be where its scores are:
// a word's are read before its numbers are written, by the same thread.
template <int POLICIES, int TRAINED, class T, class Each>
__device__ inline void region_change(T* const* to, const float* scores, size_t apart, u32 words, Each each) {
    if (in_eights(scores, words) && in_eights(to[0], words)) {
        for (u32 i = 8 * threadIdx.x; i < words; i += 8 * blockDim.x) {
            Eight<float> some[POLICIES];
            Eight<T> change[TRAINED];
#pragma unroll
            for (int p = 0; p < POLICIES; p++) some[p] = Eight<float>(scores + p * apart + i);
#pragma unroll
            for (u32 j = 0; j < 8; j++) {
                float z[POLICIES], d[TRAINED];
#pragma unroll
                for (int p = 0; p < POLICIES; p++) z[p] = some[p].at[j];
                each(z, i + j, d);
#pragma unroll
                for (int t = 0; t < TRAINED; t++) change[t].at[j] = d[t];
            }
#pragma unroll
            for (int t = 0; t < TRAINED; t++) change[t].store(to[t] + i);
        }
        return;
    }
    for (u32 i = threadIdx.x; i < words; i += blockDim.x) {
        float z[POLICIES], d[TRAINED];
#pragma unroll
        for (int p = 0; p < POLICIES; p++) z[p] = scores[p * apart + i];
        each(z, i, d);
#pragma unroll
        for (int t = 0; t < TRAINED; t++) to[t][i] = narrow<T>(d[t]);
    }
}

// A thread's share of `ln(sum of w exp(x))`, over the words with a weight.
struct RegionSum {
    float highest, sum;
    __device__ inline RegionSum() : highest(NOTHING), sum(0.0f) {}
    __device__ inline void add(float x, float weight) {
        if (weight == 0.0f) return;
        float less = expf(-fabsf(x - highest));
        sum = x > highest ? sum * less + weight : sum + weight * less;
        highest = fmaxf(highest, x);
    }
    // Of all threads. `none` is set if no word had a weight.
    __device__ inline float total(float* scratch, bool* none) const {
        float most = block_max(highest, scratch);
        float all = block_sum(sum * expf(highest - most), scratch);
        *none = most <= NOTHING;
        return most + logf(all);
    }
};

// The words that are kept: those above the value, and those equal to it up to this place.
struct RegionLimit {
    float value;
    u32 place;
    __device__ inline float mark(float x, u32 word) const {
        return x > value || (x == value && word <= place) ? 1.0f : 0.0f;
    }
};

// Larger for a larger number; both zeros have the same.
__device__ inline u32 region_key(float x) {
    u32 bits = __float_as_uint(x == 0.0f ? 0.0f : x);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

// The key of which the `count` largest are not below: four bits at a time, from the front. `each` hands each word's key to what it
// is given, if it has one. Afterwards `count` says how many of those at the key are among them, and `equal` how many there are.
// False if there are not so many words. Counts are whole numbers below 2^24, which f32 holds.
template <class Keys>
__device__ inline bool region_select(u32* key, float* count, float* equal, float* scratch, const Keys& each) {
    u32 front = 0;
    for (int shift = 28; shift >= 0; shift -= 4) {
        u32 mask = shift == 28 ? 0u : 0xffffffffu << (shift + 4);
        float from[17];  // words whose next digit is at least this
#pragma unroll
        for (int digit = 0; digit < 17; digit++) from[digit] = 0.0f;
        each([&](u32 own) {
            if ((own & mask) != front) return;
            int next = (int)(own >> shift & 15u);
#pragma unroll
            for (int digit = 0; digit < 16; digit++) from[digit] += next >= digit ? 1.0f : 0.0f;
        });
#pragma unroll
        for (int digit = 0; digit < 16; digit++) from[digit] = block_sum(from[digit], scratch);
        if (from[0] < *count) return false;
        u32 found = 0;
        float here = from[0], above = from[1];
#pragma unroll
        for (int digit = 1; digit < 16; digit++) {
            if (from[digit] >= *count) {
                found = (u32)digit;
                here = from[digit];
                above = from[digit + 1];
            }
        }
        front |= found << shift;
        *count -= above;
        *equal = here - above;
    }
    *key = front;
    return true;
}

// The keys of the words by a value; what is no number has none.
template <int POLICIES, class Value>
struct RegionValues {
    const float* scores;
    size_t apart;
    u32 words;
    const Value& value;
    template <class Hand>
    __device__ inline void operator()(Hand hand) const {
        region_words<POLICIES>(scores, apart, words, [&](const float* z, u32 word) {
            float x = value(z, word);
            if (x == x) hand(region_key(x));
        });
    }
};

// Those of the words that have this value by their places, the first the largest.
template <int POLICIES, class Value>
struct RegionPlaces {
    const float* scores;
    size_t apart;
    u32 words;
    const Value& value;
    float equal;
    template <class Hand>
    __device__ inline void operator()(Hand hand) const {
        region_words<POLICIES>(scores, apart, words, [&](const float* z, u32 word) {
            if (value(z, word) == equal) hand(~word);
        });
    }
};

// Which words are the `count` largest by a value, of equal ones the first.
template <int POLICIES, class Value>
__device__ inline RegionLimit region_top(const float* scores, size_t apart, u32 words, u32 count, float* scratch,
                                         Value value) {
    RegionLimit limit = {__uint_as_float(0xff800000u), 0xffffffffu};
    u32 key;
    float kept = (float)count, equal;
    RegionValues<POLICIES, Value> values = {scores, apart, words, value};
    if (!region_select(&key, &kept, &equal, scratch, values)) return limit;
    limit.value = __uint_as_float(key & 0x80000000u ? key & 0x7fffffffu : ~key);
    if (kept < equal) {
        // Of the equal ones, which is the last that is kept.
        RegionPlaces<POLICIES, Value> places = {scores, apart, words, value, limit.value};
        region_select(&key, &kept, &equal, scratch, places);
        limit.place = ~key;
    }
    return limit;
}

__device__ inline float region_logistic(float x) { return 1.0f / (1.0f + expf(-x)); }
__device__ inline float region_log_logistic(float x) { return fminf(x, 0.0f) - log1pf(expf(-fabsf(x))); }
// ln(1 - exp(x)) for x < 0.
__device__ inline float region_log_complement(float x) {
    return x > -0.6931472f ? logf(-expm1f(x)) : log1pf(-expf(x));
}
// ln(exp(a) + exp(b))
__device__ inline float region_log_plus(float a, float b) {
    return (b > a ? b : a) + log1pf(expf(-fabsf(a - b)));
}
// No gradient times an infinite slope is no gradient, and neither is an infinite one times no slope.
__device__ inline float region_pushed(float given, float slope) {
    return given == 0.0f || slope == 0.0f ? 0.0f : given * slope;
}
