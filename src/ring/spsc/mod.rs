//! A ring from one producer process to one consumer process, with slots of one size.
//!
//! * **Use it when** one process makes items and one takes them: telemetry, frames, jobs of a
//!   pipeline. It is the fastest way from here to there: two stores, no locked instruction, no
//!   system call as long as nobody sleeps.
//! * **Not when** several push or several pop, or items differ in size.
//!
//! Each end belongs to one process at a time; when that is killed, another takes the end and goes
//! on. What was pushed is delivered, whole and in order; what was not released is delivered again.
//!
//! ```
//! use sabha::{Region, ring::spsc::{PopError, Spsc}};
//!
//! let region = Region::anonymous(1 << 16)?; // or open_or_create("name", ..) in each process
//! let ring = Spsc::<u64>::open_or_create(&region, "numbers", 100)?;
//! let parent = ring.consumer()?; // taken before the fork: refuses in the child
//!
//! // A second process.
//! let child = unsafe { libc::fork() };
//! if child == 0 {
//!     let mut producer = ring.producer().unwrap();
//!     for number in 0..1000 {
//!         producer.push(number).unwrap(); // waits while the ring is full
//!     }
//!     unsafe { libc::kill(libc::getpid(), libc::SIGKILL) }; // no close, no drop, no good-bye
//! }
//!
//! let mut consumer = parent;
//! for expected in 0..1000 {
//!     assert_eq!(consumer.pop(), Ok(expected)); // waits while the ring is empty
//! }
//! assert_eq!(consumer.pop(), Err(PopError::Abandoned)); // the kernel says that it is gone
//!
//! let mut producer = ring.producer()?; // so its end can be taken
//! producer.push(1000)?;
//! producer.close()?;
//! assert_eq!(consumer.pop(), Ok(1000));
//! assert_eq!(consumer.pop(), Err(PopError::Closed));
//! # unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | call | grade when killed | progress |
//! |------|-------------------|----------|
//! | `try_push`, `push_slice`, `claim`, `commit` | G1: whole or absent | wait-free |
//! | `try_pop`, `pop_slice`, `read`, `release`   | G1: at least once   | wait-free |
//! | `push`, `pop`, `…_until`                    | as the try form     | blocks, never on the dead |
//! | `close`                                     | G1: closed or open  | wait-free |
//! | `producer`, `consumer`, drop                | G1: dead owners are replaced | lock-free |

mod chunk;
mod claim;
mod consumer;
mod end;
mod producer;
mod protocol;
mod refused;
mod slots;
#[cfg(test)]
mod tests;
mod wait;

pub use chunk::Chunk;
pub use claim::Claim;
pub use consumer::Consumer;
pub use producer::Producer;
pub use refused::{PopError, PushError};

pub(crate) use end::{ALIGN, Item};

use crate::os::cpu;
use crate::{Payload, Region, Result};
use core::fmt;
use core::ptr::NonNull;
use end::{Place, Role, Tenure};
use producer::to_usize;
use slots::Slots;
use std::sync::Arc;

/// A ring in a region: from here its two ends are taken. See the [module](self).
pub struct Spsc<T: Payload> {
    place: Arc<Place>,
    slots: Slots<T>,
}

impl<T: Payload> Spsc<T> {
    /// Finds the ring `name`, or makes it: open and empty.
    ///
    /// `capacity` is rounded up to a power of two; [`capacity`](Self::capacity) says to which.
    /// Every process must name the same, after rounding. The ring takes 1024 bytes and its slots.
    ///
    /// # Errors
    /// [`OutOfRange`](crate::Error::OutOfRange) for a capacity of 0, or one that no memory can
    /// have; [`OtherType`](crate::Error::OtherType) if the name is taken by something else, or by a
    /// ring of another capacity or item; [`RegionFull`](crate::Error::RegionFull); as
    /// [`Region::object`].
    ///
    /// # If a process is killed here
    /// G1: the ring is there, whole, or not at all.
    pub fn open_or_create(region: &Region, name: &str, capacity: usize) -> Result<Self> {
        let (place, slots) = Place::find::<T>(region, name, capacity, true)?;
        Ok(Self { place, slots })
    }

    /// Finds the ring `name`.
    ///
    /// # Errors
    /// [`NoSuchObject`](crate::Error::NoSuchObject), and as
    /// [`open_or_create`](Self::open_or_create).
    ///
    /// # If a process is killed here
    /// G0: nothing is left.
    pub fn open(region: &Region, name: &str, capacity: usize) -> Result<Self> {
        let (place, slots) = Place::find::<T>(region, name, capacity, false)?;
        Ok(Self { place, slots })
    }

    /// Takes the producer's end for this process. Dropping the handle gives it back.
    ///
    /// # Errors
    /// [`Taken`](crate::Error::Taken) as long as its owner lives, which may be this process;
    /// [`Corrupt`](crate::Error::Corrupt); as [`Region::member`].
    ///
    /// # If a process is killed here
    /// G1: the end is that of a dead process, which the next call of this replaces.
    pub fn producer(&self) -> Result<Producer<T>> {
        let tenure = Tenure::take(&self.place, Role::Producer)?;
        Producer::new(self.slots, tenure, cpu::accept_barriers())
    }

    /// Takes the consumer's end for this process. Dropping the handle gives it back.
    ///
    /// # Errors
    /// As [`producer`](Self::producer).
    ///
    /// # If a process is killed here
    /// As [`producer`](Self::producer).
    pub fn consumer(&self) -> Result<Consumer<T>> {
        let tenure = Tenure::take(&self.place, Role::Consumer)?;
        Consumer::new(self.slots, tenure, cpu::accept_barriers())
    }

    /// Slots of the ring.
    #[must_use]
    pub fn capacity(&self) -> usize {
        to_usize(self.place.capacity)
    }

    /// Items in the ring. Both ends may have changed it on return.
    #[must_use]
    pub fn len(&self) -> usize {
        to_usize(self.place.ring.len(self.place.capacity))
    }

    /// Whether there is no item. Both ends may have changed it on return.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the ring is closed; then for ever. It may still hold items.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.place.ring.is_closed()
    }
}

impl Spsc<u8> {
    /// A ring of items that only numbers describe, and the address of its first slot. Its ends keep the positions; who
    /// asked for it touches the slots, and calls nothing here that would.
    pub(crate) fn of_items(
        region: &Region,
        name: &str,
        capacity: usize,
        item: Item,
    ) -> Result<(Self, NonNull<u8>)> {
        let (place, first) = Place::find_of(region, name, capacity, item, true)?;
        let slots = Slots::untyped(first, place.capacity);
        Ok((Self { place, slots }, first))
    }
}

impl<T: Payload> Clone for Spsc<T> {
    fn clone(&self) -> Self {
        Self { place: Arc::clone(&self.place), slots: self.slots }
    }
}

impl<T: Payload> fmt::Debug for Spsc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spsc {{ len: {}, capacity: {} }}", self.len(), self.capacity())
    }
}
