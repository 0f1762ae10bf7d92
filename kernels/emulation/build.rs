//! Compiles the kernels' own sources with the host's C++ compiler.

fn main() {
    println!("cargo:rerun-if-changed=cpp");
    println!("cargo:rerun-if-changed=../src/cuda");
    let mut build = cc::Build::new();
    // Optimised also where everything else is compiled for debugging: thousands of threads take turns on one core.
    build.cpp(true).std("c++17").opt_level(2).include("cpp").include("../src/cuda");
    build.flag_if_supported("-Wno-unknown-pragmas");
    // It asks `emulation.cpp`, which knows what to say, rather than a library.
    build.flag("-fsanitize=alignment");
    // Jumps from one stack to another are what it does.
    build.flag("-U_FORTIFY_SOURCE");
    build.file("cpp/emulation.cpp").file("cpp/kernels.cpp").file("cpp/wrong.cpp");
    build.compile("emulation");
    // Kernels that are written while a test runs are compiled there, likewise.
    let compiler = build.get_compiler();
    println!("cargo:rustc-env=EMULATION_COMPILER={}", compiler.path().display());
    println!("cargo:rustc-env=EMULATION_LIBRARY={}/libemulation.a", std::env::var("OUT_DIR").expect("cargo gives one"));
}
