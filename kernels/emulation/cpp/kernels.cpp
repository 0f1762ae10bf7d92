// Every kernel of `kernels/src/cuda`, as a GPU's compiler sees it but for the header.
#include "emulation.h"
#include "common.cuh"

#include "adamw.cu"
#include "attention.cu"
#include "bias.cu"
#include "cast.cu"
#include "decoding.cu"
#include "embedding.cu"
#include "head.cu"
#include "head_norm.cu"
#include "magnitude.cu"
#include "rms_norm.cu"
#include "rotary.cu"
#include "sampling.cu"
#include "swiglu.cu"
#include "tensor.cu"

extern "C" { int emulation_kernels = 1; }
