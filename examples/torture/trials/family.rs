//! Fork, and regions without a name: a child uses what it has inherited, and its parent is told of its death.
#![allow(unsafe_code)] // forks

use super::Trial;
use crate::broken::{Broken, ensure};
use crate::me::Me;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getppid};
use sabha::sync::{LockError, Mutex};
use sabha::{Region, Shareable, Shared};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

const PAGE: u64 = 4096;
const ADDITIONS: u64 = 40;

pub struct Family;

#[derive(Shareable)]
#[repr(C)]
struct Home {
    /// Added to by both, under the lock and without.
    locked: Mutex<u64>,
    free: AtomicU64,
    /// 1: the child has the lock, and keeps it.
    inside: AtomicU32,
}

impl Trial for Family {
    fn name(&self) -> &'static str {
        "fork, anonymous"
    }

    fn share(&self) -> usize {
        1
    }

    fn step(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        let region = Region::options().size(PAGE).max_size(16 * PAGE).anonymous()?;
        let home = region.object::<Home>("home")?;
        if me.pick(2) == 0 { work_together(&home) } else { killed_inside(&home, me) }?;
        me.done(1);
        Ok(())
    }

    fn audit(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        self.step(me)
    }

    fn show(&self) -> String {
        "a process of its own, in a region that only its parent knows".into()
    }
}

/// Both add and grow; nothing is lost.
fn work_together(home: &Shared<Home>) -> Result<(), Broken> {
    let child = child_that(|| work(home, 3 * PAGE))?;
    work(home, 2 * PAGE)?;
    let ended = waitpid(child, None)?;
    ensure(ended == WaitStatus::Exited(child, 0), || format!("a forked child: {ended:?}"))?;
    let (locked, free) = (*home.locked.lock()?, home.free.load(SeqCst));
    if (locked, free) != (2 * ADDITIONS, 2 * ADDITIONS) {
        let what = format!("twice {ADDITIONS} additions gave {locked} under the lock and {free}");
        return Err(Broken::lost(what));
    }
    let len = home.region().len();
    ensure(len == 3 * PAGE, || format!("grown to three pages, and has {len} bytes"))
}

fn work(home: &Shared<Home>, len: u64) -> Result<(), Broken> {
    let region = home.region();
    region.member()?;
    for _ in 0..ADDITIONS {
        *home.locked.lock()? += 1;
        home.free.fetch_add(1, SeqCst);
    }
    match region.grow(len) {
        Ok(()) | Err(sabha::Error::Shrink { .. }) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// The child dies with the lock: its parent is told, and of nothing else.
fn killed_inside(home: &Shared<Home>, me: &mut Me<'_>) -> Result<(), Broken> {
    let child = child_that(|| {
        let _held = home.locked.lock()?;
        home.region().store_and_notify(&home.inside, 1, 1)?;
        std::thread::sleep(Duration::from_secs(1000));
        Ok(())
    })?;
    while home.inside.load(SeqCst) == 0 {
        let _ = home.region().wait(&home.inside, 0)?;
    }
    me.linger();
    kill(child, Signal::SIGKILL)?;
    let told = matches!(home.locked.lock(), Err(LockError::OwnerDied(_)));
    let ended = waitpid(child, None)?;
    ensure(told, || format!("a lock was had of who was killed in it: {ended:?}, and not told"))?;
    drop(home.locked.lock_repaired(|_| ())?);
    let members = home.region().members().len();
    ensure(members == 1, || format!("{members} members, and only one is there"))
}

/// Forks. The child does not outlive us.
fn child_that(acts: impl FnOnce() -> Result<(), Broken>) -> Result<Pid, Broken> {
    let us = Pid::this();
    // SAFETY: a worker that forks has one thread.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let dies_with_us = prctl::set_pdeathsig(Signal::SIGKILL).is_ok() && getppid() == us;
            let acted = if dies_with_us { acts() } else { Ok(()) };
            if let Err(broken) = &acted {
                eprintln!("torture: a forked child: {}", broken.what);
            }
            // SAFETY: ends the process, and runs nothing of its parent's.
            unsafe { libc::_exit(i32::from(acted.is_err())) }
        }
    }
}
