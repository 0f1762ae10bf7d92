// What every kernel is compiled behind: number types, sums over a block, and the way a kernel is declared.
//
// Two compilers read the kernels: NVRTC for a GPU, and the host's C++ compiler behind the emulation's header, for tests.
// So they use nothing but C++, the built-in names of CUDA, and what stands here.

typedef unsigned short u16;
typedef unsigned int u32;

#ifndef EMULATED
// A kernel is a device function with a name of its own for each type: KERNEL(name, threads of a block, parameters, call).
#define KERNEL(name, threads, parameters, call) \
    extern "C" __global__ void __launch_bounds__(threads, 1) name parameters { call; }
// Declares `pointer`, the memory that the threads of a block share; its size is given at the launch.
#define SHARED(pointer)                                        \
    extern __shared__ __align__(16) unsigned char shared_memory[]; \
    unsigned char* pointer = shared_memory
#endif

static __device__ const float NOTHING = -3.0e38f;  // below every score that a model can give

struct bf16 {
    u16 bits;
};

__device__ inline float wide(float x) { return x; }
__device__ inline float wide(bf16 x) { return __uint_as_float((u32)x.bits << 16); }

template <class T>
__device__ inline T narrow(float x);
template <>
__device__ inline float narrow<float>(float x) {
    return x;
}
// To the nearest, of two as near the even; what is not a number stays none.
template <>
__device__ inline bf16 narrow<bf16>(float x) {
    u32 bits = __float_as_uint(x);
    bf16 out;
    if ((bits & 0x7fffffffu) > 0x7f800000u) {
        out.bits = (u16)((bits >> 16) | 0x40u);
    } else {
        out.bits = (u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
    }
    return out;
}

// Sixteen bytes, which a thread reads and writes at once.
struct alignas(16) Words {
    u32 at[4];
};

// Can numbers be taken eight at a time that begin there and go on in rows of `width`?
template <class T>
__device__ inline bool in_eights(const T* from, u32 width) {
    return ((size_t)from & 15) == 0 && width % 8 == 0;
}

// Eight numbers, which begin at a multiple of 16 bytes. Memory is read at its speed only if a thread asks for so much at once.
template <class T>
struct Eight;
template <>
struct Eight<float> {
    float at[8];
    __device__ inline Eight() {}
    __device__ inline explicit Eight(const float* from) {
        Words low = *(const Words*)from, high = *(const Words*)(from + 4);
        for (int i = 0; i < 4; i++) {
            at[i] = __uint_as_float(low.at[i]);
            at[4 + i] = __uint_as_float(high.at[i]);
        }
    }
    __device__ inline void store(float* to) const {
        Words low, high;
        for (int i = 0; i < 4; i++) {
            low.at[i] = __float_as_uint(at[i]);
            high.at[i] = __float_as_uint(at[4 + i]);
        }
        *(Words*)to = low;
        *(Words*)(to + 4) = high;
    }
};
template <>
struct Eight<bf16> {
    float at[8];
    __device__ inline Eight() {}
    __device__ inline explicit Eight(const bf16* from) {
        Words pairs = *(const Words*)from;
        for (int i = 0; i < 4; i++) {
            at[2 * i] = __uint_as_float(pairs.at[i] << 16);
            at[2 * i + 1] = __uint_as_float(pairs.at[i] & 0xffff0000u);
        }
    }
    __device__ inline void store(bf16* to) const {
        Words pairs;
        for (int i = 0; i < 4; i++) {
            pairs.at[i] = (u32)narrow<bf16>(at[2 * i]).bits | (u32)narrow<bf16>(at[2 * i + 1]).bits << 16;
        }
        *(Words*)to = pairs;
    }
};

// Over the 32 threads of a warp, in the same order for each of them.
__device__ inline float warp_sum(float x) {
    for (int other = 16; other > 0; other /= 2) x += __shfl_xor_sync(0xffffffffu, x, other);
    return x;
}
__device__ inline float warp_max(float x) {
    for (int other = 16; other > 0; other /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, other));
    return x;
}

// Over a block; `scratch` has room for 32 numbers, and may be used again at once.
__device__ inline float block_sum(float x, float* scratch) {
    u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    x = warp_sum(x);
    if (lane == 0) scratch[warp] = x;
    __syncthreads();
    x = warp_sum(lane < warps ? scratch[lane] : 0.0f);
    __syncthreads();
    return x;
}
__device__ inline float block_max(float x, float* scratch) {
    u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    x = warp_max(x);
    if (lane == 0) scratch[warp] = x;
    __syncthreads();
    x = warp_max(lane < warps ? scratch[lane] : NOTHING);
    __syncthreads();
    return x;
}

// What attention works on. The blocks of queries: five numbers for each, where its prefix begins and how long that is, where the rows begin
// that its queries see up to their own, the first query and the number of queries. Key `i` of such a block is row `i` of
// the prefix, or row `i - length` from where the own rows begin.
struct AttentionShape {
    u32 tokens, query_heads, key_heads, width;
    __device__ inline size_t row() const { return (size_t)(query_heads + 2 * key_heads) * width; }
    __device__ inline size_t out() const { return (size_t)query_heads * width; }
    __device__ inline u32 group() const { return query_heads / key_heads; }
    __device__ inline float scale() const { return 1.0f / sqrtf((float)width); }
};

struct AttentionBlock {
    u32 prefix, prefix_length, start, first, length;
    __device__ inline AttentionBlock(const u32* at)
        : prefix(at[0]), prefix_length(at[1]), start(at[2]), first(at[3]), length(at[4]) {}
    // Keys that query `i` of the block sees: none if there is no such query.
    __device__ inline u32 sees(u32 i) const { return i < length ? prefix_length + first + i - start + 1 : 0; }
    // Keys that the last query sees.
    __device__ inline u32 keys() const { return prefix_length + first + length - start; }
    __device__ inline size_t row(u32 key) const {
        return key < prefix_length ? prefix + key : start + key - prefix_length;
    }
};
