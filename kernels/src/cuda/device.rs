//! A real GPU, through cudarc: the context and the stream that dfdx uses too.

use super::{
    COMMON, Element, Gpu, Images, Launch, Work,
    library::{self, driver_says},
    matrix::ColumnMajor,
    source_of,
};
use cudarc::{
    cublas::{self, CudaBlas},
    driver::{CudaDevice, result, sys},
    nvrtc,
};
use std::{
    collections::HashMap,
    ffi::{CString, c_void},
    fmt,
    mem::ManuallyDrop,
    sync::{Arc, Mutex, PoisonError},
};

/// As many bytes as NVIDIA recommends for Hopper and later. Without memory of ours, cuBLAS would allocate while it is recorded,
/// and results could depend on which of its own memory it takes.
const WORKSPACE: usize = 32 << 20;

/// Above this many bytes a kernel must be told that its blocks share so much.
const SHARED_WITHOUT_ASKING: u32 = 48 * 1024;

/// Lines of a source that are shown where it does not compile.
const FIRST_LINES: usize = 20;

/// One of this machine's GPUs.
pub struct Device {
    device: Arc<CudaDevice>,
    blas: ManuallyDrop<CudaBlas>,
    /// Where cuBLAS puts what it adds up last.
    workspace: u64,
    /// As in `sm_90`.
    target: u32,
    /// Does the driver hand out memory in the order of the stream?
    pooled: bool,
    /// Where work goes: the default stream, or another while it is recorded, which the default one cannot do.
    stream: Mutex<Place>,
    /// Kernels that were compiled before, and by which compiler they would be now.
    images: Images,
    compiler: String,
    kernels: Mutex<Kernels>,
}

/// A stream of the driver's, which lives as long as the context.
#[derive(Clone, Copy)]
struct Place(sys::CUstream);

// SAFETY: it is a name that the driver gives, and is good in every thread that is in the context.
#[allow(unsafe_code)]
unsafe impl Send for Place {}

/// Kernels compiled so far; addresses of the driver's, which live as long as the context.
#[derive(Default)]
struct Kernels {
    modules: HashMap<String, usize>,
    /// Sources by the name of their kernel, beside those that there always are.
    made: HashMap<String, Arc<str>>,
    /// With the bytes of shared memory that each was allowed so far.
    functions: HashMap<String, (usize, u32)>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device {{ number: {}, target: sm_{} }}", self.device.ordinal(), self.target)
    }
}

