//! A lock around data, for threads of any process. The protocol is the raw lock's: see `seat/lock.rs`.
//!
//! # Shared bytes                            all zeros = unlocked, data all zeros
//! | at | field | width   | stored by        |
//! |----|-------|---------|------------------|
//! |  0 | lock  | 8 bytes | see `seat/lock.rs` |
//! |  8 | data  | `T`     | the lock's owner | (at the next multiple of `T`'s alignment)
#![allow(unsafe_code)] // references to the data, under the lock

use crate::os::clock::Deadline;
use crate::seat::lock::{Got, RawLock, Refused};
use crate::seat::{Adaptive, Holder, Policy, Spin};
use crate::{Error, Payload, Shareable, fingerprint};
use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::mem::offset_of;
use core::ops::{Deref, DerefMut};

/// A lock that lives in a region, with the data that it guards.
///
/// `P` says how a waiter waits: [`Adaptive`] (spin a little, then sleep), [`Block`](super::Block) (sleep at once),
/// [`Spin`] (never sleep; see [`SpinLock`]). The bytes are the same for each.
///
/// A thread that dies, or ends, while it holds the lock loses it: the next to lock is told, as data may be half-changed.
/// Until somebody says [`mark_consistent`](MutexGuard::mark_consistent) every further owner is told, too.
///
/// No fairness: a newcomer may overtake a sleeper. A stopped owner keeps the lock. Not reentrant: locking twice is an error.
///
/// ```
/// use sabha::{Region, sync::{LockError, Mutex}};
///
/// let region = Region::anonymous(1 << 16)?;
/// let total = region.object::<Mutex<u64>>("total")?;
/// match total.lock() {
///     Ok(mut total) => *total += 1,
///     Err(LockError::OwnerDied(died)) => {
///         let mut total = died.into_guard();
///         *total = 0; // repair what the dead owner may have left half-done
///         total.mark_consistent();
///     }
///     Err(other) => return Err(other.into()),
/// }
/// # Ok::<(), sabha::Error>(())
/// ```
#[repr(C)]
pub struct Mutex<T, P: Policy = Adaptive> {
    lock: RawLock,
    data: UnsafeCell<T>,
    policy: PhantomData<P>,
}
const _: () = assert!(offset_of!(Mutex<u64>, data) == 8 && size_of::<Mutex<u64>>() == 16, "ABI");

/// A [`Mutex`] whose waiters never sleep: for critical sections shorter than a system call, with fewer waiters than
/// processors. A dead owner is noticed all the same.
pub type SpinLock<T> = Mutex<T, Spin>;

// SAFETY: the lock hands the data to one thread at a time.
unsafe impl<T: Send, P: Policy> Sync for Mutex<T, P> {}

// SAFETY: repr(C), zero is unlocked, no pointers, no Drop (as `T`); the data may be any bit pattern.
unsafe impl<T: Payload, P: Policy> Shareable for Mutex<T, P> {
    const FINGERPRINT: u64 = fingerprint(
        "mutex",
        &[size_of::<Self>() as u64, align_of::<Self>() as u64, T::FINGERPRINT],
    );
}

impl<T: Payload, P: Policy> Mutex<T, P> {
    /// Locks, waiting as long as it takes.
    ///
    /// # Errors
    /// [`LockError::OwnerDied`]: locked, and the last owner died: repair. [`LockError::Deadlock`]: this thread holds it
    /// already. [`LockError::Seat`]: the thread could not take a seat in the region.
    ///
    /// # If a process is killed here
    /// G2: the next owner is told, if the killed one held the lock; nobody waits for a dead owner or waiter.
    #[inline]
    pub fn lock(&self) -> Result<MutexGuard<'_, T, P>, LockError<MutexGuard<'_, T, P>>> {
        self.lock_until(Deadline::NEVER)
    }

    /// Locks, waiting until `deadline` at the longest.
    ///
    /// # Errors
    /// As [`lock`](Self::lock), and [`LockError::TimedOut`], which says who holds it.
    ///
    /// # If a process is killed here
    /// G2, as [`lock`](Self::lock).
    #[inline]
    pub fn lock_until(
        &self,
        deadline: Deadline,
    ) -> Result<MutexGuard<'_, T, P>, LockError<MutexGuard<'_, T, P>>> {
        if self.lock.lock_at_once() {
            return Ok(self.guard());
        }
        self.guarded(self.lock.lock::<P>(deadline))
    }

