//! Making a region of a segment that the `shared_memory` crate made, so that programs which share memory that way can put
//! this library's objects into it.
//!
//! Such a segment has its name before it has a header, so making the header is one process's turn: the lock of a byte of
//! the file, which the kernel takes back if that process is killed. The magic number is written last.

use super::header::{self, Geometry, HEAP_AT, Header, PREFIX};
use super::options::named;
use super::{Region, RegionOptions};
use crate::os::{file, map, process};
use crate::seat::Turn;
use crate::{Error, Result};
use shared_memory::Shmem;
use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};

/// The byte of the file whose lock makes one adopter at a time.
const ADOPT_LOCK: u64 = super::create::UNLINK_LOCK - 1;
/// An adopted segment keeps at most one eighth of its bytes for seats.
const SEATS_SHARE: u64 = 8;

impl Region {
    /// Makes a region of `segment`, or opens the one that another process has made of it. The segment must be all zeros
    /// before: what is in it is not ours to judge.
    ///
    /// The region maps the segment's file itself; `segment` stays the caller's, and removes its name as it would without.
    ///
    /// # Errors
    /// [`Corrupt`](Error::Corrupt) if something else is in the segment; [`OutOfRange`](Error::OutOfRange) if it is smaller
    /// than 108 KiB; [`NoSpace`](Error::NoSpace); as [`open`](Self::open).
    ///
    /// # If a process is killed here
    /// G1: the next adopter begins anew, or finds the region whole.
    pub fn adopt(segment: &Shmem) -> Result<Self> {
        Self::options().adopt(segment)
    }
}

impl RegionOptions {
    /// As [`Region::adopt`]; of the options only the number of seats, the member's name and trusted owners count.
    ///
    /// # Errors
    /// As there.
    pub fn adopt(&self, segment: &Shmem) -> Result<Region> {
        self.check_seats()?;
        let path = named(segment.get_os_id().trim_start_matches('/'))?;
        let open = |e| Error::opening(e, "open (a segment)", &path);
        let file = file::existing(&path, true).map_err(open)?;
        let found = self.trusted_file(&file, Some(&path))?;
        check_same(&found, segment)?;
        let turn = Turn::wait(&file, ADOPT_LOCK)?;
        let mut prefix = [0; PREFIX];
        // A shorter one is refused by its size below.
        if found.len() >= PREFIX as u64 {
            file.read_exact_at(&mut prefix, 0).map_err(|e| Error::os("pread", e))?;
        }
        if Header::is_blank(&prefix) {
            self.write_header(&file, found.len())?;
        }
        drop(turn);
        self.attach(file, Some(&path))
    }

    fn write_header(&self, file: &File, bytes: u64) -> Result<()> {
        let page = map::PAGE as u64;
        let room = (bytes / page * page).saturating_sub(HEAP_AT);
        let seats = (room / SEATS_SHARE / page).max(1).min(self.seats.into());
        let len = room.saturating_sub(seats * page);
        if len < page || len > header::MAX_LEN {
            let least = HEAP_AT + 2 * page;
            return Err(Error::OutOfRange {
                what: "the segment's size",
                found: bytes,
                least,
                most: header::MAX_LEN,
            });
        }
        file::reserve(file, 0, bytes)
            .map_err(|e| Error::no_space_or(e, "fallocate (a segment)", bytes))?;
        let id = process::random_id().map_err(|e| Error::os("getrandom", e))?;
        let seats = u32::try_from(seats).unwrap_or(1);
        let prefix = Geometry { max_len: len, seats }.prefix(id, len);
        let (magic, rest) = prefix.split_at(header::MAGIC.len());
        file.write_all_at(rest, magic.len() as u64).map_err(|e| Error::os("pwrite", e))?;
        file.write_all_at(magic, 0).map_err(|e| Error::os("pwrite", e))
    }
}

/// Names can be used again: whether the file is the one that `segment` has mapped.
fn check_same(found: &Metadata, segment: &Shmem) -> Result<()> {
    let expected = found.ino();
    let maps = std::fs::read_to_string("/proc/self/maps")
        .map_err(|e| Error::os("read (/proc/self/maps)", e))?;
    let start = format!("{:x}-", segment.as_ptr().addr());
    let line = maps.lines().find(|line| line.starts_with(&start));
    let inode =
        line.and_then(|line| line.split_ascii_whitespace().nth(4)?.parse().ok()).unwrap_or(0);
    if inode == expected {
        Ok(())
    } else {
        Err(Error::Corrupt { what: "the segment's inode", found: inode, expected })
    }
}
