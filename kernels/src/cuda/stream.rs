//! Memory of a GPU, and work on it, one piece after another.

use super::{
    Argument, Element, Gpu, Launch, Numbers, View, ViewMut,
    arena::{Arena, Purpose},
    cast,
    matrix::ColumnMajor,
    numbers::Home,
    repeat::Work,
};
use crate::stored::{bf16, narrow};
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
    gpu: Arc<dyn Gpu>,
    /// What failed first.
    failure: Mutex<Option<String>>,
    /// Work that is only written down as yet.
    open: Mutex<Option<Written>>,
    /// Memory for such work.
    arena: Mutex<Arena>,
    /// Bytes allocated, and the most there have been.
    used: AtomicUsize,
    most: AtomicUsize,
}

/// Work that is written down, and what is given back when it has been asked for.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) work: Vec<Work>,
    later: Vec<Later>,
}

/// What work that is written down may still use.
#[derive(Debug)]
enum Later {
    /// Memory, with its bytes.
    Memory(u64, usize),
    /// A block of input.
    Input(usize),
}

impl Drop for Inner {
    fn drop(&mut self) {
        let arena = self.arena.get_mut().unwrap_or_else(PoisonError::into_inner);
        arena.give_up(&*self.gpu);
    }
}

/// Numbers that are sent to the machine at once.
const AT_ONCE: usize = 1 << 24;

impl Stream {
    /// The stream of this machine.
    #[must_use]
    pub fn new(gpu: impl Gpu + 'static) -> Self {
        Stream::on(Arc::new(gpu))
    }

    /// A stream of a machine that others may have streams of: what is asked of one follows what was asked of another before.
    #[must_use]
    pub fn on(gpu: Arc<dyn Gpu>) -> Self {
        let inner = Inner {
            gpu,
            failure: Mutex::default(),
            open: Mutex::default(),
            arena: Mutex::default(),
            used: AtomicUsize::default(),
            most: AtomicUsize::default(),
        };
        Stream { inner: Arc::new(inner) }
    }

    /// Are both the same stream?
    #[must_use]
    pub fn is(&self, other: &Stream) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Numbers with any content.
    #[must_use]
    pub fn numbers(&self, element: Element, length: usize) -> Numbers {
        self.make(element, length, Purpose::Work)
    }

    /// The same, to be held for longer than the work that repeats in which they are made.
    #[must_use]
    pub fn lasting(&self, element: Element, length: usize) -> Numbers {
        let bytes = element.size() * length;
        let mut address = 0;
        if bytes > 0 {
            self.attempt(|gpu| self.allocate(gpu, bytes).map(|found| address = found));
        }
        Numbers { stream: self.clone(), address, length, element, home: Home::Own }
    }

    fn make(&self, element: Element, length: usize, purpose: Purpose) -> Numbers {
        if self.written_down().is_none() {
            return self.lasting(element, length);
        }
        let bytes = element.size() * length;
        let (mut address, mut home) = (0, Home::Own);
        if bytes > 0 {
            self.attempt(|gpu| {
                let (at, inside) = self.arena().of(purpose).take(bytes);
                let found = inside.map_or_else(|| self.allocate(gpu, bytes), Ok);
                address = found.inspect_err(|_| self.arena().of(purpose).give_back(at))?;
                home = Home::Shared { purpose, at, own: inside.is_none() };
                Ok(())
            });
        }
        Numbers { stream: self.clone(), address, length, element, home }
    }

    fn allocate(&self, gpu: &dyn Gpu, bytes: usize) -> Result<u64, String> {
        let address = gpu.allocate(bytes).or_else(|problem| match self.give_up(gpu) {
            0 => Err(problem),
            _ => gpu.allocate(bytes),
        })?;
        self.count(bytes as isize);
        Ok(address)
    }

    /// Gives up the memory for work that repeats, if nobody uses it; answers with how many bytes that was.
    fn give_up(&self, gpu: &dyn Gpu) -> usize {
        if self.written_down().is_some() {
            return 0;
        }
        let bytes = self.arena().give_up(gpu);
        self.count(-(bytes as isize));
        bytes
    }

    /// So many bytes more are in use.
    fn count(&self, more: isize) {
        let used = self.inner.used.fetch_add(more as usize, Ordering::Relaxed).wrapping_add(more as usize);
        self.inner.most.fetch_max(used, Ordering::Relaxed);
    }

