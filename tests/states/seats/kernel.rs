//! The kernel's part of the seat model: the watchers of a `live` word, and the exit walk of a killed process.

use super::Turn;
use super::name::Verb;
use super::state::{At, Id, Pending, Process, State, Who};

/// Wakes all watchers of a seat's `live` word.
pub fn wake_all(state: &mut State, seat: usize) {
    for process in &mut state.processes {
        process.watching &= !process.watches(seat);
    }
}

/// Wakes all who sleep at the lock.
pub fn wake_the_lock(state: &mut State) {
    for process in &mut state.processes {
        process.queued = false;
    }
}

/// A process at the moment of its death, without what does not matter any more.
pub fn dying(process: Process) -> Process {
    let Process { at, own, seen, linked, queued, watching, .. } = process;
    let pending = if at.is_waiting() { Pending::Park } else { process.pending };
    let own = own.filter(|own| linked || pending == Pending::Live || process.occupies(own.seat));
    let seen = seen.filter(|_| watching);
    let at = if queued || watching { At::Dying } else { At::List };
    Process { at, own, seen, linked, pending, queued, watching, ..Process::OUT }
}

/// The next step of a dead process: out of the queues, then the word on the list, then the pending word.
pub fn exit_walk(turn: &mut Turn<'_>) {
    let process = turn.process();
    match process.at {
        At::Dying => {
            let out = Process { queued: false, watching: false, seen: None, ..process };
            turn.becomes(Process { at: At::List, ..out });
        }
        At::List => list(turn, process),
        At::ListWake => wakes_one(turn, Process { at: At::Pending, linked: false, ..process }),
        At::Pending => pending(turn, process),
        At::PendingWake => wakes_one(turn, Process::GONE),
        _ => {}
    }
}

/// The state with the word of a seat flagged, if that holds the dead thread's TID.
fn flagged(turn: &Turn<'_>, seat: usize) -> Option<State> {
    let mut next = *turn.from;
    let live = &mut next.seats[seat].live;
    let is_its = live.who == turn.tid();
    (live.who, live.died) = (Who::Nobody, true);
    is_its.then_some(next)
}

fn list(turn: &mut Turn<'_>, process: Process) {
    let (wake, done) = (At::ListWake, Process { at: At::Pending, linked: false, ..process });
    let on_list = process.own.filter(|_| process.linked);
    match on_list.and_then(|Id { seat, .. }| Some((seat, flagged(turn, seat)?))) {
        Some((seat, next)) if next.seats[seat].live.watched => {
            turn.goes(next, Process { at: wake, ..process });
        }
        Some((_, next)) => turn.goes(next, done),
        None => turn.becomes(done),
    }
}

/// One sleeper is woken if the word held the TID and is watched, or if it names nobody.
fn pending(turn: &mut Turn<'_>, process: Process) {
    let mut next = *turn.from;
    match (process.pending, process.own) {
        (Pending::Live, Some(Id { seat, .. })) => {
            let found = flagged(turn, seat);
            let free = next.seats[seat].live.who == Who::Nobody;
            let wakes = found.map_or(free, |flagged| flagged.seats[seat].live.watched);
            let then =
                if wakes { Process { at: At::PendingWake, ..process } } else { Process::GONE };
            turn.goes(found.unwrap_or(next), then);
        }
        (Pending::Park, _) => {
            wake_the_lock(&mut next);
            turn.goes(next, Process::GONE);
        }
        _ => turn.becomes(Process::GONE),
    }
}

fn wakes_one(turn: &mut Turn<'_>, then: Process) {
    let seat = turn.process().own.expect("a seat").seat;
    let sleepers = turn.from.processes.iter().enumerate();
    let sleepers: Vec<_> =
        sleepers.filter(|(_, process)| process.watches(seat)).map(|(who, _)| who).collect();
    for &who in &sleepers {
        let mut next = *turn.from;
        next.processes[who].watching = false;
        turn.goes_as(Verb::Wakes(who), next, then);
    }
    if sleepers.is_empty() {
        turn.becomes(then);
    }
}
