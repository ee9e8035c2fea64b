//! What the models take from shuttle.
#![allow(unsafe_code)] // places that take turns

use core::cell::UnsafeCell;
use core::sync::atomic::Ordering::SeqCst;
use shuttle::rand::Rng;
pub(crate) use shuttle::sync::Mutex;
pub(crate) use shuttle::sync::atomic::{AtomicU32, AtomicU64, fence};
pub(crate) use shuttle::thread::{JoinHandle, Thread, current, park, spawn, yield_now};
pub(crate) use shuttle::thread_local;

/// A place that takes turns: the test fails where a write meets another access.
#[derive(Debug)]
pub(crate) struct Place<T> {
    /// Odd while somebody writes.
    writes: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: shuttle runs one thread at a time.
unsafe impl<T: Send> Sync for Place<T> {}

impl<T: Default> Default for Place<T> {
    fn default() -> Self {
        Self { writes: AtomicU32::new(0), value: UnsafeCell::default() }
    }
}

impl<T: Copy> Place<T> {
    pub(crate) fn get(&self) -> T {
        let before = self.writes.load(SeqCst);
        // SAFETY: nobody else runs between two operations of shuttle's.
        let value = unsafe { *self.value.get() };
        let after = self.writes.load(SeqCst);
        assert!(before == after && before.is_multiple_of(2), "read while another writes");
        value
    }

    pub(crate) fn set(&self, value: T) {
        let before = self.writes.fetch_add(1, SeqCst);
        assert!(before.is_multiple_of(2), "written while another writes");
        // SAFETY: as above.
        unsafe { *self.value.get() = value };
        self.writes.fetch_add(1, SeqCst);
    }
}

/// Whether something happens that happens once in `odds`.
pub(crate) fn by_chance(odds: u32) -> bool {
    shuttle::rand::thread_rng().gen_range(0..odds) == 0
}

/// Nothing: shuttle may let any thread run at each operation.
#[derive(Debug, Default)]
pub(crate) struct Touch(());

impl Touch {
    pub(crate) fn touch(&self) {}
}