    fn arena(&self) -> MutexGuard<'_, Arena> {
        self.inner.arena.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut made = self.make(element, numbers.len(), Purpose::Input);
        self.send(made.view_mut(), numbers);
        made
    }

    /// Replaces numbers, which are stored as f32 or bf16.
    ///
    /// # Panics
    /// If there are more or fewer.
    pub fn replace(&self, to: ViewMut<'_>, numbers: &[f32]) {
        if self.written_down().is_some() {
            self.attempt(|_| Err("something was to be replaced in the middle of work that repeats".to_owned()));
        }
        self.send(to, numbers);
    }

    /// Part by part, so that the host needs little memory; rounded there, so that the machine needs none.
    fn send(&self, mut to: ViewMut<'_>, numbers: &[f32]) {
        assert_eq!(to.len(), numbers.len());
        let mut halves = Vec::new();
        for (i, part) in numbers.chunks(AT_ONCE).enumerate() {
            let place = to.again().part(i * AT_ONCE..i * AT_ONCE + part.len());
            if place.element() == Element::Bf16 {
                halves.resize(part.len(), bf16::ZERO);
                narrow(&mut halves, part);
                self.upload_bytes(place, &bytes(&halves, |x| x.to_bits().to_le_bytes()));
            } else {
                place.expect(Element::F32, part.len());
                self.upload_bytes(place, &bytes(part, f32::to_le_bytes));
            }
        }
    }

    /// These whole numbers.
    #[must_use]
    pub fn upload_indices(&self, indices: &[u32]) -> Numbers {
        let mut numbers = self.make(Element::U32, indices.len(), Purpose::Input);
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

    /// Makes a kernel known by its source.
    pub(super) fn provide(&self, name: &str, text: &str) {
        self.attempt(|gpu| gpu.provide(name, text));
    }

    /// Runs a kernel; nothing if the grid is empty.
    ///
    /// Whoever calls this has seen that every argument is as long as the kernel takes it to be.
    #[allow(unsafe_code)]
    pub(super) fn launch(&self, kernel: &str, grid: [u32; 3], threads: u32, shared: u32, arguments: &[Argument]) {
        if grid.contains(&0) {
            return;
        }
        if let Some(written) = &mut *self.written_down() {
            let (kernel, arguments) = (kernel.to_owned(), arguments.to_vec());
            return written.work.push(Work::Launch { kernel, grid, threads, shared, arguments });
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
        if let Some(written) = &mut *self.written_down() {
            return written.work.push(work);
        }
        // SAFETY: it names views of memory that is allocated as long as they live, whose lengths the caller has checked, and
        // only one of which may be written.
        self.attempt(|gpu| unsafe { work.start(gpu) });
    }

    fn written_down(&self) -> MutexGuard<'_, Option<Written>> {
        self.inner.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on work is written down.
    pub(super) fn open(&self) {
        self.attempt(|gpu| {
            let more = self.arena().lengthen(gpu);
            self.count(more);
            Ok(())
        });
        let before = self.written_down().replace(Written::default());
        assert!(before.is_none(), "work that repeats inside of other such work");
    }

    /// What was written down, which is then asked for or not.
    pub(super) fn close(&self, ask: impl FnOnce(&dyn Gpu, Vec<Work>) -> Result<(), String>) {
        let Written { work, later } = self.written_down().take().expect("it was opened");
        self.attempt(|gpu| ask(gpu, work));
        for later in later {
            match later {
                Later::Memory(address, bytes) => self.free_memory(address, bytes),
                Later::Input(at) => self.arena().of(Purpose::Input).give_back(at),
            }
        }
    }

    /// Without work that repeats, its memory is of no use.
    pub(super) fn no_more(&self, recordings: impl Iterator<Item = u64>) {
        recordings.for_each(|recording| self.inner.gpu.forget(recording));
        self.give_up(&*self.inner.gpu);
    }

    pub(super) fn free(&self, numbers: &Numbers) {
        if numbers.address == 0 {
            return;
        }
        let mut open = self.written_down();
        let mut own = true;
        if let Home::Shared { purpose, at, own: apart } = numbers.home {
            own = apart;
            match &mut *open {
                Some(written) if purpose == Purpose::Input => written.later.push(Later::Input(at)),
                _ => self.arena().of(purpose).give_back(at),
            }
        }
        if own {
            let bytes = numbers.element.size() * numbers.length;
            match &mut *open {
                Some(written) => written.later.push(Later::Memory(numbers.address, bytes)),
                None => self.free_memory(numbers.address, bytes),
            }
        }
    }

    #[allow(unsafe_code)]
    fn free_memory(&self, address: u64, bytes: usize) {
        self.count(-(bytes as isize));
        // SAFETY: it was allocated here with this size, nobody has a view of it any more, and all work on it is asked for.
        unsafe { self.inner.gpu.free(address, bytes) };
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
    let mut bytes = vec![0; N * numbers.len()];
    bytes.as_chunks_mut().0.iter_mut().zip(numbers).for_each(|(to, &number)| *to = of(number));
    bytes
}