impl Device {
    /// Is there a driver, and a GPU with this number? Must have been asked before anything else of CUDA is used.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn present(number: usize) -> Result<(), String> {
        library::load()?;
        result::init().map_err(|e| driver_says("starting the driver", e))?;
        let count = result::device::get_count().map_err(|e| driver_says("counting the GPUs", e))?;
        if number < count as usize {
            return Ok(());
        }
        Err(match count {
            0 => "the driver is there, but it finds no GPU".to_owned(),
            1 => "this machine has one GPU, number 0".to_owned(),
            _ => format!("this machine has {count} GPUs, from number 0 on"),
        })
    }

    /// The GPU with this number. Its context is the process's one for this GPU, and its stream the default one, so that work
    /// of dfdx on it and work asked for here follow each other.
    ///
    /// # Errors
    /// If it is not there or too old, or cuBLAS cannot be used.
    pub fn new(number: usize) -> Result<Self, String> {
        Device::present(number)?;
        let device = CudaDevice::new(number).map_err(|e| driver_says("entering the GPU's context", e))?;
        use sys::CUdevice_attribute_enum as Attribute;
        let attribute = |which| device.attribute(which).map_err(|e| driver_says("asking the GPU what it can do", e));
        let major = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
        let minor = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
        if major < 8 {
            return Err(format!("compute capability {major}.{minor}; the fused engine needs 8.0 or higher"));
        }
        let pooled = attribute(Attribute::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED)? > 0;
        if pooled {
            keep_memory(&device)?;
        }
        let blas = CudaBlas::new(Arc::clone(&device)).map_err(|e| format!("cuBLAS: {e:?}"))?;
        // Else parts of a product in bf16 might be rounded before they are added up.
        let exact = cublas::sys::cublasMath_t::CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
        // SAFETY: the handle is alive.
        #[allow(unsafe_code)]
        let set = unsafe { cublas::sys::cublasSetMathMode(*blas.handle(), exact) }.result();
        set.map_err(|e| format!("cuBLAS, told how to add up: {e:?}"))?;
        let blas = ManuallyDrop::new(blas);
        // SAFETY: memory whose content nobody relies on.
        #[allow(unsafe_code)]
        let workspace = unsafe { result::malloc_sync(WORKSPACE) };
        let workspace = workspace.map_err(|e| driver_says("memory for cuBLAS", e))?;
        let (images, compiler, kernels) = (Images::of_this_user(), compiler()?, Mutex::default());
        let (target, stream) = ((10 * major + minor) as u32, Mutex::new(Place(*device.cu_stream())));
        let made = Device { device, blas, workspace, target, pooled, stream, images, compiler, kernels };
        made.turn_to(made.stream())?;
        Ok(made)
    }

    /// Makes this thread one that works on the GPU.
    fn enter(&self) -> Result<(), String> {
        self.device.bind_to_thread().map_err(|e| driver_says("entering the GPU's context", e))
    }

    /// Until all that was asked for is done.
    #[allow(unsafe_code)]
    fn wait(&self) -> Result<(), String> {
        // SAFETY: the stream is alive.
        unsafe { result::stream::synchronize(self.stream()) }.map_err(|e| driver_says("waiting for the GPU", e))
    }

    /// Where work goes now.
    fn stream(&self) -> sys::CUstream {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// From now on work goes there, products as well.
    #[allow(unsafe_code)]
    fn turn_to(&self, stream: sys::CUstream) -> Result<(), String> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).0 = stream;
        let handle = *self.blas.handle();
        // SAFETY: handle and stream are alive, and so is the workspace, which another stream makes it forget. Both streams may
        // have it, as none works while the other does.
        let set = unsafe {
            cublas::result::set_stream(handle, stream.cast()).and_then(|()| {
                cublas::sys::cublasSetWorkspace_v2(handle, self.workspace as *mut c_void, WORKSPACE).result()
            })
        };
        set.map_err(|e| format!("cuBLAS, given another stream: {e:?}"))
    }

    /// What a stream is asked while it records.
    ///
    /// # Safety
    /// As [`Gpu::record`].
    #[allow(unsafe_code)]
    unsafe fn captured(&self, side: sys::CUstream, work: &[Work]) -> Result<sys::CUgraph, String> {
        // Whatever cuBLAS may do for itself is none of the work that is recorded, and may be done meanwhile.
        let mode = sys::CUstreamCaptureMode_enum::CU_STREAM_CAPTURE_MODE_RELAXED;
        // SAFETY: the stream is alive, and records nothing yet.
        let begun = unsafe { sys::cuStreamBeginCapture_v2(side, mode) }.result();
        begun.map_err(|e| driver_says("beginning to record", e))?;
        // SAFETY: the caller's promise.
        let asked = work.iter().try_for_each(|work| unsafe { work.start(self) });
        let mut graph = std::ptr::null_mut();
        // SAFETY: the stream records, which must end also if something was refused.
        let ended = unsafe { sys::cuStreamEndCapture(side, &raw mut graph) }.result();
        asked?;
        ended.map_err(|e| driver_says("recording", e))?;
        Ok(graph)
    }

    /// A kernel, compiled if it was not yet.
    #[allow(unsafe_code)]
    fn kernel(&self, name: &str, shared: u32) -> Result<sys::CUfunction, String> {
        let mut kernels = self.kernels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&(function, allowed)) = kernels.functions.get(name)
            && shared <= allowed
        {
            return Ok(function as sys::CUfunction);
        }
        let made = kernels.made.get(name).cloned();
        let (prefix, source) = match (&made, source_of(name)) {
            (Some(made), _) => (name, &**made),
            (None, Some(known)) => known,
            (None, None) => return Err("there is no such kernel".to_owned()),
        };
        let module = match kernels.modules.get(prefix) {
            Some(&module) => module as sys::CUmodule,
            None => {
                let image = self.image(prefix, source)?;
                // SAFETY: the image is a whole one, as the compiler made it.
                let module = unsafe { result::module::load_data(image.as_ptr().cast()) };
                let module = module.map_err(|e| driver_says("loading a compiled kernel", e))?;
                kernels.modules.insert(prefix.to_owned(), module as usize);
                module
            }
        };
        let symbol = CString::new(name).map_err(|e| e.to_string())?;
        // SAFETY: the module is loaded and stays so.
        let function = unsafe { result::module::get_function(module, symbol) };
        let function = function.map_err(|e| driver_says("finding a kernel in its module", e))?;
        if shared > SHARED_WITHOUT_ASKING {
            let most = sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            // SAFETY: the function is one of a loaded module.
            let set = unsafe { sys::cuFuncSetAttribute(function, most, shared as i32) }.result();
            set.map_err(|e| driver_says(&format!("asking for {shared} bytes of shared memory"), e))?;
        }
        kernels.functions.insert(name.to_owned(), (function as usize, shared.max(SHARED_WITHOUT_ASKING)));
        Ok(function)
    }

    /// A source as machine code for this GPU.
    fn image(&self, name: &str, source: &str) -> Result<Vec<u8>, String> {
        let text = format!("{COMMON}\n#line 1 \"{name}.cu\"\n{source}");
        let options = [format!("--gpu-architecture=sm_{}", self.target), "--std=c++17".to_owned()];
        let origin = format!("{} {}\n{text}", self.compiler, options.join(" "));
        let first: Vec<&str> = source.lines().take(FIRST_LINES).collect();
        self.images.find(name, &origin, || {
            compile(name, text, &options).map_err(|e| format!("{e}\nthe source begins with\n{}", first.join("\n")))
        })
    }
}

