//! Items that are being read in place.
#![allow(unsafe_code, reason = "reads the slots that the protocol says are the consumer's")]

use super::end::Tenure;
use super::protocol::ConsumerSide;
use super::slots::Slots;
use crate::Payload;

/// Items of a ring that the consumer uses where they lie. [`release`](Self::release) gives their
/// slots to the producer; dropping it releases nothing. [`Consumer::read`](super::Consumer::read)
/// makes it.
///
/// In a forked child it is empty, and releases nothing.
///
/// ```
/// # use sabha::{Region, ring::spsc::Spsc};
/// # let region = Region::anonymous(1 << 16)?;
/// # let numbers = Spsc::<u64>::open_or_create(&region, "numbers", 8)?;
/// # let (mut producer, mut consumer) = (numbers.producer()?, numbers.consumer()?);
/// producer.push_slice(&[1, 2, 3])?;
/// let chunk = consumer.read(8)?; // there are three
/// let sum: u64 = chunk.iter().sum();
/// chunk.release(3); // killed before this, all three would come again
/// assert_eq!(sum, 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # If a process is killed here
/// **G1 self-healing**: before the release all items come again, after it none.
#[must_use = "items that are not released come again"]
pub struct Chunk<'a, T: Payload> {
    side: &'a mut ConsumerSide<'static>,
    slots: Slots<T>,
    tenure: &'a Tenure,
    len: usize,
}

impl<'a, T: Payload> Chunk<'a, T> {
    pub(super) fn new(
        side: &'a mut ConsumerSide<'static>,
        slots: Slots<T>,
        tenure: &'a Tenure,
        len: usize,
    ) -> Self {
        Self { side, slots, tenure, len }
    }

    /// Items in it.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.tenure.is_forked() { 0 } else { self.len }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The position of the first.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.side.head()
    }

    /// A copy of item `index`, the oldest being 0; `None` behind the last.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<T> {
        if index >= self.len() {
            return None;
        }
        // SAFETY: below `len`: ours until it is released; any bytes are a `T`. C2
        Some(unsafe { self.slots.read(self.side.head().wrapping_add(index as u64)) })
    }

    /// Copies of the items, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        (0..self.len).map_while(|index| self.get(index))
    }

    /// The items as memory: up to the end of the ring's, and on from its start.
    ///
    /// # Safety
    /// No other process writes them, as long as the slices live. One that keeps to the protocol
    /// does not; this says that all do who can write the region, and that this is no forked child.
    #[must_use]
    pub unsafe fn as_slices(&self) -> (&[T], &[T]) {
        let [(run, len), (rest, rest_len)] = self.slots.runs(self.side.head(), self.len());
        // SAFETY: slots of ours, borrowed as long as this is; the caller vouches for the others.
        let run = unsafe { core::slice::from_raw_parts(run, len) };
        // SAFETY: as above, others.
        let rest = unsafe { core::slice::from_raw_parts(rest, rest_len) };
        (run, rest)
    }

    /// Gives the slots of the first `count` items to the producer, by one store.
    ///
    /// # Panics
    /// If `count` is more than there are.
    #[inline]
    pub fn release(self, count: usize) {
        assert!(count <= self.len, "release of {count} items of {}", self.len);
        if !self.tenure.is_forked() {
            self.side.release(count as u64);
        }
    }
}
