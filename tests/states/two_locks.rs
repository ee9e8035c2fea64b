//! Two locks: what one owner's death means to those who sleep at both.
//!
//! A thread has one `live` word, watched from every lock that it holds, or held when the watcher fell asleep; and the kernel
//! wakes one watcher of it, which wakes the others (W5). With one kill that needs no pulse, however the locks are nested. With
//! two kills it can:
//! ```text
//! P0 holds A, P1 falls asleep at A, watching P0; P0 unlocks A (or still holds it), locks B; P2 falls asleep at B, watching P0;
//! P0 is killed, the kernel wakes P1 of the two; P1 is killed before W5; nobody else sleeps on A's `park`: P2 hears nothing.
//! ```
//! So a pulse is needed if, and only if, the one whom the kernel woke on behalf of another lock's sleepers is killed before it
//! has told them. (Were there another sleeper on A's `park` that watches P0, he would be woken by the kernel, and tell.) The
//! tests below find no wedge of any other kind.

use super::explore::{Explored, Model};
use super::lock::LockModel;
use super::menu::{A, B, How, Section, alone, around};
use super::proof::{needs_at_most_the_pulse, never_wedges};
use super::state::{At, State};
use support::long_form;

/// One lock after the other, without nesting.
fn apart() -> Vec<Section> {
    vec![alone(How::Lock, A), alone(How::Lock, B)]
}

/// B inside A.
fn nested() -> Vec<Section> {
    vec![alone(How::Lock, A), alone(How::Lock, B), around(How::Lock, A, alone(How::Lock, B))]
}

/// B inside A in every way, so that either lock may be given up.
fn nested_in_all_ways() -> Vec<Section> {
    vec![
        alone(How::Lock, A),
        alone(How::Until, B),
        around(How::Lock, A, alone(How::Until, B)),
        around(How::Lock, A, alone(How::Lock, B)),
        around(How::Until, A, alone(How::Try, B)),
    ]
}

/// B inside A, and A inside B by those who give up in time, so that no deadlock remains.
fn opposite() -> Vec<Section> {
    vec![around(How::Lock, A, alone(How::Lock, B)), around(How::Lock, B, alone(How::Until, A))]
}

#[test]
fn one_kill_needs_no_pulse() {
    let processes = 3;
    for (name, menu) in [
        ("apart", apart()),
        ("nested", nested()),
        ("nested in all ways", nested_in_all_ways()),
        ("in opposite orders", opposite()),
    ] {
        let model = LockModel::new(processes, &menu).kills(1);
        never_wedges(&format!("two locks {name}, {processes} processes, 1 kill"), &model);
    }
}

#[test]
fn more_kills_need_the_pulse_in_one_case_only() {
    for (name, menu) in
        [("apart", apart()), ("nested", nested()), ("in opposite orders", opposite())]
    {
        let model = LockModel::new(3, &menu);
        needs_the_pulse_for_an_untold_death(&format!("two locks {name}, 3 processes"), &model);
    }
}

#[test]
fn four_processes() {
    if long_form() {
        let model = LockModel::new(4, &apart());
        needs_the_pulse_for_an_untold_death("two locks apart, 4 processes", &model);
    }
}

fn needs_the_pulse_for_an_untold_death(proof: &str, model: &LockModel) {
    let found = needs_at_most_the_pulse(proof, model);
    assert!(!found.wedged.is_empty(), "the case is known, and must be found");
    for wedge in &found.wedged {
        let state = found.state(*wedge);
        assert!(is_an_untold_death(model, &state), "{:#?}\n{state:?}", found.trace(*wedge));
    }
    println!(
        "  {} states need the pulse, the first of them:\n    {}",
        found.wedged.len(),
        first_trace(&found)
    );
}

/// Two are dead; and every sleeper still watches the dead owner of its lock, who was flagged when it was not the one to be woken.
fn is_an_untold_death(model: &LockModel, state: &State) -> bool {
    let sleepers = state.processes.iter().filter(|process| process.at == At::Asleep);
    let mut untold = sleepers.map(|sleeper| {
        let owner = state.locks[model.lock_of(sleeper)].word.owner;
        sleeper.watching
            && sleeper.seen.owner == owner
            && state.processes[usize::from(owner) - 1].at == At::Gone
    });
    model.killed(state) >= 2 && untold.all(|is| is)
}

fn first_trace<M: Model>(found: &Explored<'_, M>) -> String {
    found.trace(found.wedged[0]).join("\n    ")
}
