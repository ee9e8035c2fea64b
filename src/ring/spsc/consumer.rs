//! The consumer's handle.
#![allow(unsafe_code, reason = "reads the slots that the protocol says are the consumer's")]

use super::chunk::Chunk;
use super::end::{Tenure, patience};
use super::producer::to_usize;
use super::protocol::{ConsumerSide, Refusal};
use super::refused::PopError;
use super::slots::Slots;
use super::wait::Look;
use crate::seat::{Adaptive, Policy};
use crate::{Deadline, Error, Payload};
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;

/// The consumer's end of a ring, owned by this process. [`Spsc::consumer`](super::Spsc::consumer)
/// takes it.
///
/// Dropping it gives the end back, and leaves the ring open: another consumer may go on. A forked
/// child's copy refuses, and its drop gives nothing back.
///
/// `P` says how the blocking forms spend their time: see [`waiting`](Self::waiting).
///
/// # If a process is killed here
/// **G1 self-healing, at least once**, in every method: who takes the end next gets each item whose
/// slots were not released. A pop releases before it returns, so an item comes twice only if the
/// first consumer was killed inside the call. To lose nothing that was not *handled*,
/// [`read`](Self::read) items in place and release them afterwards.
pub struct Consumer<T: Payload, P: Policy = Adaptive> {
    side: ConsumerSide<'static>,
    slots: Slots<T>,
    tenure: Tenure,
    /// For one thread at a time.
    policy: PhantomData<Cell<P>>,
}

impl<T: Payload> Consumer<T> {
    pub(super) fn new(slots: Slots<T>, tenure: Tenure, barriers: bool) -> Result<Self, Error> {
        let place = &tenure.place;
        let side = ConsumerSide::attach(place.ring, place.capacity, barriers);
        let side = side.map_err(|why| place.error(why))?;
        Ok(Self { side, slots, tenure, policy: PhantomData })
    }
}

impl<T: Payload, P: Policy> Consumer<T, P> {
    /// The same end, which waits as `Q` says: [`Spin`](crate::sync::Spin),
    /// [`Block`](crate::sync::Block) or [`Adaptive`], the default. The other end may wait
    /// otherwise.
    #[must_use]
    pub fn waiting<Q: Policy>(self) -> Consumer<T, Q> {
        let Self { side, slots, tenure, .. } = self;
        Consumer { side, slots, tenure, policy: PhantomData }
    }

    /// Takes the oldest item, if there is one. Wait-free.
    ///
    /// # Errors
    /// * [`Empty`](PopError::Empty): try again later.
    /// * [`Closed`](PopError::Closed): either end closed the ring, and all items have been taken.
    /// * [`Abandoned`](PopError::Abandoned): no item is left, and the producer was killed. Asking
    ///   the kernel costs a system call, so this form asks rarely, and may say `Empty` for a while;
    ///   [`is_abandoned`](Self::is_abandoned) asks at once.
    /// * [`Corrupt`](PopError::Corrupt), [`Forked`](PopError::Forked).
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, PopError> {
        if !self.is_ready() {
            self.look_for(1)?;
        }
        Ok(self.pop_ready())
    }

    /// Takes the oldest item, waiting for one as long as it takes.
    ///
    /// # Errors
    /// As [`try_pop`](Self::try_pop), but for `Empty`; `Abandoned` at the latest
    /// [`PULSE`](crate::sync::PULSE) after the producer's death.
    #[inline]
    pub fn pop(&mut self) -> Result<T, PopError> {
        self.pop_until(Deadline::NEVER)
    }

    /// Takes the oldest item, waiting for one until the deadline.
    ///
    /// # Errors
    /// As [`pop`](Self::pop), and [`TimedOut`](PopError::TimedOut).
    #[inline]
    pub fn pop_until(&mut self, deadline: Deadline) -> Result<T, PopError> {
        if !self.is_ready() {
            self.await_item::<P>(deadline)?;
        }
        Ok(self.pop_ready())
    }

    /// Takes as many of the oldest items, in order, as there are and `values` has room for; how
    /// many. The rest of `values` is left as it was.
    ///
    /// # Errors
    /// As [`try_pop`](Self::try_pop), if there is not even one.
    #[inline]
    pub fn pop_slice(&mut self, values: &mut [T]) -> Result<usize, PopError> {
        let count = self.some_of(values.len())?;
        let values = values.get_mut(..count).unwrap_or_default();
        // SAFETY: `count` slots from `head` on are ours: `ready` says so; any bytes are a `T`. C2
        unsafe { self.slots.copy_out(self.side.head(), values) };
        self.side.release(count as u64);
        Ok(count)
    }

