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
//! # Pairs
//! | `member-named`   | introduce: store of `complete`, Release     | info: load of it, Acquire                  | the fields; no mark is the former occupant's |
//! | `member-renamed` | introduce: fence, Release, behind the store of `generation` | info: fence, Acquire, before the load of it | fields of another are not believed |
//! | `member-followed`| introduce: store of `generation`, Release   | living, info: loads of it, Acquire         | all that the former occupant did, to who sees only the next |
//! | `object-let-go`  | clear_mark: change of `marks`, Release      | marked: load of them, Acquire              | all uses of the object, to who takes its place |
//! Whose marks are seen to be gone with their member has followed it, too: the fence of `member-renamed` comes before them.
//!
//! Tests: tests/members.rs, tests/kill/member.rs, tests/hostile; models: tests/loom.
#![allow(unsafe_code)] // makes references to records out of the table's address

use super::id::{Holder, MemberId, SeatId};
use super::{MARKS, NAME_BYTES};
use crate::os::file::{self, File};
use crate::os::{Acquire, AtomicU32, AtomicU64, Relaxed, Release, abi, fence, process};
use core::mem::offset_of;
use core::ptr::NonNull;

/// Where the bytes are whose locks make members: far behind any byte that is stored.
pub(crate) const LOCKS_AT: u64 = 1 << 60;
/// The byte whose lock makes the one sweeper.
pub(crate) const SWEEP_LOCK: u64 = LOCKS_AT - 1;

/// One member.
#[repr(C, align(128))]
#[cfg_attr(test, derive(Default))]
pub(crate) struct Record {
    generation: AtomicU32,
    pid: AtomicU32,
    start_time: AtomicU64,
    complete: AtomicU32,
    _pad: u32,
    marks: [AtomicU64; MARKS as usize / 64],
    name: [AtomicU64; NAME_BYTES / 8],
}
abi!(size_of::<Record>() == 128, offset_of!(Record, marks) == 24 && offset_of!(Record, name) == 56,);

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
pub(crate) struct Members(pub(crate) NonNull<[Record]>);

// SAFETY: the table is made of atomics that live as long as the mapping that `Assembly` is made for.
unsafe impl Send for Members {}
// SAFETY: as above.
unsafe impl Sync for Members {}

impl Members {
    fn records(&self) -> impl Iterator<Item = (u32, &Record)> {
        // SAFETY: the table, which stays as long as its mapping.
        (0..).zip(unsafe { self.0.as_ref() })
    }

    fn record(&self, slot: u32) -> Option<&Record> {
        // SAFETY: as above.
        unsafe { self.0.as_ref() }.get(slot as usize)
    }

    /// Becomes a member: takes a free slot's lock on `anchor` and says who we are. `None` if all are taken.
    pub(crate) fn attach(&self, anchor: &File, name: &str) -> std::io::Result<Option<MemberId>> {
        for (slot, record) in self.records() {
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
        (record.generation.load(Acquire) == generation).then_some(info) // pair: member-followed
    }

    /// The occupant of `seat` as it is shown to others: its process and thread, as far as they are known.
    pub(super) fn holder(&self, seat: SeatId, occupant: Option<(MemberId, u32)>) -> Holder {
        let info = occupant.and_then(|(member, _)| self.info(member));
        let (pid, name) = info.map_or_else(Default::default, |info| (info.pid, info.name));
        let member = occupant.map(|(member, _)| member);
        Holder { seat, member, pid, tid: occupant.map_or(0, |(_, tid)| tid), name }
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
        let records = self.records().filter(move |(_, record)| wanted(record));
        let last = |(slot, record): (u32, &Record)| {
            MemberId::new(slot, record.generation.load(Acquire)) // pair: member-followed
        };
        records.map(last).filter(|id| !self.is_gone(*id, asking))
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
        let mut living = self.living_ids(asking, has).filter_map(|id| self.info(id));
        // What was seen may be the mark of the one before: its own, a member has still.
        living.find(|info| self.record(info.id.slot()).is_some_and(has))
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
        self.generation.store(id.generation(), Release); // pair: member-followed
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
