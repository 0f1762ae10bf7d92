//! Where freed memory goes.

/// From now on, blocks of 4 MiB and more go back to the system as soon as they are freed. To be called once, as a program starts and
/// before it has threads.
///
/// A large product asks for room to rearrange its operands in, some MiB each time. glibc answers the first few of these by keeping ever
/// larger blocks for later, apart for each thread; they are split for smaller ones, and never fit again: some hundred MiB that nobody
/// uses. Other systems' allocators are left alone.
pub fn give_back_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #[allow(unsafe_code)]
        unsafe extern "C" {
            fn mallopt(parameter: std::ffi::c_int, value: std::ffi::c_int) -> std::ffi::c_int;
        }
        const MMAP_THRESHOLD: std::ffi::c_int = -3;
        // SAFETY: it takes any value, and changes nothing but where later blocks come from; no other thread allocates meanwhile, as
        // the caller promises, and if one did it would get its block from either place. That it may refuse is no fault.
        #[allow(unsafe_code)]
        unsafe {
            mallopt(MMAP_THRESHOLD, 4 << 20);
        }
    }
}
