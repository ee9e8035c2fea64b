//! Scenes of the seat lock: processes take turns at data of two words, and one or more of them are killed.

use super::{Act, Log, play};
use crate::kernel::{Kernel, Rules};
use crate::model::payload::Payload;
use crate::os::clock::Deadline;
use crate::process::{Fate, Process};
use crate::seat::assembly::Assembly;
use crate::seat::lock::{Got, RawLock, Refused};
use crate::seat::policy::{Adaptive, Block, Spin};
use std::sync::Arc;

/// What a process does with the lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// Locks, blocking, changes the data and unlocks.
    Lock,
    /// The same, if nobody has it.
    Try,
    /// The same, until its deadline.
    Until,
    /// Locks by spinning.
    Spin,
    /// As `Lock`, and takes its seat only now.
    Sit,
    /// As `Lock`, and does not say that the data is consistent if it was told of a death.
    Negligent,
}

/// What one process does, and what befalls it.
pub(crate) type Part = (&'static [Turn], Fate);

#[derive(Default)]
struct Stage {
    lock: RawLock,
    data: Payload,
}

/// Plays `parts`, then asks a newcomer to lock. Of each process: `c` got it, `d` got it and was told of a death, `t` timed
/// out, `h` held by another, `x` killed.
pub(crate) fn scene(rules: Rules, parts: &[Part]) -> String {
    let newcomer = parts.len();
    let kernel = Kernel::new(rules, newcomer + 1);
    let assembly = Assembly::new(newcomer + 1, &kernel);
    let stage = Arc::new(Stage::default());
    let seated = |index: usize, turns: &[Turn], fate| {
        let mut process = Process::new(index, &kernel, fate);
        match turns {
            [Turn::Sit, ..] => assembly.let_in(&mut process),
            _ => assembly.seat(&mut process),
        }
        process
    };
    let cast = parts.iter().enumerate().map(|(index, &(turns, fate))| {
        let stage = Arc::clone(&stage);
        let act: Act = Box::new(move |log| turns.iter().for_each(|turn| stage.take(*turn, log)));
        (seated(index, turns, fate), act)
    });
    let told = play(cast.collect());
    let last = seated(newcomer, &[Turn::Try], Fate::LIVES);
    let stage = Arc::clone(&stage);
    told + " " + &play(vec![(last, Box::new(move |log| stage.take(Turn::Try, log)))])
}

impl Stage {
    fn take(&self, turn: Turn, log: &Log) {
        let got = match turn {
            Turn::Try => self.lock.try_lock(),
            Turn::Until => self.lock.lock::<Adaptive>(Deadline::SOON),
            _ if self.lock.lock_at_once() => Ok(Got::Clean),
            Turn::Spin => self.lock.lock::<Spin>(Deadline::NEVER),
            Turn::Lock | Turn::Sit | Turn::Negligent => self.lock.lock::<Block>(Deadline::NEVER),
        };
        match got {
            Ok(got) => self.change(got, turn != Turn::Negligent, log),
            Err(Refused::TimedOut(_)) => log.say('t'),
            Err(Refused::Held(_)) => log.say('h'),
            Err(refused @ (Refused::Deadlock(_) | Refused::Seat(_))) => panic!("{refused:?}"),
        }
    }

    fn change(&self, got: Got, diligent: bool, log: &Log) {
        let value = match got {
            Got::Clean => {
                log.say('c');
                self.data.whole()
            }
            Got::OwnerDied => {
                log.say('d');
                self.data.read().0
            }
        };
        self.data.write(value + 1);
        if got == Got::OwnerDied && diligent {
            self.lock.mark_consistent();
        }
        self.lock.unlock();
    }
}
