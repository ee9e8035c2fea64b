//! `Mutex` and `SpinLock`: one at a time, and the next is told of a death.
//!
//! What is guarded is a pair of equal numbers; beside the lock stands who is inside. So every owner sees whether the one
//! before it has left in peace, and whether it was told if not. Each section adds one to both numbers and, while the lock
//! is held, to a count of its desk: in the end no addition is lost, and no more are too many than owners were killed.

use super::Trial;
use crate::board::{Board, DESKS, Who};
use crate::broken::{Broken, ensure};
use crate::fault::Fault;
use crate::me::{Me, World};
use sabha::sync::{Block, LockError, Mutex, MutexGuard, Policy, SpinLock};
use sabha::{Deadline, Shareable, Shared};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU64, compiler_fence};
use std::time::Duration;
use zerocopy::FromBytes;

#[derive(Shareable, FromBytes)]
#[repr(C)]
struct Pair {
    a: u64,
    b: u64,
}

/// What stands beside the lock, for all to see.
#[derive(Shareable)]
#[repr(C)]
struct Beside {
    /// Who is inside; 0: nobody.
    inside: AtomicU64,
    /// Sections that were finished at each desk.
    sections: [AtomicU64; DESKS],
}

/// The same lock, with waiters that wait in different ways.
enum Lock {
    Mutex(Shared<Mutex<Pair>>, Shared<Mutex<Pair, Block>>),
    Spin(Shared<SpinLock<Pair>>),
}

pub struct Turns {
    name: &'static str,
    lock: Lock,
    beside: Shared<Beside>,
    board: Shared<Board>,
}

impl Turns {
    pub fn mutex(world: &World) -> Result<Self, Broken> {
        let region = &world.region;
        let lock = Lock::Mutex(region.object("mutex")?, region.object("mutex")?);
        Ok(Self {
            name: "mutex",
            lock,
            beside: region.object("mutex: beside")?,
            board: world.board.clone(),
        })
    }

    pub fn spinlock(world: &World) -> Result<Self, Broken> {
        let region = &world.region;
        Ok(Self {
            name: "spinlock",
            lock: Lock::Spin(region.object("spinlock")?),
            beside: region.object("spinlock: beside")?,
            board: world.board.clone(),
        })
    }
}

impl Trial for Turns {
    fn name(&self) -> &'static str {
        self.name
    }

    fn step(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        let beside = &*self.beside;
        match &self.lock {
            Lock::Mutex(adaptive, block) if me.pick(4) > 0 => section(adaptive, beside, me),
            Lock::Mutex(_, block) => section(block, beside, me),
            Lock::Spin(lock) => section(lock, beside, me),
        }
    }

    fn audit(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        let pair = match &self.lock {
            Lock::Mutex(lock, _) => at_rest(lock, &self.beside, me)?,
            Lock::Spin(lock) => at_rest(lock, &self.beside, me)?,
        };
        let sections: u64 = self.beside.sections.iter().map(|count| count.load(SeqCst)).sum();
        let deaths = self.board.deaths.load(SeqCst);
        if pair < sections {
            return Err(Broken::lost(format!("{sections} additions under the lock gave {pair}")));
        }
        ensure(pair <= sections + deaths, || {
            format!("{sections} additions under the lock and {deaths} deaths gave {pair}")
        })
    }

    fn show(&self) -> String {
        let lock = match &self.lock {
            Lock::Mutex(lock, _) => format!("{:?}", **lock),
            Lock::Spin(lock) => format!("{:?}", **lock),
        };
        format!("{lock}, inside: {:?}", Who::from_bits(self.beside.inside.load(SeqCst)))
    }
}

