//! A slice that several threads write to at once, each at places of its own.

use std::marker::PhantomData;

/// A mutable slice whose parts are handed out without a check that they do not overlap.
pub(crate) struct Scatter<'a> {
    start: *mut f32,
    length: usize,
    slice: PhantomData<&'a mut [f32]>,
}

// SAFETY: the places are plain numbers, and whoever calls `part` promises that no two threads get the same one.
#[allow(unsafe_code)]
unsafe impl Sync for Scatter<'_> {}

impl<'a> Scatter<'a> {
    pub(crate) fn new(slice: &'a mut [f32]) -> Self {
        Scatter { start: slice.as_mut_ptr(), length: slice.len(), slice: PhantomData }
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Where it begins. Whoever writes there makes the promises of [`Scatter::part`] himself.
    pub(crate) fn start(&self) -> *mut f32 {
        self.start
    }

    /// `length` numbers from `start`.
    ///
    /// # Safety
    /// While the answer lives, no other part handed out may overlap it.
    #[allow(unsafe_code, clippy::mut_from_ref)]
    pub(crate) unsafe fn part(&self, start: usize, length: usize) -> &mut [f32] {
        assert!(start <= self.length && length <= self.length - start, "a part outside its slice");
        // SAFETY: inside the slice by the check above, and not shared by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), length) }
    }
}
