//! The lock protocols that are known to be broken must turn the model red, each for its own reason.

use super::explore::{Until, WEDGED, explore};
use super::flaw::Flaw;
use super::lock::{LockModel, NOT_TOLD, TWO_OWNERS};
use super::menu::{A, B, How, Section, alone, around};
use support::figures::{Figure, record};

/// A flaw, and the smallest model that shows it.
struct KnownBad {
    flaw: Flaw,
    /// Who does what: see [`menu`].
    menu: Menu,
    processes: usize,
    /// With one kill less nothing is wrong.
    kills: usize,
    fault: &'static str,
}

#[derive(Clone, Copy)]
enum Menu {
    /// All lock.
    Locks,
    /// Some give up at a deadline.
    Until,
    /// Some hold A while they lock B.
    Nested,
}

fn menu(menu: Menu) -> Vec<Section> {
    let lock = |lock| alone(How::Lock, lock);
    match menu {
        Menu::Locks => vec![lock(A)],
        Menu::Until => vec![lock(A), alone(How::Until, A)],
        Menu::Nested => vec![lock(A), lock(B), around(How::Lock, A, lock(B))],
    }
}

const fn bad(
    flaw: Flaw,
    menu: Menu,
    processes: usize,
    kills: usize,
    fault: &'static str,
) -> KnownBad {
    KnownBad { flaw, menu, processes, kills, fault }
}

const KNOWN: [KnownBad; 21] = [
    bad(Flaw::ParkNotInsured, Menu::Locks, 3, 1, WEDGED),
    bad(Flaw::WordInsured, Menu::Locks, 3, 2, WEDGED),
    bad(Flaw::WordInsuredOldKernel, Menu::Locks, 3, 1, WEDGED),
    bad(Flaw::Classic, Menu::Locks, 3, 1, WEDGED),
    bad(Flaw::WaitersForgotten, Menu::Locks, 3, 0, WEDGED),
    bad(Flaw::UnlockStores, Menu::Locks, 2, 0, WEDGED),
    bad(Flaw::ClearedByCas, Menu::Locks, 4, 0, WEDGED),
    bad(Flaw::ClearedThenWoken, Menu::Locks, 4, 1, WEDGED),
    bad(Flaw::WokenThenCleared, Menu::Locks, 3, 0, WEDGED),
    bad(Flaw::NoChain, Menu::Locks, 3, 1, WEDGED),
    bad(Flaw::DeathNotPassedOn, Menu::Nested, 3, 1, WEDGED),
    bad(Flaw::LeavesSilently, Menu::Until, 4, 1, WEDGED),
    bad(Flaw::ComparedBeforeQueued, Menu::Locks, 2, 0, WEDGED),
    bad(Flaw::Unannounced, Menu::Locks, 2, 0, WEDGED),
    bad(Flaw::TakenWithoutWaiters, Menu::Locks, 4, 0, WEDGED),
    bad(Flaw::OwnerNotWatched, Menu::Locks, 2, 1, WEDGED),
    bad(Flaw::LiveNotCompared, Menu::Locks, 2, 1, WEDGED),
    bad(Flaw::AwakeTellsNobody, Menu::Nested, 3, 1, WEDGED),
    bad(Flaw::HeirNotTold, Menu::Locks, 2, 1, NOT_TOLD),
    bad(Flaw::DiedForgotten, Menu::Locks, 2, 1, NOT_TOLD),
    bad(Flaw::LateIsDead, Menu::Until, 2, 0, TWO_OWNERS),
];

#[test]
fn every_flaw_is_caught_and_with_one_kill_less_none() {
    let mut states = 0;
    for bad in &KNOWN {
        let model =
            |kills| LockModel::new(bad.processes, &menu(bad.menu)).kills(kills).flaw(bad.flaw);
        let red = model(bad.kills);
        let found = explore(&red, Until::Fault);
        let (fault, trace) = found.fault().unwrap_or_else(|| panic!("{:?} went unseen", bad.flaw));
        assert_eq!(fault, bad.fault, "{:?}\n{trace:#?}", bad.flaw);
        states += found.states() as u64;
        if let Some(fewer) = bad.kills.checked_sub(1) {
            let green = model(fewer);
            let found = explore(&green, Until::Complete);
            assert_eq!(found.fault(), None, "{:?} needs {} kills", bad.flaw, bad.kills);
            states += found.states() as u64;
        }
    }
    let caught = (Figure::KnownBadCaught, KNOWN.len() as u64);
    record("states: known-bad locks", &[caught, (Figure::ModelStates, states)]);
}

/// What looks like a flaw, and is none. They cost a wake that nobody needs; they stay, as they save a pulse after two kills.
#[test]
fn some_wakes_are_a_courtesy() {
    let ways = [How::Lock, How::Until, How::Try].map(|how| alone(how, A));
    let model = LockModel::new(3, &ways).flaw(Flaw::TryWithoutChain);
    assert_eq!(explore(&model, Until::Complete).fault(), None);
    let model = LockModel::new(3, &menu(Menu::Nested)).kills(1).flaw(Flaw::TakerTellsNobody);
    assert_eq!(explore(&model, Until::Complete).fault(), None);
}
