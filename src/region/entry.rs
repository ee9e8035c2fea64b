//! One entry of the [directory](super::directory): an object's name and place.
//!
//! It is written under the directory's lock alone, and there it is read; but an observer, who may not write, cannot lock: it
//! looks twice at `state` and believes what it read in between if that is the same.
//!
//! # Shared bytes                                       all zeros = free
//! |  at | field       | width  | stored by        | meaning                                                   |
//! |-----|-------------|--------|------------------|-----------------------------------------------------------|
//! |   0 | state       | u32    | holder of `lock` | odd: present. Each change adds 1                          |
//! |   4 | kind        | u32    | holder of `lock` | what holds the extent: [`Kind`](super::Kind)              |
//! |   8 | fingerprint | u64    | holder of `lock` | of the element type                                       |
//! |  16 | count       | u64    | holder of `lock` | elements                                                  |
//! |  24 | offset      | u64    | holder of `lock` | of the extent, from the start of the heap                 |
//! |  32 | bytes       | u64    | holder of `lock` | of the extent                                             |
//! |  40 | name_len    | u64    | holder of `lock` | bytes of the name                                         |
//! |  48 | name        | 26×u64 | holder of `lock` | zero-padded                                               |
//!
//! # Pairs
//! | `entry-published` | publish: change of `state`, Release (D4) | look: first load of it, Acquire | the fields, and the extent's zeros |
//! | `entry-torn`      | publish: fence, Release, before the fields (D3) | look: fence, Acquire, behind them | who saw some of D3 sees R1, too |
//! Among those who hold the lock, the lock orders all.
//!
//! # If a process is killed
//! | just after                     | the entry holds       | survivors see      | set right by                          |
//! |--------------------------------|-----------------------|--------------------|---------------------------------------|
//! | D3 fields written              | a free entry          | nothing            | the next that takes it                |
//! | D4 `state` odd                 | the object            | the object, whole  | -                                     |
//! | R1 `state` even                | a free entry          | no object          | -                                     |
//! Wrap: who is stopped in a look while 2^32 changes pass believes what it read.
//!
//! Tests: tests/directory.rs, tests/kill/object.rs, tests/hostile; models: tests/loom.

use super::NAME_MAX;
use crate::os::{Acquire, AtomicU32, AtomicU64, Relaxed, Release, abi, fence};
use core::mem::offset_of;

/// See the module.
#[repr(C)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct Entry {
    state: AtomicU32,
    kind: AtomicU32,
    fingerprint: AtomicU64,
    count: AtomicU64,
    offset: AtomicU64,
    bytes: AtomicU64,
    name_len: AtomicU64,
    name: [AtomicU64; NAME_MAX / 8],
}
abi!(size_of::<Entry>() == 256, offset_of!(Entry, name) == 48);

/// An entry's fields but for the name, read once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fields {
    pub(crate) kind: u32,
    pub(crate) fingerprint: u64,
    pub(crate) count: u64,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

/// For who holds the directory's lock.
impl Entry {
    pub(crate) fn is_present(&self) -> bool {
        !self.state.load(Relaxed).is_multiple_of(2)
    }

    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name_len.load(Relaxed) == name.len() as u64
            && words_of(name).zip(&self.name).all(|(word, place)| place.load(Relaxed) == word)
    }

    pub(crate) fn fields(&self) -> Fields {
        Fields {
            kind: self.kind.load(Relaxed),
            fingerprint: self.fingerprint.load(Relaxed),
            count: self.count.load(Relaxed),
            offset: self.offset.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
        }
    }

    /// Makes the entry, which is free, an object's.
    pub(crate) fn publish(&self, name: &str, fields: Fields) {
        fence(Release); // pair: entry-torn
        self.describe(name, fields); // D3
        self.state.fetch_add(1, Release); // D4, pair: entry-published
    }

    /// Frees the entry, which is an object's.
    pub(crate) fn withdraw(&self) {
        self.state.fetch_add(1, Relaxed); // R1
    }

    fn describe(&self, name: &str, fields: Fields) {
        self.kind.store(fields.kind, Relaxed);
        self.fingerprint.store(fields.fingerprint, Relaxed);
        self.count.store(fields.count, Relaxed);
        self.offset.store(fields.offset, Relaxed);
        self.bytes.store(fields.bytes, Relaxed);
        self.name_len.store(name.len() as u64, Relaxed);
        for (place, word) in self.name.iter().zip(words_of(name)) {
            place.store(word, Relaxed);
        }
    }
}

/// For who does not.
impl Entry {
    /// As it was at one moment; `None` if it is free. That is true of a moment, too, if it changes at every look.
    pub(crate) fn look(&self) -> Option<(String, Fields)> {
        const LOOKS: u32 = 100;
        for _ in 0..LOOKS {
            let state = self.state.load(Acquire); // pair: entry-published
            if state.is_multiple_of(2) {
                return None;
            }
            let fields = self.fields();
            let name = self.name();
            fence(Acquire); // pair: entry-torn
            if self.state.load(Relaxed) == state {
                return Some((name, fields));
            }
        }
        None
    }

    fn name(&self) -> String {
        let words = self.name.iter().map(|word| word.load(Relaxed));
        let bytes: Vec<u8> = words.flat_map(u64::to_ne_bytes).collect();
        let len = usize::try_from(self.name_len.load(Relaxed)).unwrap_or(NAME_MAX);
        String::from_utf8_lossy(bytes.get(..len.min(NAME_MAX)).unwrap_or_default()).into_owned()
    }
}

fn words_of(name: &str) -> impl Iterator<Item = u64> + '_ {
    let mut bytes = name.bytes().chain(std::iter::repeat(0));
    (0..NAME_MAX / 8)
        .map(move |_| u64::from_ne_bytes(core::array::from_fn(|_| bytes.next().unwrap_or(0))))
}
