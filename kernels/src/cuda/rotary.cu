// Rotary position embedding, a thread for each pair of numbers; the formulas stand in `kernels/src/rotary`.
// `cosines` and `sines` are of [positions, half]; `sign` is 1, or -1 to turn a gradient back.

template <class T>
__device__ void rotary_turn(T* x, const float* cosines, const float* sines, const u32* positions, u32 rows, u32 width,
                            u32 heads, u32 half, float sign) {
    size_t index = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= (size_t)rows * heads * half) return;
    u32 pair = index % half, head = index / half % heads, row = index / half / heads;
    size_t angle = (size_t)positions[row] * half + pair;
    float c = cosines[angle], s = sign * sines[angle];
    T* first = x + (size_t)row * width + head * 2 * half + pair;
    T* second = first + half;
    float a = wide(*first), b = wide(*second);
    *first = narrow<T>(a * c - b * s);
    *second = narrow<T>(b * c + a * s);
}

#define ROTARY(T, suffix)                                                                                      \
    KERNEL(rotary_turn_##suffix, 256,                                                                          \
           (T * x, const float* cosines, const float* sines, const u32* positions, u32 rows, u32 width,        \
            u32 heads, u32 half, float sign),                                                                  \
           rotary_turn<T>(x, cosines, sines, positions, rows, width, heads, half, sign))
ROTARY(float, f32)
ROTARY(bf16, bf16)
