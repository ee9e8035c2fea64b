//! The seat protocols that are known to be broken must turn the model red, each for its own reason.

use super::flaw::Flaw;
use super::proofs::unexplained;
use super::state::{At, Id, Live, Process, Seat, State, Who};
use super::{SEAT_LOST, SeatModel, TWO_OCCUPANTS, TWO_OWNERS, WAITS_FOR_ITSELF};
use crate::explore::{Until, WEDGED, explore};
use support::figures::{Figure, record};

/// A flaw, and a small model that shows it. Of twins, or with the region closed, only if nothing less does.
struct KnownBad {
    flaw: Flaw,
    processes: usize,
    /// With one kill less nothing is wrong.
    kills: usize,
    threads: Threads,
    fault: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Threads {
    /// Each of its own id, with a seat that it leaves.
    Plain,
    /// All of one id.
    Twins,
    /// Whose region may be closed.
    Closing,
    /// Both.
    ClosingTwins,
}
use Threads::{Closing, ClosingTwins, Plain, Twins};

/// Not even the pulse helps.
const DOOMED: &str = "doomed";

const fn bad(
    flaw: Flaw,
    processes: usize,
    kills: usize,
    threads: Threads,
    fault: &'static str,
) -> KnownBad {
    KnownBad { flaw, processes, kills, threads, fault }
}

const KNOWN: [KnownBad; 22] = [
    bad(Flaw::CountedBeforeClaimed, 2, 0, Plain, TWO_OWNERS),
    bad(Flaw::SameName, 2, 0, Plain, WAITS_FOR_ITSELF),
    bad(Flaw::AliveAtOnce, 2, 0, Plain, TWO_OCCUPANTS),
    bad(Flaw::ClaimedByStore, 2, 0, Plain, TWO_OCCUPANTS),
    bad(Flaw::ClaimInsured, 3, 1, Twins, TWO_OCCUPANTS),
    bad(Flaw::ClaimedByTid, 2, 0, Plain, TWO_OCCUPANTS),
    bad(Flaw::ClaimedUnswept, 2, 0, Plain, TWO_OCCUPANTS),
    bad(Flaw::NamedLate, 2, 0, Plain, TWO_OCCUPANTS),
    bad(Flaw::LeftAtOnce, 3, 1, Twins, TWO_OWNERS),
    bad(Flaw::FreedBeforeUnlinked, 3, 1, Twins, TWO_OWNERS),
    bad(Flaw::LeavesSilently, 2, 0, Plain, WEDGED),
    bad(Flaw::LeavesLookingAlive, 2, 0, Plain, WEDGED),
    bad(Flaw::VacatedUncut, 3, 1, ClosingTwins, TWO_OWNERS),
    bad(Flaw::VacatedSilently, 2, 0, Closing, WEDGED),
    bad(Flaw::GenerationNotCompared, 2, 0, Plain, WEDGED),
    bad(Flaw::ClaimerLooksAlive, 2, 0, Plain, WEDGED),
    bad(Flaw::SweptByOldLook, 3, 1, Twins, TWO_OWNERS),
    bad(Flaw::SweptByFormer, 2, 0, Plain, TWO_OCCUPANTS),
    bad(Flaw::SweptIfAlive, 1, 1, Plain, SEAT_LOST),
    bad(Flaw::TwoSweepers, 3, 1, ClosingTwins, TWO_OWNERS),
    bad(Flaw::SweptSilently, 3, 1, Closing, WEDGED),
    bad(Flaw::PulseDoesNotAsk, 2, 1, Closing, DOOMED),
];

impl KnownBad {
    fn model(&self, kills: usize, flaw: Option<Flaw>) -> SeatModel {
        let twins = matches!(self.threads, Twins | ClosingTwins);
        let closes = matches!(self.threads, Closing | ClosingTwins);
        SeatModel { kills, twins, closes, flaw, claims: 2, ..SeatModel::new(self.processes) }
    }