    /// Locks if nobody living holds it.
    ///
    /// # Errors
    /// As [`lock`](Self::lock), and [`LockError::Held`], which says by whom.
    ///
    /// # If a process is killed here
    /// G2, as [`lock`](Self::lock).
    #[inline]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T, P>, LockError<MutexGuard<'_, T, P>>> {
        if self.lock.lock_at_once() {
            return Ok(self.guard());
        }
        self.guarded(self.lock.try_lock())
    }

    /// Locks; if the last owner died, has `repair` set the data right first, and marks it consistent.
    ///
    /// ```
    /// # let region = sabha::Region::anonymous(1 << 16)?;
    /// # let total = region.object::<sabha::sync::Mutex<u64>>("total")?;
    /// *total.lock_repaired(|total| *total = 0)? += 1;
    /// # Ok::<(), sabha::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`lock`](Self::lock), but never [`LockError::OwnerDied`].
    ///
    /// # If a process is killed here
    /// G2, as [`lock`](Self::lock); killed inside `repair`, the next owner repairs.
    pub fn lock_repaired(
        &self,
        repair: impl FnOnce(&mut T),
    ) -> Result<MutexGuard<'_, T, P>, LockError<MutexGuard<'_, T, P>>> {
        match self.lock() {
            Err(LockError::OwnerDied(died)) => {
                let mut guard = died.into_guard();
                repair(&mut guard);
                guard.mark_consistent();
                Ok(guard)
            }
            other => other,
        }
    }

    #[inline]
    fn guard(&self) -> MutexGuard<'_, T, P> {
        MutexGuard { mutex: self, thread: PhantomData }
    }

    #[cold]
    fn guarded(
        &self,
        got: Result<Got, Refused>,
    ) -> Result<MutexGuard<'_, T, P>, LockError<MutexGuard<'_, T, P>>> {
        match got {
            Ok(Got::Clean) => Ok(self.guard()),
            Ok(Got::OwnerDied) => Err(LockError::OwnerDied(OwnerDied(self.guard()))),
            Err(refused) => Err(refused.into()),
        }
    }
}

impl<T, P: Policy> fmt::Debug for Mutex<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").field("lock", &self.lock).finish_non_exhaustive()
    }
}

/// The right to the data of a [`Mutex`]; unlocks at drop.
///
/// It stays with its thread. A child of a fork inherits a copy that unlocks nothing: the lock is the parent's.
#[must_use = "the lock is let go at once"]
pub struct MutexGuard<'a, T: Payload, P: Policy = Adaptive> {
    mutex: &'a Mutex<T, P>,
    thread: PhantomData<*const ()>, // the owner is the thread's seat: not Send
}

// SAFETY: a shared guard gives shared access to the data only.
unsafe impl<T: Payload + Sync, P: Policy> Sync for MutexGuard<'_, T, P> {}

impl<T: Payload, P: Policy> MutexGuard<'_, T, P> {
    /// Says that the data is whole again after an owner's death. Without it, every later owner is told, too.
    pub fn mark_consistent(&mut self) {
        self.mutex.lock.mark_consistent();
    }
}

impl<T: Payload, P: Policy> Deref for MutexGuard<'_, T, P> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held; any bit pattern is a `T`.
        unsafe { &*self.mutex.data.get() }
    }
}

impl<T: Payload, P: Policy> DerefMut for MutexGuard<'_, T, P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held, and this is its one guard.
        unsafe { &mut *self.mutex.data.get() }
    }
}

impl<T: Payload, P: Policy> Drop for MutexGuard<'_, T, P> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.lock.unlock();
    }
}

impl<T: Payload + fmt::Debug, P: Policy> fmt::Debug for MutexGuard<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The lock is held, and its last owner died with it, or one before whose data nobody has repaired since.
#[derive(Debug)]
#[must_use = "holds the lock"]
pub struct OwnerDied<G>(G);

impl<G> OwnerDied<G> {
    /// The guard: repair the data, then call [`mark_consistent`](MutexGuard::mark_consistent).
    pub fn into_guard(self) -> G {
        self.0
    }
}

/// Why a lock was not had, or was had only with a warning.
#[derive(Debug)]
#[non_exhaustive]
pub enum LockError<G> {
    /// It is held; the last owner died.
    OwnerDied(OwnerDied<G>),
    /// The calling thread holds it already.
    Deadlock {
        /// The calling thread.
        holder: Holder,
    },
    /// The deadline passed.
    TimedOut {
        /// Who held it then.
        holder: Holder,
    },
    /// It was not free, and waiting was not wanted.
    Held {
        /// Who held it then.
        holder: Holder,
    },
    /// The thread could not take its seat in the region; or the lock is damaged, or changed by a peer as no lock is.
    Seat(Error),
}

impl<G> From<Refused> for LockError<G> {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Deadlock(holder) => Self::Deadlock { holder },
            Refused::TimedOut(holder) => Self::TimedOut { holder },
            Refused::Held(holder) => Self::Held { holder },
            Refused::Seat(error) => Self::Seat(error),
        }
    }
}

/// Lets go of the lock, if it was held: the next owner is told of the death again.
impl<G> From<LockError<G>> for Error {
    fn from(error: LockError<G>) -> Self {
        match error {
            LockError::OwnerDied(_) => Self::OwnerDied,
            LockError::Deadlock { holder } => Self::Deadlock { holder },
            LockError::TimedOut { holder } | LockError::Held { holder } => Self::Held { holder },
            LockError::Seat(error) => error,
        }
    }
}

impl<G> fmt::Display for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnerDied(_) => write!(f, "{}", Error::OwnerDied),
            Self::Deadlock { holder } => {
                write!(f, "deadlock: this thread holds the lock already ({holder})")
            }
            Self::TimedOut { holder } => write!(f, "timed out: the lock is held by {holder}"),
            Self::Held { holder } => write!(f, "the lock is held by {holder}"),
            Self::Seat(error) => error.fmt(f),
        }
    }
}

impl<G: fmt::Debug> core::error::Error for LockError<G> {}
