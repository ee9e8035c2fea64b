//! One seat: the words by which everybody sees whether a thread is here, and how it comes and goes.
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
//! and the 8 bytes before the node) lies in the next page, which is the occupant's own: see `table.rs`.
//!
//! # States of `live`
//! ```text
//!   0 or W|DIED --claim: CAS--> MEMBER|DIED(|W) --node linked: swap--> TID|W --leave: swap--> TID|DIED|W --unlinked--> 0
//!                                                                        killed: W|DIED (kernel)
//! ```
//! A waiter may sleep only on `TID|W`. Whatever has DIED counts as dead and equals nothing that a waiter sleeps on, so that
//! who is stopped while he comes or leaves holds nobody up. W is set from the start: waiters only read other seats.
//!
//! The kernel knows a thread's word by its TID alone, and threads of two pid namespaces may have one TID. So a seat is on a
//! thread's list only while nobody else can take it: a claimer writes the name of its member first, which is no TID; a leaver
//! is off the list before the seat is free.
//!
//! # Pairs
//! | `seat-taken`  | claim: swap of `live`, Release | alive: load of `live`, Acquire  | generation and the rest, to who asks  |
//! | `seat-left`   | leave, vacate, sweep: changes of `live`, Release | claim: CAS of `live`, Acquire; alive: load, Acquire | the seat's bytes, to the next; what its locks protect |
//! | `seat-counted`| claim: store of generation, Release | alive: load of it, Acquire | what the one before left, to who sees only the next |
//! | `seat-named`  | claim: fence, Release, behind all of it | alive: fence, Acquire, before all of it | who has read the name, in any word, sees the seat taken |
//! | `seat-renamed`| claim: store of member, tid, Release | occupant: loads of them, Acquire | who sees the new sees its generation |
//!
//! # If a process is killed
//! | just after                     | the seat holds         | survivors see         | set right by                         |
//! |--------------------------------|------------------------|-----------------------|--------------------------------------|
//! | T3 CAS of `live`               | MEMBER\|DIED           | dead                  | sweep, when no seat is free          |
//! | T4 generation, member, tid     | the same               | dead                  | sweep                                |
//! | T5 node linked                 | the same               | dead                  | sweep                                |
//! | T6 `live` = TID\|W             | a seat of a dead thread| dead                  | kernel                               |
//! | L1 `live` = TID\|DIED\|W, before the wake | sleepers    | awake                 | kernel wakes one, who wakes all      |
//! | L2 unlinked                    | TID\|DIED\|W           | dead                  | sweep                                |
//! | L3 `live` = 0                  | a free seat            | a free seat           | -                                    |
//! | V2 `live` = 0, before the wake | 0, sleepers            | awake after a PULSE   | -                                    |
//! | swept, before the wake         | W\|DIED, sleepers      | awake after a PULSE   | -                                    |
//! T1, T2 and V1 are the table's.
//!
//! `live` holds no generation: who was about to sleep on an occupant's TID|W, and finds that of the next with the same TID,
//! sleeps on that one, at most a PULSE. So it is after a thread has left and come again, or came from another pid namespace.
//!
//! Wrap: the generation is taken modulo 2^19. A lock of a dead owner that nobody touches while its seat is claimed 2^19
//! times looks held by the then occupant; it never has two owners. Trust: any word may hold anything.
#![allow(unsafe_code)] // links and unlinks the kernel's list node of `live`

use super::id::{MemberId, SeatId};
use crate::os::robust::{OWNER_DIED, RobustList, TID, WAITERS};
use crate::os::{Acquire, AtomicU32, AtomicU64, Relaxed, Release, abi, fence, futex};
use core::mem::offset_of;

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
    size_of::<SeatPage>() == 4096,
    offset_of!(SeatPage, generation) == 64 && offset_of!(SeatPage, waiting_on) == 80,
    offset_of!(SeatPage, live) == 4096 - 20, // both libcs' nodes start in the next page
);

#[cfg(test)]
impl Default for SeatPage {
    fn default() -> Self {
        Self {
            _kept_free: [0; 16],
            generation: AtomicU32::new(0),
            member: AtomicU32::new(0),
            tid: AtomicU32::new(0),
            _pad: 0,
            waiting_on: AtomicU64::new(0),
            _rest: [0; 997],
            live: AtomicU32::new(0),
            _tail: [0; 4],
        }
    }
}

impl SeatPage {
    /// Whether somebody sits here, or is about to: then nobody else can take it.
    pub(super) fn is_taken(&self) -> bool {
        self.live.load(Relaxed) & TID != 0
    }

    /// Comes between a load of a seat's name, whatever the word, and the first look at that seat. (A lock is taken without
    /// Release: the taker has nothing to hand over but that it is alive.)
    pub(super) fn named() {
        fence(Acquire); // pair: seat-named
    }

