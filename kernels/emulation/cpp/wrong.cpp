// Kernels with mistakes, on which the tests see that mistakes are noticed.
#include "emulation.h"
#include "common.cuh"

// No barrier between what one thread writes and another reads.
static void wrong_race(float* out) {
    SHARED(memory);
    float* numbers = (float*)memory;
    numbers[threadIdx.x] = (float)threadIdx.x;
    out[threadIdx.x] = numbers[(threadIdx.x + 1) % blockDim.x];
}
KERNEL(wrong_race_kernel, 64, (float* out), wrong_race(out))

// A barrier that half of the threads never come to.
static void wrong_barrier(float* out) {
    if (threadIdx.x < 32) __syncthreads();
    out[threadIdx.x] = 1.0f;
}
KERNEL(wrong_barrier_kernel, 64, (float* out), wrong_barrier(out))

// Two barriers that look like one.
static void wrong_place(float* out) {
    if (threadIdx.x < 32) {
        __syncthreads();
    } else {
        __syncthreads();
    }
    out[threadIdx.x] = 1.0f;
}
KERNEL(wrong_place_kernel, 64, (float* out), wrong_place(out))

// One number more than there is room for.
static void wrong_shared(float* out) {
    SHARED(memory);
    ((float*)memory)[threadIdx.x + 1] = 1.0f;
    out[threadIdx.x] = 1.0f;
}
KERNEL(wrong_shared_kernel, 64, (float* out), wrong_shared(out))

// One number more than was asked for.
static void wrong_global(float* out) { out[threadIdx.x + 1] = 1.0f; }
KERNEL(wrong_global_kernel, 64, (float* out), wrong_global(out))

// A shuffle that a lane has left before.
static void wrong_shuffle(float* out) {
    if (threadIdx.x == 5) return;
    out[threadIdx.x] = warp_sum(1.0f);
}
KERNEL(wrong_shuffle_kernel, 64, (float* out), wrong_shuffle(out))

// What another block left in shared memory.
static void wrong_leftover(float* out) {
    SHARED(memory);
    float* numbers = (float*)memory;
    out[blockIdx.x * blockDim.x + threadIdx.x] = blockIdx.x == 0 ? 1.0f : numbers[threadIdx.x];
    numbers[threadIdx.x] = 1.0f;
}
KERNEL(wrong_leftover_kernel, 64, (float* out), wrong_leftover(out))

// A copy that nobody waits for.
static void wrong_fetch(float* out) {
    SHARED(memory);
    float* numbers = (float*)memory;
    out[threadIdx.x] = 1.0f;
    emulation::fetch(numbers + threadIdx.x, out + threadIdx.x, 4, true);
    emulation::fetch_group();
    emulation::fetch_group();
    emulation::fetch_await(threadIdx.x < 32 ? 1 : 2);
    out[threadIdx.x] = numbers[threadIdx.x];
}
KERNEL(wrong_fetch_kernel, 64, (float* out), wrong_fetch(out))

// Sixteen bytes at once, from where so many do not begin.
static void wrong_alignment(float* out) {
    if (threadIdx.x == 0) *(Words*)(out + 4 * blockIdx.x) = Words();
    if (threadIdx.x == 0) *(Words*)(out + 4 * blockIdx.x + 1) = Words();
}
KERNEL(wrong_alignment_kernel, 64, (float* out), wrong_alignment(out))

extern "C" { int emulation_wrong = 1; }
