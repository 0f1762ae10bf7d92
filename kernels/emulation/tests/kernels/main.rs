//! Every kernel for a GPU, emulated on the host, against the references of the kernels for the CPU.

mod attention;
mod bias;
mod decoding;
mod elementwise;
mod head;
mod head_norm;
mod matrix;
#[allow(unsafe_code)]
mod mistakes;
mod region;
mod repeat;
mod rms_norm;
mod sampling;
mod support;
