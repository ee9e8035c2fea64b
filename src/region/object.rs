//! The handles on what lies in a region.
#![allow(unsafe_code)] // makes references out of checked places

use super::directory::{Directory, Wanted};
use super::entry::Fields;
use super::header::in_region;
use super::{Kind, ObjectInfo, Region};
use crate::{Error, Result, Shareable};
use core::marker::PhantomData;
use core::ops::{Deref, Range};
use core::ptr::NonNull;
use std::sync::Arc;

/// A piece of a region that this process has open: keeps the region mapped and the object in the directory.
pub(crate) struct Extent {
    region: Region,
    mark: u32,
    pub(crate) start: NonNull<u8>,
    pub(crate) bytes: u64,
}

// SAFETY: a place in shared memory; who makes references of it answers for them.
unsafe impl Send for Extent {}
// SAFETY: as above.
unsafe impl Sync for Extent {}

impl Drop for Extent {
    fn drop(&mut self) {
        self.region.0.assembly.unmark(self.mark);
    }
}

impl Extent {
    pub(crate) fn region(&self) -> &Region {
        &self.region
    }
}

/// A handle on an object in a region: derefs to it, and keeps it there. Cheap to clone; send it to any thread.
///
/// After a fork the child can use it, too. It counts as the child's own from the child's first
/// [`member`](Region::member) on, which every lock, ring and object operation calls.
pub struct Shared<T: ?Sized> {
    object: NonNull<T>,
    extent: Arc<Extent>,
}

// SAFETY: it is an `Arc` of sorts: it hands out `&T` to any thread, and never drops a `T`.
unsafe impl<T: ?Sized + Sync> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Sync> Sync for Shared<T> {}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: a `T: Shareable` in the mapping that `extent` keeps: placed, aligned and typed as the directory says.
        unsafe { self.object.as_ref() }
    }
}

impl<T: ?Sized> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self { object: self.object, extent: Arc::clone(&self.extent) }
    }
}

impl<T: ?Sized> Shared<T> {
    /// The region that it lies in.
    #[must_use]
    pub fn region(&self) -> &Region {
        self.extent.region()
    }
}

impl<T: ?Sized> core::fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Shared<{}> in {:?}", core::any::type_name::<T>(), self.region())
    }
}

impl<T> Shared<[T]> {
    /// A handle on a part of the array.
    ///
    /// # Errors
    /// [`OutOfRange`](Error::OutOfRange) if the range is not inside it.
    pub fn subview(&self, range: Range<usize>) -> Result<Self> {
        let refuse = |what, found: usize| Error::OutOfRange {
            what,
            found: found as u64,
            least: 0,
            most: self.len() as u64,
        };
        if range.end > self.len() {
            return Err(refuse("the end of the range", range.end));
        }
        let part = self.get(range.clone()).ok_or(refuse("the start of the range", range.start))?;
        Ok(Self { object: NonNull::from(part), extent: Arc::clone(&self.extent) })
    }
}

impl Region {
    /// Finds the object `name` of type `T`, or makes it: all zeros.
    ///
    /// # Errors
    /// [`OtherType`](Error::OtherType) if the name is taken by something else; [`DirectoryFull`](Error::DirectoryFull),
    /// [`RegionFull`](Error::RegionFull), [`InvalidName`](Error::InvalidName); those of [`enter`](Self::enter).
    ///
    /// # If a process is killed here
    /// G1: the object is there, whole, or not at all; the directory's next user frees the lock.
    pub fn object<T: Shareable>(&self, name: &str) -> Result<Shared<T>> {
        self.typed(name, true)
    }

    /// Finds the object `name` of type `T`.
    ///
    /// # Errors
    /// [`NoSuchObject`](Error::NoSuchObject), and as [`object`](Self::object).
    ///
    /// # If a process is killed here
    /// G1, as [`object`](Self::object).
    pub fn open_object<T: Shareable>(&self, name: &str) -> Result<Shared<T>> {
        self.typed(name, false)
    }

    /// Finds the array `name` of `len` elements, or makes it: all zeros.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
    ///
    /// let region = sabha::Region::anonymous(1 << 16)?;
    /// let numbers = region.slice::<AtomicI32>("numbers", 1024)?; // an Int32Array over a SharedArrayBuffer
    /// assert_eq!(numbers[7].fetch_add(5, SeqCst), 0);
    /// # Ok::<(), sabha::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`OutOfRange`](Error::OutOfRange) for a length of 0; else as [`object`](Self::object).
    ///
    /// # If a process is killed here
    /// G1, as [`object`](Self::object).
    pub fn slice<T: Shareable>(&self, name: &str, len: usize) -> Result<Shared<[T]>> {
        self.array(name, len, true)
    }

    /// Finds the array `name` of `len` elements.
    ///
    /// # Errors
    /// [`NoSuchObject`](Error::NoSuchObject), and as [`slice`](Self::slice).
    ///
    /// # If a process is killed here
    /// G1, as [`object`](Self::object).
    pub fn open_slice<T: Shareable>(&self, name: &str, len: usize) -> Result<Shared<[T]>> {
        self.array(name, len, false)
    }

