//! All that this process knows of who is in one region; and the list of the regions that it has open.
//!
//! One process-wide lock guards the list. It is held across every fork, so that a child finds it whole. In the child, the
//! parent's anchors are closed (the kernel must not take the child's life for the parent's) and the membership forgotten:
//! the child attaches anew, with its first operation that needs to say who it is. Of the threads only the one that forked
//! is there: its cache, which the kernel has wiped, stays in the list.

use super::cache::{self, Cache};
use super::id::{Holder, MemberId, SeatId};
use super::member::{MemberInfo, Members, SWEEP_LOCK};
use super::table::{Seats, Taken};
use super::{MARKS, MEMBERS, PULSE, Turn};
use crate::Error;
use crate::os::clock::Deadline;
use crate::os::robust::RobustList;
use crate::os::{Acquire, AtomicU32, Relaxed, Release, file, fork};
use core::any::Any;
use core::cell::RefCell;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The tables of a region, mapped at `base`.
pub(crate) struct Tables {
    pub(crate) base: usize,
    pub(crate) len: usize,
    pub(crate) seats: Seats,
    pub(crate) members: Members,
}

/// See the module.
pub(crate) struct Assembly {
    pub(super) base: usize,
    pub(super) len: usize,
    seats: Seats,
    members: Members,
    file: Arc<File>,
    name: String,
    /// This process as a member; 0: not attached (yet, or again).
    member: AtomicU32,
}

/// What tells one file from every other. An inode number alone may come again, even on one device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// The region's.
    pub(crate) id: u128,
}

struct Open {
    assembly: Arc<Assembly>,
    key: Key,
    /// What the region floor asked to be kept with it.
    region: Weak<dyn Any + Send + Sync>,
    /// The open file description that holds our member lock.
    anchor: Option<File>,
    /// How many handles of this process have each mark set.
    marks: Box<[u32; MARKS as usize]>,
}

pub(super) struct Process {
    open: Vec<Open>,
    caches: Vec<&'static Cache>,
    /// What `turn.rs` has open.
    pub(super) turns: Vec<Arc<File>>,
}

static PROCESS: Mutex<Process> =
    Mutex::new(Process { open: Vec::new(), caches: Vec::new(), turns: Vec::new() });

pub(super) fn process() -> MutexGuard<'static, Process> {
    watch_forks(); // in case a linker has thrown the first call away
    PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

extern "C" fn watch_forks() {
    fork::at_fork(before_fork, after_fork, in_child);
}

fork::at_load!(watch_forks);

thread_local! {
    static HELD: RefCell<Option<MutexGuard<'static, Process>>> = const { RefCell::new(None) };
}

extern "C" fn before_fork() {
    let guard = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = HELD.try_with(|held| held.replace(Some(guard)));
}

extern "C" fn after_fork() {
    let _ = HELD.try_with(|held| held.take());
}

extern "C" fn in_child() {
    let _ = HELD.try_with(|held| {
        if let Some(process) = held.borrow_mut().as_mut() {
            process.caches.retain(|known| cache::is_own(known));
            for open in &mut process.open {
                open.anchor = None;
                open.assembly.member.store(0, Relaxed);
            }
            process.turns.drain(..).for_each(|turn| file::close_inherited(&turn));
        }
    });
    after_fork();
}

/// The open region with this key; if there is none, what `make` makes. Whoever opens one region at the same time gets the
/// same: a thread that had two mappings of it would have two seats, and could wait for itself.
///
/// `make` must not come back here.
pub(crate) fn open_once<R: Any + Send + Sync>(
    key: Key,
    make: impl FnOnce() -> Result<(Arc<Assembly>, Arc<R>), Error>,
) -> Result<Arc<R>, Error> {
    let mut process = process();
    let known = process.open.iter().filter(|open| open.key == key);
    let known = known.filter_map(|open| open.region.upgrade()?.downcast().ok()).next();
    if let Some(known) = known {
        return Ok(known);
    }
    let (assembly, made) = make()?;
    let region: Weak<R> = Arc::downgrade(&made);
    let marks = Box::new([0; MARKS as usize]);
    process.open.push(Open { assembly, key, region, anchor: None, marks });
    Ok(made)
}

/// The assembly of the region that `address` lies in.
pub(super) fn holding(address: usize) -> Option<Arc<Assembly>> {
    let process = process();
    let assemblies = process.open.iter().map(|open| &open.assembly);
    assemblies.filter(|a| address.wrapping_sub(a.base) < a.len).map(Arc::clone).next()
}

pub(super) fn add_cache(cache: &'static Cache) {
    process().caches.push(cache);
}

/// Has `leave` run while no region of the process can be closed; nobody looks at `cache` any more then.
pub(super) fn remove_cache(cache: &'static Cache, leave: impl FnOnce()) {
    let mut process = process();
    leave();
    process.caches.retain(|known| !core::ptr::eq(*known, cache));
}

impl Assembly {
    pub(crate) fn new(tables: Tables, file: Arc<File>, name: String) -> Arc<Self> {
        let Tables { base, len, seats, members } = tables;
        let member = AtomicU32::new(0);
        Arc::new(Self { base, len, seats, members, file, name, member })
    }