impl Drop for Device {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // After a kernel has failed, the context can do nothing more, and cudarc takes every refusal for a bug. The context, which
        // the handle holds, then ends with the process, and what failed can be told.
        // SAFETY: the stream is alive; the workspace was allocated in `new`, nothing uses it any more, nor will use the handle.
        unsafe {
            if self.enter().and_then(|()| self.wait()).is_ok() {
                let _ = result::free_sync(self.workspace);
                ManuallyDrop::drop(&mut self.blas);
            }
        }
    }
}

/// Memory that is given back stays with the process, for the next who asks.
#[allow(unsafe_code)]
fn keep_memory(device: &CudaDevice) -> Result<(), String> {
    let mut pool = std::ptr::null_mut();
    let mut threshold = u64::MAX;
    let attribute = sys::CUmemPool_attribute_enum::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
    // SAFETY: the device is alive, and both addresses are of what the driver expects there.
    let set = unsafe {
        sys::cuDeviceGetDefaultMemPool(&raw mut pool, *device.cu_device())
            .result()
            .and_then(|()| sys::cuMemPoolSetAttribute(pool, attribute, (&raw mut threshold).cast::<c_void>()).result())
    };
    set.map_err(|e| driver_says("setting up the GPU's memory", e))
}

/// Which compiler there is.
#[allow(unsafe_code)]
fn compiler() -> Result<String, String> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: both addresses are of what the compiler writes there.
    let asked = unsafe { nvrtc::sys::nvrtcVersion(&raw mut major, &raw mut minor) }.result();
    asked.map_err(|e| format!("NVRTC, telling its version: {e:?}"))?;
    Ok(format!("NVRTC {major}.{minor}"))
}

