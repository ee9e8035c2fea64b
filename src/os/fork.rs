//! Forks. A child inherits mappings, not identity.
#![allow(unsafe_code)] // pthread_atfork

use super::{AtomicU32, Relaxed};

static EPOCH: AtomicU32 = AtomicU32::new(0);

/// Changes in every child made by `fork` (not by a raw `clone`).
#[inline]
pub(crate) fn epoch() -> u32 {
    EPOCH.load(Relaxed)
}

/// Has `prepare` run before every `fork` of this process, then `parent` and `child` in the two. Whoever calls, they are
/// registered; in a race, or in a child that was forked in the middle of this, more than once: they must bear to be run
/// again. (A `Once` would leave that child waiting for ever for a thread that is not there.)
pub(crate) fn at_fork(prepare: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) {
    extern "C" fn count() {
        EPOCH.fetch_add(1, Relaxed);
    }
    static REGISTERED: AtomicU32 = AtomicU32::new(0);
    if REGISTERED.load(Relaxed) == 1 {
        return;
    }
    // SAFETY: the handlers are functions that live as long as the program.
    unsafe { libc::pthread_atfork(None, None, Some(count)) };
    // SAFETY: as above.
    unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
    REGISTERED.store(1, Relaxed);
}
