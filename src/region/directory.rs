//! Name to extent: the directory of a region, which is its allocator, too.
//!
//! What is in use is what the entries say; the rest is free. So there is no list of free space to be torn: publishing an
//! entry allocates and names, withdrawing it frees, and each is one store. See `docs/decisions/0001-directory-allocates.md`.
//!
//! # If a process is killed
//! | just after                     | the region holds      | survivors see      | set right by                          |
//! |--------------------------------|-----------------------|--------------------|---------------------------------------|
//! | D1 extent zeroed (or half)     | zeros in a free gap   | nothing            | the next that takes the gap zeroes it |
//! | D2 `fresh` raised              | as before             | nothing            | - (the bytes are zeroed once more)    |
//! | D3 fields written              | a free entry          | nothing            | the next that takes it                |
//! | D4 `state` odd                 | the object            | the object, whole  | -                                     |
//! | R1 `state` even                | a free entry and gap  | no object          | -                                     |
//! The lock's next owner is told of the death and has nothing to repair. Grade: G1. D3, D4 and R1 are the [entry's](super::entry).

use super::entry::{Entry, Fields};
use super::options::check_name;
use super::{Inner, NAME_MAX};
use crate::error::Layout;
use crate::os::Relaxed;
use crate::os::clock::Deadline;
use crate::seat::lock::{RawLock, Refused};
use crate::seat::{Adaptive, MARKS};
use crate::{Error, Result};

/// Objects that a region can have.
pub(super) const ENTRIES: usize = MARKS as usize;
/// Bytes of the directory.
pub(super) const BYTES: u64 = (ENTRIES * size_of::<Entry>()) as u64;
/// Objects start at multiples of two cache lines: none shares a line with another.
const SPACING: u64 = 128;

/// What holds an extent. The code is part of the file's format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Kind {
    pub(crate) code: u32,
    pub(crate) label: &'static str,
}

impl Kind {
    pub(crate) const OBJECT: Self = Self { code: 1, label: "object" };
    pub(crate) const ARRAY: Self = Self { code: 2, label: "array" };
    pub(crate) const GROWING: Self = Self { code: 3, label: "growing array" };
    pub(crate) const SPSC: Self = Self { code: 16, label: "SPSC ring" };

    const ALL: [Self; 4] = [Self::OBJECT, Self::ARRAY, Self::GROWING, Self::SPSC];

    fn label_of(code: u32) -> &'static str {
        Self::ALL
            .iter()
            .find(|kind| kind.code == code)
            .map_or("thing of an unknown kind", |k| k.label)
    }
}

/// What somebody wants to find or make under a name.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) kind: Kind,
    pub(crate) fingerprint: u64,
    pub(crate) count: u64,
    pub(crate) bytes: u64,
    pub(crate) align: u64,
}

/// An object, as the directory describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Its name.
    pub name: String,
    /// What it is.
    pub layout: Layout,
    /// Where it is, from the start of the region's heap.
    pub offset: u64,
}

/// The directory of an open region.
pub(crate) struct Directory<'a> {
    pub(super) region: &'a Inner,
    pub(super) entries: &'a [Entry; ENTRIES],
}

