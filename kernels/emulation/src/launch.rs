//! A kernel's launch, handed to the emulation in C++.

use super::{Order, made};
use collimate_kernels::cuda::{Argument, Launch};
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};

/// The one function of the emulation.
pub(crate) type Call = unsafe extern "C" fn(
    name: *const c_char,
    grid: *const c_uint,
    threads: c_uint,
    shared: c_uint,
    arguments: *mut *mut c_void,
    kinds: *const c_char,
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
        kinds: *const c_char,
        order: c_uint,
        message: *mut c_char,
        room: usize,
    ) -> c_int;
}

/// As the emulation names the kinds of parameters.
fn kind(argument: &Argument) -> char {
    match argument {
        Argument::Address(_) => 'a',
        Argument::U32(_) => 'u',
        Argument::U64(_) => 'l',
        Argument::F32(_) => 'f',
    }
}

/// # Safety
/// The arguments are those of the kernel, and it stays inside the memory it is given.
pub(crate) unsafe fn launch(launch: &Launch<'_>, order: Order) -> Result<(), String> {
    let name = CString::new(launch.kernel).map_err(|e| e.to_string())?;
    let mut values: Vec<u64> = launch.arguments.iter().map(|argument| argument.bits()).collect();
    let mut arguments: Vec<*mut c_void> = values.iter_mut().map(|value| std::ptr::from_mut(value).cast()).collect();
    let kinds: String = launch.arguments.iter().map(kind).collect();
    let kinds = CString::new(kinds).map_err(|e| e.to_string())?;
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
            kinds.as_ptr(),
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
