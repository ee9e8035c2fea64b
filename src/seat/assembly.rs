//! All that this process knows of who is in one region; and the list of the regions that it has open.
//!
//! One process-wide lock guards the list. It is held across every fork, so that a child finds it whole. In the child, the
//! parent's anchors are closed (the kernel must not take the child's life for the parent's) and the membership forgotten:
//! the child attaches anew, with its first operation that needs to say who it is.

use super::cache::{self, Cache};
use super::id::{Holder, MemberId, SeatId};
use super::member::{MARKS, MemberInfo, Members, SWEEP_LOCK};
use super::table::{Seats, Taken};
use crate::Error;
use crate::os::robust::RobustList;
use crate::os::{Acquire, AtomicU32, Relaxed, Release, cpu, file, fork};
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
    /// How many handles of this process have each mark set.
    marks: [AtomicU32; MARKS as usize],
}

/// A mark whose shared bit is being changed.
const CHANGING: u32 = u32::MAX;

struct Open {
    assembly: Arc<Assembly>,
    /// The device and inode of the file.
    key: (u64, u64),
    /// What the region floor asked to be kept with it.
    region: Weak<dyn Any + Send + Sync>,
    /// The open file description that holds our member lock.
    anchor: Option<File>,
}

struct Process {
    open: Vec<Open>,
    caches: Vec<&'static Cache>,
}

static PROCESS: Mutex<Process> = Mutex::new(Process { open: Vec::new(), caches: Vec::new() });

fn process() -> MutexGuard<'static, Process> {
    fork::at_fork(before_fork, after_fork, in_child);
    PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static HELD: RefCell<Option<MutexGuard<'static, Process>>> = const { RefCell::new(None) };
}

extern "C" fn before_fork() {
    let _ = HELD.try_with(|held| {
        // May be registered twice: see `fork::at_fork`.
        let mut held = held.borrow_mut();
        if held.is_none() {
            *held = Some(PROCESS.lock().unwrap_or_else(PoisonError::into_inner));
        }
    });
}

extern "C" fn after_fork() {
    let _ = HELD.try_with(|held| held.take());
}

extern "C" fn in_child() {
    let _ = HELD.try_with(|held| {
        if let Some(process) = held.borrow_mut().as_mut() {
            process.caches.clear();
            for open in &mut process.open {
                open.anchor = None;
                open.assembly.member.store(0, Relaxed);
            }
        }
    });
    after_fork();
}

