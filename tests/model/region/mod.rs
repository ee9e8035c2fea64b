//! What the protocol files know of the region: a guard; and its real length, and a real entry of its directory.

#[path = "../../../src/region/entry.rs"]
pub(crate) mod entry;
#[path = "../../../src/region/length.rs"]
pub(crate) mod length;

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

/// A name of one word.
const NAME_MAX: usize = 8;