    /// Whether the fault is found; how many states were visited, and how the trace reads.
    fn is_found(&self, model: &SeatModel) -> (bool, usize, String) {
        let found = explore(model, Until::Complete);
        let is = match self.fault {
            DOOMED => found.broken.is_none() && found.doomed() > 0,
            WEDGED => found.broken.is_none() && unexplained(&found).is_some(),
            promise => found.broken.is_some_and(|(broken, _)| broken == promise),
        };
        (is, found.states(), format!("{:#?}", found.fault()))
    }
}

#[test]
fn every_flaw_is_caught_and_with_one_kill_less_or_without_it_none() {
    let mut states = 0;
    for bad in &KNOWN {
        let (red, visited, trace) = bad.is_found(&bad.model(bad.kills, Some(bad.flaw)));
        assert!(red, "{:?} shows another fault, or none: {trace}", bad.flaw);
        states += visited;
        let fewer = bad.kills.checked_sub(1).map(|kills| bad.model(kills, Some(bad.flaw)));
        for model in fewer.into_iter().chain([bad.model(bad.kills, None)]) {
            let (red, visited, trace) = bad.is_found(&model);
            assert!(!red, "not by {:?} alone: {trace}", bad.flaw);
            states += visited;
        }
    }
    let caught = (Figure::KnownBadCaught, KNOWN.len() as u64);
    record("states: known-bad seats", &[caught, (Figure::ModelStates, states as u64)]);
}

/// What looks like a flaw, and is none. Whose node is not linked yet has no lock under the new name, so nobody waits for
/// it; and a sweeper frees the seat.
#[test]
fn a_node_may_be_linked_late() {
    let late = SeatModel { flaw: Some(Flaw::LinkedLate), ..SeatModel::new(3) };
    assert_eq!(explore(&late, Until::Complete).fault(), None);
}

/// Two are dead: an owner, and who swept its seat, before the wake. The first process sleeps on that seat, and the second
/// may come to it.
fn untold() -> State {
    let (owner, own) = (Some(Id { seat: 0, generation: 1 }), Some(Id { seat: 1, generation: 1 }));
    let live = |who, died| Live { who, died, watched: true };
    let swept = Seat { live: live(Who::Nobody, true), generation: 1, member: 3 };
    let taken = Seat { live: live(Who::Tid(1), false), generation: 1, member: 1 };
    let sleeper = Process {
        at: At::Asleep,
        own,
        seen: owner,
        linked: true,
        queued: true,
        watching: true,
        ..Process::OUT
    };
    State { seats: [swept, taken], owner, processes: [sleeper, Process::OUT, Process::GONE] }
}

/// Whether somebody can show himself in a seat while another sleeps on it for ever.
fn comes_unheard(flaw: Option<Flaw>) -> (bool, usize) {
    let model = SeatModel { initial: untold(), flaw, ..SeatModel::new(2) };
    let found = explore(&model, Until::Complete);
    assert_eq!(found.broken, None, "{flaw:?}");
    let shows = |state: &State, sleeper: &Process| {
        let live = sleeper.seen.map_or(Live::default(), |seen| state.seats[seen.seat].live);
        sleeper.at == At::Asleep && live.who != Who::Nobody && !live.died
    };
    let unheard = found.wedged.iter().map(|wedge| found.state(*wedge));
    let unheard =
        unheard.filter(|state| state.processes.iter().any(|p| shows(state, p))).count() > 0;
    (unheard, found.states())
}

#[test]
fn who_comes_is_heard_by_those_who_still_sleep_on_the_seat() {
    let flaws = [Flaw::WatchersForgotten, Flaw::ShownSilently];
    let (mut states, real) = (0, comes_unheard(None));
    assert!(!real.0);
    for flaw in flaws {
        let (unheard, visited) = comes_unheard(Some(flaw));
        assert!(unheard, "{flaw:?}");
        states += visited as u64;
    }
    let caught = (Figure::KnownBadCaught, flaws.len() as u64);
    record("states: seats that are taken unheard", &[caught, (Figure::ModelStates, states)]);
}
