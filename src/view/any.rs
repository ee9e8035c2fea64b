//! Waiting on several words at once.

use super::element::Waitable;
use super::place;
use super::wait::{self, Deaf, Hearing, Outcome, Watched};
use super::words::robust_list;
use crate::os::clock::Deadline;
use crate::os::futex::WORDS_MAX;
use crate::{Error, Observed, Region, Result, Shared};

/// A word to wait on together with others, and the value that is expected there: see [`wait_any`].
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    watched: Watched<'a>,
    /// `None`: seen through a mapping that cannot be written.
    region: Option<&'a Region>,
}

impl core::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Watch in {:?}", self.region)
    }
}

/// How a wait on several words ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub enum Either {
    /// The word of this index was notified.
    Woken(usize),
    /// The word of this index, the first such, does not hold what was expected.
    NotEqual(usize),
    /// The deadline passed.
    TimedOut,
}

/// Sleeps until one of the words is notified, if each holds what is expected.
///
/// The words may be of both widths and of several regions; together they take at most 127 of the kernel's words: one for
/// 32 bits, three for 64. A word that stands there twice counts as two waiters.
///
/// Words that are notified within the same microseconds have each counted this waiter; it returns the last of them only.
/// Words that do not share a line of 64 bytes, or that an observer sees, are looked at every [`PULSE`](crate::sync::PULSE),
/// and the wait goes to the end of their queues then.
///
/// ```
/// use sabha::{Region, view::{Either, wait_any}};
/// use std::{sync::atomic::{AtomicI32, AtomicU64}, time::Duration};
///
/// let region = Region::anonymous(1 << 16)?;
/// let requests = region.slice::<AtomicU64>("requests", 8)?;
/// let stop = region.slice::<AtomicI32>("stop", 1)?;
/// stop.store_and_notify(0, 1, u32::MAX)?;
/// let soon = Duration::from_millis(50);
/// assert_eq!(wait_any(&[requests.watch(3, 0)?, stop.watch(0, 0)?], soon)?, Either::NotEqual(1));
/// assert_eq!(wait_any(&[requests.watch(3, 0)?], soon)?, Either::TimedOut);
/// # Ok::<(), sabha::Error>(())
/// ```
///
/// # Errors
/// [`OutOfRange`](Error::OutOfRange) for no words, or too many; as [`Region::wait`].
///
/// # If a process is killed here
/// G0, as [`Region::wait`].
pub fn wait_any(watches: &[Watch<'_>], deadline: impl Into<Deadline>) -> Result<Either> {
    let wanted: usize = watches.iter().map(|w| wait::kernel_words(&w.watched.word)).sum();
    let (least, most) = (1, WORDS_MAX - 1); // one for the bell
    if wanted < least || wanted > most {
        let (found, least, most) = (wanted as u64, least as u64, most as u64);
        return Err(Error::OutOfRange { what: "the number of kernel words", found, least, most });
    }
    let words: Vec<Watched<'_>> = watches.iter().map(|watch| watch.watched).collect();
    Ok(match one_guard(watches) {
        Some((region, guard)) => {
            let _insured = robust_list()?.insure(&guard.bell); // W1
            let ears = Hearing(|name| region.seat_is_gone(name));
            wait::wait::<WORDS_MAX>(&words, &ears, deadline.into())
        }
        None => wait::wait::<WORDS_MAX>(&words, &Deaf, deadline.into()),
    }
    .into())
}

/// The region and the guard of all, if it is one that can be written.
fn one_guard<'a>(watches: &[Watch<'a>]) -> Option<(&'a Region, &'a crate::region::Guard)> {
    let first = watches.first()?;
    let same = |other: &Watch<'_>| core::ptr::eq(other.watched.guard, first.watched.guard);
    watches.iter().all(same).then_some((first.region?, first.watched.guard))
}

impl<A: Waitable> Shared<[A]> {
    /// The element, for [`wait_any`].
    ///
    /// # Errors
    /// [`OutOfRange`](Error::OutOfRange).
    pub fn watch(&self, index: usize, expected: A::Value) -> Result<Watch<'_>> {
        self.region().watch(place::at(self, index)?, expected)
    }
}

impl Region {
    /// A word in this region, for [`wait_any`].
    ///
    /// # Errors
    /// [`NotInRegion`](Error::NotInRegion).
    pub fn watch<'a, A: Waitable>(&'a self, word: &'a A, expected: A::Value) -> Result<Watch<'a>> {
        Ok(Watch { watched: self.watched(word, expected)?, region: Some(self) })
    }
}

impl<A: Waitable> Observed<A> {
    /// The element, for [`wait_any`].
    ///
    /// # Errors
    /// [`OutOfRange`](Error::OutOfRange).
    pub fn watch(&self, index: usize, expected: A::Value) -> Result<Watch<'_>> {
        Ok(Watch { watched: self.watched(index, expected)?, region: None })
    }
}

impl From<Outcome> for Either {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Woken(index) => Self::Woken(index),
            Outcome::NotEqual(index) => Self::NotEqual(index),
            Outcome::TimedOut => Self::TimedOut,
        }
    }
}
