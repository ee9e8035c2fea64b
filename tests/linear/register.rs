//! Two numbers under a lock, which are always equal, unless a writer was killed between them.
//!
//! | operation | which holds if |
//! |---|---|
//! | lock, as long as it takes, until a deadline, or at once: had | nobody holds it; the last owner died, or one before whose data nobody has repaired: it says so, and only then |
//! | lock: timed out, or held | somebody else holds it: who is named, and is not dead |
//! | lock: deadlock | the caller holds it |
//! | read two numbers | they are what was written last, under the lock |
//! | write two numbers | two steps if the writer was killed, the first number and the second; else one: nobody may see between |
//! | mark consistent, unlock | the caller holds it |
//! | a death | who held it holds it no more, and the next owner is told |
//!
//! A reader that sees two different numbers without being told has no place in any order.

use crate::crew::die;
use crate::scene::{Ready, Role, Scene, Who};
use sabha::sync::{LockError, Mutex, MutexGuard, Policy};
use sabha::{Deadline, Holder, Region, Shared};
use std::hint::black_box;
use std::time::Duration;
use support::child::Random;
use support::linear::Model;

/// Two numbers.
pub type Pair = [u64; 2];

// ---- What it should be ----

/// A lock and what is under it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Register {
    holder: Option<usize>,
    /// A holder died, and nobody has marked the numbers consistent since.
    died: bool,
    pair: Pair,
}

/// A moment of an operation.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// Told of a death or not; `None` if nobody heard it.
    Lock {
        told: Option<bool>,
    },
    /// Somebody holds it: this one, if its name was to be had.
    Refused {
        holder: Option<usize>,
    },
    Deadlock,
    Read(Pair),
    Write(u64),
    WriteFirst(u64),
    WriteSecond(u64),
    Mark,
    Unlock,
}

impl Model for Register {
    type Step = Moment;

    fn after(&self, process: usize, moment: &Moment) -> impl IntoIterator<Item = Self> {
        let mine = self.holder == Some(process);
        let Self { holder, died, pair } = *self;
        match *moment {
            Moment::Lock { told } if holder.is_none() && told.is_none_or(|told| told == died) => {
                Some(Self { holder: Some(process), ..*self })
            }
            Moment::Refused { holder: named } if holder.is_some() && !mine => {
                (named.is_none() || named == holder).then_some(self.clone())
            }
            Moment::Deadlock if mine => Some(self.clone()),
            Moment::Read(seen) if mine && seen == pair => Some(self.clone()),
            Moment::Write(value) if mine => Some(Self { pair: [value; 2], ..*self }),
            Moment::WriteFirst(value) if mine => Some(Self { pair: [value, pair[1]], ..*self }),
            Moment::WriteSecond(value) if mine => Some(Self { pair: [pair[0], value], ..*self }),
            Moment::Mark if mine => Some(Self { died: false, ..*self }),
            Moment::Unlock if mine => Some(Self { holder: None, ..*self }),
            _ => None,
        }
    }

    fn after_death(&self, process: usize) -> Self {
        match self.holder {
            Some(holder) if holder == process => Self { holder: None, died: true, ..*self },
            _ => self.clone(),
        }
    }
}

// ---- What processes do with it ----

/// A lock that the scene can be played with: the library's, or a broken one.
pub trait Lock {
    type Guard<'a>
    where
        Self: 'a;

