// Blocks, fibers and barriers; see the header.
#include "emulation.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

// Naming them keeps a linker from dropping what otherwise only puts itself on a list.
extern "C" int emulation_kernels, emulation_wrong;

namespace emulation {

thread_local Index thread_index, block_index, block_size, grid_size;
thread_local unsigned char* shared;

static Kernel* kernels;  // filled before `main`

Kernel::Kernel(const char* name, unsigned threads, std::string parameters, void (*call)(void**))
    : name(name), threads(threads), parameters(std::move(parameters)), call(call), next(kernels) {
    kernels = this;
}

namespace {

const size_t STACK = 128 * 1024, GUARD = 256, SLOT = 64;
const unsigned char STALE = 0xff;  // as a number of any type, not a number

enum State { READY, AT_BARRIER, IN_WARP, DONE };

struct Fetch {
    void* to;
    const void* from;
    unsigned bytes;
    bool there;
};

struct Fiber {
    ucontext_t context;  // where it begins
    jmp_buf place;       // where it goes on
    bool begun;
    State state;
    const char* file;
    int line;
    unsigned round;  // warp exchanges so far
    std::vector<std::vector<Fetch>> fetches;  // by group; the last is not closed
};

struct Block {
    const Kernel* kernel;
    void** arguments;
    std::vector<Fiber> fibers;
    std::vector<unsigned char> slots;  // two rounds of what lanes leave for each other
    jmp_buf scheduler;
    unsigned current;
    std::string failure;
};

thread_local Block* running;
thread_local std::vector<std::vector<unsigned char>> stacks;

Fiber& here() { return running->fibers[running->current]; }

// From one context to another by jumps, which unlike swapcontext ask nothing of the operating system.
__attribute__((noinline)) void go_on(Fiber& fiber) {
    if (_setjmp(running->scheduler) != 0) return;
    if (fiber.begun) _longjmp(fiber.place, 1);
    fiber.begun = true;
    setcontext(&fiber.context);
}
__attribute__((noinline)) void leave(Fiber& fiber) {
    if (_setjmp(fiber.place) == 0) _longjmp(running->scheduler, 1);
}

void wait(State state, const char* file, int line) {
    Fiber& fiber = here();
    fiber.state = state;
    fiber.file = file;
    fiber.line = line;
    leave(fiber);
    thread_index = {running->current, 0, 0};
}

void enter() {
    running->kernel->call(running->arguments);
    here().state = DONE;
    leave(here());
}

// Lets those go on for whom everybody has come: the fibers from `begin` to `end`.
bool release(Block& block, size_t begin, size_t end, State state) {
    const Fiber& first = block.fibers[begin];
    for (size_t i = begin; i < end; i++) {
        if (block.fibers[i].state != state) return false;
    }
    for (size_t i = begin; i < end; i++) {
        Fiber& fiber = block.fibers[i];
        if (fiber.line != first.line || strcmp(fiber.file, first.file) != 0) {
            block.failure = "threads " + std::to_string(begin) + " and " + std::to_string(i) +
                            " wait at different places: lines " + std::to_string(first.line) + " and " +
                            std::to_string(fiber.line) + " of " + fiber.file;
            return false;
        }
        fiber.state = READY;
    }
    return true;
}

// 0 is forward, 1 is reverse, anything else is a seed.
struct Order {
    unsigned kind;
    std::mt19937 random;
    void arrange(std::vector<unsigned>& order) {
        if (kind == 1) std::reverse(order.begin(), order.end());
        if (kind > 1) std::shuffle(order.begin(), order.end(), random);
    }
};

bool run_block(Block& block, Order& order) {
    unsigned threads = block_size.x;
    if (stacks.size() < threads) stacks.resize(threads);
    block.fibers.assign(threads, Fiber());
    running = &block;
    for (unsigned i = 0; i < threads; i++) {
        stacks[i].resize(STACK);
        Fiber& fiber = block.fibers[i];
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = stacks[i].data();
        fiber.context.uc_stack.ss_size = STACK;
        makecontext(&fiber.context, enter, 0);
    }
    while (true) {
        std::vector<unsigned> turns;
        for (unsigned i = 0; i < threads; i++) {
            if (block.fibers[i].state == READY) turns.push_back(i);
        }
        order.arrange(turns);
        for (unsigned turn : turns) {
            block.current = turn;
            thread_index = {turn, 0, 0};
            go_on(block.fibers[turn]);
            if (!block.failure.empty()) return false;
        }
        size_t done = 0;
        for (Fiber& fiber : block.fibers) done += fiber.state == DONE;
        if (done == threads) return true;
        bool moved = release(block, 0, threads, AT_BARRIER);
        for (unsigned warp = 0; warp < threads && block.failure.empty(); warp += 32) {
            moved |= release(block, warp, warp + 32, IN_WARP);
        }
        if (!block.failure.empty()) return false;
        if (!moved) {
            for (unsigned i = 0; i < threads; i++) {
                Fiber& fiber = block.fibers[i];
                if (fiber.state == DONE) continue;
                block.failure = "thread " + std::to_string(i) + " waits in line " + std::to_string(fiber.line) + " of " +
                                fiber.file + " for threads that never come";
                return false;
            }
        }
    }
}

}  // namespace

void fail(const char* message) {
    running->failure = message;
    leave(here());
    abort();
}

void fetch(void* to, const void* from, unsigned bytes, bool there) {
    if ((uintptr_t)to % bytes != 0 || (uintptr_t)from % bytes != 0) fail("a copy from or to where it may not begin");
    auto& groups = here().fetches;
    if (groups.empty()) groups.emplace_back();
    groups.back().push_back({to, from, bytes, there});
}

void fetch_group() {
    auto& groups = here().fetches;
    if (groups.empty()) groups.emplace_back();
    groups.emplace_back();
}

void fetch_await(unsigned later) {
    auto& groups = here().fetches;
    // The last is not closed yet.
    while (groups.size() > later + 1) {
        for (const Fetch& fetch : groups.front()) {
            if (fetch.there) memcpy(fetch.to, fetch.from, fetch.bytes);
            else memset(fetch.to, 0, fetch.bytes);
        }
        groups.erase(groups.begin());
    }
}

void block_barrier(const char* file, int line) { wait(AT_BARRIER, file, line); }

void warp_exchange(const void* own, unsigned bytes, const char* file, int line) {
    if (bytes > SLOT) fail("more than a slot of a warp's exchange holds");
    // Two rounds take turns: nobody can be two rounds ahead of another.
    Fiber& fiber = here();
    size_t place = ((fiber.round % 2) * block_size.x + thread_index.x) * SLOT;
    if (bytes > 0) memcpy(&running->slots[place], own, bytes);
    fiber.round++;
    wait(IN_WARP, file, line);
}

const void* warp_read(unsigned lane) {
    unsigned round = here().round - 1;
    return &running->slots[((round % 2) * block_size.x + thread_index.x / 32 * 32 + lane) * SLOT];
}

static const Kernel* find(const char* name) {
    if (emulation_kernels + emulation_wrong != 2) abort();
    const Kernel* kernel = kernels;
    while (kernel && strcmp(kernel->name, name) != 0) kernel = kernel->next;
    return kernel;
}

// What every GPU of compute capability 8.0 or higher can do.
const unsigned MOST_SHARED = 99 * 1024, MOST_BLOCKS[3] = {0x7fffffffu, 65535, 65535};

static std::string launch(const char* name, const unsigned* grid, unsigned threads, unsigned shared_bytes,
                          void** arguments, const char* kinds, unsigned order_kind) {
    const Kernel* kernel = find(name);
    if (!kernel) return "there is no such kernel";
    if (kernel->threads != threads) return "a block of " + std::to_string(threads) + " threads, but it is made for " + std::to_string(kernel->threads);
    if (kernel->parameters != kinds) return std::string("arguments ") + kinds + ", but it takes " + kernel->parameters;
    if (threads % 32 != 0) return "a block that is not of whole warps";
    if (shared_bytes > MOST_SHARED) return std::to_string(shared_bytes) + " bytes of shared memory, more than some GPU has";
    for (int i = 0; i < 3; i++) {
        if (grid[i] == 0 || grid[i] > MOST_BLOCKS[i]) return "a grid of " + std::to_string(grid[i]) + " blocks along side " + std::to_string(i);
    }
    block_size = {threads, 1, 1};
    grid_size = {grid[0], grid[1], grid[2]};
    Order order = {order_kind, std::mt19937(order_kind)};
    std::vector<unsigned> blocks(grid[0] * grid[1] * grid[2]);
    for (unsigned i = 0; i < blocks.size(); i++) blocks[i] = i;
    order.arrange(blocks);
    std::vector<unsigned char> memory(shared_bytes + 2 * GUARD);
    Block block;
    block.kernel = kernel;
    block.arguments = arguments;
    block.slots.resize(2 * threads * SLOT);
    for (unsigned index : blocks) {
        block_index = {index % grid[0], index / grid[0] % grid[1], index / grid[0] / grid[1]};
        // What was left by another block means nothing here.
        std::fill(memory.begin(), memory.end(), STALE);
        size_t start = GUARD + (16 - (uintptr_t)(memory.data() + GUARD) % 16) % 16;
        shared = memory.data() + start;
        if (!run_block(block, order)) return block.failure;
        for (size_t i = 0; i < memory.size(); i++) {
            if ((i < start || i >= start + shared_bytes) && memory[i] != STALE) {
                return "it writes outside of its " + std::to_string(shared_bytes) + " bytes of shared memory";
            }
        }
    }
    return "";
}

}  // namespace emulation

// The compiler calls this before it reads or writes at an address that the type may not have: a GPU refuses that. What it
// hands over begins with the place in the source.
struct Mismatch {
    const char* file;
    uint32_t line, column;
    const void* type;
    unsigned char alignment, use;
};
extern "C" void __ubsan_handle_type_mismatch_v1(Mismatch* found, void*) {
    std::string message = "line " + std::to_string(found->line) + " of " + found->file + " needs an address that is a multiple of " +
                          std::to_string(1u << found->alignment);
    emulation::fail(message.c_str());
}

// The kinds of a kernel's parameters; nothing if there is no such kernel.
extern "C" const char* emulation_parameters(const char* name) {
    const emulation::Kernel* kernel = emulation::find(name);
    return kernel ? kernel->parameters.c_str() : "";
}

// Runs a kernel. Gives 0, or 1 with a message of at most `room` bytes.
extern "C" int emulation_launch(const char* name, const unsigned* grid, unsigned threads, unsigned shared_bytes,
                                void** arguments, const char* kinds, unsigned order, char* message, size_t room) {
    std::string failure = emulation::launch(name, grid, threads, shared_bytes, arguments, kinds, order);
    snprintf(message, room, "%s", failure.c_str());
    return failure.empty() ? 0 : 1;
}
