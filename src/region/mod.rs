//! Land and names: a region of memory that processes share, and the objects in it.
//!
//! # The file
//! | from          | what                                            | bytes                    |
//! |---------------|-------------------------------------------------|--------------------------|
//! | 0             | [header](header)                                | 4096                     |
//! | 4096          | [members](crate::seat::member)                  | 256 × 128                |
//! | 36 864        | [directory](directory)                          | 256 × 256                |
//! | 102 400       | heap: the objects                               | the length, up to the maximum |
//! | 102 400 + maximum | [seats](crate::seat::table), each reserved when first taken | seats × 4096 |
//!
//! Every process maps all of it at once; growing reserves more bytes of the heap and raises the length.
#![allow(unsafe_code)] // turns offsets into references, after checking them

#[cfg(feature = "shared_memory")]
mod adopt;
mod create;
mod directory;
mod entry;
mod header;
mod length;
mod object;
mod observe;
mod options;

pub use directory::ObjectInfo;
pub(crate) use directory::{Kind, Wanted};
pub(crate) use header::{CHANGERS, Guard};
pub(crate) use object::Extent;
pub use object::{Growing, Shared};
pub use observe::{Observed, Observer};
pub use options::RegionOptions;

use crate::os::map::Mapping;
use crate::os::{AtomicU64, Relaxed, file};
use crate::seat::assembly::{Assembly, Key};
use crate::seat::{MemberId, MemberInfo, SeatId, Turn};
use crate::{Error, Result};
use core::ptr::NonNull;
use directory::Directory;
use header::{Geometry, Header};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

/// Bytes of an object's name.
const NAME_MAX: usize = 208;

/// A region of memory that processes share, and the names in it. Cheap to clone; send it anywhere.
///
/// The memory stays mapped as long as a `Region` or a [`Shared`] of it lives in the process. Opening one region twice in a
/// process gives the same mapping.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// use sabha::Region;
///
/// let region = Region::anonymous(1 << 16)?;
/// let hits = region.object::<AtomicU64>("hits")?; // finds it, or makes it: all zeros
/// hits.fetch_add(1, Relaxed);
/// assert_eq!(region.object::<AtomicU64>("hits")?.load(Relaxed), 1);
/// # Ok::<(), sabha::Error>(())
/// ```
#[derive(Clone)]
pub struct Region(
    Arc<Inner>,
    /// The name by which this handle was had, if by a name.
    Option<Arc<Path>>,
);

/// An open region of this process.
pub(crate) struct Inner {
    mapping: Mapping,
    geometry: Geometry,
    file: Arc<File>,
    assembly: Arc<Assembly>,
    key: Key,
    /// Bytes of the heap that are known to be in the file. Only rises.
    known_len: AtomicU64,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.assembly.close();
    }
}

impl Region {
    /// How to make or open a region with other than the default options.
    pub fn options() -> RegionOptions {
        RegionOptions::default()
    }

    /// Makes the region `/dev/shm/<name>` with room for `size` bytes of objects.
    ///
    /// # Errors
    /// [`AlreadyExists`](Error::AlreadyExists), [`InvalidName`](Error::InvalidName), [`NoSpace`](Error::NoSpace) (the bytes
    /// are reserved now, so using them cannot fail later), and the system's.
    ///
    /// # If a process is killed here
    /// G0: the name appears with the whole region behind it, or not at all.
    pub fn create(name: &str, size: u64) -> Result<Self> {
        Self::options().size(size).create(name)
    }

    /// Opens the region `/dev/shm/<name>`.
    ///
    /// # Errors
    /// [`NoSuchRegion`](Error::NoSuchRegion); [`Corrupt`](Error::Corrupt) if the file is not a region of this version;
    /// [`ForeignOwner`](Error::ForeignOwner), [`PermissionDenied`](Error::PermissionDenied); the system's.
    ///
    /// # If a process is killed here
    /// G0.
    pub fn open(name: &str) -> Result<Self> {
        Self::options().open(name)
    }

