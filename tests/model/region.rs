//! What wait and notify know of the region: a guard.

use crate::os::AtomicU32;

/// As in earnest; it can name fewer changers, so that a model sees it full.
#[derive(Default)]
pub(crate) struct Guard {
    pub(crate) generation: AtomicU32,
    pub(crate) bell: AtomicU32,
    pub(crate) crowded: AtomicU32,
    pub(crate) changers: [AtomicU32; CHANGERS],
}

pub(crate) const CHANGERS: usize = 2;