/// A source as machine code.
#[allow(unsafe_code)]
fn compile(name: &str, text: String, options: &[String; 2]) -> Result<Vec<u8>, String> {
    let failed = |what: &str, e: nvrtc::result::NvrtcError| format!("NVRTC, {what} {name}.cu: {e:?}");
    let program = nvrtc::result::create_program(text).map_err(|e| failed("reading", e))?;
    // SAFETY: the program was made above and is destroyed below.
    let compiled = unsafe { nvrtc::result::compile_program(program, options) };
    let image = compiled.map_err(|e| {
        // SAFETY: as above.
        let log = unsafe { nvrtc::result::get_program_log(program) }.unwrap_or_default();
        let log: Vec<u8> = log.into_iter().map(|c| c as u8).take_while(|&c| c != 0).collect();
        format!("{}\n{}", failed("compiling", e), String::from_utf8_lossy(&log))
    });
    let image = image.and_then(|()| {
        let mut size = 0;
        // SAFETY: the program is compiled, and the image gets as much room as it is said to need.
        unsafe {
            nvrtc::sys::nvrtcGetCUBINSize(program, &raw mut size).result().map_err(|e| failed("measuring", e))?;
            let mut image = vec![0_u8; size];
            nvrtc::sys::nvrtcGetCUBIN(program, image.as_mut_ptr().cast())
                .result()
                .map_err(|e| failed("fetching", e))?;
            Ok(image)
        }
    });
    // SAFETY: it was made above, and nobody uses it any more.
    let destroyed = unsafe { nvrtc::result::destroy_program(program) };
    destroyed.map_err(|e| failed("forgetting", e)).and(image)
}

#[allow(unsafe_code)]
impl Gpu for Device {
    fn allocate(&self, bytes: usize) -> Result<u64, String> {
        self.enter()?;
        // SAFETY: memory whose content nobody relies on.
        let address = unsafe {
            if self.pooled { result::malloc_async(self.stream(), bytes) } else { result::malloc_sync(bytes) }
        };
        address.map_err(|e| {
            let (free, all) = result::mem_get_info().unwrap_or_default();
            let room = format!("{bytes} bytes of memory, {free} of {all} are free");
            driver_says(&room, e)
        })
    }

    unsafe fn free(&self, address: u64, _: usize) {
        // What cannot be given back, because the context is gone, is gone with it.
        if self.enter().is_ok() {
            // SAFETY: the caller's promise.
            let _ = unsafe {
                if self.pooled { result::free_async(address, self.stream()) } else { result::free_sync(address) }
            };
        }
    }

    unsafe fn upload(&self, to: u64, bytes: &[u8]) -> Result<(), String> {
        self.enter()?;
        // SAFETY: the caller's promise; the bytes are ordinary memory, which the driver has copied when this returns.
        let copied = unsafe { result::memcpy_htod_async(to, bytes, self.stream()) };
        copied.map_err(|e| driver_says("copying to the GPU", e))
    }

    unsafe fn download(&self, to: &mut [u8], from: u64) -> Result<(), String> {
        self.enter()?;
        let stream = self.stream();
        // SAFETY: the caller's promise, and the bytes are borrowed until the stream is through.
        let copied =
            unsafe { result::memcpy_dtoh_async(to, from, stream).and_then(|()| result::stream::synchronize(stream)) };
        copied.map_err(|e| driver_says("copying from the GPU", e))
    }

    unsafe fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<(), String> {
        self.enter()?;
        // SAFETY: the caller's promise.
        let copied = unsafe { result::memcpy_dtod_async(to, from, bytes, self.stream()) };
        copied.map_err(|e| driver_says("copying on the GPU", e))
    }

    unsafe fn clear(&self, at: u64, bytes: usize) -> Result<(), String> {
        self.enter()?;
        // SAFETY: the caller's promise.
        let cleared = unsafe { result::memset_d8_async(at, 0, bytes, self.stream()) };
        cleared.map_err(|e| driver_says("clearing memory", e))
    }

    fn provide(&self, name: &str, text: &str) -> Result<(), String> {
        let mut kernels = self.kernels.lock().unwrap_or_else(PoisonError::into_inner);
        match kernels.made.get(name) {
            Some(known) if **known == *text => Ok(()),
            Some(_) => Err(format!("{name}: two sources have this name")),
            None => {
                kernels.made.insert(name.to_owned(), text.into());
                Ok(())
            }
        }
    }

