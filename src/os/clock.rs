//! The monotonic clock, and when to give up.
#![allow(unsafe_code)] // one system call

use std::time::Duration;

/// When to give up: an absolute instant of `CLOCK_MONOTONIC`.
///
/// Absolute, so that a wait that is interrupted and resumed keeps its end, and several waits can share one.
///
/// ```
/// use std::time::Duration;
/// use sabha::Deadline;
///
/// let soon = Deadline::after(Duration::from_millis(5));
/// assert!(!Deadline::NEVER.has_passed() && Deadline::PASSED.has_passed());
/// assert!(soon < Deadline::NEVER);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Deadline(u64);

impl Deadline {
    /// Wait for ever.
    pub const NEVER: Self = Self(u64::MAX);
    /// Do not wait at all.
    pub const PASSED: Self = Self(0);

    /// `timeout` from now. A time-out beyond the clock's range (584 years) is [`NEVER`](Self::NEVER).
    #[must_use]
    pub fn after(timeout: Duration) -> Self {
        let ns = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        Self(now_ns().saturating_add(ns))
    }

    /// The instant at which `CLOCK_MONOTONIC` shows `ns` nanoseconds; `u64::MAX` is [`NEVER`](Self::NEVER).
    #[must_use]
    pub const fn at_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds of `CLOCK_MONOTONIC`.
    #[must_use]
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// Whether the clock has reached it.
    #[must_use]
    pub fn has_passed(self) -> bool {
        self != Self::NEVER && now_ns() >= self.0
    }

    /// What `clock_gettime` calls it; `None` for [`NEVER`](Self::NEVER).
    pub(crate) fn as_timespec(self) -> Option<libc::timespec> {
        const NS: u64 = 1_000_000_000;
        (self != Self::NEVER).then(|| libc::timespec {
            tv_sec: i64::try_from(self.0 / NS).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(self.0 % NS).unwrap_or(0),
        })
    }
}

impl From<Duration> for Deadline {
    fn from(timeout: Duration) -> Self {
        Self::after(timeout)
    }
}

/// `CLOCK_MONOTONIC` in nanoseconds.
pub(crate) fn now_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a live timespec for the kernel to fill.
    let rc = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    debug_assert_eq!(rc, 0, "every Linux has CLOCK_MONOTONIC");
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}
