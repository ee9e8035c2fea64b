//! The first page of a region.
//!
//! # Shared bytes
//! |   at | field    | width    | stored by          | meaning                                                     |
//! |------|----------|----------|--------------------|-------------------------------------------------------------|
//! |    0 | magic    | 8 bytes  | the creator        | `sabha` and zeros                                           |
//! |    8 | version  | u32      | the creator        | of this format                                              |
//! |   12 | endian   | u32      | the creator        | `0x01020304` in the creator's byte order                    |
//! |   16 | id       | 2×u64    | the creator        | random                                                      |
//! |   32 | max_len  | u64      | the creator        | bytes that the heap can grow to                             |
//! |   40 | seats    | u32      | the creator        | seats in the table                                          |
//! |   44 | page     | u32      | the creator        | 4096                                                        |
//! |   48 | checksum | u64      | the creator        | of the layout: the constants above and the tables' places   |
//! |  128 | len      | u64      | growers            | bytes of the heap that are reserved: [`Length`]             |
//! |  136 | fresh    | u64      | holder of `lock`   | heap bytes from here on were never used: still zero         |
//! |  192 | lock     | 8 bytes  | lockers            | guards the directory                                        |
//! |  256 | seats    | 2×u32    | claimers of seats  | see [`SeatWords`]                                           |
//! | 2048 | guards   | 32×64    | notifiers, waiters | see `view/wait.rs`                                          |
//!
//! What the creator stores is read once, at attach, checked, and kept privately. A creator that is killed leaves no file.

use super::length::Length;
use crate::os::{AtomicU32, AtomicU64, map};
use crate::seat::MEMBERS;
use crate::seat::lock::RawLock;
use crate::seat::member::Record;
use crate::seat::table::SeatWords;
use crate::{Error, Result, fingerprint};
use core::mem::offset_of;

/// The page as every process sees it.
#[repr(C, align(4096))]
pub(super) struct Header {
    /// What the creator stored: read through the file, not from here.
    _fixed: [AtomicU64; 16],
    pub(super) len: Length,
    pub(super) fresh: AtomicU64,
    _gap: [AtomicU64; 6],
    pub(super) lock: RawLock,
    _gap2: [AtomicU64; 7],
    pub(super) seats: SeatWords,
    _gap3: [AtomicU64; 223],
    guards: [Guard; GUARDS],
}

/// What the waits and notifies of the addresses of one hash share; see `view/wait.rs`.
#[repr(C, align(64))]
pub(crate) struct Guard {
    /// Even; every notify adds to it.
    pub(crate) generation: AtomicU32,
    /// The low 30 bits are 0 for ever: where the kernel wakes for a changer or a waiter that died. The top two count.
    pub(crate) bell: AtomicU32,
    /// 1: there once were more changers at a time than `changers` can name.
    pub(crate) crowded: AtomicU32,
    /// The seats that are between a change and its notify; 0: free.
    pub(crate) changers: [AtomicU32; CHANGERS],
}

/// How many threads that change and notify a guard can name.
pub(crate) const CHANGERS: usize = 13;

const GUARDS: usize = 32;

pub(super) const MAGIC: [u8; 8] = *b"sabha\0\0\0";
pub(super) const VERSION: u32 = 1;
const PAGE: u32 = 4096;
const ENDIAN: u32 = 0x0102_0304;
const MEMBERS_AT: u64 = map::PAGE as u64;
pub(super) const DIRECTORY_AT: u64 = MEMBERS_AT + MEMBERS as u64 * size_of::<Record>() as u64;
pub(super) const HEAP_AT: u64 = DIRECTORY_AT + super::directory::BYTES;
/// The largest heap: far below what the address space holds.
pub(super) const MAX_LEN: u64 = 1 << 44;
/// Where the number of seats that are ready is.
const SEATS_AT: usize = 256;
/// Bytes of the file that are looked at before it is mapped: up to the number of seats that are ready.
pub(super) const PREFIX: usize = 260;

