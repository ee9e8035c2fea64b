//! `store_and_notify` and `add_and_notify`, killed at random, or while others lie down or are killed, too: no sleeper is left behind
//! on a word that has changed. (Killed at every instruction: `tests/kill/wait.rs`.)
#![allow(unsafe_code)] // ends child processes

use sabha::{Deadline, Region, Shared, Wait};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU32};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use support::child::sleeps_on_futex;
use support::child::{Child, Random, until};
use support::starve;
use support::trace::{Stop, Traced};

/// One test at a time: they fork, and they measure time.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

const LONG: Duration = Duration::from_secs(5);

/// The same words for each test: two of each width under one guard, and what processes tell each other under another.
struct Board {
    region: Region,
    narrow: Shared<[AtomicI32]>,
    wide: Shared<[AtomicI64]>,
    control: Shared<[AtomicU32]>,
}

/// Which word, and which call.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Change {
    NarrowStore,
    WideAddHigh,
}

const GO: usize = 0;
const RESULT: usize = 1;

impl Board {
    fn new() -> Self {
        let region = Region::anonymous(1 << 16).unwrap();
        let control = region.slice("control", 16).unwrap();
        let narrow = region.slice("narrow", 2).unwrap();
        let wide = region.slice("wide", 2).unwrap();
        Self { region, narrow, wide, control }
    }

    /// Makes the change of round `round`; each round finds the value that the one before should have left.
    fn change(&self, change: Change, round: i32) -> u32 {
        match change {
            Change::NarrowStore => self.narrow.store_and_notify(0, round + 1, 1),
            Change::WideAddHigh => self.wide.add_and_notify(0, 1 << 32, 1).map(|(_, woken)| woken),
        }
        .unwrap()
    }

    fn set(&self, round: i32) {
        self.narrow[0].store(round, SeqCst);
        self.wide[0].store(i64::from(round) << 32, SeqCst);
    }

    fn changed(&self, change: Change, round: i32) -> bool {
        match change {
            Change::NarrowStore => self.narrow[0].load(SeqCst) != round,
            Change::WideAddHigh => self.wide[0].load(SeqCst) != i64::from(round) << 32,
        }
    }

    fn wait(&self, change: Change, round: i32, deadline: impl Into<Deadline>) -> Wait {
        match change {
            Change::NarrowStore => self.narrow.wait_until(0, round, deadline),
            Change::WideAddHigh => self.wide.wait_until(0, i64::from(round) << 32, deadline),
        }
        .unwrap()
    }

    /// A process that waits in each round for the change of that round, and tells how it ended.
    fn sleeper(&self, change: Change) -> Child {
        Child::spawn(|| {
            let mut round = 0;
            loop {
                while self.control[GO].load(SeqCst) != round + 1 {
                    std::thread::yield_now();
                }
                let result = code(self.wait(change, round.cast_signed(), LONG));
                self.control[RESULT].store(result, SeqCst);
                round += 1;
            }
        })
    }

    /// A process that has made the change of `round`, and is stopped before its notify.
    fn stopped_after_the_change(&self, change: Change, round: i32) -> Traced {
        let mut changer = Traced::spawn(|| {
            self.region.enter().unwrap();
            support::trace::marker(); // the seat is taken: from here on it is the change alone
            self.change(change, round);
        });
        assert_eq!(changer.run(), Stop::Marker);
        while !self.changed(change, round) {
            assert_eq!(changer.step(), Stop::Step);
        }
        changer
    }

    /// Ends a round in which a changer was killed: 0 if it had not changed anything, else how the sleeper ended.
    fn end_round(&self, change: Change, round: i32) -> u32 {
        let result = || self.control[RESULT].load(SeqCst);
        if self.changed(change, round) {
            until("the sleeper of a word that has changed", || result() != 0);
            return result();
        }
        // It looked again, perhaps, and sleeps.
        until("the notify to meet the sleeper", || {
            self.change(change, round) == 1 || result() != 0
        });
        until("the sleeper to wake", || result() != 0);
        0
    }
}

const WOKEN: u32 = 1;
const NOT_EQUAL: u32 = 2;
const TIMED_OUT: u32 = 3;

fn code(result: Wait) -> u32 {
    match result {
        Wait::Woken => WOKEN,
        Wait::NotEqual => NOT_EQUAL,
        Wait::TimedOut => TIMED_OUT,
    }
}

/// A waiter that is stopped after each number of instructions (each fourth, in the short form), and goes on when the word has changed and the changer is
/// dead: whatever it has seen already, it must not sleep on the old value.
fn lies_down_at_every_instruction(change: Change) {
    let _alone = alone();
    let board = Board::new();
    let mut ends = [0_u32; 4];
    let stride = if support::long_form() { 1 } else { 4 };
    for round in (0..).step_by(stride) {
        board.set(round);
        board.control[RESULT].store(0, SeqCst);
        let mut waiter = Traced::spawn(|| {
            let _ = board.wait(change, round + 1, Deadline::PASSED); // the thread's page is there from now on
            support::trace::marker();
            let result = code(board.wait(change, round, LONG));
            board.control[RESULT].store(result, SeqCst);
        });
        assert_eq!(waiter.run(), Stop::Marker);
        let stop = waiter.steps(u64::from(round.cast_unsigned()));
        board.stopped_after_the_change(change, round).kill();
        let limit = Deadline::after(LONG);
        while waiter.run() != Stop::Marker {
            assert!(!limit.has_passed(), "left behind after {round} instructions");
        }
        let end = board.control[RESULT].load(SeqCst);
        assert_eq!(end, NOT_EQUAL, "after {round} instructions: {stop:?}");
        ends[end as usize] += 1;
        if stop.is_some() {
            break;
        }
    }
    println!("{change:?}: a waiter was stopped at {} points", ends[NOT_EQUAL as usize]);
    assert!(ends[NOT_EQUAL as usize] > 20);
}

