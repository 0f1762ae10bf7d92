// CUDA's built-in names on the host, so that a kernel's source runs there as it stands, for tests.
//
// The threads of a block are fibers: each runs until it must wait, at a barrier of its block or for the other threads of
// its warp, and then the next one runs. In which order is chosen from outside: a kernel that is right gives the same
// numbers in every order. Blocks run one after the other, in an order chosen likewise.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <string>
#include <tuple>
#include <utility>

#define EMULATED
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline

namespace emulation {

struct Index {
    unsigned x, y, z;
};

extern thread_local Index thread_index, block_index, block_size, grid_size;
extern thread_local unsigned char* shared;

// Waits for all threads of the block; they must all wait at the same place of the source.
void block_barrier(const char* file, int line);
// Waits for all threads of the warp. Before, each may leave up to `bytes` for the others; `read` finds those of a lane.
void warp_exchange(const void* own, unsigned bytes, const char* file, int line);
const void* warp_read(unsigned lane);
// Copies that a thread begins, as `cp.async` does: nothing of them is done until it waits for their group.
void fetch(void* to, const void* from, unsigned bytes, bool there);
void fetch_group();
void fetch_await(unsigned later);
// Ends the launch with a message.
[[noreturn]] void fail(const char* message);

// A parameter's kind, by a letter: an address, a whole number of 32 or 64 bits, a number.
template <class T>
constexpr char kind(T*) {
    return 'a';
}
constexpr char kind(uint32_t) { return 'u'; }
constexpr char kind(size_t) { return 'l'; }
constexpr char kind(float) { return 'f'; }

struct Kernel {
    const char* name;
    unsigned threads;
    std::string parameters;  // their kinds
    void (*call)(void** arguments);
    Kernel* next;
    Kernel(const char* name, unsigned threads, std::string parameters, void (*call)(void**));
};

template <class... A, size_t... I>
void call_with(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
    kernel(*(A*)arguments[I]...);
}
template <class... A>
void call(void (*kernel)(A...), void** arguments) {
    call_with(kernel, arguments, std::index_sequence_for<A...>());
}
template <class... A>
std::string kinds(void (*)(A...)) {
    return {kind(A())...};
}

template <class T>
T shuffle_xor(unsigned mask, T value, unsigned other, const char* file, int line) {
    if (mask != 0xffffffffu) fail("a shuffle that leaves lanes out");
    warp_exchange(&value, sizeof value, file, line);
    T out;
    memcpy(&out, warp_read((thread_index.x % 32) ^ other), sizeof out);
    return out;
}

// c += a b of 16 x 16 by 16 x 8 numbers in bf16, with the fragments of `mma.m16n8k16` as PTX defines them.
inline void warp_product(float* c, const uint32_t* a, const uint32_t* b, const char* file, int line) {
    uint32_t own[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
    warp_exchange(own, sizeof own, file, line);
    auto number = [](unsigned lane, unsigned place, unsigned half) {
        uint32_t bits = ((const uint32_t*)warp_read(lane))[place] >> (16 * half) << 16;
        float x;
        memcpy(&x, &bits, sizeof x);
        return x;
    };
    unsigned group = thread_index.x % 32 / 4, column = thread_index.x % 4 * 2;
    for (unsigned i = 0; i < 4; i++) {
        unsigned n = column + i % 2;
        for (unsigned k = 0; k < 16; k++) {
            // The row's lower half is the group's own; a fragment's later registers hold the rows and columns from 8 on.
            float left = number(4 * group + k % 8 / 2, i / 2 + 2 * (k / 8), k % 2);
            float right = number(4 * n + k % 8 / 2, 4 + k / 8, k % 2);
            c[i] += left * right;
        }
    }
}

// Four matrices of 8 x 8 numbers of 16 bits, as `ldmatrix` reads them.
template <class T>
void warp_matrices(uint32_t* four, const T* row, bool turned, const char* file, int line) {
    static_assert(sizeof(T) == 2, "numbers of 16 bits");
    if ((uintptr_t)row % 16 != 0) fail("a row of a matrix that does not begin at a multiple of 16 bytes");
    warp_exchange(&row, sizeof row, file, line);
    auto number = [](unsigned matrix, unsigned row, unsigned column) {
        uint16_t bits;
        memcpy(&bits, *(const T* const*)warp_read(8 * matrix + row) + column, sizeof bits);
        return (uint32_t)bits;
    };
    unsigned group = thread_index.x % 32 / 4, pair = thread_index.x % 4 * 2;
    for (unsigned i = 0; i < 4; i++) {
        four[i] = turned ? number(i, pair, group) | number(i, pair + 1, group) << 16
                         : number(i, group, pair) | number(i, group, pair + 1) << 16;
    }
    // Nobody writes there before all have read.
    warp_exchange(nullptr, 0, file, line);
}

}  // namespace emulation

#define KERNEL(name, threads, parameters, body)                                                         \
    static void name parameters { body; }                                                               \
    static emulation::Kernel registered_##name(#name, threads, emulation::kinds(name),                  \
                                               [](void** arguments) { emulation::call(name, arguments); });
#define SHARED(pointer) unsigned char* pointer = emulation::shared

#define threadIdx emulation::thread_index
#define blockIdx emulation::block_index
#define blockDim emulation::block_size
#define gridDim emulation::grid_size
#define __syncthreads() emulation::block_barrier(__FILE__, __LINE__)
#define __syncwarp() emulation::warp_exchange(nullptr, 0, __FILE__, __LINE__)
#define __shfl_xor_sync(mask, value, other) emulation::shuffle_xor(mask, value, other, __FILE__, __LINE__)

inline uint32_t __float_as_uint(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
inline float __uint_as_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
