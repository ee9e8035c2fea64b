//! A ring whose items' type is known only at run time: the ends of a typed ring keep the positions, and the items are
//! copied here, as bytes.
#![allow(unsafe_code)] // copies bytes into slots and out of them

use super::PlainType;
use crate::ring::spsc::{ALIGN, Consumer, Item, PopError, Producer, PushError, Spsc};
use crate::seat::Policy;
use crate::{Deadline, Error, Region, Result};
use core::ptr::NonNull;

/// A [`Spsc`] without its type.
pub struct RawRing {
    ring: Spsc<u8>,
    slots: Slots,
}

/// The slots: `mask + 1` of them, of `size` bytes each.
#[derive(Clone, Copy)]
struct Slots {
    first: NonNull<u8>,
    size: usize,
    mask: u64,
}

// SAFETY: the place of bytes, for who holds an end of the ring.
unsafe impl Send for Slots {}
// SAFETY: as above; nothing is touched through a `&Slots` but by unsafe methods.
unsafe impl Sync for Slots {}

/// A run of slots without a gap: at least one.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The first.
    pub start: NonNull<u8>,
    /// How many.
    pub len: usize,
}

impl Slots {
    /// The slots of `len` positions: up to the end of memory, and on from its start.
    #[allow(clippy::cast_possible_truncation, reason = "64-bit machines only")]
    fn runs(self, position: u64, len: usize) -> [Run; 2] {
        let index = (position & self.mask) as usize;
        let first = len.min(self.mask as usize + 1 - index);
        // SAFETY: `index` is masked: inside the slots.
        let start = unsafe { self.first.add(index * self.size) };
        [Run { start, len: first }, Run { start: self.first, len: len - first }]
    }

    /// # Safety
    /// The slots are the caller's to write, and as many items lie at `items`.
    unsafe fn copy_in(self, position: u64, items: *const u8, len: usize) {
        let [run, rest] = self.runs(position, len);
        let split = run.len * self.size;
        // SAFETY: the caller's duty; `run` is its first part.
        unsafe { run.start.as_ptr().copy_from_nonoverlapping(items, split) };
        let (items, bytes) = (items.wrapping_add(split), rest.len * self.size);
        // SAFETY: the other part.
        unsafe { rest.start.as_ptr().copy_from_nonoverlapping(items, bytes) };
    }

    /// # Safety
    /// The slots are the caller's to read, and there is room for as many items at `items`.
    unsafe fn copy_out(self, position: u64, items: *mut u8, len: usize) {
        let [run, rest] = self.runs(position, len);
        let split = run.len * self.size;
        // SAFETY: the caller's duty; `run` is its first part.
        unsafe { run.start.as_ptr().copy_to_nonoverlapping(items, split) };
        let (items, bytes) = (items.wrapping_add(split), rest.len * self.size);
        // SAFETY: the other part.
        unsafe { rest.start.as_ptr().copy_to_nonoverlapping(items, bytes) };
    }
}

impl RawRing {
    /// As [`Spsc::open_or_create`].
    ///
    /// # Errors
    /// As there, and [`OutOfRange`](Error::OutOfRange) for an alignment of more than 128.
    pub fn open(region: &Region, name: &str, item: PlainType, capacity: usize) -> Result<Self> {
        let most = ALIGN as u64;
        if item.align() > most {
            let (what, found) = ("the alignment of a ring's items", item.align());
            return Err(Error::OutOfRange { what, found, least: 1, most });
        }
        let native = |number| usize::try_from(number).unwrap_or(isize::MAX.unsigned_abs());
        let (size, align) = (native(item.size()), native(item.align()));
        let item = Item { size, align, fingerprint: item.fingerprint() };
        let (ring, first) = Spsc::of_items(region, name, capacity, item)?;
        let mask = ring.capacity() as u64 - 1;
        Ok(Self { ring, slots: Slots { first, size, mask } })
    }

    /// As [`Spsc::producer`].
    ///
    /// # Errors
    /// As there.
    pub fn producer(&self) -> Result<RawProducer> {
        Ok(RawProducer { end: self.ring.producer()?, slots: self.slots, claimed: 0 })
    }

    /// As [`Spsc::consumer`].
    ///
    /// # Errors
    /// As there.
    pub fn consumer(&self) -> Result<RawConsumer> {
        Ok(RawConsumer { end: self.ring.consumer()?, slots: self.slots, seen: 0 })
    }

