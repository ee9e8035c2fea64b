//! The processor: waiting politely, and barriers that somebody else pays for.
#![allow(unsafe_code)] // membarrier

use super::{AtomicUsize, Relaxed};

/// One polite turn of a spin loop: tens of nanoseconds.
#[inline]
pub(crate) fn pause() {
    core::hint::spin_loop();
}

/// Lets somebody else run.
pub(crate) fn yield_now() {
    std::thread::yield_now();
}

/// How many processors this process may use, asked once.
pub(crate) fn cores() -> usize {
    // No `OnceLock`: a child that is forked while another thread asks would wait for that thread for ever.
    static CORES: AtomicUsize = AtomicUsize::new(0);
    match CORES.load(Relaxed) {
        0 => {
            let cores = allowed();
            CORES.store(cores, Relaxed);
            cores
        }
        cores => cores,
    }
}

/// How many processors the scheduler may run this thread on. The standard library's answer also counts a container's share
/// of time, for which it reads files: twenty system calls, in the midst of a process's first contended lock.
fn allowed() -> usize {
    let mut set = core::mem::MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: a live set, as large as said; 0 means the calling thread.
    let rc = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), set.as_mut_ptr()) };
    if rc != 0 {
        return usize::MAX; // the machine has more than a set can hold
    }
    // SAFETY: zeroed, then filled by the kernel.
    let set = unsafe { set.assume_init() };
    // SAFETY: counts the bits of a live set.
    let count = unsafe { libc::CPU_COUNT(&set) };
    usize::try_from(count).unwrap_or(1)
}

/// Agrees that other processes may order this one's memory accesses with [`barrier_everywhere`]. `false` where the kernel
/// or a sandbox refuses. Asked at each attach: that a forked child inherits the agreement is nowhere promised.
pub(crate) fn accept_barriers() -> bool {
    membarrier(libc::MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED)
}

/// A full memory barrier on every processor that runs a thread of a process that accepted: the asymmetric half of a
/// store-load race, paid by the side that is about to sleep. `false` where refused.
pub(crate) fn barrier_everywhere() -> bool {
    membarrier(libc::MEMBARRIER_CMD_GLOBAL_EXPEDITED)
}

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: membarrier takes three integers and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}
