// AdamW, a thread for each weight, or for eight of them if `eights`; the formulas stand in `kernels/src/adamw`. The weights proper are `master`, in f32; the
// model reads `weights`, the same numbers in its own type, which may be `master` itself. The gradient is emptied. What changes
// from step to step stands in memory, so that a step can be recorded and run again.

struct AdamwFactors {
    float keep_weight, keep_first, add_first, keep_second, add_second, rate, root, epsilon;
    // The weight and both means, from the gradient.
    __device__ inline void step(float& w, float& m, float& v, float g) const {
        m = keep_first * m + add_first * g;
        v = keep_second * v + add_second * g * g;
        w = w * keep_weight - rate * (m / (sqrtf(v) * root + epsilon));
    }
};

template <class T>
__device__ void adamw_update(float* master, T* weights, float* gradient, float* first, float* second, size_t count,
                             const AdamwFactors* numbers, u32 eights) {
    size_t i = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * (eights ? 8 : 1);
    if (i >= count) return;
    AdamwFactors factors = *numbers;
    if (eights) {
        Eight<float> w(master + i), m(first + i), v(second + i), g(gradient + i);
        Eight<T> copy;
        for (int j = 0; j < 8; j++) {
            factors.step(w.at[j], m.at[j], v.at[j], g.at[j]);
            copy.at[j] = w.at[j];
            g.at[j] = 0.0f;
        }
        w.store(master + i);
        m.store(first + i);
        v.store(second + i);
        g.store(gradient + i);
        copy.store(weights + i);
        return;
    }
    float w = master[i], m = first[i], v = second[i];
    factors.step(w, m, v, gradient[i]);
    master[i] = w;
    first[i] = m;
    second[i] = v;
    gradient[i] = 0.0f;
    weights[i] = narrow<T>(w);
}

#define ADAMW(T, suffix)                                                                                  \
    KERNEL(adamw_update_##suffix, 256,                                                                    \
           (float* master, T* weights, float* gradient, float* first, float* second, size_t count,        \
            const AdamwFactors* factors, u32 eights),                                                     \
           adamw_update<T>(master, weights, gradient, first, second, count, factors, eights))
ADAMW(float, f32)
ADAMW(bf16, bf16)