    /// Opens the region, or makes it: the same line in every process. An existing one keeps its size.
    ///
    /// # Errors
    /// As [`create`](Self::create) and [`open`](Self::open).
    ///
    /// # If a process is killed here
    /// G0.
    pub fn open_or_create(name: &str, size: u64) -> Result<Self> {
        Self::options().size(size).open_or_create(name)
    }

    /// Opens the region to look and to wait, not to write.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_read_only(name: &str) -> Result<Observer> {
        Self::options().open_read_only(name)
    }

    /// Makes a region without a name, shared by inheritance or by passing its [descriptor](Self::as_fd).
    ///
    /// # Errors
    /// [`NoSpace`](Error::NoSpace) and the system's.
    pub fn anonymous(size: u64) -> Result<Self> {
        Self::options().size(size).anonymous()
    }

    /// Opens the region behind a descriptor, which was inherited or came through a socket.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        Self::options().open_fd(fd)
    }

    /// The descriptor of the region's file, to be passed to other processes. It is closed on exec.
    #[must_use]
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.file.as_fd()
    }

    /// Takes the region's name away. Who has it open keeps it; the name is free for another.
    ///
    /// Goes by identity: a region that somebody else has made under the same name since stays.
    ///
    /// # Errors
    /// [`NoSuchRegion`](Error::NoSuchRegion) if it has no name (any more).
    ///
    /// # If a process is killed here
    /// G0.
    pub fn unlink(&self) -> Result<()> {
        let no_name = || Error::NoSuchRegion { path: file::by_descriptor(&self.0.file) };
        let path = self.1.as_deref().ok_or_else(no_name)?;
        let gone = || Error::NoSuchRegion { path: path.to_owned() };
        // One at a time for this file: between the look and the unlink the name cannot become another's.
        let _turn = Turn::wait(&self.0.file, create::UNLINK_LOCK)?;
        let found = std::fs::symlink_metadata(path).map_err(|_| gone())?;
        if (found.dev(), found.ino()) != (self.0.key.device, self.0.key.inode) {
            return Err(gone());
        }
        std::fs::remove_file(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => gone(),
            _ => Error::making(e, "unlink", path.parent().unwrap_or(path)),
        })
    }

    /// Bytes that objects can use now. Only grows, by [`grow`](Self::grow) of any process.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Always `false`: a region has at least one page.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How far it can [`grow`](Self::grow).
    #[must_use]
    pub fn max_len(&self) -> u64 {
        self.0.geometry.max_len
    }

    /// Tells this region from every other, whatever its name.
    #[must_use]
    pub fn id(&self) -> u128 {
        self.0.key.id
    }

    /// Grows the region to `len` bytes, rounded up to pages. Nothing moves; new bytes are zero. Of several that grow it at
    /// the same time each succeeds, or is told that the region is larger already.
    ///
    /// # Errors
    /// [`PastMaximum`](Error::PastMaximum), [`Shrink`](Error::Shrink), [`NoSpace`](Error::NoSpace).
    ///
    /// # If a process is killed here
    /// G0: the length is raised by one store, after the bytes are reserved.
    pub fn grow(&self, len: u64) -> Result<()> {
        let wanted = header::whole_pages(len)
            .ok_or(Error::PastMaximum { wanted: len, maximum: self.max_len() })?;
        if wanted > self.max_len() {
            return Err(Error::PastMaximum { wanted, maximum: self.max_len() });
        }
        if wanted > self.len() {
            // Reserving never makes the file shorter: racing growers and one that is killed here do no harm.
            file::reserve(&self.0.file, header::HEAP_AT, wanted)
                .map_err(|e| Error::no_space_or(e, "fallocate (growing)", wanted))?;
        }
        let current = self.0.header().len.raise(wanted).min(self.max_len());
        if current > wanted { Err(Error::Shrink { current, wanted }) } else { Ok(()) }
    }

    /// Takes the calling thread's seat now, which otherwise its first lock in this region does (about 20 µs). It is given
    /// back when the thread ends or the region is closed.
    ///
    /// # Errors
    /// [`SeatsFull`](Error::SeatsFull), [`MembersFull`](Error::MembersFull), [`NoSpace`](Error::NoSpace), the system's.
    ///
    /// # If a process is killed here
    /// G1: a half-taken seat is dead, and taken by the next who looks for one.
    pub fn enter(&self) -> Result<SeatId> {
        crate::seat::seat_at(self.0.mapping.start().addr().get())
    }

    /// This process as a member; attaches it, if it is a child of a fork that has not done so.
    ///
    /// # Errors
    /// [`MembersFull`](Error::MembersFull) and the system's.
    ///
    /// # If a process is killed here
    /// G0: the kernel frees its slot.
    pub fn member(&self) -> Result<MemberId> {
        self.0.assembly.member()
    }

    /// The processes that are attached. Some may be gone on return.
    #[must_use]
    pub fn members(&self) -> Vec<MemberInfo> {
        self.0.assembly.members()
    }

    /// Whether a member has left or was killed: the kernel's word, final if `true`.
    #[must_use]
    pub fn member_is_gone(&self, id: MemberId) -> bool {
        self.0.assembly.member_is_gone(id)
    }

    pub(crate) fn member_info(&self, id: MemberId) -> Option<MemberInfo> {
        self.0.assembly.member_info(id)
    }

    /// The guard of the words at `address`, which lies in this region; `None` if it does not.
    pub(crate) fn guard(&self, address: usize) -> Option<&Guard> {
        self.0.guard(address)
    }

    /// Whether the thread that was named by `bits` is gone. A word that names no seat names nobody alive.
    pub(crate) fn seat_is_gone(&self, bits: u32) -> bool {
        SeatId::from_bits(bits).is_none_or(|seat| self.0.assembly.seats().alive(seat).is_none())
    }

    pub(crate) fn directory(&self) -> Directory<'_> {
        self.0.directory()
    }
}