    /// The `live` word that a waiter for the occupant `id` sleeps on, and what it holds; `None` once the occupant is gone.
    pub(super) fn alive(&self, id: SeatId) -> Option<(&AtomicU32, u32)> {
        let live = self.live.load(Acquire); // pair: seat-taken
        let same = self.generation.load(Acquire) == id.generation(); // pair: seat-counted
        (live & TID != 0 && live & OWNER_DIED == 0 && same).then_some((&self.live, live))
    }

    /// Whoever still sleeps on a former occupant looks again.
    pub(super) fn pass_on_death(&self) {
        if self.live.load(Relaxed) & WAITERS != 0 {
            futex::wake(&self.live, u32::MAX);
        }
    }

    /// The process and thread of the occupant `id`, if the seat has not changed hands.
    pub(super) fn occupant(&self, id: SeatId) -> Option<(MemberId, u32)> {
        let member = MemberId::from_bits(self.member.load(Acquire))?; // pair: seat-renamed
        let tid = self.tid.load(Acquire); // pair: seat-renamed
        (self.generation.load(Relaxed) == id.generation()).then_some((member, tid))
    }

    /// Takes the seat, which is that of `slot`, for the calling thread; `None` if somebody has it.
    ///
    /// # Safety
    /// As of [`RobustList::link`] for `live`: the page behind this mapping of the seat is the caller's own, until
    /// [`leave`](Self::leave) or the thread's end.
    pub(super) unsafe fn occupy(
        &self,
        slot: u32,
        list: RobustList,
        member: MemberId,
    ) -> Option<SeatId> {
        let seen = self.live.load(Relaxed);
        if seen & TID != 0 {
            return None;
        }
        let claimed = member.to_bits() | OWNER_DIED | seen & WAITERS;
        self.live.compare_exchange(seen, claimed, Acquire, Relaxed).ok()?; // T3, pair: seat-left
        let id = SeatId::new(slot, self.generation.load(Relaxed).wrapping_add(1));
        self.generation.store(id.generation(), Release); // T4, pair: seat-counted
        self.member.store(member.to_bits(), Release); // pair: seat-renamed
        self.tid.store(list.tid(), Release); // pair: seat-renamed
        self.waiting_on.store(0, Relaxed);
        // SAFETY: the caller's promise; nobody else had the seat, so it was not linked.
        unsafe { list.link(&self.live) }; // T5
        if self.live.swap(list.tid() | WAITERS, Release) & WAITERS != 0 {
            // T6, pair: seat-taken. Whoever still sleeps on the former occupant looks again.
            futex::wake(&self.live, u32::MAX);
        }
        fence(Release); // pair: seat-named
        Some(id)
    }

    /// Gives the seat up. Locks that the thread still holds count as those of a dead owner.
    ///
    /// # Safety
    /// The calling thread [occupied](Self::occupy) it through this mapping.
    pub(super) unsafe fn leave(&self, list: RobustList) {
        self.live.swap(list.tid() | OWNER_DIED | WAITERS, Release); // L1, pair: seat-left
        futex::wake(&self.live, u32::MAX);
        // SAFETY: linked by this thread when it took the seat.
        unsafe { list.unlink(&self.live) }; // L2
        self.live.store(0, Release); // L3, pair: seat-left
    }

    /// Gives the seat of `id` up for its thread, which is another of this process and will not use it any more. What that
    /// thread, or the kernel on its behalf, does with `live` must already be without effect: V1.
    pub(super) fn vacate(&self, id: SeatId) {
        let live = self.live.load(Acquire); // pair: seat-taken
        let is_its = live & TID != 0 && self.generation.load(Relaxed) == id.generation();
        if is_its && self.live.compare_exchange(live, 0, Release, Relaxed).is_ok() {
            futex::wake(&self.live, u32::MAX); // V2, pair: seat-left
        }
    }

    /// Frees the seat if its process is gone, and the kernel could not say so: `is_gone` has asked the process's own anchor.
    /// The caller is the only sweeper of the region.
    pub(super) fn sweep(&self, is_gone: impl Fn(MemberId) -> bool) {
        let whose = self.whose(self.live.load(Relaxed));
        if !whose.is_none_or(is_gone) {
            return;
        }
        // The kernel flags a process's seats before it drops the anchor. One that is still the gone one's remains so: but for
        // the sweeper nobody can take it.
        let live = self.live.load(Acquire); // pair: seat-taken
        let stays = live & TID != 0 && self.whose(live) == whose;
        let swept = WAITERS | OWNER_DIED;
        if stays && self.live.compare_exchange(live, swept, Release, Relaxed).is_ok() {
            futex::wake(&self.live, u32::MAX); // pair: seat-left
        }
    }

    /// Whose thread sits here, comes or leaves, while `live` is held; `None`: a word that names no process is damage.
    fn whose(&self, live: u32) -> Option<MemberId> {
        MemberId::from_bits(live & TID).or_else(|| MemberId::from_bits(self.member.load(Relaxed)))
    }
}
