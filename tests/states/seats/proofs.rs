//! What is asked of the seats, and where the pulse has a part.
//!
//! Threads whose ids differ, that come once and close no region while they have a seat, need no pulse, whoever is killed.
//! Else a sleeper can need it, always at the lock of an owner that is gone, and for one of three reasons:
//! * [`Why::SameId`]: `live` holds no generation. Who asked for the owner, and was stopped before the kernel compared
//!   `live`, sleeps on the word of a later occupant whose thread has the same id: the former one come again, or a twin.
//! * [`Why::Unflagged`]: the owner's process was killed between V1 and V2, when the kernel could not flag the seat.
//! * [`Why::Untold`]: who gave a seat back for another thread, or swept it, was killed between its CAS and its wake.

use super::SeatModel;
use super::state::{At, Process, Seat, State, Who};
use crate::explore::Explored;
use crate::proof::{needs_at_most_the_pulse, never_wedges};
use support::long_form;

/// Why a sleeper needs the pulse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Why {
    SameId,
    Unflagged,
    Untold,
}

/// What `sleeper`, which nobody will wake, finds at the owner that it watches; `None` if it should not sleep.
fn why(model: &SeatModel, state: &State, sleeper: &Process) -> Option<Why> {
    let seen = sleeper.seen.filter(|_| sleeper.seen == state.owner)?;
    let Seat { live, generation, member } = state.seats[seen.seat];
    let killed = model.killed(state);
    let looks_alive = live.who != Who::Nobody && !live.died;
    let is_swept = live.who == Who::Nobody && live.died;
    match (looks_alive, generation == seen.generation) {
        (true, true) => (model.closes && model.is_gone(state, member)).then_some(Why::Unflagged),
        (true, false) if model.twins || model.returns => Some(Why::SameId),
        _ if !model.closes || killed == 0 => None,
        _ if is_swept && killed == 1 => None, // the one that was swept: its sweeper lives
        _ => Some(Why::Untold),
    }
}

/// A wedged state with a sleeper that should not sleep.
pub fn unexplained(found: &Explored<'_, SeatModel>) -> Option<u32> {
    let is_unexplained = |wedge: &&u32| {
        let state = found.state(**wedge);
        let mut sleepers = state.processes.iter().filter(|process| process.at == At::Asleep);
        sleepers.any(|sleeper| why(found.model, &state, sleeper).is_none())
    };
    found.wedged.iter().find(is_unexplained).copied()
}

/// `reasons` are all there are, and there are all of them.
fn needs_the_pulse_for(reasons: &[Why], proof: &str, model: &SeatModel) {
    let found = needs_at_most_the_pulse(proof, model);
    let mut met = Vec::new();
    for wedge in &found.wedged {
        let state = found.state(*wedge);
        for sleeper in state.processes.iter().filter(|process| process.at == At::Asleep) {
            let why = why(model, &state, sleeper);
            let known = why.filter(|why| reasons.contains(why));
            let known = known.unwrap_or_else(|| {
                panic!("{proof}: {why:?}: {:#?}\n{state:?}", found.trace(*wedge))
            });
            if !met.contains(&known) {
                let trace = found.trace(*wedge).join("\n    ");
                println!("  {known:?} needs the pulse, for one:\n    {trace}");
                met.push(known);
            }
        }
    }
    assert!(reasons.iter().all(|reason| met.contains(reason)), "{proof}: {met:?} of {reasons:?}");
}

#[test]
fn threads_that_come_and_go_need_no_pulse() {
    never_wedges("seats, 3 processes", &SeatModel::new(3));
}

#[test]
fn threads_that_have_one_id() {
    let model = SeatModel { twins: true, ..SeatModel::new(3) };
    needs_the_pulse_for(&[Why::SameId], "seats, 3 processes of one thread id", &model);
}

#[test]
fn threads_whose_region_is_closed() {
    use Why::{SameId, Unflagged, Untold};
    let model = SeatModel { closes: true, ..SeatModel::new(3) };
    needs_the_pulse_for(&[Unflagged, Untold], "seats, 3 processes that close", &model);
    let model = SeatModel { twins: true, ..model };
    let proof = "seats, 3 processes of one thread id that close";
    needs_the_pulse_for(&[SameId, Unflagged, Untold], proof, &model);
}

#[test]
fn threads_that_return() {
    let claims = if long_form() { 4 } else { 2 };
    let model = SeatModel { returns: true, claims, ..SeatModel::new(3) };
    needs_the_pulse_for(&[Why::SameId], "seats, 3 processes that return", &model);
}

#[test]
fn threads_that_return_and_close() {
    use Why::{SameId, Unflagged, Untold};
    let claims = if long_form() { 3 } else { 2 };
    let model = SeatModel { returns: true, closes: true, twins: true, claims, ..SeatModel::new(3) };
    let proof = "seats, 3 processes of one thread id that return and close";
    needs_the_pulse_for(&[SameId, Unflagged, Untold], proof, &model);
}
