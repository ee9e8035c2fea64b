//! The futex: sleeps end as they like.

use super::clock::Deadline;
use super::{AtomicU32, AtomicU64, Relaxed};
use crate::adversary::{Sleep, answer, choose, sleep};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Slept {
    Woken(usize),
    Disturbed,
    TimedOut,
}

/// One word of a sleep on several.
#[derive(Clone, Copy)]
pub(crate) struct Watch;

impl Watch {
    pub(crate) const UNUSED: Self = Self;

    pub(crate) fn new(_: &AtomicU32, _expected: u32) -> Self {
        Self
    }

    pub(crate) fn compare(_: &AtomicU32, _expected: u32) -> Self {
        Self
    }
}

#[allow(unsafe_code, reason = "as the real one")]
pub(crate) fn halves(word: &AtomicU64) -> [&AtomicU32; 2] {
    let halves = core::ptr::from_ref(word).cast::<[AtomicU32; 2]>();
    // SAFETY: the same live bytes, aligned to more than enough.
    unsafe { &*halves }.each_ref()
}

pub(crate) fn wait(_: &AtomicU32, _expected: u32, deadline: Deadline) -> Slept {
    asleep(1, deadline)
}

pub(crate) fn wait_any(watches: &[Watch], deadline: Deadline) -> Slept {
    assert!(!watches.is_empty(), "the kernel refuses to sleep on nothing");
    asleep(watches.len(), deadline)
}

fn asleep(words: usize, deadline: Deadline) -> Slept {
    match sleep(deadline.end()) {
        Sleep::Woken => Slept::Woken(choose(words as u64) as usize),
        Sleep::Disturbed => Slept::Disturbed,
        Sleep::Over => Slept::TimedOut,
    }
}

pub(crate) fn wake(word: &AtomicU32, count: u32) -> u32 {
    word.load(Relaxed); // it must be one
    (answer(0) as u32).min(count)
}

pub(crate) fn wake_all_and_clear_bit(queue: &AtomicU32, word: &AtomicU32, bit: u32) -> u32 {
    word.store(bit, Relaxed);
    wake(queue, u32::MAX)
}

pub(crate) fn wake_and_add_two(queue: &AtomicU32, count: u32, counter: &AtomicU32) -> u32 {
    counter.store(2, Relaxed);
    wake(queue, count)
}

pub(crate) fn wake_all_and_count(bell: &AtomicU32) -> u32 {
    wake_all_and_clear_bit(bell, bell, 30)
}
