//! Waiting on, and notifying, the words of a region: by address, and by index in a view. The protocol is in `wait.rs`.

use super::element::Waitable;
use super::wait::{self, Hearing, ONE, Outcome, Watched};
use super::{Wait, place};
use crate::os::SeqCst;
use crate::os::clock::Deadline;
use crate::os::robust::RobustList;
use crate::{Error, Region, Result, Shared};

/// Words that lie anywhere in the region, as inside of a struct.
///
/// ```
/// use sabha::{Deadline, Region, Shareable, Wait};
/// use std::sync::atomic::{AtomicU32, AtomicU64};
///
/// #[derive(Shareable)]
/// #[repr(C)]
/// struct Feed {
///     latest: AtomicU64,
///     closed: AtomicU32,
/// }
///
/// let region = Region::anonymous(1 << 16)?;
/// let feed = region.object::<Feed>("feed")?;
/// assert_eq!(region.store_and_notify(&feed.latest, 7, u32::MAX)?, 0); // nobody waits
/// assert_eq!(region.wait_until(&feed.latest, 6, Deadline::NEVER)?, Wait::NotEqual);
/// assert_eq!(region.wait_until(&feed.closed, 0, Deadline::PASSED)?, Wait::TimedOut);
/// # Ok::<(), sabha::Error>(())
/// ```
impl Region {
    /// Sleeps while nobody notifies `word`, if it holds `expected`.
    ///
    /// Of several waiters the one that came first is woken first, among threads of equal priority and as long as none is
    /// interrupted (by a signal, a stop, or the death of a waiter nearby): that one goes to the end of the queue. Waiting
    /// costs no seat.
    ///
    /// Everything before the notify is visible to the woken.
    ///
    /// # Errors
    /// [`NotInRegion`](Error::NotInRegion) for a word elsewhere; the system's, when the thread's robust list is not to be
    /// had.
    ///
    /// # If a process is killed here
    /// G0: the kernel takes it off the queue; the other waiters nearby look at their words again. A notify that it had
    /// taken already, and not yet returned from, is lost with it.
    pub fn wait<A: Waitable>(&self, word: &A, expected: A::Value) -> Result<Wait> {
        self.wait_until(word, expected, Deadline::NEVER)
    }

    /// The same, until `deadline` (or a `Duration` from now) at the longest; never shorter.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    ///
    /// # If a process is killed here
    /// G0, as [`wait`](Self::wait).
    pub fn wait_until<A: Waitable>(
        &self,
        word: &A,
        expected: A::Value,
        deadline: impl Into<Deadline>,
    ) -> Result<Wait> {
        let watched = self.watched(word, expected)?;
        let _insured = robust_list()?.insure(&watched.guard.bell); // W1
        let ears = Hearing(|name| self.seat_is_gone(name));
        Ok(wait::wait::<ONE>(&[watched], &ears, deadline.into()).into())
    }

    /// Wakes up to `count` of those who wait on `word`, first come first served; how many there were. `u32::MAX` means
    /// all, 0 nobody.
    ///
    /// The sum of what all notifies return is the number of waits that return [`Woken`](Wait::Woken).
    ///
    /// # Errors
    /// [`NotInRegion`](Error::NotInRegion) for a word elsewhere.
    ///
    /// # If a process is killed here
    /// G0: they are woken, or not. A process that is killed after it has stored and before it notifies leaves sleepers
    /// behind: see [`store_and_notify`](Self::store_and_notify).
    pub fn notify<A: Waitable>(&self, word: &A, count: u32) -> Result<u32> {
        Ok(wait::notify(self.watched(word, A::Value::default())?, count))
    }

    /// Stores `value` and notifies: what no kill can separate. How many were woken.
    ///
    /// # Errors
    /// [`NotInRegion`](Error::NotInRegion) for a word elsewhere; those of [`enter`](Self::enter), as the thread takes its
    /// seat. Nothing is stored then.
    ///
    /// # If a process is killed here
    /// G1: nothing is stored, or the sleepers find it: all who wait nearby look again, and
    /// who expected another value returns [`NotEqual`](Wait::NotEqual).
    pub fn store_and_notify<A: Waitable>(
        &self,
        word: &A,
        value: A::Value,
        count: u32,
    ) -> Result<u32> {
        self.change_and_notify(word, count, || word.set(value, SeqCst)).map(|((), woken)| woken)
    }

