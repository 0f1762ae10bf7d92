//! The attribute macros of Collimate.
