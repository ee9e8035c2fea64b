//! Waiting and notifying.

use super::{some_count, some_deadline};
use crate::adversary::{answer, choose, is_there};
use crate::driver::Operation;
use crate::names::ME;
use crate::os::robust::RobustList;
use crate::os::{AtomicU32, AtomicU64, Relaxed};
use crate::region::world;
use crate::wait::{
    self, Deaf, Ears, Hearing, ONE, Outcome, Watched, Word, change_and_notify, kernel_words, notify,
};

pub(super) const ALL: &[Operation] = &[
    Operation { name: "wait on one word", share: 120, fuel: 20_000, act: wait_on_one },
    Operation { name: "wait on several words", share: 60, fuel: 20_000, act: wait_on_several },
    Operation { name: "notify", share: 40, fuel: 1_000, act: notify_some },
    Operation { name: "change and notify", share: 20, fuel: 20_000, act: change },
];

fn some_word() -> Watched<'static> {
    let (index, guard) = (choose(64), world().guard(answer(0) as usize));
    let word = match choose(2) {
        0 => Word::Narrow(world().word::<AtomicU32>(index), answer(0) as u32),
        _ => Word::Wide(world().word::<AtomicU64>(index), answer(0)),
    };
    Watched { word, guard }
}

/// Who hears that somebody is gone, or not.
fn ears() -> Hearing<impl Fn(u32) -> bool> {
    Hearing(|_name| is_there())
}

fn wait_on_one() {
    let words = [some_word()];
    match choose(2) {
        0 => wait_on::<ONE>(&words, &Deaf),
        _ => wait_on::<ONE>(&words, &ears()),
    }
}

fn wait_on_several() {
    let words = core::array::from_fn::<_, 3, _>(|_| some_word());
    const MOST: usize = 3 * 3;
    assert!(words.iter().map(|watched| kernel_words(&watched.word)).sum::<usize>() <= MOST);
    wait_on::<MOST>(&words, &Deaf);
}

fn wait_on<const N: usize>(words: &[Watched<'_>], ears: &impl Ears) {
    let outcome = wait::wait::<N>(words, ears, some_deadline());
    if let Outcome::Woken(index) | Outcome::NotEqual(index) = outcome {
        assert!(index < words.len(), "outside: {outcome:?}");
    }
}

fn notify_some() {
    let count = some_count() as u32;
    assert!(notify(some_word(), count) <= count);
}

fn change() {
    let word = world().word::<AtomicU32>(choose(64));
    let act = || word.fetch_add(1, Relaxed);
    change_and_notify(some_word(), some_count() as u32, ME.to_bits(), RobustList, &ears(), act);
}
