//! A GPU's memory: each allocation between two fields of bytes that nobody may touch.

use std::collections::BTreeMap;

/// Bytes before and after an allocation.
const FIELD: usize = 1024;
/// What fresh memory and the fields hold: as a number of any type, not a number.
const STALE: u8 = 0xff;
/// Every address is a multiple of this, as on a GPU.
const ALIGNMENT: usize = 256;

/// All that is allocated, by address.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    allocated: BTreeMap<u64, Allocation>,
}

#[derive(Debug)]
struct Allocation {
    /// Held by pointer: kernels write here while nobody has a reference.
    start: *mut u8,
    whole: usize,
    /// Where the part proper begins.
    offset: usize,
    bytes: usize,
}

// SAFETY: the bytes belong to the allocation, which is only reached through the one that owns it.
unsafe impl Send for Allocation {}

impl Memory {
    pub(crate) fn allocate(&mut self, bytes: usize) -> u64 {
        let whole = bytes + 2 * FIELD + ALIGNMENT;
        let start = Box::into_raw(vec![STALE; whole].into_boxed_slice()).cast::<u8>();
        let offset = (start as usize + FIELD).next_multiple_of(ALIGNMENT) - start as usize;
        let address = (start as usize + offset) as u64;
        self.allocated.insert(address, Allocation { start, whole, offset, bytes });
        address
    }

    /// # Panics
    /// If it was not allocated, or something was written around it.
    pub(crate) fn free(&mut self, address: u64, bytes: usize) {
        let allocation = self.allocated.remove(&address).expect("what is freed was allocated");
        assert_eq!(allocation.bytes, bytes, "what is freed has the size it was allocated with");
        assert!(std::thread::panicking() || allocation.intact(), "something was written outside of {bytes} bytes");
    }

    pub(crate) fn intact(&self) -> Result<(), String> {
        match self.allocated.values().find(|allocation| !allocation.intact()) {
            None => Ok(()),
            Some(broken) => Err(format!("something was written outside of an allocation of {} bytes", broken.bytes)),
        }
    }

    pub(crate) fn read(&self, address: u64, bytes: usize) -> Result<&[u8], String> {
        let (allocation, offset) = self.find(address, bytes)?;
        // SAFETY: inside the allocation by `find`, and no kernel runs while the memory is borrowed.
        Ok(unsafe { std::slice::from_raw_parts(allocation.start.add(offset), bytes) })
    }

    pub(crate) fn write(&mut self, address: u64, from: &[u8]) -> Result<(), String> {
        let (allocation, offset) = self.find(address, from.len())?;
        // SAFETY: as above, and the memory is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(allocation.start.add(offset), from.len()) }.copy_from_slice(from);
        Ok(())
    }

    fn find(&self, address: u64, bytes: usize) -> Result<(&Allocation, usize), String> {
        let found = self.allocated.range(..=address).next_back();
        let inside = found.map(|(start, allocation)| ((address - start) as usize, allocation));
        match inside {
            Some((offset, allocation)) if offset + bytes <= allocation.bytes => {
                Ok((allocation, allocation.offset + offset))
            }
            _ => Err(format!("{bytes} bytes at an address that is not allocated")),
        }
    }
}

impl Allocation {
    fn intact(&self) -> bool {
        // SAFETY: the allocation is alive, and no kernel runs.
        let whole = unsafe { std::slice::from_raw_parts(self.start, self.whole) };
        let (before, rest) = whole.split_at(self.offset);
        before.iter().chain(&rest[self.bytes..]).all(|&byte| byte == STALE)
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        // SAFETY: it was made by `Box::into_raw` with this length, and is dropped once.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(self.start, self.whole)) });
    }
}
