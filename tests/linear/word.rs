//! A word: loads, stores, additions, exchanges, sleeps and wakes.
//!
//! | operation | steps | which hold if |
//! |---|---|---|
//! | load, store, add, compare and exchange | one | the answer is the value's |
//! | notify | one | it says how many slept, at most as many as it was to wake: those who came first |
//! | store and notify, add and notify | the change, the notify | as each; others come between |
//! | wait: `NotEqual` | one | the value is another |
//! | wait: `TimedOut` | one | the value is the expected one |
//! | wait: `Woken`    | falls asleep, wakes | the value is the expected one; a notify has chosen this sleeper in between |
//!
//! A `TimedOut` may have slept, too; but who sleeps unnoticed is in nobody's answer, so it need not be said. Each notify chooses
//! exactly as many sleepers as it says, and each chosen one must wake or die: so the sum of all notifies is the number of
//! `Woken`, in every history.
//!
//! *Words of 64 bits* are compared half by half in the kernel, so a sleep is two steps: a look at the whole, then, as it falls
//! asleep, at the lower half only (`src/view/wait.rs`, corner 1).
//!
//! *After a death* all who sleep nearby look again, and fall asleep behind each other in any order: first come, first served is
//! over, and a notify may find nobody where somebody was. How many it says it woke is still exact. The dead may leave their
//! names behind, of which a later sleeper hears: so it is over for the crew, too.
//!
//! Not seen here: a wake that never comes. It looks like a sleep that ended by its deadline: `tests/change_killed.rs`.

use crate::crew::die;
use crate::scene::{Ready, Role, Scene, Who, one_of};
use sabha::view::{Integer, Waitable, atomics};
use sabha::{Deadline, Region, Shared, Wait};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;
use support::child::Random;
use support::linear::Model;

/// A word's width.
pub trait Width: Integer + Waitable {
    const BITS: u32;
    /// Values that differ in all the ways that matter.
    const VALUES: [u64; 4];
    fn narrow(value: u64) -> Self::Value;
    fn widen(value: Self::Value) -> u64;
}

impl Width for AtomicU32 {
    const BITS: u32 = 32;
    const VALUES: [u64; 4] = [0, 1, 2, u32::MAX as u64];

    fn narrow(value: u64) -> u32 {
        u32::try_from(value).expect("32 bits")
    }

    fn widen(value: u32) -> u64 {
        value.into()
    }
}

impl Width for AtomicU64 {
    const BITS: u32 = 64;
    const VALUES: [u64; 4] = [0, 1, 1 << 32, (1 << 32) | 1];

    fn narrow(value: u64) -> u64 {
        value
    }

    fn widen(value: u64) -> u64 {
        value
    }
}

// ---- What it should be ----

/// A word and its sleepers.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Word {
    bits: u32,
    value: u64,
    /// Who came first is first.
    asleep: Vec<usize>,
    /// Chosen by a notify, and not yet returned.
    woken: Vec<usize>,
    /// Somebody was killed.
    disturbed: bool,
}

/// A moment of an operation. What was told is `None` if nobody heard it.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    Load(u64),
    Store(u64),
    Add { delta: u64, told: Option<u64> },
    Exchange { expected: u64, value: u64, told: Option<u64> },
    Notify { most: u32, told: Option<u32> },
    Equal(u64),
    NotEqual(u64),
    FallAsleep(u64),
    Wake,
}

impl Model for Word {
    type Step = Moment;

    fn after(&self, process: usize, moment: &Moment) -> impl IntoIterator<Item = Self> {
        match *moment {
            Moment::Notify { most, told } => self.notified(most, told),
            _ => self.alone(process, moment).into_iter().collect(),
        }
    }

    fn after_death(&self, process: usize) -> Self {
        let mut next = self.clone();
        next.asleep.retain(|&other| other != process);
        next.woken.retain(|&other| other != process);
        next.disturbed = true;
        next
    }
}

