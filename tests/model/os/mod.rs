//! The machine, for models: what `src/os` is to the library. The protocol files under test find it as `crate::os`.
//!
//! Each operation is one step of a [process](crate::process), before which it may be killed. The kernel is modelled: its
//! [queues](futex) and what it does [for the dead](robust). The memory is the checker's.

pub(crate) mod atomic;
pub(crate) mod clock;
pub(crate) mod cpu;
pub(crate) mod file;
pub(crate) mod futex;
pub(crate) mod map;
pub(crate) mod process;
pub(crate) mod robust;

pub(crate) use atomic::{AtomicU32, AtomicU64, compiler_fence, fence};
pub(crate) use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// A model's words are larger than the shared ones: there is no layout to check.
macro_rules! abi {
    ($($holds:expr),+ $(,)?) => {
        const _: () = { $(let _ = || $holds;)+ };
    };
}
pub(crate) use abi;
