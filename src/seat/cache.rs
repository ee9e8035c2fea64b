//! Which seat the calling thread has in the region that an address lies in: a few compares on its private page.
//!
//! The page is wiped by the kernel in every kind of fork, so a child never takes its parent's seat for its own. An entry is
//! written by its thread alone, except that whoever closes a region gives the seat back and sets `len` to 0: nobody holds
//! an address in it then. A thread's end and a close take turns: the process's lock.
#![allow(unsafe_code)] // the thread's page seen as a cache

use super::assembly::{self, Assembly};
use super::id::SeatId;
use super::page::SeatPage;
use super::table::Taken;
use crate::Error;
use crate::os::robust::RobustList;
use crate::os::thread::{self, ROOM_WORDS};
use crate::os::{Acquire, AtomicPtr, AtomicU32, AtomicUsize, Relaxed, Release};
use core::cell::{Cell, UnsafeCell};
use core::ptr::{NonNull, null_mut};
use std::sync::Arc;

/// A seat of this thread. `alias` null: free. `len` 0 with an alias: the region was closed; what is left of the seat is
/// private, and to be unlinked from the thread's list and unmapped.
struct Entry {
    base: AtomicUsize,
    len: AtomicUsize,
    id: AtomicU32,
    alias: AtomicPtr<SeatPage>,
    assembly: AtomicPtr<Assembly>,
}

const ENTRIES: usize = ROOM_WORDS * 8 / size_of::<Entry>();

/// The seats of one thread.
pub(super) struct Cache([Entry; ENTRIES]);

impl Entry {
    const fn free() -> Self {
        Self {
            base: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            id: AtomicU32::new(0),
            alias: AtomicPtr::new(null_mut()),
            assembly: AtomicPtr::new(null_mut()),
        }
    }

    #[inline]
    fn holds(&self, address: usize) -> bool {
        address.wrapping_sub(self.base.load(Relaxed)) < self.len.load(Relaxed)
    }

    #[inline]
    fn seat(&self) -> SeatId {
        SeatId::from_own(self.id.load(Relaxed))
    }

    /// Takes the seat out of the entry.
    fn take(&self) -> Option<Taken> {
        let alias = NonNull::new(self.alias.swap(null_mut(), Relaxed))?;
        self.len.store(0, Relaxed);
        self.assembly.store(null_mut(), Relaxed);
        let id = self.seat();
        // SAFETY: stored by this thread from one `Taken`; the swap above takes it once.
        Some(unsafe { Taken::from_alias(id, alias) })
    }
}

static NO_SEATS: Cache = Cache([const { Entry::free() }; ENTRIES]);

thread_local! {
    static SEATS: Cell<&'static Cache> = const { Cell::new(&NO_SEATS) };
}

/// The calling thread's seat in the region that `address` lies in, taken now if need be.
#[inline]
pub(crate) fn seat_at(address: usize) -> Result<SeatId, Error> {
    match seated_at(address) {
        Some(id) => Ok(id),
        None => take_seat(address),
    }
}

/// The same, if it has one. The first three regions that a thread locks in are found fastest.
#[inline]
pub(crate) fn seated_at(address: usize) -> Option<SeatId> {
    let Cache(entries) = SEATS.with(Cell::get);
    let [first, second, third, rest @ ..] = entries;
    if first.holds(address) {
        Some(first.seat())
    } else if second.holds(address) {
        Some(second.seat())
    } else if third.holds(address) {
        Some(third.seat())
    } else {
        seated_in(rest, address)
    }
}

#[cold]
fn seated_in(entries: &[Entry], address: usize) -> Option<SeatId> {
    entries.iter().find(|entry| entry.holds(address)).map(Entry::seat)
}

/// The region's tables and the caller's own seat in it, which it has.
pub(crate) fn at<'a>(address: usize) -> Option<(&'a Assembly, &'a SeatPage)> {
    let Cache(entries) = SEATS.with(Cell::get);
    let entry = entries.iter().find(|entry| entry.holds(address))?;
    let (assembly, alias) = (entry.assembly.load(Relaxed), entry.alias.load(Relaxed));
    // SAFETY: a region's assembly lives as long as somebody holds an address in it, as the caller does.
    let assembly = unsafe { assembly.as_ref() }?;
    // SAFETY: the thread's own mapping of its seat, which stays until the region is closed or the thread ends.
    let seat = unsafe { alias.as_ref() }?;
    Some((assembly, seat))
}

