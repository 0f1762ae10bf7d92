//! Memory of a GPU, and work on it, one piece after another.

use super::{
    Argument, Element, Gpu, Launch, Numbers, View, ViewMut, cast,
    matrix::ColumnMajor,
    repeat::{Region, Work},
};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

/// The work of one GPU. A clone is the same stream.
#[derive(Clone, Debug)]
pub struct Stream {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    gpu: Box<dyn Gpu>,
    /// What failed first.
    failure: Mutex<Option<String>>,
    /// Work that is only written down as yet.
    open: Mutex<Option<Region>>,
    /// Bytes allocated, and the most there have been.
    used: AtomicUsize,
    most: AtomicUsize,
}

impl Stream {
    /// The stream of this machine.
    #[must_use]
    pub fn new(gpu: impl Gpu + 'static) -> Self {
        let inner = Inner {
            gpu: Box::new(gpu),
            failure: Mutex::default(),
            open: Mutex::default(),
            used: AtomicUsize::default(),
            most: AtomicUsize::default(),
        };
        Stream { inner: Arc::new(inner) }
    }

    /// Numbers with any content.
    #[must_use]
    pub fn numbers(&self, element: Element, length: usize) -> Numbers {
        let bytes = element.size() * length;
        let (mut address, mut owned) = (0, true);
        if bytes > 0 {
            self.attempt(|gpu| {
                let more;
                (address, more) = match &mut *self.written_down() {
                    Some(region) => {
                        owned = false;
                        region.allocate(gpu, bytes)?
                    }
                    None => (gpu.allocate(bytes)?, bytes as isize),
                };
                let used = self.inner.used.fetch_add(more as usize, Ordering::Relaxed).wrapping_add(more as usize);
                self.inner.most.fetch_max(used, Ordering::Relaxed);
                Ok(())
            });
        }
        Numbers { stream: self.clone(), address, length, element, owned }
    }

    /// Zeros.
    #[must_use]
    pub fn zeros(&self, element: Element, length: usize) -> Numbers {
        let mut numbers = self.numbers(element, length);
        self.clear(numbers.view_mut());
        numbers
    }

    /// Sets all to zero.
    pub fn clear(&self, numbers: ViewMut<'_>) {
        let bytes = numbers.element().size() * numbers.len();
        if bytes > 0 {
            self.ask(Work::Clear { at: numbers.address(), bytes });
        }
    }

    /// These numbers, stored as f32 or bf16.
    #[must_use]
    pub fn upload(&self, element: Element, numbers: &[f32]) -> Numbers {
        let mut wide = self.numbers(Element::F32, numbers.len());
        self.upload_bytes(wide.view_mut(), &bytes(numbers, f32::to_le_bytes));
        if element == Element::F32 {
            return wide;
        }
        let mut narrow = self.numbers(element, numbers.len());
        cast::cast(self, narrow.view_mut(), wide.view());
        narrow
    }

    /// Replaces numbers, which are stored as f32 or bf16.
    ///
    /// # Panics
    /// If there are more or fewer.
    pub fn replace(&self, to: ViewMut<'_>, numbers: &[f32]) {
        assert_eq!(to.len(), numbers.len());
        if to.element() == Element::F32 {
            self.upload_bytes(to, &bytes(numbers, f32::to_le_bytes));
        } else {
            cast::cast(self, to, self.upload(Element::F32, numbers).view());
        }
    }

    /// These whole numbers.
    #[must_use]
    pub fn upload_indices(&self, indices: &[u32]) -> Numbers {
        let mut numbers = self.numbers(Element::U32, indices.len());
        self.upload_bytes(numbers.view_mut(), &bytes(indices, u32::to_le_bytes));
        numbers
    }

    /// The numbers, which are stored as f32 or bf16. Zeros if the stream has failed.
    #[must_use]
    pub fn download(&self, from: View<'_>) -> Vec<f32> {
        if from.element() == Element::Bf16 {
            let mut wide = self.numbers(Element::F32, from.len());
            cast::cast(self, wide.view_mut(), from);
            return self.download(wide.view());
        }
        from.expect(Element::F32, from.len());
        self.download_bytes(from).as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }

    /// The whole numbers. Zeros if the stream has failed.
    #[must_use]
    pub fn download_indices(&self, from: View<'_>) -> Vec<u32> {
        from.expect(Element::U32, from.len());
        self.download_bytes(from).as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()
    }

    /// The numbers, which are stored as f64. Zeros if the stream has failed.
    #[must_use]
    pub fn download_wide(&self, from: View<'_>) -> Vec<f64> {
        from.expect(Element::F64, from.len());
        self.download_bytes(from).as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
    }

    /// The same numbers elsewhere.
    #[must_use]
    pub fn copy(&self, of: View<'_>) -> Numbers {
        let mut copy = self.numbers(of.element(), of.len());
        self.copy_to(copy.view_mut(), of);
        copy
    }

