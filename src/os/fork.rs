//! Forks. A child inherits mappings, not identity.
#![allow(unsafe_code)] // pthread_atfork, and a place among the program's initialisers

use super::{AtomicU32, Relaxed};
use std::sync::Once;

static EPOCH: AtomicU32 = AtomicU32::new(0);

/// Changes in every child made by `fork` (not by a raw `clone`).
#[inline]
pub(crate) fn epoch() -> u32 {
    EPOCH.load(Relaxed)
}

/// Has `prepare` run before every `fork` of this process, then `parent` and `child` in the two.
/// Registered once, whoever calls; see [`at_load`].
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

/// Has a function run before `main`. The handlers of [`at_fork`] must be there from the start: a fork that has begun takes
/// no more of them, and its child would inherit the lock that another thread then takes.
macro_rules! at_load {
    ($function:path) => {
        const _: () = {
            #[used]
            #[allow(unsafe_code, reason = "the linker's section of functions to call first")]
            #[unsafe(link_section = ".init_array")]
            static AT_LOAD: extern "C" fn() = $function;
        };
    };
}
pub(crate) use at_load;
