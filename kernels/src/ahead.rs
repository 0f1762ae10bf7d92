//! Asking for memory before it is read.

/// Numbers in a line of memory.
const LINE: usize = 16;

/// Asks the processor to bring these numbers into its second cache. It does not wait for them: many lines and pages are looked for at
/// the same time, where a loop that reads them finds out about each only when it comes there.
#[inline(always)]
pub(crate) fn ask_for(numbers: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in numbers.chunks(LINE) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: asking reads nothing, and the place is one that could be read.
        #[allow(unsafe_code)]
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (numbers, LINE);
}
