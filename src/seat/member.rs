//! The table of members: the processes that are attached.
//!
//! The name of a member is a byte of the region's file, [`LOCKS_AT`]` + name`, and the member is who has that byte locked: an
//! OFD lock on an open file description of the process's own. The kernel gives it to one at a time and takes it back when
//! the process is gone, in any pid namespace, whatever pids are used again. A name has a generation in it: who is gone stays
//! gone, for all who ask, and it costs one system call. (Until 2^19 have come and gone. And a newcomer that was stopped between
//! its look at the generation and its lock holds a name that has come and gone meanwhile, until it looks again: that name's
//! death is seen a moment later.)
//!
//! To come, a process locks the name that follows the slot's last one, if that one is gone; then nobody else writes the
//! record.
//!
//! # Shared bytes                                    all zeros = nobody has been here
//! |  at | field      | width | stored by   | meaning                                              |
//! |-----|------------|-------|-------------|------------------------------------------------------|
//! |   0 | generation | u32   | the member  | counts the occupants; stored first                   |
//! |   4 | pid        | u32   | the member  | as its own pid namespace counts                      |
//! |   8 | start_time | u64   | the member  | clock ticks since boot                               |
//! |  16 | complete   | u32   | the member  | the generation again; stored last                    |
//! |  24 | marks      | 4×u64 | the member  | one bit for each directory entry that it has open    |
//! |  56 | name       | 9×u64 | the member  | what it calls itself, zero-padded                    |
//!
//! # If a process is killed
//! With the lock, before `generation`: nothing has happened. Between `generation` and `complete`: a name that is gone, which
//! said nothing of itself. After: a member that is gone. Nothing is ever repaired: the next occupant writes all fields
//! anew. Grade: G0.
//!
//! Pairs: `member-named`: introduce: store of `complete`, Release; info: load, Acquire: the fields. `member-renamed`:
//! introduce: fence Release behind `generation`; info: fence Acquire before it: fields of another are not believed.
//! `object-let-go`: clear_mark Release, marked Acquire: all uses of the object, to who takes its place.
#![allow(unsafe_code)] // makes references to records out of the table's address

use super::id::MemberId;
use crate::os::{Acquire, AtomicU32, AtomicU64, Relaxed, Release, fence, file, process};
use core::mem::offset_of;
use core::ptr::NonNull;
use std::fs::File;

/// Members that a region can have at a time.
pub(crate) const MEMBERS: u32 = 256;
/// Marks that a member can set.
pub(crate) const MARKS: u32 = 256;
/// Where the bytes are whose locks make members: far behind any byte that is stored.
pub(crate) const LOCKS_AT: u64 = 1 << 60;
/// The byte whose lock makes the one sweeper.
pub(crate) const SWEEP_LOCK: u64 = LOCKS_AT - 1;
/// Bytes of a member's name.
pub(crate) const NAME_BYTES: usize = 72;

/// One member.
#[repr(C, align(128))]
pub(crate) struct Record {
    generation: AtomicU32,
    pid: AtomicU32,
    start_time: AtomicU64,
    complete: AtomicU32,
    _pad: u32,
    marks: [AtomicU64; MARKS as usize / 64],
    name: [AtomicU64; NAME_BYTES / 8],
}
const _: () = {
    assert!(size_of::<Record>() == 128);
    assert!(offset_of!(Record, marks) == 24 && offset_of!(Record, name) == 56);
};

/// A member, as it described itself.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct MemberInfo {
    /// Its name in shared words.
    pub id: MemberId,
    /// Process id, as its own pid namespace counts.
    pub pid: u32,
    /// When the process was started, in clock ticks since boot; 0 if it could not tell.
    pub start_time: u64,
    /// What it calls itself: its command's name, unless it chose another.
    pub name: String,
}

/// The table as this process has it mapped.
pub(crate) struct Members(pub(crate) NonNull<Record>);

// SAFETY: the table is made of atomics that live as long as the mapping that `Assembly` is made for.
unsafe impl Send for Members {}
// SAFETY: as above.
unsafe impl Sync for Members {}

impl Members {
    fn record(&self, slot: u32) -> Option<&Record> {
        let record = self.0.as_ptr().wrapping_add(slot as usize);
        // SAFETY: inside the table.
        (slot < MEMBERS).then(|| unsafe { &*record })
    }

    /// Becomes a member: takes a free slot's lock on `anchor` and says who we are. `None` if all are taken.
    pub(crate) fn attach(&self, anchor: &File, name: &str) -> std::io::Result<Option<MemberId>> {
        for slot in 0..MEMBERS {
            let Some(record) = self.record(slot) else { break };
            let last = record.generation.load(Relaxed);
            let (former, next) = (MemberId::new(slot, last), after(slot, last));
            let free = last == 0 || !file::is_locked(anchor, byte(former))?;
            if !free || !file::try_lock(anchor, byte(next))? {
                continue;
            }
            if record.generation.load(Relaxed) == last {
                record.introduce(next, name);
                return Ok(Some(next));
            }
            // Another has come and gone under this name meanwhile.
            file::unlock(anchor, byte(next))?;
        }
        Ok(None)
    }

