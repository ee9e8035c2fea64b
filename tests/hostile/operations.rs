//! What processes do with shared memory: every protocol of the library, in all its forms.

mod locks;
mod rings;
mod tables;
mod waits;

use crate::adversary::{choose, some_end};
use crate::driver::Operation;
use crate::os::clock::Deadline;

/// All of them.
pub(crate) fn all() -> Vec<Operation> {
    [locks::ALL, rings::ALL, waits::ALL, tables::ALL].concat()
}

/// When to give up.
fn some_deadline() -> Deadline {
    some_end().map_or(Deadline::NEVER, Deadline::at_ns)
}

/// A number of items, or of sleepers: few, or too many.
fn some_count() -> u64 {
    [0, 1, 2, 3, 16, 17, 1 << 32, u64::MAX][choose(8) as usize]
}