const _: () = {
    assert!(size_of::<Header>() == map::PAGE);
    assert!(offset_of!(Header, len) == 128 && offset_of!(Header, fresh) == 136);
    assert!(offset_of!(Header, lock) == 192 && offset_of!(Header, seats) == SEATS_AT);
    assert!(offset_of!(Header, guards) == 2048 && size_of::<Guard>() == 64);
    assert!(DIRECTORY_AT == 36_864 && HEAP_AT == 102_400, "ABI");
    assert!(HEAP_AT.is_multiple_of(map::PAGE as u64) && PAGE as usize == map::PAGE);
};

impl Header {
    /// By offset, so that every process finds the same.
    pub(super) fn guard(&self, offset: usize) -> &Guard {
        let [first, ..] = &self.guards;
        // Neighbouring words of one line share a guard: they are notified together or not at all, mostly.
        self.guards.get(offset / 64 % GUARDS).unwrap_or(first)
    }
}

/// The places of the tables, once they have been checked. Private: a peer that scribbles over the header moves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Geometry {
    pub(super) max_len: u64,
    pub(super) seats: u32,
}

impl Geometry {
    pub(super) const fn members_at(self) -> u64 {
        MEMBERS_AT
    }

    pub(super) const fn seats_at(self) -> u64 {
        HEAP_AT + self.max_len
    }

    /// Bytes to map.
    pub(super) const fn mapped(self) -> u64 {
        self.seats_at() + self.seats as u64 * map::PAGE as u64
    }

    fn checksum(self) -> u64 {
        let places = [MEMBERS_AT, DIRECTORY_AT, HEAP_AT, self.max_len, u64::from(self.seats)];
        let sizes = [MEMBERS.into(), size_of::<Record>() as u64, GUARDS as u64, map::PAGE as u64];
        fingerprint("region", &[fingerprint("places", &places), fingerprint("sizes", &sizes)])
    }

    /// The first bytes of the file of a new region.
    pub(super) fn prefix(self, id: u128, len: u64) -> [u8; PREFIX] {
        let mut bytes = [0; PREFIX];
        let mut put = |at: usize, value: &[u8]| {
            if let Some(place) = bytes.get_mut(at..at + value.len()) {
                place.copy_from_slice(value);
            }
        };
        put(0, &MAGIC);
        put(8, &VERSION.to_ne_bytes());
        put(12, &ENDIAN.to_ne_bytes());
        put(16, &id.to_ne_bytes());
        put(32, &self.max_len.to_ne_bytes());
        put(40, &self.seats.to_ne_bytes());
        put(44, &PAGE.to_ne_bytes());
        put(48, &self.checksum().to_ne_bytes());
        put(128, &len.to_ne_bytes());
        bytes
    }

    /// Checks the first bytes of a file of `file_bytes` bytes: the places, the region's id and its length.
    pub(super) fn check(prefix: &[u8; PREFIX], file_bytes: u64) -> Result<(Self, u128, u64)> {
        expect("the magic number", word(prefix, 0), u64::from_ne_bytes(MAGIC))?;
        expect("the byte order", half(prefix, 12).into(), ENDIAN.into())?;
        expect("the format version", half(prefix, 8).into(), VERSION.into())?;
        expect("the page size", half(prefix, 44).into(), PAGE.into())?;
        let geometry = Self { max_len: word(prefix, 32), seats: half(prefix, 40) };
        expect("the layout checksum", word(prefix, 48), geometry.checksum())?;
        let page = map::PAGE as u64;
        between("the maximal length", geometry.max_len, page, MAX_LEN)?;
        let most = crate::seat::SLOTS_MAX.into();
        between("the number of seats", geometry.seats.into(), 1, most)?;
        expect("the maximal length modulo 4096", geometry.max_len % page, 0)?;
        let len = word(prefix, 128);
        at_most("the length", len, geometry.max_len)?;
        let needed = HEAP_AT + len;
        if file_bytes < needed {
            return Err(Error::Corrupt {
                what: "the file's length (it is truncated)",
                found: file_bytes,
                expected: needed,
            });
        }
        let pages = file_bytes.saturating_sub(geometry.seats_at()) / page;
        let seats = pages.min(geometry.seats.into());
        at_most("the number of seats that are ready", half(prefix, SEATS_AT).into(), seats)?;
        let id = u128::from(word(prefix, 16)) | u128::from(word(prefix, 24)) << 64;
        Ok((geometry, id, len))
    }
}