    unsafe fn launch(&self, launch: &Launch<'_>) -> Result<(), String> {
        self.enter()?;
        let kernel = self.kernel(launch.kernel, launch.shared)?;
        let mut values: Vec<u64> = launch.arguments.iter().map(|argument| argument.bits()).collect();
        let mut arguments: Vec<*mut c_void> = values.iter_mut().map(|value| std::ptr::from_mut(value).cast()).collect();
        let [x, y, z] = launch.grid;
        // SAFETY: the caller's promise; the arguments are copied before this returns.
        let launched = unsafe {
            let stream = self.stream();
            result::launch_kernel(kernel, (x, y, z), (launch.threads, 1, 1), launch.shared, stream, &mut arguments)
        };
        launched.map_err(|e| driver_says("starting it", e))
    }

    unsafe fn multiply(&self, product: &ColumnMajor) -> Result<(), String> {
        use cublas::sys::{cublasComputeType_t, cublasGemmAlgo_t, cublasOperation_t, cudaDataType};
        self.enter()?;
        let ColumnMajor { m, n, k, a, b, factors, c, result, scale, add } = *product;
        let operation = |rows_stored| {
            if rows_stored { cublasOperation_t::CUBLAS_OP_T } else { cublasOperation_t::CUBLAS_OP_N }
        };
        let kind = |element| match element {
            Element::Bf16 => cudaDataType::CUDA_R_16BF,
            _ => cudaDataType::CUDA_R_32F,
        };
        let beta = f32::from(add);
        // SAFETY: the caller's promise; both factors are read at once, as this waits for nothing but their addresses.
        let multiplied = unsafe {
            cublas::result::gemm_ex(
                *self.blas.handle(),
                operation(a.2),
                operation(b.2),
                m as i32,
                n as i32,
                k as i32,
                (&raw const scale).cast(),
                a.0 as *const c_void,
                kind(factors),
                a.1 as i32,
                b.0 as *const c_void,
                kind(factors),
                b.1 as i32,
                (&raw const beta).cast(),
                c.0 as *mut c_void,
                kind(result),
                c.1 as i32,
                cublasComputeType_t::CUBLAS_COMPUTE_32F,
                cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
            )
        };
        multiplied.map_err(|e| format!("cuBLAS: {e:?}"))
    }

    unsafe fn record(&self, work: &[Work]) -> Result<u64, String> {
        self.enter()?;
        // Loading a kernel is no work that can be recorded.
        for work in work {
            if let Work::Launch { kernel, shared, .. } = work {
                self.kernel(kernel, *shared)?;
            }
        }
        let side = result::stream::create(result::stream::StreamKind::NonBlocking);
        let side = side.map_err(|e| driver_says("making a stream", e))?;
        let before = self.stream();
        // SAFETY: the caller's promise.
        let graph = self.turn_to(side).and_then(|()| unsafe { self.captured(side, work) });
        let back = self.turn_to(before);
        let made = graph.and_then(|graph| {
            let mut made = std::ptr::null_mut();
            // SAFETY: the graph is the driver's, which needs it no more once it is made into what can be run.
            let instantiated = unsafe {
                let instantiated = sys::cuGraphInstantiateWithFlags(&raw mut made, graph, 0).result();
                instantiated.and(sys::cuGraphDestroy(graph).result())
            };
            instantiated.map_err(|e| driver_says("making recorded work ready", e))?;
            Ok(made as u64)
        });
        // SAFETY: it was made above, and nothing runs on it.
        let ended = unsafe { result::stream::destroy(side) }.map_err(|e| driver_says("giving a stream back", e));
        back.and(ended).and(made)
    }

    unsafe fn replay(&self, recording: u64) -> Result<(), String> {
        self.enter()?;
        // SAFETY: the caller's promise.
        let started = unsafe { sys::cuGraphLaunch(recording as sys::CUgraphExec, self.stream()) }.result();
        started.map_err(|e| driver_says("starting recorded work", e))
    }

    fn forget(&self, recording: u64) {
        if self.enter().is_ok() {
            // SAFETY: it was made by `record`, and is given up once. What cannot be given back goes with the context.
            let _ = unsafe { sys::cuGraphExecDestroy(recording as sys::CUgraphExec) }.result();
        }
    }
}
