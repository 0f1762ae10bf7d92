// The gated unit, a thread for each number of the result; the formulas stand in `kernels/src/swiglu`.
// A row holds `width` gates and then `width` ups.

__device__ inline float swiglu_sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

template <class T>
__device__ void swiglu_forward(T* y, const T* gate_up, size_t count, u32 width) {
    size_t index = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count) return;
    const T* place = gate_up + index / width * 2 * width + index % width;
    float gate = wide(place[0]);
    y[index] = narrow<T>(gate * swiglu_sigmoid(gate) * wide(place[width]));
}

// In place: `gate_up` becomes its gradient, and `d_y` becomes `y`.
template <class T>
__device__ void swiglu_backward(T* gate_up, T* d_y, size_t count, u32 width) {
    size_t index = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count) return;
    T* place = gate_up + index / width * 2 * width + index % width;
    float gate = wide(place[0]), up = wide(place[width]), upstream = wide(d_y[index]);
    float s = swiglu_sigmoid(gate);
    float silu = gate * s;
    place[0] = narrow<T>(upstream * up * (s + silu * (1.0f - s)));
    place[width] = narrow<T>(upstream * silu);
    d_y[index] = narrow<T>(silu * up);
}

#define SWIGLU(T, suffix)                                                                        \
    KERNEL(swiglu_forward_##suffix, 256, (T * y, const T* gate_up, size_t count, u32 width),     \
           swiglu_forward<T>(y, gate_up, count, width))                                          \
    KERNEL(swiglu_backward_##suffix, 256, (T * gate_up, T * d_y, size_t count, u32 width),       \
           swiglu_backward<T>(gate_up, d_y, count, width))
SWIGLU(float, f32)
SWIGLU(bf16, bf16)
