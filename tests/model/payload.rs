//! Data that a protocol hands from one process to another: two words that must be equal.
#![allow(unsafe_code)] // a write that is put off knows its place by address

use crate::alter::{What, here};
use crate::{checker, process};

/// Half written, it is torn; read or written by two at a time, the checker fails.
#[derive(Debug, Default)]
pub(crate) struct Payload(checker::Place<u64>, checker::Place<u64>);

impl Payload {
    /// Writes both words, one step each.
    #[track_caller]
    pub(crate) fn write(&self, value: u64) {
        let altered = here();
        if !process::step() {
            return;
        }
        if altered == Some(What::Later) {
            let place = core::ptr::from_ref(self);
            // SAFETY: the data of a model lives as long as its processes.
            process::put_off(move || unsafe { &*place }.put(value));
            return;
        }
        self.0.set(value);
        if process::step() {
            self.1.set(value);
        }
    }

    fn put(&self, value: u64) {
        self.0.set(value);
        self.1.set(value);
    }

    /// Both words.
    pub(crate) fn read(&self) -> (u64, u64) {
        if process::step() { (self.0.get(), self.1.get()) } else { (0, 0) }
    }

    /// The value, which must be whole.
    pub(crate) fn whole(&self) -> u64 {
        let (first, second) = self.read();
        assert_eq!(first, second, "torn");
        first
    }
}
