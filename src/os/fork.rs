//! Forks. A child inherits mappings, not identity.
#![allow(unsafe_code)] // pthread_atfork

use super::{AtomicU32, Relaxed};
use std::sync::Once;

static EPOCH: AtomicU32 = AtomicU32::new(0);

/// Changes in every child made by `fork` (not by a raw `clone`).
#[inline]
pub(crate) fn epoch() -> u32 {
    EPOCH.load(Relaxed)
}

/// Has `prepare` run before every `fork` of this process, then `parent` and `child` in the two.
/// Registered once, whoever calls.
pub(crate) fn at_fork(prepare: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) {
    extern "C" fn count() {
        EPOCH.fetch_add(1, Relaxed);
    }
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: the handlers are functions that live as long as the program.
        unsafe { libc::pthread_atfork(None, None, Some(count)) };
        // SAFETY: as above.
        unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
    });
}
