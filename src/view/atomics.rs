//! ECMAScript's `Atomics`, for those who come from there.
//!
//! Each is sequentially consistent, wraps, and returns the old value. What is a `TypeError` there does not compile here:
//! floats, and waiting on other than 32 or 64 bits. What is a `RangeError` there is
//! [`OutOfRange`](crate::Error::OutOfRange) here.
//!
//! | ECMAScript | here | difference |
//! |---|---|---|
//! | `Atomics.store(view, i, v)` | [`store`] | returns nothing |
//! | `Atomics.wait(view, i, v, ms)` | [`wait`] | unsigned views, too; an enum, not a string |
//! | `Atomics.notify(view, i, count)` | [`notify`] | `None` instead of `undefined` |
//! | `Atomics.waitAsync` | | not here |
//!
//! ```
//! use sabha::{Region, Wait, view::atomics};
//! use std::sync::atomic::AtomicU8;
//!
//! let region = Region::anonymous(1 << 16)?;
//! let bytes = region.slice::<AtomicU8>("bytes", 4)?;
//! assert_eq!(atomics::add(&bytes, 0, 250)?, 0);
//! assert_eq!(atomics::add(&bytes, 0, 10)?, 250);
//! assert_eq!(atomics::compare_exchange(&bytes, 0, 4, 9)?, 4); // 260 modulo 256
//! assert_eq!(atomics::load(&bytes, 0)?, 9);
//! # Ok::<(), sabha::Error>(())
//! ```
//!
//! ```compile_fail,E0277
//! # let region = sabha::Region::anonymous(1 << 16)?;
//! let floats = region.slice::<sabha::AtomicF64>("floats", 4)?;
//! sabha::view::atomics::add(&floats, 0, 1.0)?; // error: not an `Integer`
//! # Ok::<(), sabha::Error>(())
//! ```

use super::element::{Integer, Waitable};
use super::{Wait, place};
use crate::os::clock::Deadline;
use crate::os::{SeqCst, cpu};
use crate::{Result, Shared};
use std::time::Duration;

macro_rules! changes {
    ($($(#[$doc:meta])* $name:ident = $alias:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// [`OutOfRange`](crate::Error::OutOfRange).
        ///
        /// # If a process is killed here
        /// G0: changed, or not.
        #[doc(alias = $alias)]
        pub fn $name<A: Integer>(view: &Shared<[A]>, index: usize, value: A::Value) -> Result<A::Value> {
            Ok(place::at(view, index)?.$name(value))
        }
    )*};
}

changes! {
    /// Adds, wrapping; the old value.
    add = "Atomics.add";
    /// Subtracts, wrapping; the old value.
    sub = "Atomics.sub";
    /// Ands the bits; the old value.
    and = "Atomics.and";
    /// Ors the bits; the old value.
    or = "Atomics.or";
    /// Exclusive-ors the bits; the old value.
    xor = "Atomics.xor";
    /// Stores; the old value.
    exchange = "Atomics.exchange";
}

/// Stores `value` if the element holds `expected`; the old value, in either case.
///
/// # Errors
/// [`OutOfRange`](crate::Error::OutOfRange).
///
/// # If a process is killed here
/// G0: changed, or not.
#[doc(alias = "Atomics.compareExchange")]
pub fn compare_exchange<A: Integer>(
    view: &Shared<[A]>,
    index: usize,
    expected: A::Value,
    value: A::Value,
) -> Result<A::Value> {
    Ok(place::at(view, index)?.replace(expected, value))
}

/// The value. Others may have changed it on return.
///
/// # Errors
/// [`OutOfRange`](crate::Error::OutOfRange).
#[doc(alias = "Atomics.load")]
pub fn load<A: Integer>(view: &Shared<[A]>, index: usize) -> Result<A::Value> {
    Ok(place::at(view, index)?.get(SeqCst))
}

/// Stores `value`.
///
/// # Errors
/// [`OutOfRange`](crate::Error::OutOfRange).
///
/// # If a process is killed here
/// G0: stored, or not.
#[doc(alias = "Atomics.store")]
pub fn store<A: Integer>(view: &Shared<[A]>, index: usize, value: A::Value) -> Result<()> {
    place::at(view, index)?.set(value, SeqCst);
    Ok(())
}

/// Sleeps while nobody notifies the element, if it holds `expected`, at most `timeout_ms` milliseconds and never less.
/// Not a number or infinite: as long as it takes. Negative: only looks.
///
/// ```
/// # use sabha::{Region, Wait, view::atomics};
/// # let region = Region::anonymous(1 << 16)?;
/// let view = region.slice::<std::sync::atomic::AtomicI32>("numbers", 1)?;
/// assert_eq!(atomics::wait(&view, 0, 0, 0.5)?, Wait::TimedOut);
/// assert_eq!(atomics::wait(&view, 0, 1, f64::INFINITY)?, Wait::NotEqual);
/// # Ok::<(), sabha::Error>(())
/// ```
///
/// # Errors
/// [`OutOfRange`](crate::Error::OutOfRange); as [`Region::wait`](crate::Region::wait).
///
/// # If a process is killed here
/// G0, as [`Region::wait`](crate::Region::wait).
#[doc(alias = "Atomics.wait")]
pub fn wait<A: Waitable>(
    view: &Shared<[A]>,
    index: usize,
    expected: A::Value,
    timeout_ms: f64,
) -> Result<Wait> {
    view.wait_until(index, expected, deadline(timeout_ms))
}

/// Wakes up to `count` of those who wait on the element, `None` for all; how many there were.
///
/// # Errors
/// [`OutOfRange`](crate::Error::OutOfRange).
///
/// # If a process is killed here
/// G0, as [`Region::notify`](crate::Region::notify).
#[doc(alias = "Atomics.notify")]
pub fn notify<A: Waitable>(view: &Shared<[A]>, index: usize, count: Option<u32>) -> Result<u32> {
    view.notify(index, count.unwrap_or(u32::MAX))
}

/// Whether operations on elements of `bytes` bytes are lock-free: 1, 2, 4 and 8 are. (They work between processes then.)
#[doc(alias = "Atomics.isLockFree")]
#[must_use]
pub const fn is_lock_free(bytes: usize) -> bool {
    matches!(bytes, 1 | 2 | 4 | 8)
}

/// Tells the processor that this is a spin loop: waits politely for some ten nanoseconds.
#[doc(alias = "Atomics.pause")]
#[inline]
pub fn pause() {
    cpu::pause();
}

/// The standard's conversion of a time-out.
fn deadline(timeout_ms: f64) -> Deadline {
    let ns = (timeout_ms * 1e6).ceil();
    if ns.is_nan() || ns >= u64::MAX as f64 {
        Deadline::NEVER
    } else if ns <= 0.0 {
        Deadline::PASSED
    } else {
        #[allow(clippy::cast_possible_truncation, reason = "between 0 and 2^64, and whole")]
        #[allow(clippy::cast_sign_loss, reason = "as above")]
        Deadline::after(Duration::from_nanos(ns as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_outs_are_those_of_the_standard() {
        for forever in [f64::NAN, f64::INFINITY, f64::MAX, 1e300] {
            assert_eq!(deadline(forever), Deadline::NEVER);
        }
        for at_once in [0.0, -0.0, -1.0, f64::NEG_INFINITY] {
            assert_eq!(deadline(at_once), Deadline::PASSED);
        }
        let now = Deadline::after(Duration::ZERO);
        assert!(deadline(1e-12) > now, "a part of a nanosecond is one");
        assert!(deadline(1.5) >= Deadline::at_ns(now.as_ns() + 1_500_000));
    }
}
