//! The futex calls. What they do stands in the [kernel](crate::kernel); a SIGKILL finds each done or not begun, or its
//! caller asleep.

use super::atomic::Change;
use super::clock::Deadline;
use super::{AtomicU32, AtomicU64};
use crate::alter::{What, altered_here, here};
use crate::kernel::{Kernel, Queued, Sleeper};
use crate::process;
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Slept {
    Woken(usize),
    Disturbed,
    TimedOut,
}

pub(crate) const WORDS_MAX: usize = 128;

/// Sleeps while `*word == expected`.
#[track_caller]
pub(crate) fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> Slept {
    wait_any(&[Watch::new(word, expected)], deadline)
}

#[derive(Clone, Copy)]
pub(crate) struct Watch {
    pub(crate) word: *const AtomicU32,
    pub(crate) expected: u32,
    /// Whether it is queued, or only compared.
    pub(crate) queued: bool,
}

impl Watch {
    #[track_caller]
    pub(crate) fn new(word: &AtomicU32, expected: u32) -> Self {
        Self { word, expected, queued: true }.unless_dropped()
    }

    #[track_caller]
    pub(crate) fn compare(word: &AtomicU32, expected: u32) -> Self {
        Self { word, expected, queued: false }.unless_dropped()
    }

    #[track_caller]
    fn unless_dropped(self) -> Self {
        if altered_here() == Some(What::Nothing) { Self::UNUSED } else { self }
    }

    pub(crate) const UNUSED: Self = Self { word: core::ptr::null(), expected: 0, queued: false };
}

pub(crate) fn halves(word: &AtomicU64) -> [&AtomicU32; 2] {
    word.halves.each_ref()
}

/// Sleeps while every word holds what is expected. They are compared and queued in order.
#[track_caller]
pub(crate) fn wait_any(watches: &[Watch], deadline: Deadline) -> Slept {
    here();
    if !process::step() {
        return Slept::Disturbed;
    }
    let kernel = kernel();
    let sleeper = Sleeper::new();
    for (index, watch) in watches.iter().enumerate() {
        if kernel.queue_up(&sleeper, index, watch) == Queued::Differs {
            return came_to(kernel.leave(&sleeper, watches), Slept::Disturbed);
        }
    }
    let dies = process::is_to_die(); // asleep, after whatever others do until then
    if !dies && !deadline.ends_sleep() {
        kernel.sleep(&sleeper, deadline == Deadline::PULSE);
    }
    let woken = kernel.leave(&sleeper, watches);
    if dies {
        process::die();
    }
    came_to(woken, Slept::TimedOut)
}

fn came_to(woken: Option<usize>, otherwise: Slept) -> Slept {
    process::ask(|me| me.back.set(woken.is_some()));
    woken.map_or(otherwise, Slept::Woken)
}

/// Wakes up to `count` sleepers of `word` in the order of their coming; how many there were.
#[track_caller]
pub(crate) fn wake(word: &AtomicU32, count: u32) -> u32 {
    let dropped = here() == Some(What::Nothing);
    if !process::step() || dropped { 0 } else { kernel().wake(word, count) }
}

/// Wakes everybody on `queue` and clears bit `bit` of `word`, in one step.
#[track_caller]
pub(crate) fn wake_all_and_clear_bit(queue: &AtomicU32, word: &AtomicU32, bit: u32) -> u32 {
    wake_op(queue, u32::MAX, word, Change::And(!(1 << bit)), here())
}

/// Wakes up to `count` sleepers of `queue` and adds 2 to `counter`, in one step.
#[track_caller]
pub(crate) fn wake_and_add_two(queue: &AtomicU32, count: u32, counter: &AtomicU32) -> u32 {
    wake_op(queue, count, counter, Change::Add(2), here())
}

/// Wakes everybody on `bell` and adds 1 to its two top bits, in one step.
#[track_caller]
pub(crate) fn wake_all_and_count(bell: &AtomicU32) -> u32 {
    wake_op(bell, u32::MAX, bell, Change::Add(1 << 30), here())
}

fn wake_op(
    queue: &AtomicU32,
    count: u32,
    word: &AtomicU32,
    change: Change<u32>,
    altered: Option<What>,
) -> u32 {
    if !process::step() || altered == Some(What::Nothing) {
        return 0;
    }
    kernel().wake_op(queue, count, word, change)
}

fn kernel() -> Arc<Kernel> {
    process::ask(|me| Arc::clone(&me.kernel)).expect("only a process calls the kernel")
}
