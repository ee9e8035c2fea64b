//! Looking without being able to write: a mapping that the processor protects.
#![allow(unsafe_code)] // makes references out of checked places

use super::directory::{self, ENTRIES};
use super::entry::Entry;
use super::header::{DIRECTORY_AT, Geometry, Guard, HEAP_AT, Header, in_region};
use super::{Kind, ObjectInfo};
use crate::os::file;
use crate::os::map::Mapping;
use crate::{Error, Result, Shareable};
use core::ptr::NonNull;
use std::fs::File;
use std::sync::Arc;

/// A region that was opened for reading only: its arrays can be looked at and waited on, nothing can be changed, whatever
/// the program does. It counts as no member, so nobody waits with [`remove`](crate::Region::remove) for it: what it looks
/// at may become another object's, then its elements mean nothing.
///
/// Writing is refused by the compiler:
/// ```compile_fail
/// let numbers = sabha::Region::open_read_only("stats")?.slice::<std::sync::atomic::AtomicU64>("numbers", 8)?;
/// numbers.store(0, 1); // no such method
/// # Ok::<(), sabha::Error>(())
/// ```
#[derive(Clone)]
pub struct Observer(Arc<View>);

struct View {
    mapping: Mapping,
    geometry: Geometry,
    id: u128,
    file: File,
}

impl Observer {
    pub(super) fn new(mapping: Mapping, geometry: Geometry, id: u128, file: File) -> Self {
        Self(Arc::new(View { mapping, geometry, id, file }))
    }

    /// The region's identity.
    #[must_use]
    pub fn id(&self) -> u128 {
        self.0.id
    }

    /// What the directory holds.
    #[must_use]
    pub fn list(&self) -> Vec<ObjectInfo> {
        directory::list(self.0.entries())
    }

    /// The array `name` of `len` elements, as it is now.
    ///
    /// # Errors
    /// [`NoSuchObject`](Error::NoSuchObject), [`OtherType`](Error::OtherType), [`Corrupt`](Error::Corrupt).
    pub fn slice<T: Shareable>(&self, name: &str, len: usize) -> Result<Observed<T>> {
        let found = self.list().into_iter().find(|info| info.name == name);
        let found = found.ok_or_else(|| Error::NoSuchObject { name: name.to_owned() })?;
        let bytes = (len as u64).saturating_mul(size_of::<T>() as u64);
        let (kind, count, fingerprint) = (Kind::ARRAY.label, len as u64, T::FINGERPRINT);
        let expected = crate::Layout { kind, count, bytes, fingerprint };
        if found.layout != expected {
            return Err(Error::OtherType { name: name.to_owned(), found: found.layout, expected });
        }
        let end = found.offset.saturating_add(bytes);
        let file_bytes = file::size(&self.0.file).map_err(|e| Error::os("fstat", e))?;
        let most = file_bytes.saturating_sub(HEAP_AT).min(self.0.geometry.max_len);
        if end > most {
            return Err(Error::Corrupt {
                what: "the end of an object",
                found: end,
                expected: most,
            });
        }
        if found.offset % align_of::<T>() as u64 != 0 {
            return Err(Error::Misaligned { offset: found.offset, align: align_of::<T>() as u64 });
        }
        let object = NonNull::slice_from_raw_parts(self.0.at(in_region(found.offset)), len);
        Ok(Observed { object, view: Arc::clone(&self.0) })
    }
}

impl core::fmt::Debug for Observer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Observer of region {:032x}", self.0.id)
    }
}

impl View {
    fn at<T>(&self, offset: u64) -> NonNull<T> {
        // SAFETY: callers pass offsets inside the mapping.
        unsafe { self.mapping.start().add(usize::try_from(offset).unwrap_or(0)) }.cast()
    }

    fn entries(&self) -> &[Entry; ENTRIES] {
        // SAFETY: the directory's place in the mapping, made of atomics that are only loaded.
        unsafe { self.at(DIRECTORY_AT).as_ref() }
    }
}

/// An array that can be looked at: see `sabha::view`.
#[derive(Clone)]
pub struct Observed<T> {
    object: NonNull<[T]>,
    view: Arc<View>,
}

// SAFETY: shared memory that is only loaded from; keeps its mapping.
unsafe impl<T: Sync> Send for Observed<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Observed<T> {}

impl<T> Observed<T> {
    /// The elements. Storing to them would kill the process: only this crate gets them.
    pub(crate) fn elements(&self) -> &[T] {
        // SAFETY: checked at `slice`; the mapping is kept.
        unsafe { self.object.as_ref() }
    }

    /// The guard of the words at `address`, inside the array.
    pub(crate) fn guard(&self, address: usize) -> &Guard {
        // SAFETY: the first page of the mapping, made of atomics that are only loaded.
        let header: &Header = unsafe { self.view.at::<Header>(0).as_ref() };
        header.guard(address.wrapping_sub(self.view.mapping.start().addr().get()))
    }

    /// Elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.object.len()
    }

    /// Always `false`: an array has at least one element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> core::fmt::Debug for Observed<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Observed<[{}; {}]>", core::any::type_name::<T>(), self.len())
    }
}
