//! The robust list: the thread's own, and nobody dies here.

use super::AtomicU32;
use std::io;

pub(crate) const WAITERS: u32 = 1 << 31;
pub(crate) const OWNER_DIED: u32 = 1 << 30;
pub(crate) const TID: u32 = OWNER_DIED - 1;

#[derive(Clone, Copy)]
pub(crate) struct RobustList;

#[must_use]
pub(crate) struct Insured;

#[allow(unsafe_code, reason = "as the real one")]
#[allow(clippy::missing_safety_doc, clippy::unnecessary_wraps, reason = "as the real one")]
impl RobustList {
    pub(crate) fn current() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn tid(self) -> u32 {
        crate::names::TID
    }

    pub(crate) fn insure(self, _: &AtomicU32) -> Insured {
        Insured
    }

    pub(crate) unsafe fn link(self, _: &AtomicU32) {}

    pub(crate) unsafe fn unlink(self, _: &AtomicU32) {}
}
