// The gated unit, a thread for each number of the result, or for eight of them if `eights`; the formulas stand in
// `kernels/src/swiglu`. A row holds `width` gates and then `width` ups.

__device__ inline float swiglu_sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

__device__ inline float swiglu_value(float gate, float up) { return gate * swiglu_sigmoid(gate) * up; }

// `gate` and `up` become their gradients, and `upstream` the value.
__device__ inline void swiglu_gradient(float& gate, float& up, float& upstream) {
    float s = swiglu_sigmoid(gate), silu = gate * s;
    float value = silu * up;
    gate = upstream * up * (s + silu * (1.0f - s));
    up = upstream * silu;
    upstream = value;
}

template <class T>
__device__ void swiglu_forward(T* y, const T* gate_up, size_t count, u32 width, u32 eights) {
    size_t index = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * (eights ? 8 : 1);
    if (index >= count) return;
    const T* place = gate_up + index / width * 2 * width + index % width;
    if (eights) {
        Eight<T> gate(place), up(place + width);
        for (int i = 0; i < 8; i++) gate.at[i] = swiglu_value(gate.at[i], up.at[i]);
        gate.store(y + index);
    } else {
        y[index] = narrow<T>(swiglu_value(wide(place[0]), wide(place[width])));
    }
}

// In place: `gate_up` becomes its gradient, and `d_y` becomes `y`.
template <class T>
__device__ void swiglu_backward(T* gate_up, T* d_y, size_t count, u32 width, u32 eights) {
    size_t index = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * (eights ? 8 : 1);
    if (index >= count) return;
    T* place = gate_up + index / width * 2 * width + index % width;
    if (eights) {
        Eight<T> gate(place), up(place + width), upstream(d_y + index);
        for (int i = 0; i < 8; i++) swiglu_gradient(gate.at[i], up.at[i], upstream.at[i]);
        gate.store(place);
        up.store(place + width);
        upstream.store(d_y + index);
    } else {
        float gate = wide(place[0]), up = wide(place[width]), upstream = wide(d_y[index]);
        swiglu_gradient(gate, up, upstream);
        place[0] = narrow<T>(gate);
        place[width] = narrow<T>(up);
        d_y[index] = narrow<T>(upstream);
    }
}

#define SWIGLU(T, suffix)                                                                                    \
    KERNEL(swiglu_forward_##suffix, 256, (T * y, const T* gate_up, size_t count, u32 width, u32 eights),     \
           swiglu_forward<T>(y, gate_up, count, width, eights))                                              \
    KERNEL(swiglu_backward_##suffix, 256, (T * gate_up, T * d_y, size_t count, u32 width, u32 eights),       \
           swiglu_backward<T>(gate_up, d_y, count, width, eights))
SWIGLU(float, f32)
SWIGLU(bf16, bf16)