#[cold]
fn take_seat(address: usize) -> Result<SeatId, Error> {
    let cache = own_cache()?;
    cache.reap()?;
    let assembly = assembly::holding(address).ok_or(Error::NotInRegion)?;
    let entry = cache.0.iter().find(|entry| entry.alias.load(Relaxed).is_null());
    let entry = entry.ok_or(Error::TooManyRegions { capacity: ENTRIES })?;
    let taken = assembly.claim_seat()?;
    let id = taken.id;
    entry.id.store(id.to_bits(), Relaxed);
    entry.base.store(assembly.base, Relaxed);
    entry.assembly.store(Arc::as_ptr(&assembly).cast_mut(), Relaxed);
    entry.alias.store(taken.into_alias().as_ptr(), Relaxed);
    entry.len.store(assembly.len, Relaxed);
    Ok(id)
}

/// The thread's own cache, on its page.
fn own_cache() -> Result<&'static Cache, Error> {
    const { assert!(size_of::<Cache>() <= ROOM_WORDS * 8 && align_of::<Cache>() <= 8) };
    let known = SEATS.with(Cell::get);
    if !core::ptr::eq(known, &raw const NO_SEATS) {
        return Ok(known);
    }
    let page = thread::page().map_err(|e| Error::os("mmap (a thread's page)", e))?;
    let cache = in_room(&page.room);
    thread::at_end(|room| leave_all(in_room(room)));
    assembly::add_cache(cache);
    SEATS.with(|seats| seats.set(cache));
    Ok(cache)
}

/// Whether it is the calling thread's cache.
pub(super) fn is_own(cache: &'static Cache) -> bool {
    core::ptr::eq(cache, SEATS.with(Cell::get))
}

fn in_room(room: &UnsafeCell<[u64; ROOM_WORDS]>) -> &'static Cache {
    // SAFETY: the room is large and aligned enough (asserted above), zeroed, and this floor's alone; zero is a valid
    // cache. It is unmapped only after `leave_all`, when nobody knows it any more.
    unsafe { &*room.get().cast::<Cache>() }
}

/// The end of a thread.
fn leave_all(cache: &'static Cache) {
    SEATS.with(|seats| seats.set(&NO_SEATS));
    assembly::remove_cache(cache, || {
        let Ok(list) = RobustList::current() else { return };
        for taken in cache.0.iter().filter_map(Entry::take) {
            taken.leave(list);
        }
    });
}

impl Cache {
    /// Puts away what is left of the seats in regions that were closed.
    fn reap(&self) -> Result<(), Error> {
        let closed = |e: &&Entry| {
            !e.alias.load(Relaxed).is_null() && e.len.load(Acquire) == 0 // pair: seat-vacated
        };
        for entry in self.0.iter().filter(closed) {
            let list = RobustList::current().map_err(|e| Error::os("get_robust_list", e))?;
            if let Some(taken) = entry.take() {
                taken.leave(list);
            }
        }
        Ok(())
    }

    /// A region is closed: nobody holds an address in it. Gives the thread's seat in it back; the thread puts away the rest
    /// when it next takes a seat, or ends.
    ///
    /// `false` if a seat could not be given back.
    pub(super) fn close(&self, assembly: &Assembly) -> bool {
        let of_it = |e: &&Entry| core::ptr::eq(e.assembly.load(Relaxed), assembly);
        let mut vacated = true;
        for entry in self.0.iter().filter(of_it) {
            if let Some(alias) = NonNull::new(entry.alias.load(Relaxed)) {
                vacated &= assembly.seats().vacate(entry.seat(), alias).is_ok();
            }
            entry.assembly.store(null_mut(), Relaxed);
            entry.len.store(0, Release); // pair: seat-vacated
        }
        vacated
    }
}

/// Puts away what is left of the calling thread's seats in regions that were closed.
pub(super) fn reap_own() {
    let _ = SEATS.with(Cell::get).reap();
}
