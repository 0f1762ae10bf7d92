// Sum of squares in f64, the same on every run: each block has a fixed strip, and the strips are added in their order.

__device__ inline double magnitude_block_sum(double x, double* scratch) {
    scratch[threadIdx.x] = x;
    __syncthreads();
    for (u32 half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) scratch[threadIdx.x] += scratch[threadIdx.x + half];
        __syncthreads();
    }
    return scratch[0];
}

__device__ inline void magnitude_partial(double* partial, const float* values, size_t count, size_t strip) {
    SHARED(memory);
    size_t first = blockIdx.x * strip;
    size_t end = first + strip < count ? first + strip : count;
    double sum = 0.0;
    if (in_eights(values, 8)) {
        // Strips begin at multiples of eight.
        for (size_t i = first + 8 * threadIdx.x; i + 8 <= end; i += 8 * blockDim.x) {
            Eight<float> numbers(values + i);
            for (int j = 0; j < 8; j++) sum += (double)numbers.at[j] * (double)numbers.at[j];
        }
        first = end - (end - first) % 8;
    }
    for (size_t i = first + threadIdx.x; i < end; i += blockDim.x) sum += (double)values[i] * (double)values[i];
    sum = magnitude_block_sum(sum, (double*)memory);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__device__ inline void magnitude_total(double* partial, u32 strips) {
    double sum = 0.0;
    for (u32 i = 0; i < strips; i++) sum += partial[i];
    partial[0] = sum;
}

KERNEL(magnitude_partial_f32, 256, (double* partial, const float* values, size_t count, size_t strip),
       magnitude_partial(partial, values, count, strip))
KERNEL(magnitude_total_f64, 32, (double* partial, u32 strips), {
    if (threadIdx.x == 0) magnitude_total(partial, strips);
})