impl Directory<'_> {
    /// Finds the object, or makes it if `make`: the entry's number and place. It is marked as open by this process.
    pub(crate) fn find_or_make(
        &self,
        name: &str,
        wanted: Wanted,
        make: bool,
    ) -> Result<(u32, Fields)> {
        check_name(name, NAME_MAX)?;
        let _turn = self.lock()?;
        let found = match self.position(name) {
            Some(index) => index,
            None if make => self.make(name, wanted)?,
            None => return Err(Error::NoSuchObject { name: name.to_owned() }),
        };
        let fields = self.checked(found, name, wanted)?;
        let index = u32::try_from(found).unwrap_or(u32::MAX);
        self.region.assembly.mark(index)?;
        Ok((index, fields))
    }

    /// Withdraws the object, unless a process has it open.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        check_name(name, NAME_MAX)?;
        let _turn = self.lock()?;
        let no_such = || Error::NoSuchObject { name: name.to_owned() };
        let index = self.position(name).ok_or_else(no_such)?;
        let mark = u32::try_from(index).unwrap_or(u32::MAX);
        if let Some(by) = self.region.assembly.marked(mark) {
            return Err(Error::InUse { name: name.to_owned(), by });
        }
        if let Some(entry) = self.entries.get(index) {
            entry.withdraw(); // R1
        }
        Ok(())
    }

    /// What is there.
    pub(crate) fn list(&self) -> Vec<ObjectInfo> {
        list(self.entries)
    }

    fn lock(&self) -> Result<Turn<'_>> {
        let lock = &self.region.header().lock;
        match lock.lock::<Adaptive>(Deadline::NEVER) {
            Ok(_) => {}
            Err(Refused::Seat(e)) => return Err(e),
            Err(Refused::Deadlock(h) | Refused::TimedOut(h) | Refused::Held(h)) => {
                return Err(Error::Deadlock { holder: h });
            }
        }
        lock.mark_consistent(); // nothing that a dead owner left half-done is visible
        Ok(Turn(lock))
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.is_present() && entry.is_named(name))
    }

    fn checked(&self, index: usize, name: &str, wanted: Wanted) -> Result<Fields> {
        let damaged = |what, found, expected| Error::Corrupt { what, found, expected };
        let entry = self.entries.get(index).ok_or(damaged("an entry's number", 0, 0))?;
        let fields = entry.fields();
        let growing = wanted.kind == Kind::GROWING;
        let found = fields.layout();
        let expected = wanted.layout();
        let same = fields.kind == wanted.kind.code
            && fields.fingerprint == wanted.fingerprint
            && (growing || (fields.count == wanted.count && fields.bytes == wanted.bytes));
        if !same {
            return Err(Error::OtherType { name: name.to_owned(), found, expected });
        }
        let most = if growing { self.region.geometry.max_len } else { self.region.len() };
        let end = fields.offset.saturating_add(fields.bytes);
        if end > most {
            return Err(damaged("the end of an object", end, most));
        }
        if fields.offset % wanted.align != 0 {
            return Err(damaged("an object's misalignment", fields.offset % wanted.align, 0));
        }
        Ok(fields)
    }

    fn make(&self, name: &str, wanted: Wanted) -> Result<usize> {
        let full = Error::DirectoryFull { capacity: MARKS };
        let index = self.entries.iter().position(|entry| !entry.is_present()).ok_or(full)?;
        let (offset, bytes) = self.allocate(wanted)?;
        self.make_zero(offset, bytes); // D1, D2
        if let Some(entry) = self.entries.get(index) {
            let Wanted { fingerprint, count, .. } = wanted;
            let kind = wanted.kind.code;
            entry.publish(name, Fields { kind, fingerprint, count, offset, bytes }); // D3, D4
        }
        Ok(index)
    }

    /// The first gap between the extents that is large enough. An array that grows takes the end of the region, to its
    /// maximum.
    fn allocate(&self, wanted: Wanted) -> Result<(u64, u64)> {
        let mut used: Vec<(u64, u64)> = self
            .entries
            .iter()
            .filter(|entry| entry.is_present())
            .map(|entry| entry.fields())
            .map(|f| (f.offset, f.offset.saturating_add(f.bytes)))
            .collect();
        used.sort_unstable();
        let (len, max_len) = (self.region.len(), self.region.geometry.max_len);
        let align = wanted.align.max(SPACING);
        if wanted.kind == Kind::GROWING {
            let start = used.iter().map(|(_, end)| *end).max().unwrap_or(0);
            let start = start.checked_next_multiple_of(align).unwrap_or(u64::MAX);
            let room = len.saturating_sub(start);
            let full = Error::RegionFull { wanted: wanted.bytes, largest: room };
            return if room >= wanted.bytes { Ok((start, max_len - start)) } else { Err(full) };
        }
        let mut largest = 0;
        let mut start = 0;
        for (next, end) in used.into_iter().chain([(len, len)]) {
            let gap = next.min(len).saturating_sub(start);
            if gap >= wanted.bytes {
                return Ok((start, wanted.bytes));
            }
            largest = largest.max(gap);
            start = end.max(start).checked_next_multiple_of(align).unwrap_or(u64::MAX);
        }
        Err(Error::RegionFull { wanted: wanted.bytes, largest })
    }

    /// Zeroes what may have been used before.
    fn make_zero(&self, offset: u64, bytes: u64) {
        let fresh = &self.region.header().fresh;
        let end = offset.saturating_add(bytes);
        let used_to = end.min(fresh.load(Relaxed)).min(self.region.len());
        if let Some(dirty) = used_to.checked_sub(offset) {
            self.region.zero(offset, dirty);
        }
        fresh.fetch_max(end, Relaxed);
    }
}

/// The directory's lock, held.
struct Turn<'a>(&'a RawLock);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.unlock();
    }
}

impl Fields {
    pub(super) fn layout(self) -> Layout {
        let Self { kind, fingerprint, count, bytes, .. } = self;
        Layout { kind: Kind::label_of(kind), count, bytes, fingerprint }
    }
}

impl Wanted {
    fn layout(self) -> Layout {
        let Self { kind, fingerprint, count, bytes, .. } = self;
        Layout { kind: kind.label, count, bytes, fingerprint }
    }
}

/// What a directory holds.
pub(super) fn list(entries: &[Entry; ENTRIES]) -> Vec<ObjectInfo> {
    let described = |(name, fields): (String, Fields)| ObjectInfo {
        name,
        layout: fields.layout(),
        offset: fields.offset,
    };
    entries.iter().filter_map(Entry::look).map(described).collect()
}