/// One section in one of the ways to lock.
fn section<P: Policy>(
    lock: &Mutex<Pair, P>,
    beside: &Beside,
    me: &mut Me<'_>,
) -> Result<(), Broken> {
    if me.has(Fault::Barge) && me.pick(100) == 0 {
        return me.inside(|me| leave_a_trace(beside, me));
    }
    let soon = Deadline::after(Duration::from_micros(500));
    let got = match me.pick(4) {
        0 => lock.try_lock(),
        1 => lock.lock_until(soon),
        _ => lock.lock(),
    };
    match got {
        Ok(guard) => me.inside(|me| {
            alone(beside, me)?;
            ensure(guard.a == guard.b, || format!("{} and {}, not told", guard.a, guard.b))?;
            change(lock, guard, beside, me)
        }),
        Err(LockError::OwnerDied(died)) => me.inside(|me| inherit(died.into_guard(), beside, me)),
        Err(LockError::TimedOut { holder }) => {
            ensure(soon.has_passed(), || format!("timed out early: held by {holder}"))
        }
        Err(LockError::Held { .. }) => Ok(()),
        Err(other) => Err(other.into()),
    }?;
    me.done(1);
    Ok(())
}

/// Nobody is inside whom we should have been told of.
fn alone(beside: &Beside, me: &Me<'_>) -> Result<(), Broken> {
    match Who::from_bits(beside.inside.load(SeqCst)) {
        None => Ok(()),
        Some(who) if me.board().is_doomed(who) => {
            Err(Broken::torn(format!("locked, and not told that {who:?} died inside")))
        }
        Some(who) => Err(Broken::torn(format!("locked, and {who:?}, who lives, is inside"))),
    }
}

fn change<P: Policy>(
    lock: &Mutex<Pair, P>,
    mut guard: MutexGuard<'_, Pair, P>,
    beside: &Beside,
    me: &mut Me<'_>,
) -> Result<(), Broken> {
    if me.has(Fault::Hold) && me.pick(100) == 0 {
        std::thread::sleep(Duration::from_secs(1000));
    }
    if me.pick(64) == 0 && !matches!(lock.try_lock(), Err(LockError::Deadlock { .. })) {
        return Err(Broken::torn("locked twice by one thread"));
    }
    beside.inside.store(me.who.to_bits(), SeqCst);
    guard.a += 1;
    compiler_fence(SeqCst); // who is killed has stored what stands before
    me.linger();
    guard.b += 1;
    compiler_fence(SeqCst);
    beside.sections[me.who.desk].fetch_add(1, SeqCst);
    out(beside, me)
}

/// A fault: as if inside, without the lock.
fn leave_a_trace(beside: &Beside, me: &mut Me<'_>) -> Result<(), Broken> {
    beside.inside.store(me.who.to_bits(), SeqCst);
    me.linger();
    out(beside, me)
}

fn out(beside: &Beside, me: &Me<'_>) -> Result<(), Broken> {
    let left = beside.inside.swap(0, SeqCst);
    ensure(left == me.who.to_bits(), || format!("{:?} came inside, too", Who::from_bits(left)))
}

/// The lock is held, and its last owner has died. Mostly repairs; else the next is told again.
fn inherit<P: Policy>(
    mut guard: MutexGuard<'_, Pair, P>,
    beside: &Beside,
    me: &mut Me<'_>,
) -> Result<(), Broken> {
    let of = Who::from_bits(beside.inside.load(SeqCst));
    if let Some(who) = of.filter(|who| !me.board().is_doomed(*who)) {
        return Err(Broken::torn(format!("told of the death of {who:?}, who lives")));
    }
    me.inherit(of);
    beside.inside.store(0, SeqCst);
    me.linger();
    if me.has(Fault::Repair) {
        guard.mark_consistent();
        return Ok(());
    }
    if me.pick(8) > 0 {
        guard.b = guard.a;
        compiler_fence(SeqCst);
        guard.mark_consistent();
    }
    Ok(())
}

/// Nobody else is there: how often the pair was added to.
fn at_rest<P: Policy>(
    lock: &Mutex<Pair, P>,
    beside: &Beside,
    me: &mut Me<'_>,
) -> Result<u64, Broken> {
    drop(lock.lock_repaired(|pair| {
        pair.b = pair.a;
        beside.inside.store(0, SeqCst);
    })?);
    alone(beside, me)?;
    let guard = lock.try_lock()?; // repaired and free
    ensure(guard.a == guard.b, || format!("{} and {}, repaired", guard.a, guard.b))?;
    Ok(guard.a)
}
