//! The numeric kernels of Collimate.
