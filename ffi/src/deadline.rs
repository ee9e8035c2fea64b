//! When to give up.

use crate::boundary::quietly;
use core::time::Duration;
use sabha_core::Deadline;

/// A deadline that never passes. (0 has always passed: do not wait at all.)
pub const SABHA_NEVER: u64 = 0xffff_ffff_ffff_ffff;
const _: () = assert!(SABHA_NEVER == Deadline::NEVER.as_ns());

/// The deadline `timeout_ns` nanoseconds from now, on CLOCK_MONOTONIC. SABHA_NEVER stays SABHA_NEVER.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_deadline_after(timeout_ns: u64) -> u64 {
    quietly(0, || Deadline::after(Duration::from_nanos(timeout_ns)).as_ns())
}
