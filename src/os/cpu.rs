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
            let cores = ask_cores();
            CORES.store(cores, Relaxed);
            cores
        }
        cores => cores,
    }
}

/// One system call; the standard library would read the control groups' files, too, which the scheduler knows better.
fn ask_cores() -> usize {
    let mut set = core::mem::MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: a live set of the length that is said, for the kernel to fill; 0 means the calling thread.
    let rc = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), set.as_mut_ptr()) };
    // SAFETY: zeroed: every bit pattern is a set.
    let set = unsafe { set.assume_init() };
    // More processors than such a set can name are refused; then there is more than one.
    if rc != 0 {
        return 2;
    }
    // SAFETY: only counts the set's bits.
    let count = unsafe { libc::CPU_COUNT(&set) };
    usize::try_from(count).unwrap_or(1).max(1)
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