    /// Finds the array `name` that takes all the rest of the region and grows with it, or makes it. Objects that are made
    /// later find room only in gaps before it.
    ///
    /// # Errors
    /// As [`object`](Self::object).
    ///
    /// # If a process is killed here
    /// G1, as [`object`](Self::object).
    pub fn growing_slice<T: Shareable>(&self, name: &str) -> Result<Growing<T>> {
        let wanted = Wanted { kind: Kind::GROWING, count: 0, ..wanted::<T>(1)? };
        let extent = self.extent(name, wanted, true)?;
        Ok(Growing { extent: Arc::new(extent), element: PhantomData })
    }

    /// Withdraws the object `name`; its place can be used again.
    ///
    /// # Errors
    /// [`NoSuchObject`](Error::NoSuchObject); [`InUse`](Error::InUse) as long as a living process has a handle on it.
    ///
    /// # If a process is killed here
    /// G1: the object is there or not; the directory's next user frees the lock.
    pub fn remove(&self, name: &str) -> Result<()> {
        self.directory().remove(name)
    }

    /// What the directory holds. Others may have changed it on return.
    #[must_use]
    pub fn list(&self) -> Vec<ObjectInfo> {
        self.directory().list()
    }

    fn typed<T: Shareable>(&self, name: &str, make: bool) -> Result<Shared<T>> {
        let wanted = Wanted { kind: Kind::OBJECT, ..wanted::<T>(1)? };
        let extent = self.extent(name, wanted, make)?;
        Ok(Shared { object: extent.start.cast(), extent: Arc::new(extent) })
    }

    fn array<T: Shareable>(&self, name: &str, len: usize, make: bool) -> Result<Shared<[T]>> {
        let extent = self.extent(name, wanted::<T>(len)?, make)?;
        let object = NonNull::slice_from_raw_parts(extent.start.cast(), len);
        Ok(Shared { object, extent: Arc::new(extent) })
    }

    /// Finds or makes an extent.
    pub(crate) fn extent(&self, name: &str, wanted: Wanted, make: bool) -> Result<Extent> {
        let directory: Directory<'_> = self.directory();
        let (mark, Fields { offset, bytes, .. }) = directory.find_or_make(name, wanted, make)?;
        Ok(Extent { region: self.clone(), mark, start: self.0.at(in_region(offset)), bytes })
    }
}

/// What an array of `len` elements needs.
fn wanted<T: Shareable>(len: usize) -> Result<Wanted> {
    const { assert!(align_of::<T>() <= 4096, "aligned to more than a page") };
    let most = isize::MAX.unsigned_abs() / size_of::<T>();
    if len == 0 || len > most {
        let (found, most) = (len as u64, most as u64);
        return Err(Error::OutOfRange { what: "the array's length", found, least: 1, most });
    }
    Ok(Wanted {
        kind: Kind::ARRAY,
        fingerprint: T::FINGERPRINT,
        count: len as u64,
        bytes: (len * size_of::<T>()) as u64,
        align: align_of::<T>() as u64,
    })
}

/// An array that grows with its region: a length-tracking view.
///
/// ```
/// use std::sync::atomic::AtomicU64;
///
/// let region = sabha::Region::options().size(1 << 16).max_size(1 << 18).anonymous()?;
/// let log = region.growing_slice::<AtomicU64>("log")?;
/// let before = log.get().len();
/// region.grow(1 << 18)?; // in any process
/// assert!(log.get().len() > before);
/// # Ok::<(), sabha::Error>(())
/// ```
pub struct Growing<T> {
    extent: Arc<Extent>,
    element: PhantomData<fn() -> T>,
}

impl<T> Clone for Growing<T> {
    fn clone(&self) -> Self {
        Self { extent: Arc::clone(&self.extent), element: PhantomData }
    }
}

impl<T: Shareable> Growing<T> {
    /// The elements that the region has room for now. Another process may grow it at any time; a slice that was got stays
    /// valid.
    #[must_use]
    pub fn get(&self) -> &[T] {
        let region = &self.extent.region().0;
        let offset = self.extent.start.addr().get() - region.heap().addr().get();
        let bytes = region.len().saturating_sub(offset as u64).min(self.extent.bytes);
        let len = usize::try_from(bytes).unwrap_or(0) / size_of::<T>();
        // SAFETY: inside the reserved bytes of the mapping, which never shrinks; `T: Shareable`, aligned as checked.
        unsafe { NonNull::slice_from_raw_parts(self.extent.start.cast(), len).as_ref() }
    }

    /// A handle on the elements that it has now, which does not grow.
    #[must_use]
    pub fn view(&self) -> Shared<[T]> {
        Shared { object: NonNull::from(self.get()), extent: Arc::clone(&self.extent) }
    }
}