    /// Adds `delta`, wrapping, and notifies: what no kill can separate. The value before, and how many were woken.
    ///
    /// # Errors
    /// As [`store_and_notify`](Self::store_and_notify).
    ///
    /// # If a process is killed here
    /// G1, as [`store_and_notify`](Self::store_and_notify).
    pub fn add_and_notify<A: Waitable>(
        &self,
        word: &A,
        delta: A::Value,
        count: u32,
    ) -> Result<(A::Value, u32)> {
        self.change_and_notify(word, count, || word.add(delta))
    }

    fn change_and_notify<A: Waitable, R>(
        &self,
        word: &A,
        count: u32,
        change: impl FnOnce() -> R,
    ) -> Result<(R, u32)> {
        let watched = self.watched(word, A::Value::default())?;
        if count == 0 {
            return Ok((change(), 0));
        }
        let me = self.enter()?.to_bits();
        let ears = Hearing(|name| self.seat_is_gone(name));
        Ok(wait::change_and_notify(watched, count, me, robust_list()?, &ears, change))
    }

    pub(super) fn watched<'a, A: Waitable>(
        &'a self,
        word: &'a A,
        expected: A::Value,
    ) -> Result<Watched<'a>> {
        // A region is whole pages and a word is aligned: where its first byte is, the others are.
        let guard = self.guard(core::ptr::from_ref(word).addr()).ok_or(Error::NotInRegion)?;
        Ok(Watched { word: word.word(expected), guard })
    }
}

/// By index. What is said at [`Region::wait`] and its neighbours holds for these.
impl<A: Waitable> Shared<[A]> {
    /// Sleeps while nobody notifies the element, if it holds `expected`.
    ///
    /// ```
    /// use sabha::{Region, Wait};
    /// use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
    ///
    /// let view = Region::anonymous(4096)?.slice::<AtomicI64>("numbers", 4)?;
    /// view[2].store(-1, SeqCst);
    /// assert_eq!(view.wait(2, 0)?, Wait::NotEqual);
    /// # Ok::<(), sabha::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`OutOfRange`](Error::OutOfRange); as [`Region::wait`].
    ///
    /// # If a process is killed here
    /// G0, as [`Region::wait`].
    #[doc(alias = "Atomics.wait")]
    pub fn wait(&self, index: usize, expected: A::Value) -> Result<Wait> {
        self.region().wait(place::at(self, index)?, expected)
    }

    /// The same, until `deadline` (or a `Duration` from now) at the longest; never shorter.
    ///
    /// # Errors
    /// [`OutOfRange`](Error::OutOfRange); as [`Region::wait`].
    ///
    /// # If a process is killed here
    /// G0, as [`Region::wait`].
    pub fn wait_until(
        &self,
        index: usize,
        expected: A::Value,
        deadline: impl Into<Deadline>,
    ) -> Result<Wait> {
        self.region().wait_until(place::at(self, index)?, expected, deadline)
    }

    /// Wakes up to `count` of those who wait on the element, first come first served; how many there were. `u32::MAX`
    /// means all, 0 nobody.
    ///
    /// # Errors
    /// [`OutOfRange`](Error::OutOfRange).
    ///
    /// # If a process is killed here
    /// G0, as [`Region::notify`].
    #[doc(alias = "Atomics.notify")]
    pub fn notify(&self, index: usize, count: u32) -> Result<u32> {
        self.region().notify(place::at(self, index)?, count)
    }

    /// Stores `value` and notifies: what no kill can separate. How many were woken.
    ///
    /// # Errors
    /// [`OutOfRange`](Error::OutOfRange); as [`Region::store_and_notify`].
    ///
    /// # If a process is killed here
    /// G1, as [`Region::store_and_notify`].
    pub fn store_and_notify(&self, index: usize, value: A::Value, count: u32) -> Result<u32> {
        self.region().store_and_notify(place::at(self, index)?, value, count)
    }

    /// Adds `delta`, wrapping, and notifies: what no kill can separate. The value before, and how many were woken.
    ///
    /// # Errors
    /// [`OutOfRange`](Error::OutOfRange); as [`Region::store_and_notify`].
    ///
    /// # If a process is killed here
    /// G1, as [`Region::store_and_notify`].
    pub fn add_and_notify(
        &self,
        index: usize,
        delta: A::Value,
        count: u32,
    ) -> Result<(A::Value, u32)> {
        self.region().add_and_notify(place::at(self, index)?, delta, count)
    }
}

pub(super) fn robust_list() -> Result<RobustList> {
    RobustList::current().map_err(|e| Error::os("get_robust_list", e))
}

impl From<Outcome> for Wait {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Woken(_) => Self::Woken,
            Outcome::NotEqual(_) => Self::NotEqual,
            Outcome::TimedOut => Self::TimedOut,
        }
    }
}