fn expect(what: &'static str, found: u64, expected: u64) -> Result<()> {
    if found == expected { Ok(()) } else { Err(Error::Corrupt { what, found, expected }) }
}

fn at_most(what: &'static str, found: u64, most: u64) -> Result<()> {
    if found <= most { Ok(()) } else { Err(Error::Corrupt { what, found, expected: most }) }
}

fn between(what: &'static str, found: u64, least: u64, most: u64) -> Result<()> {
    let nearest = found.clamp(least, most);
    expect(what, found, nearest)
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    u64::from_ne_bytes(found.copied().unwrap_or_default())
}

fn half(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    u32::from_ne_bytes(found.copied().unwrap_or_default())
}

/// Where the heap's byte `offset` is in the region.
pub(super) const fn in_region(offset: u64) -> u64 {
    HEAP_AT + offset
}

/// Rounds up to pages; at least one.
pub(super) fn whole_pages(bytes: u64) -> Option<u64> {
    bytes.max(1).checked_next_multiple_of(map::PAGE as u64)
}

#[cfg(feature = "shared_memory")]
impl Header {
    /// Whether nobody has written a header, or somebody was killed before the magic number.
    pub(super) fn is_blank(prefix: &[u8; PREFIX]) -> bool {
        let (magic, rest) = prefix.split_at(MAGIC.len());
        let ours = half(prefix, 12) == ENDIAN && half(prefix, 8) == VERSION;
        magic.iter().all(|byte| *byte == 0) && (ours || rest.iter().all(|byte| *byte == 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GEOMETRY: Geometry = Geometry { max_len: 1 << 20, seats: 64 };

    #[test]
    fn what_the_creator_writes_is_what_the_opener_reads() {
        let prefix = GEOMETRY.prefix(77, 4096);
        let read = Geometry::check(&prefix, HEAP_AT + 4096).unwrap();
        assert_eq!(read, (GEOMETRY, 77, 4096));
    }

    #[test]
    fn every_flipped_bit_that_means_something_is_refused() {
        let good = GEOMETRY.prefix(77, 4096);
        for bit in (0..16 * 8).chain(32 * 8..56 * 8) {
            let mut bad = good;
            *bad.get_mut(bit / 8).unwrap() ^= 1 << (bit % 8);
            let refused = Geometry::check(&bad, 1 << 30);
            assert!(matches!(refused, Err(Error::Corrupt { .. })), "bit {bit}: {refused:?}");
        }
    }

    #[test]
    fn a_header_that_nobody_can_have_written_is_refused_though_its_checksum_is_right() {
        for (max_len, seats) in [(0, 8), (4096, 0), (MAX_LEN + 4096, 8), (4096, 1025), (4097, 8)] {
            let prefix = Geometry { max_len, seats }.prefix(77, max_len.min(4096));
            let refused = Geometry::check(&prefix, u64::MAX);
            assert!(matches!(refused, Err(Error::Corrupt { .. })), "{max_len} {seats}");
        }
    }

    #[test]
    fn a_file_shorter_than_its_length_is_truncated() {
        let prefix = GEOMETRY.prefix(77, 8192);
        let refused = Geometry::check(&prefix, HEAP_AT + 8191);
        assert!(
            matches!(refused, Err(Error::Corrupt { found, expected, .. }) if found + 1 == expected)
        );
    }
}
