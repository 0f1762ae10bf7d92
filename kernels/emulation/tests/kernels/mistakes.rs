//! Mistakes in kernels are noticed: each kernel of `cpp/wrong.cpp` has one.

use collimate_emulation::{Emulated, Order};
use collimate_kernels::cuda::{Argument, Gpu, Launch};

const THREADS: u32 = 64;

/// What a kernel leaves in its result, run with this order.
fn run(kernel: &str, order: Order, blocks: u32, shared: u32) -> Result<Vec<f32>, String> {
    let gpu = Emulated::new(order);
    let length = (THREADS * blocks) as usize;
    let out = gpu.allocate(4 * length)?;
    let arguments = [Argument::Address(out)];
    // SAFETY: the kernels take one address of as many numbers as there are threads; what they do beyond stays in the
    // field around the allocation.
    unsafe { gpu.launch(&Launch { kernel, grid: [blocks, 1, 1], threads: THREADS, shared, arguments: &arguments }) }?;
    let mut bytes = vec![0; 4 * length];
    // SAFETY: as many bytes are allocated there.
    unsafe { gpu.download(&mut bytes, out) }?;
    Ok(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

fn failure(kernel: &str) -> String {
    run(kernel, Order::Forward, 1, 4 * THREADS).unwrap_err()
}

#[test]
fn a_race_gives_other_numbers_in_another_order() {
    let [forward, reverse, one, two] = Order::ALL.map(|order| {
        run("wrong_race_kernel", order, 1, 4 * THREADS).unwrap().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    });
    assert!(forward != reverse && reverse != one && one != two);
}

#[test]
fn a_barrier_that_some_never_reach_is_named() {
    assert!(failure("wrong_barrier_kernel").contains("threads that never come"));
}

#[test]
fn two_barriers_are_not_one() {
    assert!(failure("wrong_place_kernel").contains("wait at different places"));
}

#[test]
fn a_write_outside_of_shared_memory_is_noticed() {
    assert!(failure("wrong_shared_kernel").contains("outside of its 256 bytes of shared memory"));
}

#[test]
fn a_write_outside_of_an_allocation_is_noticed() {
    let gpu = Emulated::new(Order::Forward);
    let out = gpu.allocate(4 * THREADS as usize).unwrap();
    let arguments = [Argument::Address(out)];
    let kernel = "wrong_global_kernel";
    // SAFETY: the one number too many lies in the field around the allocation.
    let launched =
        unsafe { gpu.launch(&Launch { kernel, grid: [1, 1, 1], threads: THREADS, shared: 0, arguments: &arguments }) };
    assert!(launched.unwrap_err().contains("outside of an allocation of 256 bytes"));
    // Its end is not to complain again.
    std::mem::forget(gpu);
}

#[test]
fn a_shuffle_with_a_lane_missing_is_noticed() {
    assert!(failure("wrong_shuffle_kernel").contains("threads that never come"));
}

#[test]
fn what_another_block_left_is_not_a_number() {
    let numbers = run("wrong_leftover_kernel", Order::Forward, 2, 4 * THREADS).unwrap();
    assert!(numbers[..64].iter().all(|&x| x == 1.0) && numbers[64..].iter().all(|x| x.is_nan()));
}

#[test]
fn what_was_not_waited_for_is_not_a_number() {
    let numbers = run("wrong_fetch_kernel", Order::Forward, 1, 4 * THREADS).unwrap();
    assert!(numbers[..32].iter().all(|&x| x == 1.0) && numbers[32..].iter().all(|x| x.is_nan()));
}

#[test]
fn what_begins_where_a_gpu_cannot_read_it_is_named() {
    let refused = failure("wrong_alignment_kernel");
    assert!(refused.contains("wrong.cpp needs an address that is a multiple of 16"), "{refused}");
}

#[test]
fn a_launch_that_does_not_fit_its_kernel_or_a_gpu_is_refused() {
    let gpu = Emulated::new(Order::Forward);
    let launch = |kernel, grid, threads, shared, arguments: &[Argument]| {
        // SAFETY: nothing runs.
        unsafe { gpu.launch(&Launch { kernel, grid, threads, shared, arguments }) }.unwrap_err()
    };
    let (one, race, out) = ([1, 1, 1], "wrong_race_kernel", [Argument::Address(0)]);
    assert!(launch("no_such_kernel", one, 64, 0, &[]).contains("no such kernel"));
    assert!(launch(race, one, 32, 0, &out).contains("made for 64"));
    assert!(launch(race, one, 64, 0, &[]).contains("arguments , but it takes a"));
    let other = [Argument::U64(0), Argument::F32(0.0)];
    assert!(launch(race, one, 64, 0, &other).contains("arguments lf, but it takes a"));
    assert!(launch(race, one, 64, 100 << 10, &out).contains("102400 bytes of shared memory"));
    assert!(launch(race, [1, 1 << 16, 1], 64, 0, &out).contains("65536 blocks along side 1"));
}

#[test]
fn a_kernel_that_is_written_while_a_test_runs_is_held_to_the_same() {
    if std::env::var("COLLIMATE_GPU").is_ok() {
        // Where the GPU is, there may be no compiler for the emulation.
        return;
    }
    let gpu = Emulated::new(Order::Forward);
    let refused = gpu.provide("made_wrong", "KERNEL(made_wrong, 64, (float* out), out[0] = nonsense)").unwrap_err();
    assert!(refused.contains("nonsense"), "{refused}");
    assert!(failure("made_wrong").contains("no such kernel"));
    let source = "KERNEL(made_right, 64, (float* out), out[threadIdx.x] = 2.0f)";
    gpu.provide("made_right", source).unwrap();
    gpu.provide("made_right", source).unwrap();
    assert_eq!(run("made_right", Order::Reverse, 1, 0).unwrap(), [2.0; 64]);
    assert!(gpu.provide("made_right", "").unwrap_err().contains("two sources have this name"));
    gpu.provide("made_barrier", "KERNEL(made_barrier, 64, (float* out), if (threadIdx.x > 3) __syncthreads())")
        .unwrap();
    assert!(failure("made_barrier").contains("threads that never come"));
}