impl Word {
    /// What becomes of it by a moment that concerns one process only.
    fn alone(&self, process: usize, moment: &Moment) -> Option<Self> {
        let fits = |told: Option<u64>| told.is_none_or(|told| told == self.value);
        let to = |value| Some(Self { value, ..self.clone() });
        match *moment {
            Moment::Store(value) => to(value),
            Moment::Add { delta, told } if fits(told) => {
                to(self.value.wrapping_add(delta) & self.mask())
            }
            Moment::Exchange { expected, value, told } if fits(told) => {
                to(if self.value == expected { value } else { self.value })
            }
            Moment::Load(value) | Moment::Equal(value) if value == self.value => to(value),
            Moment::NotEqual(value) if value != self.value => to(self.value),
            Moment::FallAsleep(expected) if low(expected) == low(self.value) => {
                let mut next = self.clone();
                next.asleep.push(process);
                Some(next)
            }
            Moment::Wake => {
                let mut next = self.clone();
                next.woken.retain(|&other| other != process);
                (next.woken.len() < self.woken.len()).then_some(next)
            }
            _ => None,
        }
    }

    fn mask(&self) -> u64 {
        u64::MAX >> (u64::BITS - self.bits)
    }

    /// All that can become of it when `told` of its sleepers are chosen, of `most` at most.
    fn notified(&self, most: u32, told: Option<u32>) -> Vec<Self> {
        let all = u32::try_from(self.asleep.len()).expect("few").min(most);
        if !self.disturbed {
            let first = (0..all as usize).fold(0, |set, index| set | 1 << index);
            return if told.is_none_or(|told| told == all) {
                vec![self.choose(first)]
            } else {
                vec![]
            };
        }
        let fits =
            |set: &u32| told.map_or(set.count_ones() <= all, |told| set.count_ones() == told);
        let sets = (0..1_u32 << self.asleep.len()).filter(fits);
        if told.is_some_and(|told| told > most) {
            vec![]
        } else {
            sets.map(|set| self.choose(set)).collect()
        }
    }

    /// Wakes the sleepers whose places are in the set.
    fn choose(&self, set: u32) -> Self {
        let mut next = self.clone();
        let chosen = |index: usize| set & 1 << index != 0;
        let sleepers = self.asleep.iter().copied().enumerate();
        next.woken.extend(sleepers.clone().filter(|&(index, _)| chosen(index)).map(|(_, who)| who));
        next.woken.sort_unstable(); // they return in any order
        next.asleep = sleepers.filter(|&(index, _)| !chosen(index)).map(|(_, who)| who).collect();
        next
    }
}

const fn low(value: u64) -> u32 {
    value as u32
}

// ---- What processes do with it ----

/// The scene.
pub struct Words<A: Width> {
    pub view: Shared<[A]>,
}

#[derive(Clone, Copy, Debug)]
pub enum Op {
    Load,
    Store(u64),
    Add(u64),
    Exchange { expected: u64, value: u64 },
    Notify(u32),
    StoreAndNotify(u64, u32),
    AddAndNotify(u64, u32),
    Wait { expected: u64, micros: u64 },
    Die,
}

#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Done,
    Value(u64),
    Count(u32),
    Both(u64, u32),
    Ended(Wait),
}

impl<A: Width> Words<A> {
    pub fn new() -> Self {
        Self { view: Region::anonymous(1 << 16).unwrap().slice("words", 1).unwrap() }
    }
}

impl<A: Width> Scene for Words<A> {
    type Op = Op;
    type Answer = Answer;
    type Model = Word;
    type Hand<'a> = Role;

    fn prepare(&self, _random: &mut Random, killed: bool) -> Option<Ready<Word>> {
        atomics::store(&self.view, 0, A::narrow(0)).unwrap();
        let (asleep, woken) = (vec![], vec![]);
        let model = Word { bits: A::BITS, value: 0, asleep, woken, disturbed: killed };
        Some(Ready { object: 0, model })
    }

    fn hand(&self, role: Role) -> Role {
        role
    }

