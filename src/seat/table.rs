//! The table of seats: one page for each thread.
//!
//! # Shared bytes                                     all zeros = a seat that nobody ever took
//! |   at | field      | width | stored by                  | meaning                                             |
//! |------|------------|-------|----------------------------|-----------------------------------------------------|
//! |   64 | generation | u32   | the claimer                | counts the occupants                                |
//! |   68 | member     | u32   | the claimer                | whose thread it is                                  |
//! |   72 | tid        | u32   | the claimer                | the thread, as its own pid namespace counts         |
//! |   80 | waiting_on | u64   | the occupant               | 1 + the offset of the lock that it waits for; 0 none |
//! | 4076 | live       | u32   | claimer, occupant, kernel  | see below                                           |
//!
//! `live` sits so near the end of the page that the kernel's list node for it (32 bytes behind it for glibc, 28 for musl,
//! and the 8 bytes before the node) lies in the next page. The occupant maps the seat a second time, with a private page
//! behind it: no pointer that we or the kernel follow is in shared memory, and unmapping the region leaves the list whole.
//!
//! # States of `live`
//! ```text
//!   0 or W|DIED  --claim: CAS-->  TID|DIED(|W)  --node linked: swap-->  TID|W  --leave: 0; killed: W|DIED (kernel)--> dead
//! ```
//! A waiter may sleep only on `TID|W`. `TID|DIED` counts as dead and equals nothing that a waiter sleeps on, so that a
//! claimer that is stopped there holds nobody up. W is set from the start: waiters only read other seats.
//!
//! # Pairs
//! | `seat-taken`  | claim: swap of `live`, AcqRel  | alive: load of `live`, Acquire  | generation and the rest, to who asks  |
//! | `seat-left`   | leave: swap of `live`, AcqRel  | claim: CAS of `live`, AcqRel    | the seat's bytes, to the next         |
//! | `seat-renamed`| claim: store of member, tid, Release | occupant: loads of them, Acquire | who sees the new sees its generation |
//! | `page-ready`  | make_ready: CAS of `ready`, Release  | ready: load, Acquire             | the page's reservation               |
//!
//! # If a process is killed
//! | just after                     | the table holds        | survivors see         | set right by                         |
//! |--------------------------------|------------------------|-----------------------|--------------------------------------|
//! | T1 page reserved               | bytes of a page        | nothing               | the next claimer raises `ready`      |
//! | T2 `ready` raised              | a free seat            | a free seat           | -                                    |
//! | T3 pending set, CAS of `live`  | TID\|DIED              | dead                  | kernel (pending): W\|DIED            |
//! | T4 generation, member, tid     | the same               | dead                  | kernel (pending)                     |
//! | T5 node linked                 | the same               | dead                  | kernel (list)                        |
//! | T6 `live` = TID\|W             | a seat of a dead thread| dead                  | kernel (list)                        |
//! | L1 unlinked                    | TID\|W                 | dead                  | kernel (pending)                     |
//! | L2 `live` = 0, before the wake | 0, sleepers            | awake                 | kernel (pending) wakes one, who wakes all |
//! | V1 the occupant's map private  | TID\|W, process gone   | dead after a PULSE    | sweep, or the lock's next owner      |
//! | V2 `live` = 0, before the wake | 0, sleepers            | awake after a PULSE   | -                                    |
//! V is how a process that closes the region gives back the seats of its other threads, while its anchor is still held: no
//! thread outlives, with a seat, its process's membership. A sweeper may take the anchor's word for it.
//!
//! Wrap: the generation is taken modulo 2^19. A lock of a dead owner that nobody touches while its seat is claimed 2^19
//! times looks held by the then occupant; it never has two owners. Trust: a name's slot is masked and compared with
//! `ready`; any word may hold anything.
#![allow(unsafe_code)] // makes references to seats out of the table's address

use super::id::{MemberId, SLOTS_MAX, SeatId};
use crate::Error;
use crate::os::robust::{OWNER_DIED, RobustList, TID, WAITERS};
use crate::os::{AcqRel, Acquire, AtomicU32, AtomicU64, Relaxed, Release, abi, file, futex, map};
use core::mem::offset_of;
use core::ptr::NonNull;
use std::fs::File;
use std::io;
use std::sync::Arc;

/// One seat.
#[repr(C, align(4096))]
pub(crate) struct SeatPage {
    _kept_free: [u32; 16],
    generation: AtomicU32,
    member: AtomicU32,
    tid: AtomicU32,
    _pad: u32,
    pub(crate) waiting_on: AtomicU64,
    _rest: [u32; 997],
    live: AtomicU32,
    _tail: [u32; 4],
}
abi!(
    size_of::<SeatPage>() == map::PAGE,
    offset_of!(SeatPage, generation) == 64 && offset_of!(SeatPage, waiting_on) == 80,
    offset_of!(SeatPage, live) == 4096 - 20, // both libcs' nodes start in the next page
);

