// AdamW, a thread for each weight; the formulas stand in `kernels/src/adamw`. The weights proper are `master`, in f32; the
// model reads `weights`, the same numbers in its own type, which may be `master` itself. The gradient is emptied. What changes
// from step to step stands in memory, so that a step can be recorded and run again.

template <class T>
__device__ void adamw_update(float* master, T* weights, float* gradient, float* first, float* second, size_t count,
                             const float* factors) {
    size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    float keep_weight = factors[0], keep_first = factors[1], add_first = factors[2], keep_second = factors[3];
    float add_second = factors[4], rate = factors[5], root = factors[6], epsilon = factors[7];
    float g = gradient[i];
    gradient[i] = 0.0f;
    float m = keep_first * first[i] + add_first * g;
    float v = keep_second * second[i] + add_second * g * g;
    first[i] = m;
    second[i] = v;
    float w = master[i] * keep_weight - rate * (m / (sqrtf(v) * root + epsilon));
    master[i] = w;
    weights[i] = narrow<T>(w);
}

#define ADAMW(T, suffix)                                                                                  \
    KERNEL(adamw_update_##suffix, 256,                                                                    \
           (float* master, T* weights, float* gradient, float* first, float* second, size_t count,        \
            const float* factors),                                                                        \
           adamw_update<T>(master, weights, gradient, first, second, count, factors))
ADAMW(float, f32)
ADAMW(bf16, bf16)