    fn try_lock(&self) -> Result<Self::Guard<'_>, LockError<Self::Guard<'_>>>;
    fn lock_until(&self, deadline: Deadline)
    -> Result<Self::Guard<'_>, LockError<Self::Guard<'_>>>;
    fn read(guard: &Self::Guard<'_>) -> Pair;
    fn write(guard: &mut Self::Guard<'_>, index: usize, value: u64);
    fn mark(guard: &mut Self::Guard<'_>);
}

impl<P: Policy> Lock for Shared<Mutex<Pair, P>> {
    type Guard<'a> = MutexGuard<'a, Pair, P>;

    fn try_lock(&self) -> Result<Self::Guard<'_>, LockError<Self::Guard<'_>>> {
        Mutex::try_lock(self)
    }

    fn lock_until(
        &self,
        deadline: Deadline,
    ) -> Result<Self::Guard<'_>, LockError<Self::Guard<'_>>> {
        Mutex::lock_until(self, deadline)
    }

    fn read(guard: &Self::Guard<'_>) -> Pair {
        **guard
    }

    fn write(guard: &mut Self::Guard<'_>, index: usize, value: u64) {
        guard[index] = value;
        black_box(&mut **guard); // the numbers are stored one by one
    }

    fn mark(guard: &mut Self::Guard<'_>) {
        guard.mark_consistent();
    }
}

/// The scene.
pub struct Pairs<L: Lock>(pub L);

impl<P: Policy> Pairs<Shared<Mutex<Pair, P>>> {
    pub fn new() -> Self {
        Self(Region::anonymous(1 << 16).unwrap().object("pair").unwrap())
    }
}

pub struct Hand<'a, L: Lock + 'a> {
    role: Role,
    guard: Option<L::Guard<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub enum Op {
    TryLock,
    Lock { until: Deadline },
    Read,
    Write { value: u64, dies: bool },
    Mark,
    Unlock,
    Die,
}

#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Done,
    Had { died: bool },
    HeldBy(u32),
    TimedOut { held_by: u32 },
    Deadlock,
    Saw(Pair),
}

impl<L: Lock + 'static> Scene for Pairs<L> {
    type Op = Op;
    type Answer = Answer;
    type Model = Register;
    type Hand<'a> = Hand<'a, L>;

    fn prepare(&self, _random: &mut Random, _killed: bool) -> Option<Ready<Register>> {
        let mut guard = match self.0.try_lock() {
            Ok(guard) => guard,
            Err(LockError::OwnerDied(died)) => died.into_guard(),
            Err(other) => panic!("all are dead or have unlocked: {}", erase(other)),
        };
        (0..2).for_each(|index| L::write(&mut guard, index, 0));
        L::mark(&mut guard);
        Some(Ready { object: 0, model: Register::default() })
    }

    fn hand(&self, role: Role) -> Hand<'_, L> {
        Hand { role, guard: None }
    }

    fn choose(&self, hand: &Hand<'_, L>, random: &mut Random, left: u64) -> Option<Op> {
        let held = hand.guard.is_some();
        if left == 0 {
            return held.then_some(Op::Unlock);
        }
        let dies = hand.role.dies_now(random, left);
        if dies && random.below(2) == 0 {
            return Some(Op::Die);
        }
        if !held {
            return Some(lock(random));
        }
        Some(match random.below(16) {
            _ if dies => Op::Write { value: 1 + random.below(1 << 20), dies },
            0..5 => Op::Read,
            5..10 => Op::Write { value: 1 + random.below(1 << 20), dies },
            10 | 11 => Op::Mark,
            12 => lock(random),
            _ => Op::Unlock,
        })
    }

    fn perform<'a>(&'a self, hand: &mut Hand<'a, L>, op: Op) -> Answer {
        match op {
            Op::TryLock => self.lock(hand, L::try_lock),
            Op::Lock { until } => self.lock(hand, |lock| lock.lock_until(until)),
            Op::Unlock => {
                hand.guard = None;
                Answer::Done
            }
            Op::Die => die(),
            Op::Read | Op::Write { .. } | Op::Mark => under_lock::<L>(hand, op),
        }
    }

    fn steps(&self, op: Op, answer: Option<Answer>, who: &Who) -> Vec<Moment> {
        let moment = match (op, answer) {
            (_, Some(Answer::Had { died })) => Moment::Lock { told: Some(died) },
            (_, Some(Answer::HeldBy(pid) | Answer::TimedOut { held_by: pid })) => {
                Moment::Refused { holder: who.named(pid) }
            }
            (_, Some(Answer::Deadlock)) => Moment::Deadlock,
            (_, Some(Answer::Saw(pair))) => Moment::Read(pair),
            (Op::Write { value, .. }, Some(_)) => Moment::Write(value),
            (Op::Write { value, dies: true }, None) => Moment::WriteFirst(value),
            (Op::Write { value, dies: false }, None) => {
                return vec![Moment::WriteFirst(value), Moment::WriteSecond(value)];
            }
            (Op::TryLock | Op::Lock { .. }, None) => Moment::Lock { told: None },
            (Op::Mark, _) => Moment::Mark,
            (Op::Unlock, _) => Moment::Unlock,
            _ => return vec![],
        };
        vec![moment]
    }
}

impl<L: Lock> Pairs<L> {
    fn lock<'a>(
        &'a self,
        hand: &mut Hand<'a, L>,
        lock: impl FnOnce(&'a L) -> Result<L::Guard<'a>, LockError<L::Guard<'a>>>,
    ) -> Answer {
        let (guard, died) = match lock(&self.0) {
            Ok(guard) => (guard, false),
            Err(LockError::OwnerDied(died)) => (died.into_guard(), true),
            Err(LockError::Held { holder: Holder { pid, .. } }) => return Answer::HeldBy(pid),
            Err(LockError::TimedOut { holder }) => return Answer::TimedOut { held_by: holder.pid },
            Err(LockError::Deadlock { .. }) => return Answer::Deadlock,
            Err(other) => panic!("{}", erase(other)),
        };
        hand.guard = Some(guard);
        Answer::Had { died }
    }
}

fn under_lock<L: Lock>(hand: &mut Hand<'_, L>, op: Op) -> Answer {
    let guard = hand.guard.as_mut().expect("chosen with the lock only");
    match op {
        Op::Write { value, dies } => {
            L::write(guard, 0, value);
            if dies {
                die();
            }
            L::write(guard, 1, value);
            Answer::Done
        }
        Op::Mark => {
            L::mark(guard);
            Answer::Done
        }
        _ => Answer::Saw(L::read(guard)),
    }
}

fn lock(random: &mut Random) -> Op {
    match random.below(8) {
        0..3 => Op::TryLock,
        3 => Op::Lock { until: Deadline::PASSED },
        4 | 5 => Op::Lock { until: Deadline::after(Duration::from_micros(random.below(60))) },
        _ => Op::Lock { until: Deadline::NEVER },
    }
}

fn erase<G>(error: LockError<G>) -> String {
    error.to_string()
}
