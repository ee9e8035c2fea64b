//! The producer's handle.
#![allow(unsafe_code, reason = "writes the slots that the protocol says are the producer's")]

use super::claim::Claim;
use super::end::{Tenure, patience};
use super::protocol::{ProducerSide, Refusal};
use super::refused::PushError;
use super::slots::Slots;
use super::wait::Look;
use crate::seat::{Adaptive, Policy};
use crate::{Deadline, Error, Payload};
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;

/// The producer's end of a ring, owned by this process. [`Spsc::producer`](super::Spsc::producer)
/// takes it.
///
/// Dropping it gives the end back, and leaves the ring open: another producer may go on. A forked
/// child's copy refuses, and its drop gives nothing back.
///
/// `P` says how the blocking forms spend their time: see [`waiting`](Self::waiting).
///
/// # If a process is killed here
/// **G1 self-healing**, in every method: an item is in the ring, whole, or it is not. Who takes the
/// end next goes on behind the last item.
pub struct Producer<T: Payload, P: Policy = Adaptive> {
    side: ProducerSide<'static>,
    slots: Slots<T>,
    tenure: Tenure,
    /// For one thread at a time.
    policy: PhantomData<Cell<P>>,
}

impl<T: Payload> Producer<T> {
    pub(super) fn new(slots: Slots<T>, tenure: Tenure, barriers: bool) -> Result<Self, Error> {
        let place = &tenure.place;
        let side = ProducerSide::attach(place.ring, place.capacity, barriers);
        let side = side.map_err(|why| place.error(why))?;
        Ok(Self { side, slots, tenure, policy: PhantomData })
    }
}

impl<T: Payload, P: Policy> Producer<T, P> {
    /// The same end, which waits as `Q` says: [`Spin`](crate::sync::Spin),
    /// [`Block`](crate::sync::Block) or [`Adaptive`], the default. The other end may wait
    /// otherwise.
    #[must_use]
    pub fn waiting<Q: Policy>(self) -> Producer<T, Q> {
        let Self { side, slots, tenure, .. } = self;
        Producer { side, slots, tenure, policy: PhantomData }
    }

