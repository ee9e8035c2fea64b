//! The schedule in which one kill makes the C library's robust mutex forget a sleeper for ever, and ours not.
//!
//! A holds; B and C sleep; A unlocks and wakes B; before B has run, D takes the lock; B is killed; D unlocks. B has swallowed the
//! wake, and D does not know of C: that somebody waits was written in the word that A's unlock cleared.
#![allow(unsafe_code)] // the C library's mutex

use sabha::Region;
use sabha::sync::Mutex;
use std::mem::MaybeUninit;
use std::time::Duration;
use support::child::{Child, sleeps_on_futex};
use support::fork::{Board, fork};
use support::trace::{Stop, Traced, marker};

/// Plays it with a lock that `hold` takes, calls what it is given, and lets go: how C ended, if it did.
fn play(hold: impl Fn(&dyn Fn())) -> (Option<i32>, bool) {
    let owner = || hold(&|| marker());
    let mut a = Traced::spawn(owner);
    assert_eq!(a.run(), Stop::Marker, "A holds");
    let mut b = Traced::spawn(|| hold(&|| ()));
    let asleep = loop {
        match b.step() {
            Stop::Step => {}
            other => break other,
        }
    };
    assert_eq!(asleep, Stop::Asleep, "B sleeps, and will stop as soon as it is woken");
    let c: Child = fork(|| hold(&|| ()));
    c.until_asleep();
    assert_eq!(a.run(), Stop::Marker, "A has unlocked");
    let mut d = Traced::spawn(owner);
    let mut barged = d.run();
    while barged == Stop::Asleep {
        barged = d.run();
    }
    assert_eq!(barged, Stop::Marker, "D has barged in");
    b.kill();
    assert_eq!(d.run(), Stop::Marker, "D has unlocked");
    let asleep = sleeps_on_futex(c.pid);
    (c.wait_at_most(Duration::from_secs(1)), asleep)
}

/// A robust mutex of the C library, in memory that processes share.
struct Robust(Board);

impl Robust {
    fn new() -> Self {
        let this = Self(Board::new());
        let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: memory for attributes, initialised here.
        unsafe { libc::pthread_mutexattr_init(attributes) };
        // SAFETY: initialised above.
        unsafe { libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED) };
        // SAFETY: initialised above.
        unsafe { libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST) };
        // SAFETY: zeroed memory, large enough, that stays mapped.
        assert_eq!(unsafe { libc::pthread_mutex_init(this.mutex(), attributes) }, 0);
        this
    }

    fn mutex(&self) -> *mut libc::pthread_mutex_t {
        self.0[0].as_ptr().cast()
    }

    fn hold(&self, inside: &dyn Fn()) {
        // SAFETY: initialised, and mapped.
        let locked = unsafe { libc::pthread_mutex_lock(self.mutex()) };
        assert!(locked == 0 || locked == libc::EOWNERDEAD);
        inside();
        // SAFETY: locked above.
        unsafe { libc::pthread_mutex_unlock(self.mutex()) };
    }
}

#[test]
fn our_mutex_loses_nobody() {
    let lock = Region::anonymous(1 << 16).unwrap().object::<Mutex<u64>>("lock").unwrap();
    let (ended, _) = play(|inside| {
        let guard = lock.lock().unwrap();
        inside();
        drop(guard);
    });
    assert_eq!(ended, Some(0), "C sleeps on a free lock");
    assert!(lock.lock().is_ok());
}

#[test]
fn the_c_librarys_robust_mutex_loses_the_sleeper() {
    let robust = Robust::new();
    let (ended, asleep) = play(|inside| robust.hold(inside));
    assert!(asleep && ended.is_none(), "this C library has learnt it: say so in the documentation");
    let word = robust.0[0].load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(word, 0, "the lock was free all the time");
    support::figures::record(
        "known bad: the C library's robust mutex",
        &[(support::figures::Figure::KnownBadCaught, 1)],
    );
}