    /// Copies numbers to others.
    ///
    /// # Panics
    /// If there are more or fewer, or they are stored otherwise.
    pub fn copy_to(&self, to: ViewMut<'_>, of: View<'_>) {
        to.expect(of.element(), of.len());
        let bytes = of.element().size() * of.len();
        if bytes > 0 {
            self.ask(Work::Copy { to: to.address(), from: of.address(), bytes });
        }
    }

    /// Bytes allocated now, and the most there have been since the last call.
    #[must_use]
    pub fn memory(&self) -> (usize, usize) {
        let used = self.inner.used.load(Ordering::Relaxed);
        (used, self.inner.most.swap(used, Ordering::Relaxed))
    }

    /// Did all go well so far? Afterwards the stream works again.
    ///
    /// # Errors
    /// What failed first, in a sentence.
    pub fn check(&self) -> Result<(), String> {
        self.inner.failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    /// Runs a kernel; nothing if the grid is empty.
    ///
    /// Whoever calls this has seen that every argument is as long as the kernel takes it to be.
    #[allow(unsafe_code)]
    pub(super) fn launch(&self, kernel: &str, grid: [u32; 3], threads: u32, shared: u32, arguments: &[Argument]) {
        if grid.contains(&0) {
            return;
        }
        if let Some(region) = &mut *self.written_down() {
            let (kernel, arguments) = (kernel.to_owned(), arguments.to_vec());
            return region.ask(Work::Launch { kernel, grid, threads, shared, arguments });
        }
        let launch = Launch { kernel, grid, threads, shared, arguments };
        // SAFETY: the arguments are views of allocated memory whose lengths the caller, a function of this folder, has checked.
        self.attempt(|gpu| unsafe { gpu.launch(&launch) }.map_err(|e| format!("{kernel}: {e}")));
    }

    /// A product of matrices, whose sizes the caller has checked.
    pub(super) fn multiply(&self, product: &ColumnMajor) {
        self.ask(Work::Multiply(*product));
    }

    /// Does work, or writes it down.
    #[allow(unsafe_code)]
    fn ask(&self, work: Work) {
        if let Some(region) = &mut *self.written_down() {
            return region.ask(work);
        }
        // SAFETY: it names views of memory that is allocated as long as they live, whose lengths the caller has checked, and
        // only one of which may be written.
        self.attempt(|gpu| unsafe { work.start(gpu) });
    }

    fn written_down(&self) -> MutexGuard<'_, Option<Region>> {
        self.inner.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on work is written down.
    pub(super) fn open(&self, region: Region) {
        let before = self.written_down().replace(region);
        assert!(before.is_none(), "work that repeats inside of other such work");
    }

    /// What was written down.
    pub(super) fn close(&self) -> Region {
        self.written_down().take().expect("it was opened")
    }

    /// Counts bytes that are given back.
    pub(super) fn given_back(&self, work: impl FnOnce(&dyn Gpu) -> usize) {
        let bytes = work(&*self.inner.gpu);
        self.inner.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    #[allow(unsafe_code)]
    pub(super) fn free(&self, numbers: &Numbers) {
        let bytes = numbers.element.size() * numbers.length;
        if numbers.owned && numbers.address != 0 {
            self.inner.used.fetch_sub(bytes, Ordering::Relaxed);
            // SAFETY: it was allocated here with this size, and nobody has a view of it any more.
            unsafe { self.inner.gpu.free(numbers.address, bytes) };
        }
    }

    #[allow(unsafe_code)]
    fn upload_bytes(&self, to: ViewMut<'_>, bytes: &[u8]) {
        assert_eq!(to.element().size() * to.len(), bytes.len());
        // SAFETY: as many bytes are allocated there.
        self.attempt(|gpu| if bytes.is_empty() { Ok(()) } else { unsafe { gpu.upload(to.address(), bytes) } });
    }

    #[allow(unsafe_code)]
    fn download_bytes(&self, from: View<'_>) -> Vec<u8> {
        let mut bytes = vec![0; from.element().size() * from.len()];
        if self.written_down().is_some() {
            self.attempt(|_| Err("something was to be downloaded in the middle of work that repeats".to_owned()));
        }
        // SAFETY: as many bytes are allocated there.
        self.attempt(|gpu| if bytes.is_empty() { Ok(()) } else { unsafe { gpu.download(&mut bytes, from.address()) } });
        bytes
    }

    /// Does something, unless something has failed before.
    pub(super) fn attempt(&self, work: impl FnOnce(&dyn Gpu) -> Result<(), String>) {
        let mut failure = self.inner.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if failure.is_none() {
            *failure = work(&*self.inner.gpu).err();
        }
    }
}

fn bytes<T: Copy, const N: usize>(numbers: &[T], of: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    numbers.iter().flat_map(|&number| of(number)).collect()
}
