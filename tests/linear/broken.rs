//! Objects that are broken on purpose, each by one mistake that has been made before. Every one must be refused; the plain ring
//! without a mistake must not.
//!
//! | object | mistake |
//! |---|---|
//! | a word | an addition that loads, then stores |
//! | a word | a notify that counts one too many |
//! | a word | a wait that says `Woken` when its time is over |
//! | a register | a lock that nobody takes |
//! | a register | a lock that says nothing of a death |
//! | a ring | the item is published before it is written |
//! | a ring | the slot is released before it is read |
//! | a ring | `Full` by what was known of the other end, without another look |
//! | a ring | a close that is a flag, which push reads first |

use crate::register::{Lock, Pair};
use crate::ring::{self, End, Items, Ring};
use crate::scene::{Ready, Role, Scene, Step, Who};
use crate::word;
use sabha::sync::{LockError, Mutex, MutexGuard};
use sabha::view::atomics;
use sabha::{Deadline, Region, Shared, Wait};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::thread::yield_now;
use support::child::Random;

// ---- Words ----

/// A mistake in an operation on words: what it answers; `None`: it is done as it should be.
pub type Mistake = fn(&word::Words<AtomicU64>, word::Op) -> Option<word::Answer>;

/// Words whose operations are done by a mistake.
pub struct Mistaken {
    words: word::Words<AtomicU64>,
    mistake: Mistake,
}

impl Mistaken {
    pub fn new(mistake: Mistake) -> Self {
        Self { words: word::Words::new(), mistake }
    }
}

/// Loads, then stores.
pub fn adds_in_two_steps(words: &word::Words<AtomicU64>, op: word::Op) -> Option<word::Answer> {
    let word::Op::Add(delta) = op else { return None };
    let before = atomics::load(&words.view, 0).unwrap();
    yield_now();
    atomics::store(&words.view, 0, before.wrapping_add(delta)).unwrap();
    Some(word::Answer::Value(before))
}

/// Counts somebody who did not wake.
pub fn counts_one_too_many(words: &word::Words<AtomicU64>, op: word::Op) -> Option<word::Answer> {
    let word::Op::Notify(most) = op else { return None };
    let woken = words.view.notify(0, most).unwrap();
    Some(word::Answer::Count(most.min(woken + 1)))
}

/// Says that it was woken when it was not.
pub fn wakes_by_itself(words: &word::Words<AtomicU64>, op: word::Op) -> Option<word::Answer> {
    let word::Op::Wait { expected, .. } = op else { return None };
    let ended = words.view.wait_until(0, expected, Deadline::PASSED).unwrap();
    let told = if ended == Wait::TimedOut { Wait::Woken } else { ended };
    Some(word::Answer::Ended(told))
}

impl Scene for Mistaken {
    type Op = word::Op;
    type Answer = word::Answer;
    type Model = word::Word;
    type Hand<'a> = Role;

    fn prepare(&self, random: &mut Random, killed: bool) -> Option<Ready<word::Word>> {
        self.words.prepare(random, killed)
    }

    fn hand(&self, role: Role) -> Role {
        role
    }

    fn choose(&self, role: &Role, random: &mut Random, left: u64) -> Option<word::Op> {
        self.words.choose(role, random, left)
    }

    fn perform(&self, role: &mut Role, op: word::Op) -> word::Answer {
        (self.mistake)(&self.words, op).unwrap_or_else(|| self.words.perform(role, op))
    }

    fn steps(&self, op: word::Op, answer: Option<word::Answer>, who: &Who) -> Vec<Step<Self>> {
        self.words.steps(op, answer, who)
    }
}

// ---- Locks ----

/// A lock that nobody takes.
pub struct NotTaken(Shared<[AtomicU64]>);

impl NotTaken {
    pub fn new() -> Self {
        Self(Region::anonymous(4096).unwrap().slice("pair", 2).unwrap())
    }
}

impl Lock for NotTaken {
    type Guard<'a> = &'a [AtomicU64];

    fn try_lock(&self) -> Result<Self::Guard<'_>, LockError<Self::Guard<'_>>> {
        Ok(&self.0)
    }

    fn lock_until(&self, _: Deadline) -> Result<Self::Guard<'_>, LockError<Self::Guard<'_>>> {
        Ok(&self.0)
    }

    fn read(guard: &Self::Guard<'_>) -> Pair {
        [guard[0].load(Relaxed), guard[1].load(Relaxed)]
    }

    fn write(guard: &mut Self::Guard<'_>, index: usize, value: u64) {
        guard[index].store(value, Relaxed);
        yield_now();
    }

    fn mark(_guard: &mut Self::Guard<'_>) {}
}

/// A lock that says nothing of a death.
pub struct Silent(Shared<Mutex<Pair>>);

impl Silent {
    pub fn new() -> Self {
        Self(Region::anonymous(4096).unwrap().object("pair").unwrap())
    }
}

fn silently<'a>(
    got: Result<MutexGuard<'a, Pair>, LockError<MutexGuard<'a, Pair>>>,
) -> Result<MutexGuard<'a, Pair>, LockError<MutexGuard<'a, Pair>>> {
    match got {
        Err(LockError::OwnerDied(died)) => {
            let mut guard = died.into_guard();
            guard.mark_consistent();
            Ok(guard)
        }
        other => other,
    }
}

impl Lock for Silent {
    type Guard<'a> = MutexGuard<'a, Pair>;

