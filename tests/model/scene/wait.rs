//! Scenes of wait and notify: some wait for a word to change, one changes it and is killed, and who outlives it lends a hand.

use super::{Act, Log, play_with_relief};
use crate::kernel::{Kernel, Rules};
use crate::model::payload::Payload;
use crate::os::clock::Deadline;
use crate::os::robust::RobustList;
use crate::os::{AtomicU32, AtomicU64, SeqCst};
use crate::process::{self, Fate, Process};
use crate::region::Guard;
use crate::view::wait::{
    Deaf, Hearing, ONE, Outcome, Watched, Word, change_and_notify, notify, wait,
};
use std::sync::Arc;

/// What a process does. The word is 0 at first; who waits expects that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// Waits, insured on the bell.
    Wait,
    /// The same, until its deadline.
    Until,
    /// Waits as who may not write: without the bell.
    Observe,
    /// Changes the word to each of these and notifies so many, as one.
    Change(&'static [u64], u32),
    /// Changes the upper half and notifies all; then stores the former upper half with another lower one, and notifies nobody.
    Flip,
    /// Writes the data and notifies so many; changes nothing.
    Tell(u32),
}

/// What a process does, and what befalls it.
pub(crate) type Part = (Role, Fate);

/// Of which width the word is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Width {
    Narrow,
    Wide,
}

struct Stage {
    kernel: Arc<Kernel>,
    guard: Guard,
    width: Width,
    narrow: AtomicU32,
    wide: AtomicU64,
    data: Payload,
}

/// Plays `parts`. Once the last is done or dead, another changes the word and notifies all, if it is still 0: nobody is owed
/// a wake until then, and everybody then. Of each process: `W` woken, `N` not equal, `t` timed out, a digit: how many it
/// woke, `x` killed; at the end what the other woke.
pub(crate) fn scene(rules: Rules, width: Width, parts: &[Part]) -> String {
    let count = parts.len();
    let kernel = Kernel::new(rules, count + 1);
    let stage = Arc::new(Stage {
        kernel: Arc::clone(&kernel),
        guard: Guard::default(),
        width,
        narrow: AtomicU32::new(0),
        wide: AtomicU64::new(0),
        data: Payload::default(),
    });
    let cast = |index: usize, role: Role, fate| {
        let stage = Arc::clone(&stage);
        let act: Act = Box::new(move |log| stage.perform(role, log));
        (Process::new(index, &kernel, fate), act)
    };
    let first = parts.iter().enumerate().map(|(index, part)| cast(index, part.0, part.1)).collect();
    let relief = cast(count, Role::Change(&[9], u32::MAX), Fate::LIVES);
    play_with_relief(first, || stage.holds(0).then_some(relief))
}

impl Stage {
    fn watched(&self, expected: u64) -> Watched<'_> {
        let word = match self.width {
            Width::Narrow => Word::Narrow(&self.narrow, narrow(expected)),
            Width::Wide => Word::Wide(&self.wide, expected),
        };
        Watched { word, guard: &self.guard }
    }

    fn holds(&self, value: u64) -> bool {
        match self.width {
            Width::Narrow => self.narrow.load(SeqCst) == narrow(value),
            Width::Wide => self.wide.load(SeqCst) == value,
        }
    }

    fn store(&self, value: u64) {
        match self.width {
            Width::Narrow => self.narrow.store(narrow(value), SeqCst),
            Width::Wide => self.wide.store(value, SeqCst),
        }
    }

    fn ears(&self) -> Hearing<impl Fn(u32) -> bool> {
        Hearing(|name: u32| self.kernel.is_gone(name as usize - 1))
    }

    fn perform(&self, role: Role, log: &Log) {
        match role {
            Role::Wait => self.wait(Deadline::NEVER, log),
            Role::Until => self.wait(Deadline::SOON, log),
            Role::Observe => {
                self.report(wait::<ONE>(&[self.watched(0)], &Deaf, Deadline::NEVER), log);
            }
            Role::Change(values, count) => {
                values.iter().for_each(|value| self.change(*value, count, log));
            }
            Role::Flip => {
                self.change(1 << 32, u32::MAX, log);
                self.store(1);
            }
            Role::Tell(count) => {
                self.data.write(1);
                say_count(notify(self.watched(0), count), log);
            }
        }
    }

    fn wait(&self, deadline: Deadline, log: &Log) {
        let _insured = list().insure(&self.guard.bell); // W1
        self.report(wait::<ONE>(&[self.watched(0)], &self.ears(), deadline), log);
    }

    fn report(&self, outcome: Outcome, log: &Log) {
        log.say(match outcome {
            Outcome::Woken(_) => 'W',
            Outcome::NotEqual(_) => 'N',
            Outcome::TimedOut => 't',
        });
        if outcome != Outcome::TimedOut {
            self.data.whole();
        }
    }

    fn change(&self, value: u64, count: u32, log: &Log) {
        let me = process::ask(Process::tid).expect("a process");
        let act = || self.store(value);
        let ((), woken) = change_and_notify(self.watched(0), count, me, list(), &self.ears(), act);
        say_count(woken, log);
    }
}

fn narrow(value: u64) -> u32 {
    u32::try_from(value).expect("a narrow value")
}

fn list() -> RobustList {
    RobustList::current().expect("a model's")
}

fn say_count(count: u32, log: &Log) {
    log.say(char::from_digit(count, 10).expect("few sleepers"));
}
