//! The machine. The only room that names `libc`, `nix`, `memmap2`, the hardware's atomics and the futex.
//!
//! It is also the seam for model checking: a protocol file imports nothing but `crate::os::…` and its own siblings, so a
//! model can include the real file below a `mod os` of its own: `seat/{lock,member,page,table}.rs`,
//! `region/{entry,length}.rs`, `ring/spsc/{protocol,wait}.rs`, `view/wait.rs`.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64", target_has_atomic = "64")))]
compile_error!("sabha runs on 64-bit Linux only (kernel 5.16 or newer)");

pub(crate) mod clock;
pub(crate) mod cpu;
pub(crate) mod file;
pub(crate) mod fork;
pub(crate) mod futex;
pub(crate) mod map;
pub(crate) mod process;
pub(crate) mod robust;
pub(crate) mod thread;

pub(crate) use core::sync::atomic::Ordering::{self, Acquire, Relaxed, Release, SeqCst};
pub(crate) use core::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicPtr, AtomicU8, AtomicU16, AtomicU32,
    AtomicU64, AtomicUsize, compiler_fence, fence,
};

/// What the compiler checks of the shared bytes' layout; a model, whose atomics are larger, has no layout to check.
macro_rules! abi {
    ($($holds:expr),+ $(,)?) => {
        const _: () = { $(assert!($holds, "ABI: see docs/layout.md");)+ };
    };
}
pub(crate) use abi;