    fn try_lock(&self) -> Result<Self::Guard<'_>, LockError<Self::Guard<'_>>> {
        silently(self.0.try_lock())
    }

    fn lock_until(&self, end: Deadline) -> Result<Self::Guard<'_>, LockError<Self::Guard<'_>>> {
        silently(self.0.lock_until(end))
    }

    fn read(guard: &Self::Guard<'_>) -> Pair {
        <Shared<Mutex<Pair>> as Lock>::read(guard)
    }

    fn write(guard: &mut Self::Guard<'_>, index: usize, value: u64) {
        <Shared<Mutex<Pair>> as Lock>::write(guard, index, value);
    }

    fn mark(_guard: &mut Self::Guard<'_>) {}
}

// ---- Rings ----

/// What is wrong with a plain ring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    Nothing,
    PublishesFirst,
    ReleasesFirst,
    FullByHearsay,
    ClosedByFlag,
}

/// A ring whose ends nobody owns, and nobody sleeps at.
pub struct Plain {
    fault: Fault,
    words: Shared<[AtomicU64]>,
}

const CAPACITY: u64 = 2;
/// Items that were ever pushed; and [`CLOSED`], so that a push and a close cannot miss each other.
const TAIL: usize = 0;
const HEAD: usize = 1;
/// The flag of a close by flag.
const FLAG: usize = 2;
const SLOTS: usize = 3;
const CLOSED: u64 = 1 << 63;

/// What an end remembers.
pub struct Side {
    role: Role,
    /// Of the other end's position.
    seen: u64,
    pushes: u64,
}

impl Plain {
    pub fn new(fault: Fault) -> Self {
        let words = SLOTS + CAPACITY as usize;
        let region = Region::anonymous(4096).unwrap();
        Self { fault, words: region.slice("words", words).unwrap() }
    }

    fn slot(&self, position: u64) -> &AtomicU64 {
        &self.words[SLOTS + (position % CAPACITY) as usize]
    }

    fn is_closed(&self, tail: u64) -> bool {
        match self.fault {
            Fault::ClosedByFlag => self.words[FLAG].load(SeqCst) != 0,
            _ => tail & CLOSED != 0,
        }
    }

    fn push(&self, side: &mut Side, value: u64) -> ring::Answer {
        let tail = self.words[TAIL].load(SeqCst);
        if self.is_closed(tail) {
            return ring::Answer::Closed;
        }
        side.pushes += 1;
        if self.fault != Fault::FullByHearsay || side.pushes.is_multiple_of(2) {
            side.seen = self.words[HEAD].load(SeqCst);
        }
        if tail - side.seen == CAPACITY {
            return ring::Answer::NotYet;
        }
        let write = || self.slot(tail).store(value, SeqCst);
        if self.fault != Fault::PublishesFirst {
            write();
        }
        yield_now();
        let published = self.words[TAIL].compare_exchange(tail, tail + 1, SeqCst, SeqCst);
        if self.fault == Fault::PublishesFirst {
            yield_now();
            write();
        }
        if published.is_ok() { ring::Answer::Done } else { ring::Answer::Closed }
    }

    fn pop(&self) -> ring::Answer {
        let (tail, head) = (self.words[TAIL].load(SeqCst), self.words[HEAD].load(SeqCst));
        if tail & !CLOSED == head {
            let closed = self.is_closed(tail);
            return if closed { ring::Answer::Closed } else { ring::Answer::NotYet };
        }
        let release = || self.words[HEAD].store(head + 1, SeqCst);
        if self.fault == Fault::ReleasesFirst {
            release();
            yield_now();
        }
        let value = self.slot(head).load(SeqCst);
        if self.fault != Fault::ReleasesFirst {
            release();
        }
        ring::Answer::Popped(Items::new(&[value]))
    }

    fn close(&self) -> ring::Answer {
        match self.fault {
            Fault::ClosedByFlag => self.words[FLAG].store(1, SeqCst),
            _ => _ = self.words[TAIL].fetch_or(CLOSED, SeqCst),
        }
        ring::Answer::Done
    }
}

impl Scene for Plain {
    type Op = ring::Op;
    type Answer = ring::Answer;
    type Model = Ring;
    type Hand<'a> = Side;

    fn prepare(&self, _random: &mut Random, _killed: bool) -> Option<Ready<Ring>> {
        self.words.iter().for_each(|word| word.store(0, SeqCst));
        Some(Ready { object: 0, model: Ring::owned(CAPACITY as usize, 0, 1) })
    }

    fn hand(&self, role: Role) -> Side {
        Side { role, seen: 0, pushes: 0 }
    }

    fn choose(&self, side: &Side, random: &mut Random, left: u64) -> Option<ring::Op> {
        if left == 0 {
            return None;
        }
        match (side.role.lane, random.below(8)) {
            (0, _) => Some(ring::Op::Push(1 + random.below(1 << 20), None)),
            (1, 0) => Some(ring::Op::Close(End::Consumer)),
            (1, _) => Some(ring::Op::Pop(None)),
            _ => None,
        }
    }

    fn perform(&self, side: &mut Side, op: ring::Op) -> ring::Answer {
        match op {
            ring::Op::Push(value, _) => self.push(side, value),
            ring::Op::Pop(_) => self.pop(),
            _ => self.close(),
        }
    }

    fn steps(&self, op: ring::Op, answer: Option<ring::Answer>, who: &Who) -> Vec<Step<Self>> {
        ring::steps(op, answer, who)
    }
}
