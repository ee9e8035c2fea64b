//! What the models take from loom: every interleaving, and every value that a load may see under the language's memory
//! model. (loom takes `SeqCst` accesses for `AcqRel` ones; its `SeqCst` fences are true ones.)

#![allow(unsafe_code)] // places that take turns

use core::sync::atomic::Ordering::Relaxed;
pub(crate) use loom::sync::Mutex;
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, fence};
pub(crate) use loom::thread::{JoinHandle, Thread, current, park, spawn, yield_now};
pub(crate) use loom::thread_local;

/// A place that takes turns: loom fails where two accesses, one of them a write, are not ordered.
#[derive(Debug, Default)]
pub(crate) struct Place<T>(loom::cell::UnsafeCell<T>);

// SAFETY: loom checks that accesses are ordered.
unsafe impl<T: Send> Sync for Place<T> {}

impl<T: Copy> Place<T> {
    pub(crate) fn get(&self) -> T {
        // SAFETY: loom checks that nobody writes meanwhile.
        self.0.with(|place| unsafe { *place })
    }

    pub(crate) fn set(&self, value: T) {
        // SAFETY: loom checks that nobody reads or writes meanwhile.
        self.0.with_mut(|place| unsafe { *place = value });
    }
}

/// Whether something happens that happens once in `odds`. Not here: loom's models say what happens, and when.
pub(crate) fn by_chance(_odds: u32) -> bool {
    false
}

std::thread_local! {
    static THOROUGH: core::cell::Cell<bool> = const { core::cell::Cell::new(false) };
}

/// Whether the words of the models that the calling thread runs from now on are [touched](Touch).
pub(crate) fn be_thorough(thorough: bool) {
    THOROUGH.set(thorough);
}

/// What each access of a word changes first. loom looks for the races of a store with the last access of its word only: the
/// storing thread's own load before it hides the other's (tokio-rs/loom#392), and with it the schedules that matter to
/// whoever looks first and then stores. All accesses of a word being changes, none is hidden. That costs: see `explore.rs`.
#[derive(Debug)]
pub(crate) struct Touch(Option<AtomicU32>);

impl Default for Touch {
    fn default() -> Self {
        Self(THOROUGH.get().then(|| AtomicU32::new(0)))
    }
}

impl Touch {
    pub(crate) fn touch(&self) {
        if let Some(touched) = &self.0 {
            touched.fetch_add(1, Relaxed); // orders nothing
        }
    }
}