    /// As [`Spsc::capacity`].
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// As [`Spsc::len`].
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a ring is looked at, not used as a collection")]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// As [`Spsc::is_closed`].
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }
}

/// A [`Producer`] without its type.
pub struct RawProducer {
    end: Producer<u8>,
    slots: Slots,
    /// Slots from the position on that the caller may write.
    claimed: usize,
}

impl RawProducer {
    /// Pushes as many of the `len` items at `items` as there are free slots; how many. A claim is given up.
    ///
    /// # Errors
    /// As [`Producer::push_slice`].
    ///
    /// # Safety
    /// `len` items lie at `items`.
    pub unsafe fn push(
        &mut self,
        items: *const u8,
        len: usize,
    ) -> core::result::Result<usize, PushError<()>> {
        self.claimed = 0;
        let claim = match self.end.claim(len) {
            Err(PushError::Full(())) if len > 1 => {
                let room = self.end.room();
                self.end.claim(room.clamp(1, len))?
            }
            claim => claim?,
        };
        let len = claim.len();
        // SAFETY: the claim's slots; the caller's items.
        unsafe { self.slots.copy_in(claim.position(), items, len) };
        claim.commit(len)?;
        Ok(len)
    }

    /// Waits until there is a free slot.
    ///
    /// # Errors
    /// As [`Producer::push_until`].
    pub fn wait<P: Policy>(&mut self, until: Deadline) -> core::result::Result<(), PushError<()>> {
        self.end.wait_for_room::<P>(until)
    }

    /// The next free slots that lie one behind the other, at most `len`, to be written in place.
    ///
    /// # Errors
    /// As [`Producer::claim`], if there is not even one.
    pub fn claim(&mut self, len: usize) -> core::result::Result<Run, PushError<()>> {
        self.claimed = 0;
        let room = self.end.room();
        let claim = self.end.claim(room.clamp(1, len.max(1)))?;
        let [run, _] = self.slots.runs(claim.position(), claim.len());
        self.claimed = run.len;
        Ok(run)
    }

    /// Pushes the first `len` of the claimed slots, and gives the others up. `false` if so many were not claimed.
    ///
    /// # Errors
    /// As [`Claim::commit`](crate::ring::spsc::Claim::commit).
    pub fn commit(&mut self, len: usize) -> core::result::Result<bool, PushError<()>> {
        if len > self.claimed {
            return Ok(false);
        }
        self.claimed = 0;
        if len > 0 {
            self.end.claim(len)?.commit(len)?;
        }
        Ok(true)
    }

    /// As [`Producer::room`].
    pub fn room(&mut self) -> usize {
        self.end.room()
    }

    /// As [`Producer::position`].
    #[must_use]
    pub fn position(&self) -> u64 {
        self.end.position()
    }

    /// As [`Producer::close`].
    ///
    /// # Errors
    /// As there.
    pub fn close(&mut self) -> Result<()> {
        self.end.close()
    }
}

/// A [`Consumer`] without its type.
pub struct RawConsumer {
    end: Consumer<u8>,
    slots: Slots,
    /// Items from the position on that the caller may read.
    seen: usize,
}

impl RawConsumer {
    /// Takes as many of the oldest items as there are and `items` has room for, `len`; how many. What was
    /// [read](Self::read) and not released is among them.
    ///
    /// # Errors
    /// As [`Consumer::pop_slice`].
    ///
    /// # Safety
    /// There is room for `len` items at `items`.
    pub unsafe fn pop(
        &mut self,
        items: *mut u8,
        len: usize,
    ) -> core::result::Result<usize, PopError> {
        self.seen = 0;
        let chunk = self.end.read(len)?;
        let len = chunk.len();
        // SAFETY: the chunk's slots; the caller's room.
        unsafe { self.slots.copy_out(chunk.position(), items, len) };
        chunk.release(len);
        Ok(len)
    }

    /// Waits until there is an item.
    ///
    /// # Errors
    /// As [`Consumer::pop_until`].
    pub fn wait<P: Policy>(&mut self, until: Deadline) -> core::result::Result<(), PopError> {
        self.end.wait_for_item::<P>(until)
    }

    /// The oldest items that lie one behind the other, at most `len`, to be used in place.
    ///
    /// # Errors
    /// As [`Consumer::read`].
    pub fn read(&mut self, len: usize) -> core::result::Result<Run, PopError> {
        self.seen = 0;
        let chunk = self.end.read(len.max(1))?;
        let [run, _] = self.slots.runs(chunk.position(), chunk.len());
        self.seen = run.len;
        Ok(run)
    }

