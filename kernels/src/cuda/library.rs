//! CUDA's libraries, found when they are asked for.
//!
//! cudarc 0.9 is linked to them, and a program that is would not even start where one is missing. So the functions that it
//! calls are defined here: each jumps to where a table says, and [`load`] fills the table from the libraries. A build with
//! CUDA then runs on every machine, and says what is missing where something is.

use cudarc::driver::{DriverError, sys};
use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    sync::{
        OnceLock,
        atomic::{AtomicPtr, Ordering},
    },
};

/// A library, by its names from the newest version to the oldest, and what to do if there is none of them.
struct Library {
    names: &'static [&'static str],
    missing: &'static str,
}

const DRIVER: Library = Library {
    names: &["libcuda.so.1"],
    missing: "the NVIDIA driver is not installed on this machine; without a GPU, use --device cpu",
};
const NVRTC: Library = Library {
    names: &["libnvrtc.so.13", "libnvrtc.so.12"],
    missing: "NVRTC is missing; install the CUDA toolkit 12 or 13, or name the folder of its libraries in LD_LIBRARY_PATH",
};
const CUBLAS: Library = Library {
    names: &["libcublas.so.13", "libcublas.so.12"],
    missing: "cuBLAS is missing; install the CUDA toolkit 12 or 13, or name the folder of its libraries in LD_LIBRARY_PATH",
};

unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlerror() -> *const c_char;
}
const RTLD_NOW: c_int = 2;
const RTLD_GLOBAL: c_int = 0x100;

/// What a function answers that was not found: no success, in the numbers of each of the libraries.
extern "C" fn not_found() -> c_int {
    1
}

/// Defines functions by name: each jumps to the table's entry of its number.
macro_rules! defined {
    ($($library:ident: $($function:ident)*;)*) => {
        const FUNCTIONS: &[(&Library, &str)] = &[$($((&$library, stringify!($function)),)*)*];
        static TABLE: [AtomicPtr<c_void>; FUNCTIONS.len()] =
            [const { AtomicPtr::new(not_found as *mut c_void) }; FUNCTIONS.len()];

        #[cfg(target_arch = "x86_64")]
        mod jumps {
            use super::TABLE;
            defined!(@jump 0; $($($function)*)*);
        }
    };
    (@jump $number:expr; $function:ident $($rest:ident)*) => {
        // SAFETY: it touches nothing but the instruction pointer, so that the arguments and the answer are those of the
        // function it leads to.
        core::arch::global_asm!(
            concat!(".globl ", stringify!($function)),
            concat!(".type ", stringify!($function), ", @function"),
            concat!(stringify!($function), ":"),
            "jmp qword ptr [rip + {table} + {place}]",
            table = sym TABLE,
            place = const 8 * ($number),
        );
        defined!(@jump $number + 1; $($rest)*);
    };
    (@jump $number:expr;) => {};
}

