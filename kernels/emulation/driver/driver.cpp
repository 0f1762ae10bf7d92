// What stands for NVIDIA's driver, NVRTC and cuBLAS on a machine without them, so that `kernels/src/cuda/device.rs` runs as it is:
// for tests. `.ci/driver` builds it as three libraries of their names. Kernels run on the emulation.
//
// It is as strict as the manuals: nothing but starting it before `cuInit`; nothing without a context on the calling thread; no
// capture of the default stream; no allocation, no copy from or to the host and no waiting on a stream while it is captured; no
// more shared memory than a kernel was allowed; leading dimensions, types and a workspace as cuBLAS wants them. And it is as late as a
// GPU may be: what a stream is asked to do is done when somebody waits for it, and not before. Memory that was given back is gone.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

extern "C" int emulation_launch(const char* name, const unsigned* grid, unsigned threads, unsigned shared, void** arguments,
                                const char* kinds, unsigned order, char* message, size_t room);
extern "C" const char* emulation_parameters(const char* name);

namespace {

typedef int Result;
const Result SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, INVALID_DEVICE = 101, INVALID_IMAGE = 200,
             INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_FOUND = 500, LAUNCH_FAILED = 719, CAPTURE_UNSUPPORTED = 900,
             CAPTURE_INVALIDATED = 901;
const std::map<Result, const char*> NAMES = {
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},         {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED"},     {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"},
    {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE"},         {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
    {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"},       {NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"},         {CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"},
    {CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"},
};

// A piece of work, done later: false if it fails.
typedef std::function<bool()> Work;
typedef std::vector<Work> Graph;

struct Stream {
    std::vector<Work> queue;
    bool captured = false, spoiled = false;
    Graph graph;
};

struct Function {
    std::string name;
    int (*launch)(const char*, const unsigned*, unsigned, unsigned, void**, const char*, unsigned, char*, size_t);
    std::string parameters;
    unsigned shared = 48 * 1024;
};

struct Module {
    std::string text;
    void* library = nullptr;
    std::map<std::string, Function*> functions;
};

struct Blas {
    Stream* stream;
    uint64_t workspace = 0;
};

std::recursive_mutex lock;
bool begun = false;
int contexts = 0;  // how often the one context is held
thread_local void* current = nullptr;
char context, pool;
Result broken = SUCCESS;  // once work has failed, everything does
Stream standard;
std::set<Stream*> streams;
std::map<uint64_t, size_t> memory;
std::set<Graph*> graphs, runnable;
std::set<Blas*> handles;

Result refuse(Result result, const std::string& why) {
    fprintf(stderr, "driver: %s: %s\n", NAMES.at(result), why.c_str());
    return result;
}

// Can anything be asked now?
Result ready(const char* what) {
    if (!begun) return refuse(NOT_INITIALIZED, what);
    if (current != &context || contexts == 0) return refuse(INVALID_CONTEXT, what);
    return broken;
}
#define READY(what)                                     \
    std::lock_guard<std::recursive_mutex> held(lock);   \
    if (Result refused = ready(what)) return refused

Stream* stream_of(void* name) {
    if (!name) return &standard;
    return streams.count((Stream*)name) ? (Stream*)name : nullptr;
}

bool inside(uint64_t address, size_t bytes) {
    auto after = memory.upper_bound(address);
    if (after == memory.begin()) return false;
    auto [start, length] = *--after;
    return address + bytes <= start + length;
}

// Asks a stream for work, or notes it in the graph that the stream makes.
Result ask(void* name, Work work) {
    Stream* stream = stream_of(name);
    if (!stream) return refuse(INVALID_HANDLE, "a stream that there is not");
    (stream->captured ? stream->graph : stream->queue).push_back(std::move(work));
    return SUCCESS;
}

// What no stream may be asked while it is captured.
Result outside_of_capture(void* name, const char* what) {
    Stream* stream = stream_of(name);
    if (!stream) return refuse(INVALID_HANDLE, what);
    if (!stream->captured) return SUCCESS;
    stream->spoiled = true;
    return refuse(CAPTURE_UNSUPPORTED, what);
}

Result finish(Stream& stream) {
    std::vector<Work> queue;
    queue.swap(stream.queue);
    for (Work& work : queue) {
        if (!work()) return broken = LAUNCH_FAILED;
    }
    return broken;
}
Result finish_all() {
    for (Stream* stream : streams) {
        if (Result failed = finish(*stream)) return failed;
    }
    return finish(standard);
}

// Each allocation ends where its last page does, and what comes after that page is nobody's.
const size_t PAGE = 4096, GRAIN = 256, MOST = (size_t)8 << 30;
size_t pages(size_t bytes) { return (bytes + PAGE - 1) / PAGE * PAGE; }

Result allocate(uint64_t* address, size_t bytes) {
    if (bytes == 0) return refuse(INVALID_VALUE, "memory of no bytes");
    if (bytes > MOST) return OUT_OF_MEMORY;
    size_t whole = pages(bytes);
    char* start = (char*)mmap(nullptr, whole + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return OUT_OF_MEMORY;
    mprotect(start + whole, PAGE, PROT_NONE);
    memset(start, 0xff, whole);
    *address = (uint64_t)start + whole - (bytes + GRAIN - 1) / GRAIN * GRAIN;
    memory[*address] = bytes;
    return SUCCESS;
}
bool give_back(uint64_t address) {
    auto found = memory.find(address);
    if (found == memory.end()) {
        fprintf(stderr, "driver: memory is given back that is not there\n");
        return false;
    }
    munmap((void*)(address / PAGE * PAGE), pages(found->second + address % PAGE) + PAGE);
    memory.erase(found);
    return true;
}

bool compiled(Module* module, const std::string& name) {
    char folder[] = "/tmp/collimate-driver-XXXXXX";
    if (!mkdtemp(folder)) return false;
    std::string source = std::string(folder) + "/kernel.cpp", library = std::string(folder) + "/kernel.so";
    FILE* file = fopen(source.c_str(), "w");
    fprintf(file, "#include \"emulation.h\"\n%s", module->text.c_str());
    fclose(file);
    std::string command = "c++ -std=c++17 -O1 -shared -fPIC -w -U_FORTIFY_SOURCE -Wl,-Bsymbolic -I" EMULATION_HEADERS " -o " + library +
                          " " + source + " " EMULATION_LIBRARY;
    bool made = system(command.c_str()) == 0;
    if (made) module->library = dlopen(library.c_str(), RTLD_NOW);
    (void)!system((std::string("rm -r ") + folder).c_str());
    return module->library && dlsym(module->library, "emulation_launch");
}

}  // namespace

extern "C" {

Result cuGetErrorName(Result error, const char** name) {
    auto found = NAMES.find(error);
    if (found == NAMES.end()) return INVALID_VALUE;
    *name = found->second;
    return SUCCESS;
}
Result cuGetErrorString(Result error, const char** text) { return cuGetErrorName(error, text); }
Result cuInit(unsigned) {
    begun = true;
    return SUCCESS;
}
Result cuDriverGetVersion(int* version) {
    *version = 13000;
    return SUCCESS;
}
Result cuDeviceGetCount(int* count) {
    *count = 1;
    return begun ? SUCCESS : NOT_INITIALIZED;
}
Result cuDeviceGet(int* device, int number) {
    *device = number;
    return number == 0 ? SUCCESS : INVALID_DEVICE;
}
Result cuDeviceGetAttribute(int* value, int attribute, int) {
    switch (attribute) {
        case 75: *value = 9; return SUCCESS;  // compute capability
        case 76: *value = 0; return SUCCESS;
        case 115: *value = 1; return SUCCESS;  // memory pools
        default: return refuse(INVALID_VALUE, "an attribute that is not known here");
    }
}
Result cuDeviceGetDefaultMemPool(void** found, int) {
    *found = &pool;
    return SUCCESS;
}
Result cuMemPoolSetAttribute(void* of, int attribute, void*) {
    return of == &pool && attribute == 4 ? SUCCESS : refuse(INVALID_VALUE, "an attribute of a pool");
}
Result cuDevicePrimaryCtxRetain(void** found, int) {
    contexts++;
    *found = &context;
    return SUCCESS;
}
Result cuDevicePrimaryCtxRelease_v2(int) {
    contexts--;
    return SUCCESS;
}
Result cuCtxSetCurrent(void* of) {
    current = of;
    return SUCCESS;
}
Result cuCtxGetCurrent(void** of) {
    *of = current;
    return SUCCESS;
}
Result cuEventCreate(void** event, unsigned) {
    READY("cuEventCreate");
    *event = &pool;
    return SUCCESS;
}
Result cuEventDestroy_v2(void*) { return SUCCESS; }

Result cuMemGetInfo_v2(size_t* free, size_t* all) {
    READY("cuMemGetInfo");
    *free = *all = MOST;
    return SUCCESS;
}
Result cuMemAlloc_v2(uint64_t* address, size_t bytes) {
    READY("cuMemAlloc");
    return allocate(address, bytes);
}
Result cuMemAllocAsync(uint64_t* address, size_t bytes, void* stream) {
    READY("cuMemAllocAsync");
    if (Result refused = outside_of_capture(stream, "cuMemAllocAsync")) return refused;
    return allocate(address, bytes);
}
Result cuMemFree_v2(uint64_t address) {
    READY("cuMemFree");
    if (Result failed = finish_all()) return failed;
    return give_back(address) ? SUCCESS : INVALID_VALUE;
}
Result cuMemFreeAsync(uint64_t address, void* stream) {
    READY("cuMemFreeAsync");
    if (Result refused = outside_of_capture(stream, "cuMemFreeAsync")) return refused;
    return ask(stream, [=] { return give_back(address); });
}
Result cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, void* stream) {
    READY("cuMemcpyHtoDAsync");
    if (Result refused = outside_of_capture(stream, "cuMemcpyHtoDAsync")) return refused;
    if (!inside(to, bytes)) return refuse(INVALID_VALUE, "cuMemcpyHtoDAsync");
    // Ordinary memory is copied before this returns.
    std::string kept((const char*)from, bytes);
    return ask(stream, [=] { return inside(to, bytes) && memcpy((void*)to, kept.data(), bytes); });
}
Result cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, void* stream) {
    READY("cuMemcpyDtoHAsync");
    if (Result refused = outside_of_capture(stream, "cuMemcpyDtoHAsync")) return refused;
    if (!inside(from, bytes)) return refuse(INVALID_VALUE, "cuMemcpyDtoHAsync");
    return ask(stream, [=] { return inside(from, bytes) && memcpy(to, (const void*)from, bytes); });
}
Result cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void* stream) {
    READY("cuMemcpyDtoDAsync");
    if (!inside(to, bytes) || !inside(from, bytes)) return refuse(INVALID_VALUE, "cuMemcpyDtoDAsync");
    if (to < from + bytes && from < to + bytes) return refuse(INVALID_VALUE, "a copy over itself");
    return ask(stream, [=] { return inside(to, bytes) && inside(from, bytes) && memcpy((void*)to, (const void*)from, bytes); });
}
Result cuMemsetD8Async(uint64_t to, unsigned char byte, size_t bytes, void* stream) {
    READY("cuMemsetD8Async");
    if (!inside(to, bytes)) return refuse(INVALID_VALUE, "cuMemsetD8Async");
    return ask(stream, [=] { return inside(to, bytes) && memset((void*)to, byte, bytes); });
}

Result cuModuleLoadData(void** module, const void* image) {
    READY("cuModuleLoadData");
    // `nvrtcGetCUBIN` below makes them.
    if (strncmp((const char*)image, "image of\n", 9) != 0) return refuse(INVALID_IMAGE, "cuModuleLoadData");
    *module = new Module{(const char*)image + 9};
    return SUCCESS;
}
Result cuModuleUnload(void* module) {
    READY("cuModuleUnload");
    delete (Module*)module;
    return SUCCESS;
}
Result cuModuleGetFunction(Function** function, Module* module, const char* name) {
    READY("cuModuleGetFunction");
    auto known = module->functions.find(name);
    if (known != module->functions.end()) {
        *function = known->second;
        return SUCCESS;
    }
    Function found = {name, emulation_launch, emulation_parameters(name)};
    if (found.parameters.empty()) {
        if (!module->library && !compiled(module, name)) return refuse(NOT_FOUND, name);
        found.launch = (decltype(found.launch))dlsym(module->library, "emulation_launch");
        found.parameters = ((const char* (*)(const char*))dlsym(module->library, "emulation_parameters"))(name);
    }
    if (found.parameters.empty()) return refuse(NOT_FOUND, name);
    *function = module->functions[name] = new Function(found);
    return SUCCESS;
}
Result cuFuncSetAttribute(Function* function, int attribute, int value) {
    READY("cuFuncSetAttribute");
    if (attribute != 8 || value < 0 || value > 227 * 1024) return refuse(INVALID_VALUE, "an attribute of a function");
    function->shared = (unsigned)value;
    return SUCCESS;
}
Result cuLaunchKernel(Function* function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned two, unsigned three,
                      unsigned shared, void* stream, void** parameters, void** extra) {
    READY("cuLaunchKernel");
    if (extra || two != 1 || three != 1) return refuse(INVALID_VALUE, function->name);
    if (shared > function->shared) return refuse(INVALID_VALUE, function->name + " shares more than it was allowed");
    // The values are read now, as many bytes of each as its type has.
    std::vector<uint64_t> values;
    for (size_t i = 0; i < function->parameters.size(); i++) {
        uint64_t value = 0;
        memcpy(&value, parameters[i], strchr("al", function->parameters[i]) ? 8 : 4);
        values.push_back(value);
    }
    return ask(stream, [=]() mutable {
        std::vector<void*> places;
        for (uint64_t& value : values) places.push_back(&value);
        unsigned grid[3] = {x, y, z};
        char message[512];
        int failed = function->launch(function->name.c_str(), grid, threads, shared, places.data(), function->parameters.c_str(), 2,
                                      message, sizeof message);
        if (failed) fprintf(stderr, "driver: %s: %s\n", function->name.c_str(), message);
        return failed == 0;
    });
}

Result cuStreamCreate(void** made, unsigned flags) {
    READY("cuStreamCreate");
    if (flags != 1) return refuse(INVALID_VALUE, "a stream that waits for the default one cannot be captured beside it");
    Stream* stream = new Stream();
    streams.insert(stream);
    *made = stream;
    return SUCCESS;
}
Result cuStreamDestroy_v2(void* name) {
    READY("cuStreamDestroy");
    Stream* stream = stream_of(name);
    if (!stream || stream == &standard) return refuse(INVALID_HANDLE, "cuStreamDestroy");
    if (Result failed = finish(*stream)) return failed;
    streams.erase(stream);
    delete stream;
    return SUCCESS;
}
Result cuStreamSynchronize(void* name) {
    READY("cuStreamSynchronize");
    if (Result refused = outside_of_capture(name, "cuStreamSynchronize")) return refused;
    return finish(*stream_of(name));
}
Result cuStreamBeginCapture_v2(void* name, int) {
    READY("cuStreamBeginCapture");
    Stream* stream = stream_of(name);
    if (!stream || stream == &standard) return refuse(CAPTURE_UNSUPPORTED, "the default stream cannot be captured");
    if (stream->captured) return refuse(INVALID_VALUE, "a stream that is captured already");
    stream->captured = true;
    return SUCCESS;
}
Result cuStreamEndCapture(void* name, Graph** made) {
    READY("cuStreamEndCapture");
    Stream* stream = stream_of(name);
    if (!stream || !stream->captured) return refuse(INVALID_VALUE, "cuStreamEndCapture");
    *made = nullptr;
    stream->captured = false;
    if (stream->spoiled) return refuse(CAPTURE_INVALIDATED, "cuStreamEndCapture");
    graphs.insert(*made = new Graph(std::move(stream->graph)));
    return SUCCESS;
}
Result cuGraphInstantiateWithFlags(Graph** made, Graph* graph, unsigned long long flags) {
    READY("cuGraphInstantiate");
    if (!graphs.count(graph) || flags != 0) return refuse(INVALID_HANDLE, "cuGraphInstantiate");
    runnable.insert(*made = new Graph(*graph));
    return SUCCESS;
}
Result cuGraphDestroy(Graph* graph) {
    READY("cuGraphDestroy");
    if (!graphs.erase(graph)) return refuse(INVALID_HANDLE, "cuGraphDestroy");
    delete graph;
    return SUCCESS;
}
Result cuGraphExecDestroy(Graph* graph) {
    READY("cuGraphExecDestroy");
    if (!runnable.erase(graph)) return refuse(INVALID_HANDLE, "cuGraphExecDestroy");
    delete graph;
    return SUCCESS;
}
Result cuGraphLaunch(Graph* graph, void* stream) {
    READY("cuGraphLaunch");
    if (!runnable.count(graph)) return refuse(INVALID_HANDLE, "cuGraphLaunch");
    Graph all = *graph;
    return ask(stream, [=] {
        for (const Work& work : all) {
            if (!work()) return false;
        }
        return true;
    });
}

// NVRTC: an image is the source itself.

struct Program {
    std::string text;
    bool compiled;
};
int nvrtcVersion(int* major, int* minor) {
    *major = *minor = 0;  // no version that there is, so that nothing is kept as if that one had made it
    return 0;
}
int nvrtcCreateProgram(Program** made, const char* text, const char*, int headers, const char* const*, const char* const*) {
    *made = new Program{std::string("image of\n") + text, false};
    return headers == 0 ? 0 : 3;
}
int nvrtcCompileProgram(Program* program, int count, const char* const* options) {
    bool known = count == 2 && !strcmp(options[0], "--gpu-architecture=sm_90") && !strcmp(options[1], "--std=c++17");
    program->compiled = known;
    return known ? 0 : 5;
}
int nvrtcGetCUBINSize(Program* program, size_t* size) {
    *size = program->text.size() + 1;
    return program->compiled ? 0 : 4;
}
int nvrtcGetCUBIN(Program* program, char* image) {
    memcpy(image, program->text.c_str(), program->text.size() + 1);
    return 0;
}
int nvrtcGetProgramLogSize(Program*, size_t* size) {
    *size = 1;
    return 0;
}
int nvrtcGetProgramLog(Program*, char* log) {
    *log = 0;
    return 0;
}
int nvrtcDestroyProgram(Program** program) {
    delete *program;
    *program = nullptr;
    return 0;
}

// cuBLAS.

const int BLAS_NOT_INITIALIZED = 1, BLAS_INVALID_VALUE = 7, BLAS_EXECUTION_FAILED = 13, BLAS_NOT_SUPPORTED = 15;

int blas_refuse(int status, const char* why) {
    fprintf(stderr, "cuBLAS: %s\n", why);
    return status;
}
int cublasCreate_v2(Blas** made) {
    std::lock_guard<std::recursive_mutex> held(lock);
    if (ready("cublasCreate")) return BLAS_NOT_INITIALIZED;
    handles.insert(*made = new Blas{&standard});
    return 0;
}
int cublasDestroy_v2(Blas* handle) {
    std::lock_guard<std::recursive_mutex> held(lock);
    if (ready("cublasDestroy") || !handles.erase(handle)) return BLAS_NOT_INITIALIZED;
    delete handle;
    return 0;
}
int cublasSetStream_v2(Blas* handle, void* stream) {
    std::lock_guard<std::recursive_mutex> held(lock);
    if (!handles.count(handle) || !stream_of(stream)) return BLAS_NOT_INITIALIZED;
    *handle = Blas{stream_of(stream)};  // and forgets the workspace
    return 0;
}
int cublasSetWorkspace_v2(Blas* handle, uint64_t workspace, size_t bytes) {
    std::lock_guard<std::recursive_mutex> held(lock);
    if (!handles.count(handle)) return BLAS_NOT_INITIALIZED;
    if (workspace % 256 != 0 || !inside(workspace, bytes)) return blas_refuse(BLAS_INVALID_VALUE, "a workspace");
    handle->workspace = workspace;
    return 0;
}

int cublasSetMathMode(Blas* handle, int mode) {
    std::lock_guard<std::recursive_mutex> held(lock);
    if (!handles.count(handle)) return BLAS_NOT_INITIALIZED;
    return mode == 0 || mode == 16 ? 0 : blas_refuse(BLAS_INVALID_VALUE, "a mode of products");
}

float number(uint64_t at, size_t index, int kind) {
    if (kind == 0) return ((const float*)at)[index];
    uint32_t bits = (uint32_t)((const uint16_t*)at)[index] << 16;
    float number;
    memcpy(&number, &bits, 4);
    return number;
}
void put(uint64_t at, size_t index, int kind, float number) {
    if (kind == 0) {
        ((float*)at)[index] = number;
        return;
    }
    uint32_t bits;
    memcpy(&bits, &number, 4);
    ((uint16_t*)at)[index] = (uint16_t)(number != number ? 0x7fc0 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

int cublasGemmEx(Blas* handle, int turn_a, int turn_b, int m, int n, int k, const float* alpha, uint64_t a, int kind_a, int lda,
                 uint64_t b, int kind_b, int ldb, const float* beta, uint64_t c, int kind_c, int ldc, int compute, int algorithm) {
    std::lock_guard<std::recursive_mutex> held(lock);
    if (ready("cublasGemmEx") || !handles.count(handle)) return BLAS_NOT_INITIALIZED;
    bool known = kind_a == kind_b && ((kind_a == 14 && (kind_c == 14 || kind_c == 0)) || (kind_a == 0 && kind_c == 0));
    if (!known || compute != 68) return blas_refuse(BLAS_NOT_SUPPORTED, "types of a product");
    auto enough = [](int leading, int stored) { return leading >= (stored > 1 ? stored : 1); };
    if (m < 0 || n < 0 || k < 0 || turn_a / 2 || turn_b / 2 || algorithm != -1 || !enough(lda, turn_a ? k : m) ||
        !enough(ldb, turn_b ? n : k) || !enough(ldc, m)) {
        return blas_refuse(BLAS_INVALID_VALUE, "sizes of a product");
    }
    auto size = [](int kind) { return kind == 14 ? (size_t)2 : (size_t)4; };
    auto whole = [&](int leading, int inner, int outer, int kind) { return size(kind) * ((size_t)leading * (outer - 1) + inner); };
    if (m > 0 && n > 0 && k > 0 &&
        (!inside(a, turn_a ? whole(lda, k, m, kind_a) : whole(lda, m, k, kind_a)) ||
         !inside(b, turn_b ? whole(ldb, n, k, kind_b) : whole(ldb, k, n, kind_b)) || !inside(c, whole(ldc, m, n, kind_c)))) {
        return blas_refuse(BLAS_EXECUTION_FAILED, "a product outside of its memory");
    }
    if (handle->stream->captured && !handle->workspace) return blas_refuse(BLAS_NOT_SUPPORTED, "captured without a workspace");
    float scale = *alpha, keep = *beta;
    void* stream = handle->stream == &standard ? nullptr : handle->stream;
    return ask(stream, [=] {
        for (size_t j = 0; j < (size_t)n; j++) {
            for (size_t i = 0; i < (size_t)m; i++) {
                double sum = 0.0;
                for (size_t l = 0; l < (size_t)k; l++) {
                    double left = number(a, turn_a ? i * lda + l : l * lda + i, kind_a);
                    sum += left * number(b, turn_b ? l * ldb + j : j * ldb + l, kind_b);
                }
                size_t to = j * ldc + i;
                double before = keep == 0.0f ? 0.0 : (double)keep * number(c, to, kind_c);
                put(c, to, kind_c, (float)(before + scale * sum));
            }
        }
        return true;
    });
}

}  // extern "C"