/// The open region whose file has this device and inode.
pub(crate) fn open_region(key: (u64, u64)) -> Option<Arc<dyn Any + Send + Sync>> {
    process().open.iter().filter(|open| open.key == key).find_map(|open| open.region.upgrade())
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

pub(super) fn remove_cache(cache: &'static Cache) {
    process().caches.retain(|known| !core::ptr::eq(*known, cache));
}

impl Assembly {
    pub(crate) fn new(tables: Tables, file: Arc<File>, name: String) -> Arc<Self> {
        let Tables { base, len, seats, members } = tables;
        let marks = [const { AtomicU32::new(0) }; MARKS as usize];
        let member = AtomicU32::new(0);
        Arc::new(Self { base, len, seats, members, file, name, member, marks })
    }

    /// Enters the region into the process's list, unless one with this key is there: then that one is returned.
    pub(crate) fn register(
        self: &Arc<Self>,
        key: (u64, u64),
        region: Weak<dyn Any + Send + Sync>,
    ) -> Option<Arc<dyn Any + Send + Sync>> {
        let mut process = process();
        let known =
            process.open.iter().filter(|open| open.key == key).find_map(|o| o.region.upgrade());
        if known.is_none() {
            process.open.push(Open { assembly: Arc::clone(self), key, region, anchor: None });
        }
        known
    }

    /// The region is about to be unmapped: nobody of this process holds an address in it.
    pub(crate) fn close(&self) {
        let mut process = process();
        for cache in &process.caches {
            cache.close(self);
        }
        // The anchor goes with its entry, and with it our membership.
        process.open.retain(|open| !core::ptr::eq(Arc::as_ptr(&open.assembly), self));
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
        let anchor = file::reopen(&self.file).map_err(|e| Error::os("open (/proc/self/fd)", e))?;
        let id = self
            .members
            .attach(&anchor, &self.name)
            .map_err(|e| Error::os("fcntl (F_OFD_SETLK)", e))?
            .ok_or(Error::MembersFull { capacity: super::member::MEMBERS })?;
        for (mark, count) in (0..).zip(&self.marks) {
            // Handles that a fork inherited.
            match count.load(Relaxed) {
                0 => {}
                CHANGING => count.store(0, Relaxed), // by a thread that is not here
                _ => self.members.set_mark(id, mark, true),
            }
        }
        open.anchor = Some(anchor);
        self.member.store(id.to_bits(), Release); // pair: attached
        Ok(id)
    }

    /// Takes a seat for the calling thread, which has none here.
    pub(super) fn claim_seat(&self) -> Result<Taken, Error> {
        let member = self.member()?;
        let list = RobustList::current().map_err(|e| Error::os("get_robust_list", e))?;
        match self.seats.claim(list, member, &self.file) {
            Err(Error::SeatsFull { .. }) => {
                self.sweep();
                self.seats.claim(list, member, &self.file)
            }
            taken => taken,
        }
    }

    /// Frees the seats that the kernel could not flag, of processes that are gone.
    fn sweep(&self) {
        let Ok(sweeper) = file::reopen(&self.file) else { return };
        // An open file description of its own: one sweeper in all processes and threads, freed if it is killed.
        if file::lock(&sweeper, SWEEP_LOCK).is_ok() {
            self.seats.sweep(|member| self.member_is_gone(member));
        }
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
    pub(super) fn process_of_seat_is_gone(&self, id: SeatId) -> bool {
        self.seats.occupant(id).is_some_and(|(member, _)| self.member_is_gone(member))
    }

    pub(crate) fn members(&self) -> Vec<MemberInfo> {
        self.members.living(&self.file)
    }

    pub(crate) fn member_info(&self, id: MemberId) -> Option<MemberInfo> {
        self.members.info(id)
    }

    pub(crate) fn all_accept_barriers(&self) -> bool {
        self.members.all_accept_barriers(&self.file)
    }

    /// Who sits on `seat`.
    pub(crate) fn holder(&self, seat: SeatId) -> Holder {
        let occupant = self.seats.occupant(seat);
        let info = occupant.and_then(|(member, _)| self.members.info(member));
        let (pid, name) = info.map_or_else(Default::default, |info| (info.pid, info.name));
        let member = occupant.map(|(member, _)| member);
        Holder { seat, member, pid, tid: occupant.map_or(0, |(_, tid)| tid), name }
    }

    /// One more handle of this process has `mark`; the first sets the shared bit.
    pub(crate) fn mark(&self, mark: u32) -> Result<(), Error> {
        let member = self.member()?;
        self.change_mark(
            mark,
            |count| (count + 1, count == 0),
            || self.members.set_mark(member, mark, true),
        );
        Ok(())
    }

    /// One handle less; the last clears the shared bit.
    pub(crate) fn unmark(&self, mark: u32) {
        self.change_mark(
            mark,
            |count| (count.saturating_sub(1), count == 1),
            || {
                if let Some(member) = MemberId::from_bits(self.member.load(Relaxed)) {
                    self.members.set_mark(member, mark, false);
                }
            },
        );
    }

    /// A living member, other than through `own` handles of this process, that has `mark`.
    pub(crate) fn marked(&self, mark: u32) -> Option<MemberInfo> {
        self.members.marked(mark, &self.file)
    }

    fn change_mark(&self, mark: u32, change: impl Fn(u32) -> (u32, bool), bit: impl Fn()) {
        let Some(count) = self.marks.get(mark as usize) else { return };
        loop {
            let seen = count.load(Relaxed);
            let (next, edge) = change(seen);
            let claimed = if edge { CHANGING } else { next };
            if seen == CHANGING || count.compare_exchange(seen, claimed, Acquire, Relaxed).is_err()
            {
                cpu::yield_now(); // pair: mark-changed. Another thread of this process, for a few instructions
                continue;
            }
            if edge {
                bit();
                count.store(next, Release); // pair: mark-changed
            }
            return;
        }
    }
}
