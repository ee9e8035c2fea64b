//! The region's floor: its real header and directory, in a mapping of our own.
#![allow(unsafe_code)] // makes references to the places of the layout

#[path = "../../../src/region/directory.rs"]
pub(crate) mod directory;
#[path = "../../../src/region/entry.rs"]
mod entry;
#[path = "../../../src/region/header.rs"]
pub(crate) mod header;
#[path = "../../../src/region/length.rs"]
mod length;
mod options;

pub(crate) use directory::{Kind, Wanted};
pub(crate) use header::{CHANGERS, Guard};

use crate::names::{CAPACITY, MAX_LEN, SEATS};
use crate::os::{AtomicU64, Relaxed, file};
use crate::seat::assembly::Assembly;
use crate::seat::lock::RawLock;
use crate::seat::{MemberId, MemberInfo};
use crate::{Result, land};
use core::ptr::NonNull;
use directory::Directory;
use header::{Geometry, Header};
use std::sync::OnceLock;

pub(crate) const MEMBERS_AT: u64 = 4096;
pub(crate) const SEAT_WORDS_AT: u64 = 256;
pub(crate) const HEAP_AT: u64 = header::HEAP_AT;
const NAME_MAX: usize = 208;
pub(crate) const SLOTS_BYTES: u64 = CAPACITY * 8;
pub(crate) const RING_BYTES: u64 = 1024 + SLOTS_BYTES;

/// An open region.
pub(crate) struct Inner {
    pub(crate) assembly: Assembly,
    geometry: Geometry,
    known_len: AtomicU64,
}

/// The one that there is.
pub(crate) fn world() -> &'static Inner {
    static WORLD: OnceLock<Inner> = OnceLock::new();
    let world = WORLD.get_or_init(|| {
        land::make();
        let geometry = Geometry { max_len: MAX_LEN, seats: SEATS };
        Inner { assembly: Assembly::new(), geometry, known_len: AtomicU64::new(0) }
    });
    land::own(world);
    world
}

/// Forgets what the process knew of it, but for so many seats, and for so many bytes.
pub(crate) fn know(seats: u32, len: u64) {
    world().assembly.seats().known.store(seats.min(SEATS), Relaxed);
    world().known_len.store(len.min(MAX_LEN), Relaxed);
}

impl Inner {
    fn header(&self) -> &Header {
        // SAFETY: the first page, made of words.
        unsafe { land::at::<Header>(0).as_ref() }
    }

    pub(crate) fn lock(&self) -> &RawLock {
        &self.header().lock
    }

    pub(crate) fn guard(&self, offset: usize) -> &Guard {
        self.header().guard(offset)
    }

    /// What is said, as far as the file is so long; never less than before.
    fn len(&self) -> u64 {
        let said = self.header().len.said().min(self.geometry.max_len);
        let file_bytes = file::size(&self.assembly.file).unwrap_or(0);
        let len = said.min(file_bytes.saturating_sub(HEAP_AT));
        self.known_len.fetch_max(len, Relaxed).max(len)
    }

    fn zero(&self, offset: u64, bytes: u64) {
        assert!(offset + bytes <= self.len(), "outside: zeroes {bytes} bytes from {offset} on");
    }

    pub(crate) fn directory(&self) -> Directory<'_> {
        // SAFETY: the directory's place, made of words.
        let entries = unsafe { land::at(header::DIRECTORY_AT).as_ref() };
        Directory { region: self, entries }
    }

    /// The object's number, where it is in the heap, and its bytes.
    pub(crate) fn find_or_make(
        &self,
        name: &str,
        of: Wanted,
        make: bool,
    ) -> Result<(u32, u64, u64)> {
        let (mark, place) = self.directory().find_or_make(name, of, make)?;
        Ok((mark, place.offset, place.bytes))
    }

    /// Words of the header and of the heap, to wait on.
    pub(crate) fn word<T>(&self, index: u64) -> &T {
        // SAFETY: inside the heap, made of words.
        unsafe { land::at(HEAP_AT + index % 64 * 8).as_ref() }
    }

    /// Checks a header that says this of itself, in a file of so many bytes.
    pub(crate) fn check(prefix: &[u8; header::PREFIX], file_bytes: u64) -> Result<(u64, u32, u64)> {
        let (geometry, _, len) = Geometry::check(prefix, file_bytes)?;
        Ok((geometry.max_len, geometry.seats, len))
    }

    /// A header as it should be.
    pub(crate) fn prefix(max_len: u64, seats: u32, len: u64) -> [u8; header::PREFIX] {
        Geometry { max_len, seats }.prefix(77, len)
    }
}

/// What the ring's floor asks of a region.
#[derive(Clone)]
pub(crate) struct Region;

impl Region {
    /// Always the ring that is [there](land::RING_AT).
    pub(crate) fn extent(&self, _name: &str, wanted: Wanted, _make: bool) -> Result<Extent> {
        assert!(wanted.bytes == RING_BYTES && wanted.align == 128);
        Ok(Extent { region: self.clone(), start: land::at(land::RING_AT) })
    }

    pub(crate) fn member(&self) -> Result<MemberId> {
        world().assembly.member()
    }

    pub(crate) fn member_is_gone(&self, id: MemberId) -> bool {
        world().assembly.member_is_gone(id)
    }

    pub(crate) fn member_info(&self, id: MemberId) -> Option<MemberInfo> {
        world().assembly.member_info(id)
    }
}

/// A place that was found.
pub(crate) struct Extent {
    region: Region,
    pub(crate) start: NonNull<u8>,
}

// SAFETY: a place in memory that stays.
unsafe impl Send for Extent {}
// SAFETY: as above.
unsafe impl Sync for Extent {}

impl Extent {
    pub(crate) fn region(&self) -> &Region {
        &self.region
    }
}