    /// Pushes an item if there is a free slot. Wait-free.
    ///
    /// # Errors
    /// * [`Full`](PushError::Full): try again later.
    /// * [`Closed`](PushError::Closed): either end closed the ring; the item was not pushed.
    /// * [`Abandoned`](PushError::Abandoned): full, and the consumer was killed. As long as there
    ///   are free slots, items can be pushed for its successor. Asking the kernel costs a system
    ///   call, so this form asks rarely, and may say `Full` for a while;
    ///   [`is_abandoned`](Self::is_abandoned) asks at once.
    /// * [`Corrupt`](PushError::Corrupt), [`Forked`](PushError::Forked).
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), PushError<T>> {
        if self.is_ready() {
            return self.push_into_room(value);
        }
        let made = self.make_room(1);
        self.push_if(made, value)
    }

    /// Pushes an item, waiting for a free slot as long as it takes.
    ///
    /// # Errors
    /// As [`try_push`](Self::try_push), but for `Full`; `Abandoned` at the latest
    /// [`PULSE`](crate::sync::PULSE) after the consumer's death.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        self.push_until(value, Deadline::NEVER)
    }

    /// Pushes an item, waiting for a free slot until the deadline.
    ///
    /// # Errors
    /// As [`push`](Self::push), and [`TimedOut`](PushError::TimedOut).
    #[inline]
    pub fn push_until(&mut self, value: T, deadline: Deadline) -> Result<(), PushError<T>> {
        if self.is_ready() {
            return self.push_into_room(value);
        }
        let made = self.await_room::<P>(deadline);
        self.push_if(made, value)
    }

    /// Pushes as many of `values`, in order, as there are free slots; how many. They appear at
    /// once.
    ///
    /// # Errors
    /// As [`try_push`](Self::try_push), if not even one was pushed, with nothing to give back.
    #[inline]
    pub fn push_slice(&mut self, values: &[T]) -> Result<usize, PushError<()>>
    where
        T: Copy,
    {
        let refused = |why| PushError::new(why, ());
        let wanted = values.len() as u64;
        match self.make_room(wanted) {
            Err(Refusal::NotYet) if self.side.room() != 0 => {}
            other => other.map_err(refused)?,
        }
        let count = wanted.min(self.side.room());
        let values = values.get(..to_usize(count)).unwrap_or(values);
        // SAFETY: `count` slots from `tail` on are ours: `room` says so. P2
        unsafe { self.slots.copy_in(self.side.tail(), values) };
        self.side.publish(count).map_err(refused)?;
        Ok(values.len())
    }

    /// Takes the next `count` slots to be written in place, and then published at once. All or
    /// nothing: see [`room`](Self::room).
    ///
    /// # Errors
    /// As [`try_push`](Self::try_push); [`Full`](PushError::Full) if fewer than `count` are free,
    /// always so if the ring has not so many.
    pub fn claim(&mut self, count: usize) -> Result<Claim<'_, T>, PushError<()>> {
        self.make_room(count as u64).map_err(|why| PushError::new(why, ()))?;
        Ok(Claim::new(&mut self.side, self.slots, &self.tenure, count))
    }

    /// Closes the ring: no more items, from no producer, ever. The consumer gets those that were
    /// pushed, and then [`Closed`](super::PopError::Closed). Closing a closed ring changes nothing.
    ///
    /// # Errors
    /// [`Forked`](Error::Forked).
    ///
    /// # If a process is killed here
    /// G1: the ring is closed, or it is not; a waiting consumer sees it at the latest after one
    /// pulse.
    pub fn close(&mut self) -> Result<(), Error> {
        if self.tenure.is_forked() {
            return Err(Error::Forked);
        }
        self.side.close();
        Ok(())
    }

    /// Items that were ever pushed, by all producers of this ring. Only this handle changes it.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.side.tail()
    }

    /// Slots that are free. Until the next push it only grows, by the consumer.
    pub fn room(&mut self) -> usize {
        let capacity = self.tenure.place.capacity;
        // What is refused stays refused for the call that wants a slot.
        let _ = self.make_room(capacity);
        to_usize(self.side.room())
    }

    /// Slots of the ring.
    #[must_use]
    pub fn capacity(&self) -> usize {
        to_usize(self.tenure.place.capacity)
    }

    /// Whether the ring is closed; then for ever.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.tenure.place.ring.is_closed()
    }

    /// Whether the consumer's process is gone, by a system call. Another process may take the end
    /// at any time. `false` if nobody has it.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.tenure.place.is_abandoned(self.tenure.place.ring.consumer())
    }

    /// The fast path's two questions: whether this is the process that took the end, and a slot
    /// known to be free.
    #[inline]
    fn is_ready(&self) -> bool {
        !self.tenure.is_forked() && self.side.room() != 0
    }

    /// Looks for room for `count` items, and why there is none.
    #[inline(never)]
    fn make_room(&mut self, count: u64) -> Result<(), Refusal> {
        if self.tenure.is_forked() {
            return Err(Refusal::Forked);
        }
        if self.side.room() >= count {
            return Ok(());
        }
        if let Err(why) = self.side.look() {
            let Self { side, tenure, .. } = self;
            side.doubt(why, &|owner| tenure.place.is_gone(owner))?;
        }
        if self.side.room() >= count { Ok(()) } else { Err(Refusal::NotYet) }
    }

    /// Waits for a free slot as `Q` does, whatever `P` is.
    pub(crate) fn wait_for_room<Q: Policy>(
        &mut self,
        until: Deadline,
    ) -> Result<(), PushError<()>> {
        self.await_room::<Q>(until).map_err(|why| PushError::new(why, ()))
    }

    #[inline(never)]
    fn await_room<Q: Policy>(&mut self, deadline: Deadline) -> Result<(), Refusal> {
        if self.tenure.is_forked() {
            return Err(Refusal::Forked);
        }
        if self.side.room() != 0 {
            return Ok(());
        }
        let Self { side, tenure, .. } = self;
        side.wait(patience::<Q>(), deadline, &|owner| tenure.place.is_gone(owner))
    }

    /// Off the fast path: pushes if there is room.
    #[inline(never)]
    fn push_if(&mut self, room: Result<(), Refusal>, value: T) -> Result<(), PushError<T>> {
        match room {
            Ok(()) => self.push_into_room(value),
            Err(why) => Err(PushError::new(why, value)),
        }
    }

    #[inline]
    fn push_into_room(&mut self, value: T) -> Result<(), PushError<T>> {
        // SAFETY: the slot of `tail` is ours: there is room. P2
        unsafe { self.slots.write(self.side.tail(), value) };
        if self.side.publish_quietly(1) {
            return Ok(());
        }
        self.attend()
    }

    /// The consumer has pinned a note: it sleeps, or it closes and the item that was written may
    /// not count.
    #[cold]
    #[inline(never)]
    fn attend(&mut self) -> Result<(), PushError<T>> {
        self.side.attend(1).map_err(|why| {
            // SAFETY: still our slot, and any bytes are a `T`.
            let value = unsafe { self.slots.read(self.side.tail()) };
            PushError::new(why, value)
        })
    }
}

impl<T: Payload, P: Policy> fmt::Debug for Producer<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Producer {{ position: {}, capacity: {} }}", self.position(), self.capacity())
    }
}

/// Counts and positions, on 64-bit machines.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "64-bit machines only")]
pub(super) const fn to_usize(count: u64) -> usize {
    count as usize
}