    /// Gives the slots of the first `len` items that were read to the producer. `false` if so many were not read.
    ///
    /// # Errors
    /// As [`Consumer::read`].
    pub fn release(&mut self, len: usize) -> core::result::Result<bool, PopError> {
        if len > self.seen {
            return Ok(false);
        }
        self.seen = 0;
        if len > 0 {
            self.end.read(len)?.release(len);
        }
        Ok(true)
    }

    /// As [`Consumer::len`].
    #[allow(clippy::len_without_is_empty, reason = "as a ring's")]
    pub fn len(&mut self) -> usize {
        self.end.len()
    }

    /// As [`Consumer::position`].
    #[must_use]
    pub fn position(&self) -> u64 {
        self.end.position()
    }

    /// As [`Consumer::close`].
    ///
    /// # Errors
    /// As there.
    pub fn close(&mut self) -> Result<()> {
        self.end.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ptr::from_mut;
    use core::ptr::from_ref;

    #[test]
    fn a_ring_of_a_type_at_run_time_is_the_typed_ring() {
        let region = Region::anonymous(1 << 16).unwrap();
        let item = PlainType::of::<[u16; 3]>();
        let raw = RawRing::open(&region, "items", item, 4).unwrap();
        let typed = Spsc::<[u16; 3]>::open_or_create(&region, "items", 4).unwrap();
        let (mut producer, mut consumer) = (raw.producer().unwrap(), typed.consumer().unwrap());
        for n in 0..10 {
            let items = [[n, 1, 2], [n, 3, 4], [n, 5, 6]];
            // SAFETY: three items.
            let pushed = unsafe { producer.push(from_ref(&items).cast(), 3) };
            assert_eq!(pushed, Ok(3));
            assert_eq!([(); 3].map(|()| consumer.try_pop().unwrap()), items);
        }
        drop((producer, consumer));

        let (mut producer, mut consumer) = (typed.producer().unwrap(), raw.consumer().unwrap());
        producer.push_slice(&[[1; 3], [2; 3], [3; 3]]).unwrap();
        let mut items = [[0u16; 3]; 4];
        // SAFETY: room for four items.
        let popped = unsafe { consumer.pop(from_mut(&mut items).cast(), 4) };
        assert_eq!((popped, items), (Ok(3), [[1; 3], [2; 3], [3; 3], [0; 3]]));
    }

    #[test]
    fn runs_are_without_a_gap_and_bounded_by_what_was_asked_for() {
        let region = Region::anonymous(1 << 16).unwrap();
        let ring = RawRing::open(&region, "items", PlainType::of::<u64>(), 4).unwrap();
        let (mut producer, mut consumer) = (ring.producer().unwrap(), ring.consumer().unwrap());
        assert_eq!(producer.claim(3).unwrap().len, 3);
        assert_eq!((producer.commit(4), producer.commit(3)), (Ok(false), Ok(true)));
        assert_eq!(producer.commit(1), Ok(false), "claimed once, committed once");
        assert_eq!(producer.claim(9).unwrap().len, 1, "one is free");
        assert_eq!(consumer.read(2).unwrap().len, 2);
        assert_eq!((consumer.release(3), consumer.release(2)), (Ok(false), Ok(true)));
        assert_eq!(producer.claim(9).unwrap().len, 1, "up to the end of the memory");
        assert_eq!(producer.commit(1), Ok(true));
        assert_eq!(producer.claim(9).unwrap().len, 2, "and on from its start");
        assert_eq!(producer.commit(0), Ok(true));
        assert_eq!(consumer.read(9).unwrap().len, 2);
        assert_eq!(consumer.release(2), Ok(true));
        assert_eq!(consumer.len(), 0);
        assert!(matches!(consumer.read(9), Err(PopError::Empty)));
    }

    #[test]
    fn an_item_that_no_slot_can_hold_is_refused() {
        let region = Region::anonymous(1 << 16).unwrap();
        let wide = PlainType::new(256, 256, 7).unwrap();
        let huge = PlainType::new(1 << 62, 1, 7).unwrap();
        for (item, capacity) in [(wide, 4), (huge, 4), (PlainType::of::<u8>(), 0)] {
            let refused = RawRing::open(&region, "items", item, capacity).map(drop);
            assert!(matches!(refused, Err(Error::OutOfRange { .. })), "{refused:?}");
        }
    }
}
