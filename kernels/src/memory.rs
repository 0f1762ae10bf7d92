//! Where freed memory goes, and in which pages new memory comes.

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

/// Asks the system to take what of this vector's memory was not touched yet in large pages: what reads all of it, one place after
/// another, then waits less for where places are. For vectors of many MiB; what the system makes of it changes nothing but time.
pub fn prefer_large_pages<T>(of: &mut Vec<T>) {
    #[cfg(target_os = "linux")]
    {
        #[allow(unsafe_code)]
        unsafe extern "C" {
            fn madvise(start: *mut std::ffi::c_void, length: usize, advice: std::ffi::c_int) -> std::ffi::c_int;
        }
        const HUGEPAGE: std::ffi::c_int = 14;
        /// What the start must be a multiple of, on every machine whose pages are not larger: there it is refused.
        const PAGE: usize = 4096;
        let start = of.as_mut_ptr().cast::<u8>();
        let bytes = of.capacity() * size_of::<T>();
        let skipped = start.align_offset(PAGE);
        if skipped < bytes {
            // SAFETY: the range is within the vector's own memory, and the advice changes no number in it. That the system may refuse is
            // no fault.
            #[allow(unsafe_code)]
            unsafe {
                madvise(start.wrapping_add(skipped).cast(), bytes - skipped, HUGEPAGE);
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = of;
}

#[cfg(test)]
mod tests {
    use super::prefer_large_pages;

    #[test]
    fn numbers_stay_what_they_were() {
        for length in [0_usize, 1, 1000, 3_000_000] {
            let mut numbers: Vec<u32> = (0..length as u32).collect();
            prefer_large_pages(&mut numbers);
            assert!(numbers.iter().enumerate().all(|(i, &number)| number == i as u32));
            let mut empty = Vec::with_capacity(length);
            prefer_large_pages(&mut empty);
            empty.resize(length, 7);
            assert_eq!(empty, vec![7; length]);
        }
    }
}