    /// The region is about to be unmapped: nobody of this process holds an address in it. The seats of all its threads are
    /// given back, then the anchor goes, and with it our membership.
    pub(crate) fn close(&self) {
        let mut process = process();
        let mut vacated = true;
        for cache in &process.caches {
            vacated &= cache.close(self);
        }
        let at = process.open.iter().position(|o| core::ptr::eq(Arc::as_ptr(&o.assembly), self));
        let closed = at.map(|index| process.open.swap_remove(index));
        if !vacated {
            // Out of memory. A seat that stays with a living thread must not look like that of a process that is gone.
            core::mem::forget(closed);
        }
        drop(process);
        cache::reap_own();
    }

    /// This process as a member; attaches it if it is not (after a fork, again).
    pub(crate) fn member(&self) -> Result<MemberId, Error> {
        match MemberId::from_bits(self.member.load(Acquire)) {
            Some(id) => Ok(id), // pair: attached
            None => self.attach(),
        }
    }

    #[cold]
    fn attach(&self) -> Result<MemberId, Error> {
        let mut process = process();
        if let Some(id) = MemberId::from_bits(self.member.load(Relaxed)) {
            return Ok(id);
        }
        let open = process.open.iter_mut().find(|o| core::ptr::eq(Arc::as_ptr(&o.assembly), self));
        let open = open.ok_or(Error::NotInRegion)?;
        let anchor = file::reopen(&self.file).map_err(|e| Error::reopening(e, &self.file))?;
        let id = self
            .members
            .attach(&anchor, &self.name)
            .map_err(|e| Error::os("fcntl (F_OFD_SETLK)", e))?
            .ok_or(Error::MembersFull { capacity: MEMBERS })?;
        let inherited = (0..).zip(open.marks.iter()).filter(|(_, count)| **count > 0);
        inherited.for_each(|(mark, _)| self.members.set_mark(id, mark));
        open.anchor = Some(anchor);
        self.member.store(id.to_bits(), Release); // pair: attached
        Ok(id)
    }

    /// Takes a seat for the calling thread, which has none here.
    pub(super) fn claim_seat(&self) -> Result<Taken, Error> {
        let member = self.member()?;
        let list = RobustList::current().map_err(|e| Error::os("get_robust_list", e))?;
        match self.seats.claim(list, member) {
            Err(Error::SeatsFull { .. }) => {
                self.sweep()?;
                self.seats.claim(list, member)
            }
            taken => taken,
        }
    }

    /// Frees the seats that the kernel could not flag, of processes that are gone. There is one sweeper at a time; if that one
    /// is stopped, nothing is swept.
    fn sweep(&self) -> Result<(), Error> {
        let turn = Turn::wait_until(&self.file, SWEEP_LOCK, Deadline::after(PULSE))?;
        if turn.is_some() {
            self.seats.sweep(|member| self.member_is_gone(member));
        }
        Ok(())
    }

    /// How far behind the region's start `address` lies.
    pub(super) fn offset_of(&self, address: usize) -> u64 {
        address.wrapping_sub(self.base) as u64
    }

    pub(crate) fn seats(&self) -> &Seats {
        &self.seats
    }

    /// Whether the process has left or died: the kernel's word.
    pub(crate) fn member_is_gone(&self, id: MemberId) -> bool {
        self.members.is_gone(id, &self.file)
    }

    /// Whether the process of seat `id` is gone: asked when the kernel has not flagged the seat itself.
    /// One that names no process has none: nobody sits before that is said.
    pub(super) fn process_of_seat_is_gone(&self, id: SeatId) -> bool {
        self.seats.occupant(id).is_none_or(|(member, _)| self.member_is_gone(member))
    }

    pub(crate) fn members(&self) -> Vec<MemberInfo> {
        self.members.living(&self.file)
    }

    pub(crate) fn member_info(&self, id: MemberId) -> Option<MemberInfo> {
        self.members.info(id)
    }

    /// Who sits on `seat`.
    pub(crate) fn holder(&self, seat: SeatId) -> Holder {
        self.members.holder(seat, self.seats.occupant(seat))
    }

    /// One more handle of this process has `mark`; the first sets the shared bit.
    pub(crate) fn mark(&self, mark: u32) -> Result<(), Error> {
        let member = self.member()?;
        self.count_mark(mark, |count| {
            *count += 1;
            if *count == 1 {
                self.members.set_mark(member, mark);
            }
        });
        Ok(())
    }

    /// One handle less; the last clears the shared bit. A child of a fork that has not attached has no bits.
    pub(crate) fn unmark(&self, mark: u32) {
        self.count_mark(mark, |count| {
            *count = count.saturating_sub(1);
            let member = MemberId::from_bits(self.member.load(Relaxed));
            if let (0, Some(member)) = (*count, member) {
                self.members.clear_mark(member, mark);
            }
        });
    }

    /// A living member, this process included, that has `mark`.
    pub(crate) fn marked(&self, mark: u32) -> Option<MemberInfo> {
        self.members.marked(mark, &self.file)
    }

    /// Under the process's lock: a thread that attaches sees the counts and the bits agree.
    fn count_mark(&self, mark: u32, change: impl FnOnce(&mut u32)) {
        let mut process = process();
        let open = process.open.iter_mut().find(|o| core::ptr::eq(Arc::as_ptr(&o.assembly), self));
        if let Some(count) = open.and_then(|open| open.marks.get_mut(mark as usize)) {
            change(count);
        }
    }
}