/// The header words that the table needs.
#[repr(C)]
pub(crate) struct SeatWords {
    /// How many seats have their page. Only rises.
    ready: AtomicU32,
    /// Where the last claimer found a seat: the next one looks behind it.
    hint: AtomicU32,
}

/// A seat that the calling thread occupies: its own mapping of the page, with the private page behind it.
pub(crate) struct Taken {
    pub(crate) id: SeatId,
    alias: NonNull<SeatPage>,
}

/// The table as this process has it mapped.
pub(crate) struct Seats {
    pub(crate) first: NonNull<SeatPage>,
    pub(crate) words: NonNull<SeatWords>,
    pub(crate) capacity: u32,
    /// How many seats are known to have their page in the file. Only rises.
    pub(crate) known: AtomicU32,
    /// Where the first seat is in the file.
    pub(crate) offset: u64,
    pub(crate) file: Arc<File>,
}

// SAFETY: the table is made of atomics that live as long as the mapping that `Assembly` is made for.
unsafe impl Send for Seats {}
// SAFETY: as above.
unsafe impl Sync for Seats {}

impl Seats {
    fn words(&self) -> &SeatWords {
        // SAFETY: the maker's promise: words of the mapped header.
        unsafe { self.words.as_ref() }
    }

    /// Seats that can be looked at. Never more than there are, whatever a peer writes: the file tells.
    pub(crate) fn ready(&self) -> u32 {
        let said = self.words().ready.load(Acquire).min(self.capacity); // pair: page-ready
        let known = self.known.load(Relaxed);
        if said <= known { known } else { self.look_up_ready(said) }
    }

    #[cold]
    fn look_up_ready(&self, said: u32) -> u32 {
        let file_bytes = self.file.metadata().map_or(0, |found| found.len());
        let pages = file_bytes.saturating_sub(self.offset) / map::PAGE as u64;
        let ready = u32::try_from(pages).map_or(said, |pages| pages.min(said));
        self.known.fetch_max(ready, Relaxed).max(ready)
    }

    /// The seat of `slot`, if its page exists.
    pub(crate) fn page(&self, slot: u32) -> Option<&SeatPage> {
        let page = self.first.as_ptr().wrapping_add(slot as usize);
        // SAFETY: inside the table, and its page is reserved.
        (slot < self.ready()).then(|| unsafe { &*page })
    }

    /// The `live` word that a waiter for the occupant `id` sleeps on, and what it holds; `None` once the occupant is gone.
    pub(crate) fn alive(&self, id: SeatId) -> Option<(&AtomicU32, u32)> {
        let seat = self.page(id.slot())?;
        let live = seat.live.load(Acquire); // pair: seat-taken
        let same = seat.generation.load(Relaxed) == id.generation();
        (live & TID != 0 && live & OWNER_DIED == 0 && same).then_some((&seat.live, live))
    }

    /// Whoever still sleeps on the former occupant of `id` looks again.
    pub(crate) fn pass_on_death(&self, id: SeatId) {
        if let Some(seat) = self.page(id.slot())
            && seat.live.load(Relaxed) & WAITERS != 0
        {
            futex::wake(&seat.live, u32::MAX);
        }
    }

    /// The process and thread that occupy the seat, if it has not changed hands.
    pub(crate) fn occupant(&self, id: SeatId) -> Option<(MemberId, u32)> {
        let seat = self.page(id.slot())?;
        let member = MemberId::from_bits(seat.member.load(Acquire))?; // pair: seat-renamed
        let tid = seat.tid.load(Acquire); // pair: seat-renamed
        (seat.generation.load(Relaxed) == id.generation()).then_some((member, tid))
    }

    /// Takes a seat for the calling thread.
    pub(crate) fn claim(&self, list: RobustList, member: MemberId) -> Result<Taken, Error> {
        let start = self.words().hint.load(Relaxed);
        loop {
            let ready = self.ready();
            for step in 1..=ready {
                let slot = start.wrapping_add(step) % ready;
                if let Some(taken) = self.try_claim(slot, list, member)? {
                    self.words().hint.store(slot, Relaxed);
                    return Ok(taken);
                }
            }
            self.make_ready(ready)?;
        }
    }

    /// Reserves one more page.
    fn make_ready(&self, slot: u32) -> Result<(), Error> {
        if slot >= self.capacity {
            return Err(Error::SeatsFull { capacity: self.capacity });
        }
        let offset = self.offset + u64::from(slot) * map::PAGE as u64;
        file::reserve(&self.file, offset, map::PAGE as u64) // T1
            .map_err(|e| Error::no_space_or(e, "fallocate (a seat)", map::PAGE as u64))?;
        // Fails if another claimer has raised it: just as well.
        let _ = self.words().ready.compare_exchange(slot, slot + 1, Release, Relaxed); // T2, pair: page-ready
        self.known.fetch_max(slot + 1, Relaxed); // each turn of the loop gets further, whatever a peer writes
        Ok(())
    }

