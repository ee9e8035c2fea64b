//! The table of seats: one page for each thread.
//!
//! The occupant maps its [seat](super::page) a second time, with a private page behind it, where the kernel's list node for
//! the seat lies: no pointer that we or the kernel follow is in shared memory, and unmapping the region leaves the list
//! whole.
//!
//! `ready` orders nothing: whether a page is there, each process asks the file, once. Who has read a name of a seat looks at
//! `ready` behind the fence of the pair `seat-named`, and finds its page.
//!
//! # If a process is killed
//! | just after                     | the table holds        | survivors see         | set right by                         |
//! |--------------------------------|------------------------|-----------------------|--------------------------------------|
//! | T1 page reserved               | bytes of a page        | nothing               | the next claimer raises `ready`      |
//! | T2 `ready` raised              | a free seat            | a free seat           | -                                    |
//! | V1 the occupant's map private  | TID\|W, process gone   | dead after a PULSE    | sweep, or the lock's next owner      |
//! The steps in between are the [seat](super::page)'s own. V is how a process that closes the region gives back the seats of
//! its other threads, while its anchor is still held: no thread outlives, with a seat, its process's membership. A sweeper
//! may take the anchor's word for it.
//!
//! Trust: a name's slot is masked and compared with `ready`; any word may hold anything.
#![allow(unsafe_code)] // makes references to seats out of the table's address

use super::id::{MemberId, SLOTS_MAX, SeatId};
use super::page::SeatPage;
use crate::Error;
use crate::os::file::{self, File};
use crate::os::robust::RobustList;
use crate::os::{AtomicU32, Relaxed, map};
use core::ptr::NonNull;
use std::io;
use std::sync::Arc;

/// The header words that the table needs.
#[repr(C)]
#[cfg_attr(test, derive(Default))]
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
        let said = self.words().ready.load(Relaxed).min(self.capacity);
        let known = self.known.load(Relaxed);
        if said <= known { known } else { self.look_up_ready(said) }
    }

    #[cold]
    fn look_up_ready(&self, said: u32) -> u32 {
        let file_bytes = file::size(&self.file).unwrap_or(0);
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
        SeatPage::named();
        self.page(id.slot())?.alive(id)
    }

    /// Whoever still sleeps on the former occupant of `id` looks again.
    pub(crate) fn pass_on_death(&self, id: SeatId) {
        if let Some(seat) = self.page(id.slot()) {
            seat.pass_on_death();
        }
    }

    /// The process and thread that occupy the seat, if it has not changed hands.
    pub(crate) fn occupant(&self, id: SeatId) -> Option<(MemberId, u32)> {
        self.page(id.slot())?.occupant(id)
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
        let _ = self.words().ready.compare_exchange(slot, slot + 1, Relaxed, Relaxed); // T2
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
        if page.is_taken() {
            return Ok(None);
        }
        let offset = self.offset + u64::from(slot) * map::PAGE as u64;
        let alias = map::shared_page_before_private(&self.file, offset)
            .map_err(|e| Error::os("mmap (a seat)", e))?
            .cast::<SeatPage>();
        // SAFETY: the seat's page, mapped until `leave`.
        let seat = unsafe { alias.as_ref() };
        // SAFETY: the second page of the pair is ours alone, and stays as long as the first.
        let id = unsafe { seat.occupy(slot, list, member) };
        let taken = id.map(|id| Taken { id, alias });
        if taken.is_none() {
            map::unmap_pages(alias.cast(), 2);
        }
        Ok(taken)
    }

    /// Gives back the seat of a thread of this process that will not use it any more, and has `alias` as its own mapping of
    /// it. That mapping is cut off first: what the thread, or the kernel on its behalf, does there later touches nobody.
    pub(crate) fn vacate(&self, id: SeatId, alias: NonNull<SeatPage>) -> io::Result<()> {
        map::make_private(alias.cast())?; // V1
        if let Some(seat) = self.page(id.slot()) {
            seat.vacate(id); // V2
        }
        Ok(())
    }

    /// Frees seats whose thread is gone although the kernel could not say so: `is_gone` has asked the process's own anchor.
    /// The caller is the only sweeper of the region.
    pub(crate) fn sweep(&self, is_gone: impl Fn(MemberId) -> bool) {
        for seat in (0..self.ready()).filter_map(|slot| self.page(slot)) {
            seat.sweep(&is_gone);
        }
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
        // SAFETY: a `Taken` is the calling thread's, made by `occupy` through this mapping.
        unsafe { self.seat().leave(list) };
        map::unmap_pages(self.alias.cast(), 2);
    }
}

const _: () = assert!(SLOTS_MAX == 1024, "ABI: docs of `RegionOptions::seats` say so");
