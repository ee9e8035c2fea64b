//! Scenes of one seat: processes come, leave, sleep until its occupant is gone, and sweep; one of them is killed.

use super::{Act, Log, play};
use crate::kernel::{Kernel, Rules};
use crate::model::payload::Payload;
use crate::os::clock::Deadline;
use crate::os::futex::{self, Slept};
use crate::process::{self, Fate, Process};
use crate::seat::assembly::{Assembly, Seats};
use crate::seat::id::{MemberId, SeatId};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// What a process does with the seat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// Has sat there before others begin; changes what its locks protect; leaves.
    Leave,
    /// The same as a thread that has ended without leaving; another of its process frees the seat.
    Vacate,
    /// The same, too late: the thread has left before others begin.
    VacateLate,
    /// Has left before others begin; nothing more.
    Gone,
    /// Takes the seat if it is free, and stays.
    Come,
    /// The same, and leaves.
    ComeAndLeave,
    /// Sleeps until who sat there before others began is gone.
    Watch,
    /// Asks who it was that sat there before others began.
    Ask,
    /// Frees the seat if its occupant's process is gone.
    Sweep,
}

/// What a process does, and what befalls it.
pub(crate) type Part = (Role, Fate);

struct Stage {
    assembly: Arc<Assembly>,
    kernel: Arc<Kernel>,
    /// What only the occupant may touch.
    own: Payload,
    /// What the first's locks protect: who sees that it is gone may look.
    kept: Payload,
    /// All names so far.
    names: Mutex<BTreeSet<u32>>,
    /// Who sat there before others began, and its name.
    first: SeatId,
}

/// Where it is.
const SLOT: u32 = 0;
/// The process that sits there first.
const FIRST: usize = 0;

/// Plays `parts`, of whom the first has had the seat from the start, and is told of last; then a newcomer sweeps and comes. Of each process: `s`
/// sits, `l` has left, `f` found somebody there, `g` saw that the first is gone, `o` knows the first by name, `u` does not
/// any more, `x` killed.
pub(crate) fn scene(rules: Rules, parts: &[Part]) -> String {
    let newcomer = parts.len();
    let kernel = Kernel::new(rules, newcomer + 1);
    let assembly = Assembly::new(1, &kernel);
    let cast = |index: usize, fate| Process::new(index, &kernel, fate);
    let mut processes: Vec<_> =
        parts.iter().enumerate().map(|(index, part)| cast(index, part.1)).collect();
    let first = processes[FIRST].prepare(|| assembly.seats().claim(SLOT)).expect("a free seat");
    match parts[FIRST].0 {
        Role::Vacate => drop(processes[FIRST].list.take()),
        Role::VacateLate | Role::Gone => processes[FIRST].prepare(|| assembly.seats().leave(first)),
        _ => {}
    }
    let stage = Arc::new(Stage {
        assembly,
        kernel: Arc::clone(&kernel),
        own: Payload::default(),
        kept: Payload::default(),
        names: Mutex::new(BTreeSet::from([first.to_bits()])),
        first,
    });
    let cast = processes.into_iter().zip(parts).map(|(process, &(role, _))| {
        let stage = Arc::clone(&stage);
        let act: Act = Box::new(move |log| stage.perform(role, log));
        (process, act)
    });
    let mut cast: Vec<_> = cast.collect();
    cast.rotate_left(1); // a checker lets the last begin
    let told = play(cast);
    let last = Process::new(newcomer, &kernel, Fate::LIVES);
    let act: Act = Box::new(move |log| {
        stage.perform(Role::Sweep, log);
        stage.perform(Role::Come, log);
    });
    told + " " + &play(vec![(last, act)])
}

impl Stage {
    fn seats(&self) -> &Seats {
        self.assembly.seats()
    }

    fn perform(&self, role: Role, log: &Log) {
        match role {
            Role::Leave => {
                self.kept.write(1);
                self.leave(self.first, log);
            }
            Role::Vacate => {
                self.kept.write(1);
                self.own.write(self.own.read().0 + 1);
                self.vacate(log);
            }
            Role::VacateLate => self.vacate(log),
            Role::Gone => {}
            Role::Come => drop(self.come(log)),
            Role::ComeAndLeave => {
                if let Some(id) = self.come(log) {
                    self.leave(id, log);
                }
            }
            Role::Watch => self.watch(log),
            Role::Ask => self.ask(log),
            Role::Sweep => {
                self.seats().sweep(SLOT, |member| self.kernel.is_gone(member.slot() as usize))
            }
        }
    }

    fn come(&self, log: &Log) -> Option<SeatId> {
        let Some(id) = self.seats().claim(SLOT) else {
            log.say('f');
            return None;
        };
        self.own.write(self.own.read().0 + 1);
        let is_new = self.names.lock().expect("no panic inside").insert(id.to_bits());
        assert!(is_new, "two of one name");
        if let Some(me) = process::ask(|me| me.tid()) {
            let known = self.seats().occupant(id);
            assert_eq!(known, Some((MemberId::new(me - 1, 1), me)), "another under my name");
        }
        log.say('s');
        Some(id)
    }

    fn vacate(&self, log: &Log) {
        self.seats().vacate(self.first);
        log.say('l');
    }

    fn leave(&self, id: SeatId, log: &Log) {
        self.own.write(self.own.read().0 + 1);
        self.seats().leave(id);
        log.say('l');
    }

    fn watch(&self, log: &Log) {
        while let Some((live, seen)) = self.seats().alive(self.first) {
            let slept = futex::wait(live, seen, Deadline::PULSE);
            if slept == Slept::TimedOut && self.assembly.process_of_seat_is_gone(self.first) {
                break;
            }
        }
        self.seats().pass_on_death(self.first);
        self.kept.read();
        log.say('g');
    }

    fn ask(&self, log: &Log) {
        let Some((member, tid)) = self.seats().occupant(self.first) else { return log.say('u') };
        assert_eq!((member, tid), (MemberId::new(0, 1), 1), "another's name under the first's");
        log.say('o');
    }
}