defined! {
    DRIVER:
        cuCtxGetCurrent cuCtxSetCurrent cuGraphDestroy cuGraphExecDestroy cuGraphInstantiateWithFlags cuGraphLaunch
        cuStreamBeginCapture_v2 cuStreamEndCapture cuDeviceGet cuDeviceGetAttribute cuDeviceGetCount cuDeviceGetDefaultMemPool
        cuDevicePrimaryCtxRelease_v2 cuDevicePrimaryCtxRetain cuDriverGetVersion cuDeviceTotalMem_v2 cuEventCreate cuEventDestroy_v2
        cuEventElapsedTime cuEventRecord cuFuncSetAttribute cuGetErrorName cuGetErrorString cuInit cuLaunchKernel
        cuMemAllocAsync cuMemAlloc_v2 cuMemFreeAsync cuMemFree_v2 cuMemGetInfo_v2 cuMemPoolSetAttribute
        cuMemcpyDtoDAsync_v2 cuMemcpyDtoD_v2 cuMemcpyDtoHAsync_v2 cuMemcpyDtoH_v2 cuMemcpyHtoDAsync_v2 cuMemcpyHtoD_v2
        cuMemsetD8Async cuMemsetD8_v2 cuModuleGetFunction cuModuleLoad cuModuleLoadData cuModuleUnload
        cuOccupancyAvailableDynamicSMemPerBlock cuOccupancyMaxActiveBlocksPerMultiprocessor
        cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags cuOccupancyMaxPotentialBlockSize
        cuOccupancyMaxPotentialBlockSizeWithFlags cuStreamCreate cuStreamDestroy_v2 cuStreamSynchronize cuStreamWaitEvent;
    NVRTC:
        nvrtcCompileProgram nvrtcCreateProgram nvrtcDestroyProgram nvrtcGetCUBIN nvrtcGetCUBINSize nvrtcGetPTX
        nvrtcGetPTXSize nvrtcGetProgramLog nvrtcGetProgramLogSize nvrtcVersion;
    CUBLAS:
        cublasCreate_v2 cublasDestroy_v2 cublasSetStream_v2 cublasSetWorkspace_v2 cublasSetMathMode cublasSgemv_v2 cublasDgemv_v2 cublasSgemm_v2
        cublasDgemm_v2 cublasHgemm cublasSgemmStridedBatched cublasDgemmStridedBatched cublasHgemmStridedBatched cublasGemmEx
        cublasGemmStridedBatchedEx;
}

/// Finds the libraries, once.
///
/// # Errors
/// Says which is missing, and what to do.
pub(super) fn load() -> Result<(), String> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    DONE.get_or_init(find).clone()
}

fn find() -> Result<(), String> {
    let mut open: Option<(&Library, *mut c_void)> = None;
    for ((library, function), place) in FUNCTIONS.iter().zip(&TABLE) {
        let handle = match open {
            Some((opened, handle)) if std::ptr::eq(opened, *library) => handle,
            // The driver is the first of them, and all of it is found by now.
            Some(_) => open_one(library, driver_version())?,
            None => open_one(library, 0)?,
        };
        open = Some((*library, handle));
        let name = CString::new(*function).map_err(|e| e.to_string())?;
        // SAFETY: the library is open and stays so; the name ends with a zero.
        #[allow(unsafe_code)]
        let found = unsafe { dlsym(handle, name.as_ptr()) };
        // An old version may lack one that nobody calls.
        if !found.is_null() {
            place.store(found, Ordering::Release);
        }
    }
    Ok(())
}

/// As in 13000; 0 if the driver does not tell.
#[allow(unsafe_code)]
fn driver_version() -> c_int {
    let mut version = 0;
    // SAFETY: the address is of what the driver writes there, which it does before anything else of it is used.
    let asked = unsafe { sys::cuDriverGetVersion(&raw mut version) }.result();
    asked.map_or(0, |()| version)
}

/// What a library of version 13 makes, a driver of version 12 cannot load.
fn too_new(name: &str, driver: c_int) -> bool {
    (1..13_000).contains(&driver) && name.ends_with(".13")
}

#[allow(unsafe_code)]
fn open_one(library: &Library, driver: c_int) -> Result<*mut c_void, String> {
    let mut problem = String::new();
    for name in library.names.iter().filter(|name| !too_new(name, driver)) {
        let name = CString::new(*name).map_err(|e| e.to_string())?;
        // SAFETY: the name ends with a zero; the libraries are NVIDIA's, whose beginnings and ends do nothing to us.
        let handle = unsafe { dlopen(name.as_ptr(), RTLD_NOW | RTLD_GLOBAL) };
        if !handle.is_null() {
            return Ok(handle);
        }
        if problem.is_empty() {
            // SAFETY: after a failure it is a sentence that ends with a zero.
            problem = unsafe { CStr::from_ptr(dlerror()) }.to_string_lossy().into_owned();
        }
    }
    Err(format!("{} ({problem})", library.missing))
}

/// An error of the driver as a sentence.
pub(super) fn driver_says(what: &str, error: DriverError) -> String {
    let name = error.error_name().ok().map_or("an unknown error".into(), CStr::to_string_lossy);
    format!("{what}: the driver says {name}")
}
