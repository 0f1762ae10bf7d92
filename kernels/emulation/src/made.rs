//! Kernels that are written while a program runs, compiled then, as a library of their own with an emulation of its own.

use super::launch::Call;
use collimate_kernels::cuda::COMMON;
use std::{
    collections::HashMap,
    ffi::{CStr, CString, c_char, c_int, c_void},
    fs,
    path::Path,
    process::Command,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlerror() -> *const c_char;
}
const RTLD_NOW: c_int = 2;

/// By name, with its source, what starts a kernel.
static KNOWN: Mutex<Option<HashMap<String, (String, Call)>>> = Mutex::new(None);

/// What starts a kernel of this name, if it was written.
pub(crate) fn find(name: &str) -> Option<Call> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.as_ref()?.get(name).map(|(_, call)| *call)
}

/// Compiles a kernel, unless it was already.
///
/// # Errors
/// If another source has its name, or the compiler refuses it.
pub(crate) fn provide(name: &str, text: &str) -> Result<(), String> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    match known.get(name) {
        Some((of, _)) if of == text => Ok(()),
        Some(_) => Err(format!("{name}: two sources have this name")),
        None => {
            let call = compiled(name, text)?;
            known.insert(name.to_owned(), (text.to_owned(), call));
            Ok(())
        }
    }
}

fn compiled(name: &str, text: &str) -> Result<Call, String> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("collimate-emulation-{}-{number}", std::process::id()));
    let said = |e: std::io::Error| format!("{name}: {e}");
    fs::create_dir_all(&folder).map_err(said)?;
    let call = in_folder(&folder, name, text);
    // What is loaded stays so; that a file could not be removed changes nothing.
    let _ = fs::remove_dir_all(&folder);
    call
}

fn in_folder(folder: &Path, name: &str, text: &str) -> Result<Call, String> {
    let [source, object, library] = ["kernel.cpp", "kernel.o", "kernel.so"].map(|name| folder.join(name));
    let whole = format!("#include \"emulation.h\"\n{COMMON}\n#line 1 \"{name}.cu\"\n{text}");
    fs::write(&source, whole).map_err(|e| format!("{name}: {e}"))?;
    let run = |arrange: &dyn Fn(&mut Command)| -> Result<(), String> {
        let mut compiler = Command::new(env!("EMULATION_COMPILER"));
        arrange(&mut compiler);
        let output = compiler.output().map_err(|e| format!("{name}: starting {}: {e}", env!("EMULATION_COMPILER")))?;
        let said = || format!("{name} does not compile:\n{}", String::from_utf8_lossy(&output.stderr));
        output.status.success().then_some(()).ok_or_else(said)
    };
    run(&|compiler| {
        compiler.args(["-std=c++17", "-O1", "-c", "-fPIC", "-Wall", "-Werror"]);
        // A formula may have steps that the gradient needs no value of.
        compiler.args(["-Wno-unknown-pragmas", "-Wno-unused-variable", "-Wno-unused-but-set-variable"]);
        compiler.args(["-fsanitize=alignment", "-U_FORTIFY_SOURCE", concat!("-I", env!("CARGO_MANIFEST_DIR"), "/cpp")]);
        compiler.arg(&source).arg("-o").arg(&object);
    })?;
    // Of names that several libraries have, each uses its own.
    run(&|compiler| {
        compiler.args(["-shared", "-Wl,-Bsymbolic", "-o"]).arg(&library).arg(&object);
        compiler.arg(env!("EMULATION_LIBRARY"));
    })?;
    let path = CString::new(library.as_os_str().as_encoded_bytes()).map_err(|e| e.to_string())?;
    // SAFETY: both names end with a zero, and the library runs nothing when it is loaded but the constructors of its kernels.
    unsafe {
        let loaded = dlopen(path.as_ptr(), RTLD_NOW);
        if loaded.is_null() {
            return Err(format!("{name}: {}", CStr::from_ptr(dlerror()).to_string_lossy()));
        }
        let found = dlsym(loaded, c"emulation_launch".as_ptr());
        if found.is_null() {
            return Err(format!("{name}: a library without emulation_launch"));
        }
        // SAFETY: it is the function of this name in `cpp/emulation.cpp`.
        Ok(std::mem::transmute::<*mut c_void, Call>(found))
    }
}