    /// The oldest items, at most `count`, to be used where they lie, and released afterwards.
    ///
    /// # Errors
    /// As [`try_pop`](Self::try_pop), if there is not even one.
    pub fn read(&mut self, count: usize) -> Result<Chunk<'_, T>, PopError> {
        let count = self.some_of(count)?;
        Ok(Chunk::new(&mut self.side, self.slots, &self.tenure, count))
    }

    /// Closes the ring: no more items, from no producer, ever. Those that were pushed can still be
    /// taken; then it is [`Closed`](PopError::Closed) here, too. A push at the same time is taken,
    /// or refused and gets its item back: both ends agree. Closing a closed ring changes nothing.
    ///
    /// # Errors
    /// [`Forked`](Error::Forked); [`Corrupt`](crate::Error::Corrupt), and it is closed all the
    /// same.
    ///
    /// # If a process is killed here
    /// G1: the ring is closed, or it is not; a waiting producer sees it at the latest after one
    /// pulse.
    pub fn close(&mut self) -> Result<(), Error> {
        if self.tenure.is_forked() {
            return Err(Error::Forked);
        }
        self.side.close().map_err(|why| self.tenure.place.error(why))
    }

    /// Items that were ever released, by all consumers of this ring: the position of the next item
    /// to take, which tells a redelivered item from a new one. Only this handle changes it.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.side.head()
    }

    /// Items that can be taken. Until the next pop it only grows, by the producer.
    pub fn len(&mut self) -> usize {
        // What is refused stays refused for the call that wants an item.
        let _ = self.look_for(self.tenure.place.capacity);
        to_usize(self.side.ready())
    }

    /// Whether there is no item. Until then only the producer changes it.
    pub fn is_empty(&mut self) -> bool {
        self.len() == 0
    }

    /// Slots of the ring.
    #[must_use]
    pub fn capacity(&self) -> usize {
        to_usize(self.tenure.place.capacity)
    }

    /// Whether the ring is closed; then for ever. It may still hold items.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.tenure.place.ring.is_closed()
    }

    /// Whether the producer's process is gone, by a system call. Another process may take the end
    /// at any time. `false` if nobody has it.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.tenure.place.is_abandoned(self.tenure.place.ring.producer())
    }

    /// The fast path's two questions: whether this is the process that took the end, and an item
    /// known to be there.
    #[inline]
    fn is_ready(&self) -> bool {
        !self.tenure.is_forked() && self.side.ready() != 0
    }

    /// Looks for `count` items, and why there is none. `Ok` if there is at least one.
    #[inline(never)]
    fn look_for(&mut self, count: u64) -> Result<(), Refusal> {
        if self.tenure.is_forked() {
            return Err(Refusal::Forked);
        }
        if self.side.ready() >= count {
            return Ok(());
        }
        match self.side.look() {
            Ok(()) => Ok(()),
            Err(_) if self.side.ready() != 0 => Ok(()), // the next call will say
            Err(why) => {
                let Self { side, tenure, .. } = self;
                side.doubt(why, &|owner| tenure.place.is_gone(owner))
            }
        }
    }

    #[inline]
    fn some_of(&mut self, count: usize) -> Result<usize, Refusal> {
        self.look_for(count as u64)?;
        Ok(count.min(to_usize(self.side.ready())))
    }

    /// Waits for an item as `Q` does, whatever `P` is.
    pub(crate) fn wait_for_item<Q: Policy>(&mut self, until: Deadline) -> Result<(), PopError> {
        Ok(self.await_item::<Q>(until)?)
    }

    #[inline(never)]
    fn await_item<Q: Policy>(&mut self, deadline: Deadline) -> Result<(), Refusal> {
        if self.tenure.is_forked() {
            return Err(Refusal::Forked);
        }
        if self.side.ready() != 0 {
            return Ok(());
        }
        let Self { side, tenure, .. } = self;
        side.wait(patience::<Q>(), deadline, &|owner| tenure.place.is_gone(owner))
    }

    #[inline]
    fn pop_ready(&mut self) -> T {
        // SAFETY: the slot of `head` is ours: it is ready; any bytes are a `T`. C2
        let value = unsafe { self.slots.read(self.side.head()) };
        self.side.release(1);
        value
    }
}

impl<T: Payload, P: Policy> fmt::Debug for Consumer<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Consumer {{ position: {}, capacity: {} }}", self.position(), self.capacity())
    }
}
