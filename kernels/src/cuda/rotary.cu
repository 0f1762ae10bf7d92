// Rotary position embedding, a thread for each pair of numbers, or for eight neighbouring ones if `eights`; the formulas stand in `kernels/src/rotary`.
// `cosines` and `sines` are of [positions, half]; `sign` is 1, or -1 to turn a gradient back.

template <class T>
__device__ void rotary_turn(T* x, const float* cosines, const float* sines, const u32* positions, u32 rows, u32 width,
                            u32 heads, u32 half, float sign, u32 eights) {
    size_t index = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * (eights ? 8 : 1);
    if (index >= (size_t)rows * heads * half) return;
    u32 pair = index % half, head = index / half % heads, row = index / half / heads;
    size_t angle = (size_t)positions[row] * half + pair;
    T* first = x + (size_t)row * width + head * 2 * half + pair;
    T* second = first + half;
    if (eights) {
        Eight<float> c(cosines + angle), s(sines + angle);
        Eight<T> a(first), b(second);
        for (int i = 0; i < 8; i++) {
            float left = a.at[i], right = b.at[i], sine = sign * s.at[i];
            a.at[i] = left * c.at[i] - right * sine;
            b.at[i] = right * c.at[i] + left * sine;
        }
        a.store(first);
        b.store(second);
        return;
    }
    float c = cosines[angle], s = sign * sines[angle];
    float a = wide(*first), b = wide(*second);
    *first = narrow<T>(a * c - b * s);
    *second = narrow<T>(b * c + a * s);
}

#define ROTARY(T, suffix)                                                                                      \
    KERNEL(rotary_turn_##suffix, 256,                                                                          \
           (T * x, const float* cosines, const float* sines, const u32* positions, u32 rows, u32 width,        \
            u32 heads, u32 half, float sign, u32 eights),                                                      \
           rotary_turn<T>(x, cosines, sines, positions, rows, width, heads, half, sign, eights))
ROTARY(float, f32)
ROTARY(bf16, bf16)
