//! The parts of `wait.rs`, one at a time. (Beside it, since models include that file.)

use super::wait::{Deaf, Hearing, ONE, Outcome, Watched, Word, wait};
use crate::Region;
use crate::os::clock::Deadline;
use crate::os::{AtomicU32, AtomicU64, Relaxed, futex};
use crate::region::{CHANGERS, Guard};
use std::thread;
use std::time::Duration;

fn nobody_is_gone() -> Hearing<impl Fn(u32) -> bool> {
    Hearing(|_| false)
}

fn guard() -> Guard {
    Guard {
        generation: AtomicU32::new(0),
        bell: AtomicU32::new(0),
        crowded: AtomicU32::new(0),
        changers: [const { AtomicU32::new(0) }; CHANGERS],
    }
}

#[test]
fn the_unequal_word_is_named_before_any_deadline() {
    let (guard, one, two) = (guard(), AtomicU32::new(1), AtomicU64::new(2 << 32));
    let words = |first, second| {
        [Word::Narrow(&one, first), Word::Wide(&two, second)]
            .map(|word| Watched { word, guard: &guard })
    };
    let look = |words: &[Watched<'_>]| wait::<5>(words, &nobody_is_gone(), Deadline::PASSED);
    assert_eq!(look(&words(0, 2 << 32)), Outcome::NotEqual(0));
    assert_eq!(look(&words(1, 2)), Outcome::NotEqual(1));
    assert_eq!(look(&words(1, 2 << 32)), Outcome::TimedOut);
    assert_eq!(wait::<5>(&words(1, 1), &Deaf, Deadline::NEVER), Outcome::NotEqual(1));
}

#[test]
fn a_ring_is_passed_on_to_all_and_ends() {
    let (guard, word) = (guard(), AtomicU32::new(0));
    let watched = Watched { word: Word::Narrow(&word, 0), guard: &guard };
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..4)
            .map(|_| {
                let soon = Deadline::after(Duration::from_millis(500));
                scope.spawn(move || wait::<ONE>(&[watched], &nobody_is_gone(), soon))
            })
            .collect();
        thread::sleep(Duration::from_millis(100));
        while futex::wake(&guard.bell, 1) == 0 {
            thread::yield_now(); // what the kernel does, as soon as somebody sleeps
        }
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Outcome::TimedOut);
        }
    });
    // Each that saw the first ring passes on at most once; nobody passes on what was passed on.
    assert_eq!(guard.bell.load(Relaxed), 1 << 30);
}

#[test]
fn a_dead_changer_is_noticed_by_who_was_notified_too_and_its_slot_freed() {
    let guard = guard();
    let ears = Hearing(|name| name == 77);
    guard.pass_on_for_the_dead(&ears);
    assert_eq!(guard.bell.load(Relaxed), 0, "nobody died");
    guard.changers[3].store(77, Relaxed);
    guard.changers[5].store(78, Relaxed);
    guard.pass_on_for_the_dead(&ears);
    assert_eq!(guard.bell.load(Relaxed), 1 << 30);
    let left = guard.changers.each_ref().map(|slot| slot.load(Relaxed));
    assert_eq!((left[3], left[5]), (0, 78), "the living keeps its slot");
}

#[test]
fn a_changer_without_a_slot_goes_on_and_says_so() {
    let guard = guard();
    let slots: Vec<_> = (1..=CHANGERS).map(|_| guard.name(5, &nobody_is_gone())).collect();
    assert!(slots.iter().all(Option::is_some) && guard.crowded.load(Relaxed) == 0);
    assert!(guard.name(5, &nobody_is_gone()).is_none());
    assert_eq!(guard.crowded.load(Relaxed), 1);
    assert!(guard.name(6, &Hearing(|name| name == 5)).is_some(), "the dead make room");
}

#[test]
fn a_name_of_no_seat_is_nobody_alive() {
    let region = Region::anonymous(4096).unwrap();
    let me = region.enter().unwrap().to_bits();
    assert!(!region.seat_is_gone(me));
    for nobody in [0, 1, me + (1 << 10), u32::MAX] {
        assert!(region.seat_is_gone(nobody));
    }
}
