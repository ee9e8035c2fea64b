//! Histories of real processes, some of them killed, and whether they are linearizable.
//!
//! Two to four processes use one object at the same time, a few operations each; some are killed, at random moments or between
//! two instructions. What they did, and what they were told, is checked against a model of the object: there must be an order in
//! which it would have answered so, with what the dead had begun done or not, and nothing done behind a death.
//!
//! | what | model |
//! |---|---|
//! | the words of a view: atomics, wait and notify | [`word`] |
//! | two numbers under a lock | [`register`] |
//! | the ring of one producer and one consumer | [`ring`] |
//! | objects that are broken on purpose, and must be refused | [`broken`] |
//!
//! How it is played: [`crew`]. How it is checked: `support::linear`. What was told, and when: `support::record`.

mod broken;
mod crew;
mod explore;
mod register;
mod ring;
mod scene;
mod word;

use broken::{Fault, Mistaken, NotTaken, Plain, Silent};
use explore::{Pace, alone, explore, holds, is_refused};
use register::{Pair, Pairs};
use ring::Rings;
use sabha::Shared;
use sabha::sync::{Adaptive, Block, Mutex, Policy, Spin};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;
use support::child::Random;
use support::figures::{self, Figure};
use word::Words;

/// What a wait and a notify can say.
const WAITS: [&str; 4] = ["Ended Woken", "Ended NotEqual", "Ended TimedOut", "Count"];

#[test]
fn words_of_32_bits() {
    holds("words of 32 bits", 8, &WAITS, Words::<AtomicU32>::new);
}

#[test]
fn words_of_64_bits() {
    holds("words of 64 bits", 6, &WAITS, Words::<AtomicU64>::new);
}

/// What a lock can say.
const LOCKS: [&str; 6] =
    ["Had died false", "Had died true", "HeldBy", "TimedOut held by", "Deadlock", "Saw"];

fn pairs<P: Policy>() -> Pairs<Shared<Mutex<Pair, P>>> {
    Pairs::new()
}

#[test]
fn a_register_under_a_lock() {
    holds("a register, adaptive", 4, &LOCKS, pairs::<Adaptive>);
    holds("a register, blocking", 3, &LOCKS, pairs::<Block>);
    holds("a register, spinning", 3, &LOCKS, pairs::<Spin>);
}

/// What a ring can say.
const RINGS: [&str; 9] =
    ["Done", "Pushed", "Popped", "NotYet", "TimedOut", "Abandoned", "Closed", "TakenBy", "Count"];

#[test]
fn a_ring_and_who_takes_its_ends_over() {
    holds("a ring, adaptive", 6, &RINGS, Rings::<Adaptive>::new);
    holds("a ring, blocking", 5, &RINGS, Rings::<Block>::new);
}

#[test]
fn what_is_known_to_be_broken_is_refused() {
    let _alone = alone();
    is_refused("adds in two steps", None, || Mistaken::new(broken::adds_in_two_steps));
    is_refused("counts one too many", None, || Mistaken::new(broken::counts_one_too_many));
    is_refused("wakes by itself", None, || Mistaken::new(broken::wakes_by_itself));
    is_refused("a lock not taken", None, || Pairs(NotTaken::new()));
    is_refused("a lock that keeps a death to itself", Some(1), || Pairs(Silent::new()));
    let faults =
        [Fault::PublishesFirst, Fault::ReleasesFirst, Fault::FullByHearsay, Fault::ClosedByFlag];
    for fault in faults {
        is_refused(&format!("a ring: {fault:?}"), None, || Plain::new(fault));
    }
    let caught = 5 + faults.len() as u64;
    figures::record("linear: broken objects", &[(Figure::KnownBadCaught, caught)]);
}

#[test]
fn a_plain_ring_without_a_fault_is_not_refused() {
    let _alone = alone();
    let (share, plain) = (Duration::from_secs(1), || Plain::new(Fault::Nothing));
    let tally = explore(plain, share, Pace::Free, None, &mut Random::new(7));
    println!("a plain ring: {}", tally.expect("nothing is wrong with it"));
}
