//! The kernel's part of the lock model: the queues, and the exit walk of a killed process.
//!
//! A wake of one may hit any sleeper of the word, not the one that came first: with real-time threads the kernel does so, too.
//! So the queues need no order.

use super::flaw::Flaw;
use super::lock::{LockModel, Turn};
use super::name::Verb;
use super::state::{At, Process, State};

/// Whom a wake of one hit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Woke {
    Nobody,
    Process(usize),
}

/// Wakes one on the `park` of `lock`: every way in which that can end.
pub fn wake_one(model: &LockModel, from: &State, lock: usize) -> Vec<(Woke, State)> {
    wake_any(
        from,
        |process| process.parked && model.lock_of(process) == lock,
        |process| process.parked = false,
    )
}

/// Wakes one watcher of the `live` word of `owner`.
fn wake_watcher(from: &State, owner: u8) -> Vec<(Woke, State)> {
    wake_any(
        from,
        |process| process.watching && process.seen.owner == owner,
        |process| process.watching = false,
    )
}

fn wake_any(
    from: &State,
    sleeps: impl Fn(&Process) -> bool,
    wake: impl Fn(&mut Process),
) -> Vec<(Woke, State)> {
    let sleepers = from.processes.iter().enumerate().filter(|(_, process)| sleeps(process));
    let woken = sleepers.map(|(index, _)| {
        let mut next = *from;
        wake(&mut next.processes[index]);
        (Woke::Process(index), next)
    });
    let woken: Vec<_> = woken.collect();
    if woken.is_empty() { vec![(Woke::Nobody, *from)] } else { woken }
}

/// Wakes all on the `park` of `lock`.
pub fn wake_all(model: &LockModel, state: &mut State, lock: usize) {
    for process in &mut state.processes {
        process.parked &= model.lock_of(process) != lock;
    }
}

/// Wakes all watchers of the `live` word of `owner`.
pub fn wake_watchers(state: &mut State, owner: u8) {
    for process in &mut state.processes {
        process.watching &= process.seen.owner != owner;
    }
}

/// A process that has left one more queue; `park`'s first.
pub fn unqueued(process: Process) -> Process {
    if process.parked {
        Process { parked: false, ..process }
    } else {
        Process { watching: false, ..process }
    }
}

/// A process at the moment of its death. One that sleeps in no queue is flagged at once: until then it is, for the others, as
/// one that is not scheduled.
pub fn dying(model: &LockModel, process: Process) -> Process {
    let insured = process.at.is_insured() && !model.has(Flaw::ParkNotInsured);
    let queued = process.parked || process.watching;
    let at = if queued { At::Dying } else { At::Flagged };
    rest_of(model, Process { at, insured, ..process })
}

/// Without what does not matter any more.
fn rest_of(model: &LockModel, process: Process) -> Process {
    let Process { at, parked, watching, insured, .. } = process;
    let act = if parked || insured { model.menu.first_at(model.lock_of(&process)) } else { 0 };
    let mut rest = Process { at, parked, watching, insured, ..Process::begins(act) };
    if watching {
        rest.seen.owner = process.seen.owner;
    }
    rest
}

/// The next step of a dead process: out of the queues; `live` is flagged; one watcher of it is woken; then the pending word.
pub fn exit_walk(turn: &mut Turn<'_>) {
    let process = turn.process();
    match process.at {
        At::Dying if process.parked || process.watching => {
            let process = rest_of(turn.model, unqueued(process));
            turn.goes(Verb::Exits, *turn.from, process);
        }
        At::Dying => turn.goes(Verb::Exits, *turn.from, Process { at: At::Flagged, ..process }),
        At::Flagged => {
            let pending = Process { at: At::Pending, ..process };
            let next = if process.insured { pending } else { Process::GONE };
            for (woke, state) in wake_watcher(turn.from, turn.who as u8 + 1) {
                turn.goes(Verb::Wakes(woke), state, next);
            }
        }
        At::Pending => pending(turn),
        _ => {}
    }
}

/// The word of `list_op_pending`: one sleeper is woken if its low 30 bits are 0 (they never are the dead's TID).
fn pending(turn: &mut Turn<'_>) {
    let lock = turn.lock();
    let word = turn.from.locks[lock].word;
    let wakes = match turn.model.flaw {
        Some(Flaw::WordInsured | Flaw::Classic) => word.owner == 0,
        Some(Flaw::WordInsuredOldKernel) => word == Default::default(),
        _ => true, // `park` is 0
    };
    if !wakes {
        return turn.goes(Verb::Exits, *turn.from, Process::GONE);
    }
    for (woke, state) in wake_one(turn.model, turn.from, lock) {
        turn.goes(Verb::Wakes(woke), state, Process::GONE);
    }
}