impl core::fmt::Debug for Region {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Region")
            .field("path", &self.1)
            .field("id", &format_args!("{:032x}", self.id()))
            .field("len", &self.len())
            .field("max_len", &self.max_len())
            .finish()
    }
}

impl Inner {
    fn at<T>(&self, offset: u64) -> NonNull<T> {
        debug_assert!(offset < self.mapping.len() as u64);
        let offset = usize::try_from(offset).unwrap_or(0);
        // SAFETY: callers pass offsets inside the mapping.
        unsafe { self.mapping.start().add(offset) }.cast()
    }

    fn header(&self) -> &Header {
        // SAFETY: the first page of the mapping, made of atomics.
        unsafe { self.at::<Header>(0).as_ref() }
    }

    /// The shared length, as far as it is true: a peer may have written anything there, the file tells.
    fn len(&self) -> u64 {
        let said = self.header().len.said().min(self.geometry.max_len);
        let known = self.known_len.load(Relaxed);
        if said <= known { known } else { self.look_up_len(said) }
    }

    #[cold]
    fn look_up_len(&self, said: u64) -> u64 {
        let file_bytes = file::size(&self.file).unwrap_or(0);
        let len = said.min(file_bytes.saturating_sub(header::HEAP_AT));
        self.known_len.fetch_max(len, Relaxed).max(len)
    }

    fn guard(&self, address: usize) -> Option<&Guard> {
        let offset = address.wrapping_sub(self.mapping.start().addr().get());
        (offset < self.mapping.len()).then(|| self.header().guard(offset))
    }

    fn directory(&self) -> Directory<'_> {
        // SAFETY: the directory's place in the mapping, made of atomics.
        let entries = unsafe { self.at(header::DIRECTORY_AT).as_ref() };
        Directory { region: self, entries }
    }

    /// Zeroes `bytes` of the heap from `offset` on, which nobody has open.
    fn zero(&self, offset: u64, bytes: u64) {
        debug_assert!(offset + bytes <= self.len());
        let bytes = usize::try_from(bytes).unwrap_or(0);
        let start = self.heap().as_ptr().wrapping_add(usize::try_from(offset).unwrap_or(0));
        // SAFETY: reserved bytes of the mapping that belong to no object, under the directory's lock.
        unsafe { start.write_bytes(0, bytes) };
    }

    fn heap(&self) -> NonNull<u8> {
        self.at(header::HEAP_AT)
    }
}