    fn choose(&self, role: &Role, random: &mut Random, left: u64) -> Option<Op> {
        if left == 0 {
            return None;
        }
        if role.dies_now(random, left) {
            return Some(Op::Die);
        }
        let any = |random: &mut Random| one_of(random, A::VALUES);
        // Few, so that they are often the expected ones.
        let value = |random: &mut Random| A::VALUES[one_of(random, [0, 0, 1, 1, 2])];
        let count = |random: &mut Random| one_of(random, [0, 1, 1, 2, u32::MAX]);
        Some(match random.below(16) {
            0 => Op::Load,
            1 | 2 => Op::Store(value(random)),
            3 => Op::Add(any(random)),
            4 => Op::Exchange { expected: value(random), value: value(random) },
            5..8 => Op::Notify(count(random)),
            8 | 9 => Op::StoreAndNotify(value(random), count(random)),
            10 => Op::AddAndNotify(any(random), count(random)),
            _ => Op::Wait { expected: value(random), micros: one_of(random, [0, 50, 300, 1500]) },
        })
    }

    fn perform(&self, _role: &mut Role, op: Op) -> Answer {
        let (view, to) = (&self.view, A::narrow);
        match op {
            Op::Load => Answer::Value(A::widen(atomics::load(view, 0).unwrap())),
            Op::Store(value) => {
                atomics::store(view, 0, to(value)).unwrap();
                Answer::Done
            }
            Op::Add(delta) => Answer::Value(A::widen(atomics::add(view, 0, to(delta)).unwrap())),
            Op::Exchange { expected, value } => {
                let before = atomics::compare_exchange(view, 0, to(expected), to(value));
                Answer::Value(A::widen(before.unwrap()))
            }
            Op::Notify(most) => Answer::Count(view.notify(0, most).unwrap()),
            Op::StoreAndNotify(value, most) => {
                Answer::Count(view.store_and_notify(0, to(value), most).unwrap())
            }
            Op::AddAndNotify(delta, most) => {
                let (before, woken) = view.add_and_notify(0, to(delta), most).unwrap();
                Answer::Both(A::widen(before), woken)
            }
            Op::Wait { expected, micros } => {
                let deadline = match micros {
                    0 => Deadline::PASSED,
                    _ => Deadline::after(Duration::from_micros(micros)),
                };
                let ended = view.wait_until(0, to(expected), deadline).unwrap();
                assert!(ended != Wait::TimedOut || deadline.has_passed(), "too early");
                Answer::Ended(ended)
            }
            Op::Die => die(),
        }
    }

    fn steps(&self, op: Op, answer: Option<Answer>, _who: &Who) -> Vec<Moment> {
        let (value, count) = match answer {
            Some(Answer::Value(value)) => (Some(value), None),
            Some(Answer::Count(count)) => (None, Some(count)),
            Some(Answer::Both(value, count)) => (Some(value), Some(count)),
            _ => (None, None),
        };
        match op {
            Op::Die => vec![],
            Op::Load => value.map(Moment::Load).into_iter().collect(),
            Op::Store(value) => vec![Moment::Store(value)],
            Op::Add(delta) => vec![Moment::Add { delta, told: value }],
            Op::Exchange { expected, value: to } => {
                vec![Moment::Exchange { expected, value: to, told: value }]
            }
            Op::Notify(most) => vec![Moment::Notify { most, told: count }],
            Op::StoreAndNotify(value, most) => {
                vec![Moment::Store(value), Moment::Notify { most, told: count }]
            }
            Op::AddAndNotify(delta, most) => {
                vec![Moment::Add { delta, told: value }, Moment::Notify { most, told: count }]
            }
            Op::Wait { expected, .. } => match answer {
                Some(Answer::Ended(Wait::NotEqual)) => vec![Moment::NotEqual(expected)],
                Some(Answer::Ended(Wait::TimedOut)) => vec![Moment::Equal(expected)],
                Some(_) => asleep::<A>(expected).chain([Moment::Wake]).collect(),
                None => asleep::<A>(expected).collect(),
            },
        }
    }
}

/// How one falls asleep.
fn asleep<A: Width>(expected: u64) -> impl Iterator<Item = Moment> {
    let look = (A::BITS == 64).then_some(Moment::Equal(expected));
    look.into_iter().chain([Moment::FallAsleep(expected)])
}
