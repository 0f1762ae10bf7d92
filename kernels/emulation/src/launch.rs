//! A kernel's launch, handed to the emulation in C++.

use super::{Order, made};
use collimate_kernels::cuda::Launch;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};

/// The one function of the emulation.
pub(crate) type Call = unsafe extern "C" fn(
    name: *const c_char,
    grid: *const c_uint,
    threads: c_uint,
    shared: c_uint,
    arguments: *mut *mut c_void,
    count: c_uint,
    order: c_uint,
    message: *mut c_char,
    room: usize,
) -> c_int;

unsafe extern "C" {
    fn emulation_launch(
        name: *const c_char,
        grid: *const c_uint,
        threads: c_uint,
        shared: c_uint,
        arguments: *mut *mut c_void,
        count: c_uint,
        order: c_uint,
        message: *mut c_char,
        room: usize,
    ) -> c_int;
}

/// # Safety
/// The arguments are those of the kernel, and it stays inside the memory it is given.
pub(crate) unsafe fn launch(launch: &Launch<'_>, order: Order) -> Result<(), String> {
    let name = CString::new(launch.kernel).map_err(|e| e.to_string())?;
    let mut values: Vec<u64> = launch.arguments.iter().map(|argument| argument.bits()).collect();
    let mut arguments: Vec<*mut c_void> = values.iter_mut().map(|value| std::ptr::from_mut(value).cast()).collect();
    let order = match order {
        Order::Forward => 0,
        Order::Reverse => 1,
        Order::Shuffled(seed) => 2 + c_uint::from(seed),
    };
    let mut message: [c_char; 512] = [0; 512];
    let call = made::find(launch.kernel).unwrap_or(emulation_launch);
    // SAFETY: the pointers are to as much as they are said to; the rest is the caller's promise.
    let failed = unsafe {
        call(
            name.as_ptr(),
            launch.grid.as_ptr(),
            launch.threads,
            launch.shared,
            arguments.as_mut_ptr(),
            arguments.len() as c_uint,
            order,
            message.as_mut_ptr(),
            message.len(),
        )
    };
    if failed == 0 {
        return Ok(());
    }
    // SAFETY: the message ends with a zero inside its room.
    Err(unsafe { CStr::from_ptr(message.as_ptr()) }.to_string_lossy().into_owned())
}
