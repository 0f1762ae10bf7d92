//! Programs that must not compile, in `fail`, each with what the compiler says of it; and in `pass` programs that must.

pub mod verifier;
