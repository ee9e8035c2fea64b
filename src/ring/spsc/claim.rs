//! Slots that are being written in place.
#![allow(unsafe_code, reason = "writes the slots that the protocol says are the producer's")]

use super::end::Tenure;
use super::protocol::{ProducerSide, Refusal};
use super::refused::PushError;
use super::slots::Slots;
use crate::Payload;
use core::mem::MaybeUninit;

/// Free slots of a ring that the producer is writing: nobody sees them before
/// [`commit`](Self::commit). Dropping it aborts. [`Producer::claim`](super::Producer::claim) makes
/// it.
///
/// In a forked child it is empty, and refuses to commit.
///
/// ```
/// # use sabha::{Region, ring::spsc::Spsc};
/// # let region = Region::anonymous(1 << 16)?;
/// # let squares = Spsc::<u64>::open_or_create(&region, "squares", 8)?;
/// # let (mut producer, mut consumer) = (squares.producer()?, squares.consumer()?);
/// let mut claim = producer.claim(3)?;
/// for i in 0..claim.len() {
///     claim.write(i, (i * i) as u64);
/// }
/// claim.commit(2)?; // the first two, at once
/// assert_eq!(consumer.try_pop(), Ok(0));
/// assert_eq!(consumer.try_pop(), Ok(1));
/// assert!(consumer.try_pop().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # If a process is killed here
/// **G1 self-healing**: before the commit nothing has happened, after it everything.
#[must_use = "slots that are not committed are not pushed"]
pub struct Claim<'a, T: Payload> {
    side: &'a mut ProducerSide<'static>,
    slots: Slots<T>,
    tenure: &'a Tenure,
    len: usize,
}

impl<'a, T: Payload> Claim<'a, T> {
    pub(super) fn new(
        side: &'a mut ProducerSide<'static>,
        slots: Slots<T>,
        tenure: &'a Tenure,
        len: usize,
    ) -> Self {
        Self { side, slots, tenure, len }
    }

    /// Slots that were claimed.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.tenure.is_forked() { 0 } else { self.len }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The position that the first item will have.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.side.tail()
    }

    /// Writes slot `index`.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    #[inline]
    pub fn write(&mut self, index: usize, value: T) {
        assert!(index < self.len(), "slot {index} of {} that were claimed", self.len());
        // SAFETY: below `len`: ours until it is committed. P2
        unsafe { self.slots.write(self.side.tail().wrapping_add(index as u64), value) };
    }

    /// The slots as memory: up to the end of the ring's, and on from its start. They hold old
    /// bytes.
    ///
    /// # Safety
    /// No other process writes them, as long as the slices live. One that keeps to the protocol
    /// does not; this says that all do who can write the region, and that this is no forked child.
    #[must_use]
    pub unsafe fn as_mut_slices(&mut self) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
        let [(run, len), (rest, rest_len)] = self.slots.runs(self.side.tail(), self.len());
        // SAFETY: slots of ours, borrowed as long as this is; the caller vouches for the others.
        let run = unsafe { core::slice::from_raw_parts_mut(run.cast(), len) };
        // SAFETY: as above, others.
        let rest = unsafe { core::slice::from_raw_parts_mut(rest.cast(), rest_len) };
        (run, rest)
    }

    /// Pushes the first `count` slots, by one store. A slot that was not written holds whatever
    /// item it held before.
    ///
    /// # Errors
    /// [`Closed`](PushError::Closed): the consumer has closed the ring, and none of them counts.
    /// [`Forked`](PushError::Forked).
    ///
    /// # Panics
    /// If `count` is more than was claimed.
    #[inline]
    pub fn commit(self, count: usize) -> Result<(), PushError<()>> {
        if self.tenure.is_forked() {
            return Err(PushError::new(Refusal::Forked, ()));
        }
        assert!(count <= self.len, "commit of {count} slots of {} that were claimed", self.len);
        self.side.publish(count as u64).map_err(|why| PushError::new(why, ()))
    }

    /// Pushes nothing, as dropping it does.
    pub fn abort(self) {}
}