    fn try_claim(
        &self,
        slot: u32,
        list: RobustList,
        member: MemberId,
    ) -> Result<Option<Taken>, Error> {
        let Some(page) = self.page(slot) else { return Ok(None) };
        if page.live.load(Relaxed) & TID != 0 {
            return Ok(None); // taken, or being taken
        }
        let offset = self.offset + u64::from(slot) * map::PAGE as u64;
        let alias = map::shared_page_before_private(&self.file, offset)
            .map_err(|e| Error::os("mmap (a seat)", e))?
            .cast::<SeatPage>();
        // SAFETY: the seat's page, mapped until `leave`.
        let seat = unsafe { alias.as_ref() };
        let taken = seat.occupy(slot, list, member).map(|id| Taken { id, alias });
        if taken.is_none() {
            map::unmap_pages(alias.cast(), 2);
        }
        Ok(taken)
    }

    /// Gives back the seat of a thread of this process that will not use it any more, and has `alias` as its own mapping of
    /// it. That mapping is cut off first: what the thread, or the kernel on its behalf, does there later touches nobody.
    pub(crate) fn vacate(&self, id: SeatId, alias: NonNull<SeatPage>) -> io::Result<()> {
        map::make_private(alias.cast())?; // V1
        let Some(seat) = self.page(id.slot()) else { return Ok(()) };
        let live = seat.live.load(Acquire); // pair: seat-taken
        let is_its = live & TID != 0 && seat.generation.load(Relaxed) == id.generation();
        if is_its && seat.live.compare_exchange(live, 0, AcqRel, Relaxed).is_ok() {
            futex::wake(&seat.live, u32::MAX); // V2, pair: seat-left
        }
        Ok(())
    }

    /// Frees seats whose thread is gone although the kernel could not say so: `is_gone` has asked the process's own anchor.
    /// The caller is the only sweeper of the region.
    pub(crate) fn sweep(&self, is_gone: impl Fn(MemberId) -> bool) {
        for seat in (0..self.ready()).filter_map(|slot| self.page(slot)) {
            let live = seat.live.load(Acquire); // pair: seat-taken
            let member = MemberId::from_bits(seat.member.load(Relaxed));
            if live & TID != 0 && member.is_some_and(&is_gone) {
                // A seat that holds a TID is claimed by nobody but a sweeper, so the word cannot have come back.
                if seat.live.compare_exchange(live, WAITERS | OWNER_DIED, AcqRel, Relaxed).is_ok() {
                    futex::wake(&seat.live, u32::MAX);
                }
            }
        }
    }
}

impl SeatPage {
    fn occupy(&self, slot: u32, list: RobustList, member: MemberId) -> Option<SeatId> {
        let seen = self.live.load(Relaxed);
        if seen & TID != 0 {
            return None;
        }
        let _insured = list.insure(&self.live);
        let claimed = list.tid() | OWNER_DIED | seen & WAITERS;
        self.live.compare_exchange(seen, claimed, AcqRel, Relaxed).ok()?; // T3, pair: seat-left
        let id = SeatId::new(slot, self.generation.load(Relaxed).wrapping_add(1));
        self.generation.store(id.generation(), Relaxed); // T4
        self.member.store(member.to_bits(), Release); // pair: seat-renamed
        self.tid.store(list.tid(), Release); // pair: seat-renamed
        self.waiting_on.store(0, Relaxed);
        // SAFETY: the node is in the private page behind this mapping, which stays until `leave`; it was not linked.
        unsafe { list.link(&self.live) }; // T5
        if self.live.swap(list.tid() | WAITERS, AcqRel) & WAITERS != 0 {
            // T6, pair: seat-taken. Whoever still sleeps on the former occupant looks again.
            futex::wake(&self.live, u32::MAX);
        }
        Some(id)
    }
}

impl Taken {
    pub(crate) fn seat(&self) -> &SeatPage {
        // SAFETY: mapped until `leave`, which consumes it.
        unsafe { self.alias.as_ref() }
    }

    /// The address that [`from_alias`](Self::from_alias) takes.
    pub(crate) fn into_alias(self) -> NonNull<SeatPage> {
        self.alias
    }

    /// # Safety
    /// `id` and `alias` came out of one `Taken` of the calling thread, which has not left it since.
    pub(crate) unsafe fn from_alias(id: SeatId, alias: NonNull<SeatPage>) -> Self {
        Self { id, alias }
    }

    /// Gives the seat up. Locks that the thread still holds count as those of a dead owner.
    pub(crate) fn leave(self, list: RobustList) {
        let seat = self.seat();
        let insured = list.insure(&seat.live);
        // SAFETY: linked by this thread when it took the seat.
        unsafe { list.unlink(&seat.live) }; // L1
        if seat.live.swap(0, AcqRel) & WAITERS != 0 {
            // L2, pair: seat-left
            futex::wake(&seat.live, u32::MAX);
        }
        drop(insured);
        map::unmap_pages(self.alias.cast(), 2);
    }
}

const _: () = assert!(SLOTS_MAX == 1024, "ABI: docs of `RegionOptions::seats` say so");
