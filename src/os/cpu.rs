//! The processor: waiting politely, and barriers that somebody else pays for.
#![allow(unsafe_code)] // membarrier

use super::{AtomicU32, Relaxed};

/// One polite turn of a spin loop: tens of nanoseconds.
#[inline]
pub(crate) fn pause() {
    core::hint::spin_loop();
}

/// Lets somebody else run.
pub(crate) fn yield_now() {
    std::thread::yield_now();
}

/// An answer that is asked for once. Two threads may ask at the same time; a `OnceLock` would leave a child that was forked
/// meanwhile waiting for ever for a thread that is not there.
struct Answer(AtomicU32);

impl Answer {
    const UNKNOWN: u32 = u32::MAX;

    fn get_or(&self, ask: impl FnOnce() -> u32) -> u32 {
        match self.0.load(Relaxed) {
            Self::UNKNOWN => {
                let answer = ask();
                self.0.store(answer, Relaxed);
                answer
            }
            known => known,
        }
    }
}

/// How many processors this process may use, asked once.
pub(crate) fn cores() -> usize {
    static CORES: Answer = Answer(AtomicU32::new(Answer::UNKNOWN));
    let ask = || std::thread::available_parallelism().ok().and_then(|n| n.get().try_into().ok());
    CORES.get_or(|| ask().unwrap_or(1)) as usize
}

/// Agrees that other processes may order this one's memory accesses with [`barrier_everywhere`]. `false` where the kernel
/// or a sandbox refuses.
pub(crate) fn accept_barriers() -> bool {
    static ACCEPTED: Answer = Answer(AtomicU32::new(Answer::UNKNOWN));
    let ask = || membarrier(libc::MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
    ACCEPTED.get_or(|| u32::from(ask())) == 1
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