#[test]
fn a_narrow_change_with_a_death_is_seen_by_who_lies_down_just_then() {
    lies_down_at_every_instruction(Change::NarrowStore);
}

#[test]
fn a_change_of_the_high_half_with_a_death_is_seen_by_who_lies_down_just_then() {
    lies_down_at_every_instruction(Change::WideAddHigh);
}

/// All run freely; the changer is killed at a random moment around its change.
#[test]
fn killed_at_random() {
    const ROUNDS: i32 = 500;
    let _alone = alone();
    let mut random = Random::new(0x5eed);
    for change in [Change::NarrowStore, Change::WideAddHigh] {
        let board = Board::new();
        let sleeper = board.sleeper(change);
        let mut ends = [0_u32; 4];
        for round in 0..ROUNDS {
            board.set(round);
            board.control[RESULT].store(0, SeqCst);
            let (spins, delay) = (random.below(20_000), random.below(20_000));
            let changer = Child::spawn(|| {
                board.region.enter().unwrap();
                board.control[GO].store(round.cast_unsigned() + 1, SeqCst);
                spin(spins);
                board.change(change, round);
                spin(u64::MAX);
            });
            until("the changer to be ready", || {
                board.control[GO].load(Relaxed) == round.cast_unsigned() + 1
            });
            spin(delay);
            changer.kill();
            let end = board.end_round(change, round);
            ends[end as usize] += 1;
            assert_ne!(end, TIMED_OUT, "left behind in round {round}");
        }
        let [unchanged, woken, not_equal, _] = ends;
        drop(sleeper);
        println!(
            "{change:?}: {ROUNDS} kills: {unchanged} before the change, \
             then {not_equal} sleepers found it and {woken} were notified"
        );
    }
}

fn spin(turns: u64) {
    for _ in 0..turns {
        std::hint::spin_loop();
    }
}

/// The first sleeper on the bell is notified, and before it runs the bell rings, too: it must not keep the ring to itself.
#[test]
fn a_ring_that_meets_a_notify_is_passed_on() {
    const ROUNDS: i32 = 40;
    let _alone = alone();
    let board = Board::new();
    let narrow = &board.narrow;
    starve::pin(1);
    let busy = Child::spawn(|| {
        starve::pin(0);
        loop {
            std::hint::spin_loop();
        }
    });
    let mut met = 0;
    for round in 0..ROUNDS {
        narrow[0].store(round, SeqCst);
        // Starved while it is woken: its processor is busy, and it is the last in line there.
        let starved = Child::spawn(|| {
            starve::pin(0);
            starve::yield_to_all();
            assert_eq!(narrow.wait(1, 0).unwrap(), Wait::Woken);
        });
        until("the first to sleep", || sleeps_on_futex(starved.pid));
        let second = Child::spawn(|| {
            let how = narrow.wait_until(0, round, LONG).unwrap();
            assert!(how != Wait::TimedOut, "left behind");
        });
        until("the second to sleep", || sleeps_on_futex(second.pid));
        let changer = board.stopped_after_the_change(Change::NarrowStore, round);
        assert_eq!(narrow.notify(1, 1).unwrap(), 1);
        changer.kill();
        met += u32::from(starved.state() == 'R');
        assert_eq!(second.wait_at_most(2 * LONG), Some(0), "round {round}");
        assert_eq!(starved.wait_at_most(2 * LONG), Some(0), "round {round}");
    }
    busy.kill();
    println!("{met} of {ROUNDS} rings met a notify");
    assert!(met > 0, "the machine was too fair");
}

/// Who hears the ring is killed in the same moment.
#[test]
fn a_ring_that_meets_a_kill_is_passed_on() {
    const ROUNDS: i32 = 60;
    let _alone = alone();
    let board = Board::new();
    let narrow = &board.narrow;
    for round in 0..ROUNDS {
        narrow[0].store(round, SeqCst);
        let wait = || {
            Child::spawn(|| {
                assert!(narrow.wait_until(0, round, LONG).unwrap() != Wait::TimedOut);
            })
        };
        let sleepers = [wait(), wait(), wait()];
        for child in &sleepers {
            until("all to sleep", || sleeps_on_futex(child.pid));
        }
        let changer = board.stopped_after_the_change(Change::NarrowStore, round);
        let [first, second, third] = sleepers;
        // SAFETY: our own child, not yet reaped.
        unsafe { libc::kill(changer.pid, libc::SIGKILL) };
        if round % 3 != 0 {
            first.kill_without_reaping();
        }
        if round % 3 == 2 {
            second.kill_without_reaping();
        }
        assert_eq!(third.wait_at_most(2 * LONG), Some(0), "round {round}");
    }
}