    /// Whether the process `id` has left or died. `asking` is any descriptor of the file that is not an anchor.
    pub(crate) fn is_gone(&self, id: MemberId, asking: &File) -> bool {
        // An error proves nothing: not gone.
        !file::is_locked(asking, byte(id)).unwrap_or(true)
    }

    /// What member `id` says of itself; `None` if it has not yet, or the slot is another's by now.
    pub(crate) fn info(&self, id: MemberId) -> Option<MemberInfo> {
        let record = self.record(id.slot())?;
        let generation = id.generation();
        if record.complete.load(Acquire) != generation {
            return None; // pair: member-named
        }
        let info = record.describe(id);
        fence(Acquire); // pair: member-renamed
        (record.generation.load(Relaxed) == generation).then_some(info)
    }

    /// Those who are here now.
    pub(crate) fn living(&self, asking: &File) -> Vec<MemberInfo> {
        self.living_ids(asking, |_| true).filter_map(|id| self.info(id)).collect()
    }

    /// Those of them whose record satisfies `wanted`.
    fn living_ids<'a>(
        &'a self,
        asking: &'a File,
        wanted: impl Fn(&Record) -> bool + 'a,
    ) -> impl Iterator<Item = MemberId> + 'a {
        let slots = (0..MEMBERS).filter(move |slot| self.record(*slot).is_some_and(&wanted));
        slots.filter_map(|slot| self.occupant(slot)).filter(|id| !self.is_gone(*id, asking))
    }

    /// Who was the last to come to `slot`.
    fn occupant(&self, slot: u32) -> Option<MemberId> {
        Some(MemberId::new(slot, self.record(slot)?.generation.load(Acquire))) // pair: member-renamed
    }

    /// Sets mark `mark` of member `id`, which is this process.
    pub(crate) fn set_mark(&self, id: MemberId, mark: u32) {
        let (index, bit) = place_of(mark);
        if let Some(word) = self.record(id.slot()).and_then(|record| record.marks.get(index)) {
            word.fetch_or(bit, Relaxed);
        }
    }

    /// Clears it. What this process did with the object comes before.
    pub(crate) fn clear_mark(&self, id: MemberId, mark: u32) {
        let (index, bit) = place_of(mark);
        if let Some(word) = self.record(id.slot()).and_then(|record| record.marks.get(index)) {
            word.fetch_and(!bit, Release); // pair: object-let-go
        }
    }

    /// A living member with mark `mark`.
    pub(crate) fn marked(&self, mark: u32, asking: &File) -> Option<MemberInfo> {
        let (index, bit) = place_of(mark);
        let has = move |record: &Record| {
            let word = record.marks.get(index);
            word.is_some_and(|word| word.load(Acquire) & bit != 0) // pair: object-let-go
        };
        self.living_ids(asking, has).find_map(|id| self.info(id))
    }
}

/// The word and the bit of a mark.
const fn place_of(mark: u32) -> (usize, u64) {
    (mark as usize / 64, 1 << (mark % 64))
}

/// The name after that of generation `last`; 0 means that there was none.
fn after(slot: u32, last: u32) -> MemberId {
    match MemberId::new(slot, last.wrapping_add(1)) {
        wrapped if wrapped.generation() == 0 => MemberId::new(slot, 1),
        next => next,
    }
}

/// The byte whose lock is the life of `id`.
fn byte(id: MemberId) -> u64 {
    LOCKS_AT + u64::from(id.to_bits())
}

impl Record {
    fn introduce(&self, id: MemberId, name: &str) {
        self.generation.store(id.generation(), Relaxed);
        fence(Release); // pair: member-renamed
        self.pid.store(process::pid(), Relaxed);
        self.start_time.store(process::start_time(), Relaxed);
        for word in &self.marks {
            word.store(0, Relaxed);
        }
        let mut bytes = name.as_bytes().iter().copied().chain(std::iter::repeat(0));
        for word in &self.name {
            let chunk: [u8; 8] = core::array::from_fn(|_| bytes.next().unwrap_or(0));
            word.store(u64::from_ne_bytes(chunk), Relaxed);
        }
        self.complete.store(id.generation(), Release); // pair: member-named
    }

    fn describe(&self, id: MemberId) -> MemberInfo {
        let bytes: Vec<u8> = self
            .name
            .iter()
            .flat_map(|w| w.load(Relaxed).to_ne_bytes())
            .take_while(|b| *b != 0)
            .collect();
        MemberInfo {
            id,
            pid: self.pid.load(Relaxed),
            start_time: self.start_time.load(Relaxed),
            name: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}
