//! A mutex around data whose type is known only at run time.
#![allow(unsafe_code)] // sees the start of an extent as a lock

use super::PlainType;
use super::plain::ALIGN_MAX;
use crate::region::{Extent, Kind, Wanted};
use crate::seat::Policy;
use crate::seat::lock::{Got, RawLock};
use crate::sync::LockError;
use crate::{Deadline, Error, Region, Result, fingerprint};
use core::ptr::NonNull;

/// How a [`RawMutex`] was had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Locked {
    /// As it should be.
    Clean,
    /// Its last owner died, or one before whose data nobody has repaired.
    OwnerDied,
}

impl From<Got> for Locked {
    fn from(got: Got) -> Self {
        match got {
            Got::Clean => Self::Clean,
            Got::OwnerDied => Self::OwnerDied,
        }
    }
}

/// A [`Mutex`](crate::sync::Mutex) without its type, and without guards: who holds it is what the lock says.
pub struct RawMutex {
    extent: Extent,
    /// Behind the lock, as `Mutex<T>` lays it out.
    data: NonNull<u8>,
}

// SAFETY: a lock in shared memory, and the address of what it guards, which is for the lock's owner alone.
unsafe impl Send for RawMutex {}
// SAFETY: as above.
unsafe impl Sync for RawMutex {}

impl RawMutex {
    /// Finds the mutex `name` around a `data`, or makes it.
    ///
    /// # Errors
    /// As [`Region::object`].
    pub fn open(region: &Region, name: &str, data: PlainType) -> Result<Self> {
        let (wanted, data_at) = layout(data)?;
        let extent = region.extent(name, wanted, true)?;
        // SAFETY: inside the extent, which has the size of the lock and the data.
        let data = unsafe { extent.start.add(data_at) };
        Ok(Self { extent, data })
    }

    /// As [`Mutex::lock_until`](crate::sync::Mutex::lock_until).
    ///
    /// # Errors
    /// As there, but never [`LockError::OwnerDied`].
    pub fn lock_until<P: Policy>(
        &self,
        deadline: Deadline,
    ) -> core::result::Result<Locked, LockError<()>> {
        Ok(self.lock().lock::<P>(deadline)?.into())
    }

    /// As [`Mutex::try_lock`](crate::sync::Mutex::try_lock).
    ///
    /// # Errors
    /// As there, but never [`LockError::OwnerDied`].
    pub fn try_lock(&self) -> core::result::Result<Locked, LockError<()>> {
        Ok(self.lock().try_lock()?.into())
    }

    /// Unlocks; `false` if the calling thread does not hold it.
    #[must_use]
    pub fn unlock(&self) -> bool {
        let mine = self.lock().is_mine();
        self.lock().unlock();
        mine
    }

    /// Says that the data is whole; `false` if the calling thread does not hold the lock.
    #[must_use]
    pub fn mark_consistent(&self) -> bool {
        self.lock().mark_consistent();
        self.lock().is_mine()
    }

    /// The data, if the calling thread holds the lock.
    #[must_use]
    pub fn data(&self) -> Option<NonNull<u8>> {
        self.lock().is_mine().then_some(self.data)
    }

    fn lock(&self) -> &RawLock {
        // SAFETY: a lock starts the extent, as `layout` asked for; valid as zeros and as anything else.
        unsafe { self.extent.start.cast().as_ref() }
    }
}

/// What a `Mutex<T>` of such a `T` asks of the directory, and where the data is in it.
fn layout(data: PlainType) -> Result<(Wanted, usize)> {
    let align = data.align().max(align_of::<RawLock>() as u64);
    let data_at = (size_of::<RawLock>() as u64).next_multiple_of(data.align());
    let most = isize::MAX as u64 - 2 * ALIGN_MAX;
    if data.size() > most {
        let found = data.size();
        return Err(Error::OutOfRange { what: "the size of the data", found, least: 1, most });
    }
    let bytes = (data_at + data.size()).next_multiple_of(align);
    let fingerprint = fingerprint("mutex", &[bytes, align, data.fingerprint()]);
    let wanted = Wanted { kind: Kind::OBJECT, fingerprint, count: 1, bytes, align };
    Ok((wanted, usize::try_from(data_at).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::{Adaptive, Mutex};
    use crate::{Payload, Shareable};
    use zerocopy::FromBytes;

    #[derive(Debug, Shareable, FromBytes)]
    #[repr(C, align(64))]
    struct Wide {
        small: u8,
        numbers: [u32; 3],
        large: i64,
    }

    fn typed_and_untyped_are_one<T: Payload>() {
        let (wanted, data_at) = layout(PlainType::of::<T>()).unwrap();
        assert_eq!(wanted.fingerprint, Mutex::<T>::FINGERPRINT);
        assert_eq!(wanted.bytes, size_of::<Mutex<T>>() as u64);
        assert_eq!(wanted.align, align_of::<Mutex<T>>() as u64);
        assert_eq!(data_at, 8usize.next_multiple_of(align_of::<T>()));
    }

    #[test]
    fn a_mutex_of_a_type_at_run_time_is_the_typed_mutex() {
        typed_and_untyped_are_one::<u8>();
        typed_and_untyped_are_one::<u64>();
        typed_and_untyped_are_one::<[u8; 13]>();
        typed_and_untyped_are_one::<Wide>();

        let region = Region::anonymous(1 << 16).unwrap();
        *region.object::<Mutex<Wide>>("wide").unwrap().lock().unwrap() =
            Wide { small: 1, numbers: [2, 3, 4], large: 5 };
        let raw = RawMutex::open(&region, "wide", PlainType::of::<Wide>()).unwrap();
        assert_eq!(raw.data(), None);
        assert_eq!(raw.lock_until::<Adaptive>(Deadline::NEVER).unwrap(), Locked::Clean);
        // SAFETY: the lock is held.
        assert_eq!(unsafe { raw.data().unwrap().cast::<Wide>().as_ref() }.large, 5);
        assert!(matches!(raw.try_lock(), Err(LockError::Deadlock { .. })));
        assert!(raw.mark_consistent() && raw.unlock());
        assert!(!raw.mark_consistent() && !raw.unlock());
    }
}
