//! Time, which passes with each step, and never comes back.

use crate::adversary;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Deadline(u64);

impl Deadline {
    pub(crate) const NEVER: Self = Self(u64::MAX);
    pub(crate) const PASSED: Self = Self(0);

    pub(crate) fn after(timeout: Duration) -> Self {
        let ns = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        Self(adversary::now().saturating_add(ns))
    }

    pub(crate) const fn at_ns(ns: u64) -> Self {
        Self(ns)
    }

    pub(crate) fn has_passed(self) -> bool {
        self != Self::NEVER && adversary::now() >= self.0
    }

    pub(super) fn end(self) -> Option<u64> {
        (self != Self::NEVER).then_some(self.0)
    }
}
