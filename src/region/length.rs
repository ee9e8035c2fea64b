//! How many bytes of the heap are reserved. It only rises, and never before the file has the bytes.
//!
//! # Shared bytes
//! | at | field | width | stored by | meaning            |
//! |----|-------|-------|-----------|--------------------|
//! |  0 | len   | u64   | growers   | bytes; only rises  |
//!
//! # Pairs
//! | `bytes-reserved` | raise: `len`, Release, behind the reservation | said: load of it, Acquire, before the file is asked | who sees the length finds the file as long |
//!
//! # If a process is killed
//! Between the reservation and the store the file is longer than it needs to be; the next grower raises the length. Grade: G0.
//! Trust: a peer may have stored anything; so who uses bytes asks the file for its size. What is stored by a grower, the file
//! confirms.

use crate::os::{Acquire, AtomicU64, Release, abi};

/// See the module.
#[repr(transparent)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct Length(AtomicU64);
abi!(size_of::<Length>() == 8);

impl Length {
    /// What growers have said.
    pub(crate) fn said(&self) -> u64 {
        self.0.load(Acquire) // pair: bytes-reserved
    }

    /// Raises it to `wanted`, which is reserved, unless it is more: what it is then.
    pub(crate) fn raise(&self, wanted: u64) -> u64 {
        self.0.fetch_max(wanted, Release).max(wanted) // pair: bytes-reserved
    }
}
