//! Looking at an array without the right to write.

use super::element::{Element, Waitable, peek};
use super::wait::{self, Deaf, ONE, Watched};
use super::{Wait, bulk, place};
use crate::os::SeqCst;
use crate::os::clock::Deadline;
use crate::{Observed, Result};
use core::ops::RangeBounds;

impl<A: Element> Observed<A> {
    /// The value of an element, sequentially consistent. Who may write the region may have changed it on return.
    ///
    /// # Errors
    /// [`OutOfRange`](crate::Error::OutOfRange).
    pub fn load(&self, index: usize) -> Result<A::Value> {
        Ok(place::at(self.elements(), index)?.get(SeqCst))
    }

    /// Copies the elements from `start` on: see [`Shared::copy_to`](crate::Shared::copy_to).
    ///
    /// # Errors
    /// [`OutOfRange`](crate::Error::OutOfRange); then nothing is copied.
    pub fn copy_to(&self, start: usize, target: &mut [A::Value]) -> Result<()> {
        bulk::copy_to(place::run(self.elements(), start, target.len())?, target);
        Ok(())
    }

    /// The elements of `range`: see [`Shared::to_vec`](crate::Shared::to_vec).
    ///
    /// # Errors
    /// [`OutOfRange`](crate::Error::OutOfRange).
    pub fn to_vec(&self, range: impl RangeBounds<usize>) -> Result<Vec<A::Value>> {
        Ok(place::part(self.elements(), range)?.iter().map(peek).collect())
    }
}

/// An observer can wait. It is in the same queue as all others, counts as they do, and goes to the end of it every
/// [`PULSE`](crate::sync::PULSE): it cannot help to pass on what a killed changer owed, so it looks by itself.
impl<A: Waitable> Observed<A> {
    /// Sleeps while nobody notifies the element, if it holds `expected`: see [`Region::wait`](crate::Region::wait).
    ///
    /// # Errors
    /// [`OutOfRange`](crate::Error::OutOfRange).
    ///
    /// # If a process is killed here
    /// G0: the kernel takes it off the queue.
    pub fn wait(&self, index: usize, expected: A::Value) -> Result<Wait> {
        self.wait_until(index, expected, Deadline::NEVER)
    }

    /// The same, until `deadline` (or a `Duration` from now) at the longest; never shorter.
    ///
    /// # Errors
    /// [`OutOfRange`](crate::Error::OutOfRange).
    ///
    /// # If a process is killed here
    /// G0: the kernel takes it off the queue.
    pub fn wait_until(
        &self,
        index: usize,
        expected: A::Value,
        deadline: impl Into<Deadline>,
    ) -> Result<Wait> {
        let watched = self.watched(index, expected)?;
        Ok(wait::wait::<ONE>(&[watched], &Deaf, deadline.into()).into())
    }

    pub(super) fn watched(&self, index: usize, expected: A::Value) -> Result<Watched<'_>> {
        let word = place::at(self.elements(), index)?;
        let guard = self.guard(core::ptr::from_ref(word).addr());
        Ok(Watched { word: word.word(expected), guard })
    }
}
