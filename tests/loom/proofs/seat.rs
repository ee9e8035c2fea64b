//! Seats: how they are taken and given up, and how others see it.

use crate::explore::{Depth, Report, bound, explore, killed_everywhere};
use crate::kernel::Rules;
use crate::process::Fate;
use crate::scene::seat::{Part, Role, scene};

const PULSE: Rules = Rules { pulse: true, ..Rules::PLAIN };

fn alive(roles: &[Role]) -> Vec<Part> {
    roles.iter().map(|role| (*role, Fate::LIVES)).collect()
}

/// The process of this index with each fate.
fn killed(rules: Rules, depth: Depth, who: usize, roles: &'static [Role]) -> Report {
    killed_everywhere(depth, move |fate| {
        let mut parts = alive(roles);
        parts[who].1 = fate;
        scene(rules, &parts)
    })
}

fn all(depth: Depth, roles: &'static [Role]) -> Report {
    explore(depth, move || scene(Rules::PLAIN, &alive(roles)))
}

#[test]
fn one_of_two_gets_a_seat_that_becomes_free() {
    let report = all(bound(3, 4), &[Role::Leave, Role::ComeAndLeave, Role::Come]);
    let legal = ["l f f s", "l f s f", "l sl f s", "l sl s f"];
    report.census("seat: one of two gets it", &legal);
}

#[test]
fn who_sleeps_on_an_occupant_hears_that_it_leaves_or_dies() {
    let watched = &[Role::Leave, Role::Watch, Role::Watch];
    let report = killed(Rules::PLAIN, bound(1, 2), 0, watched);
    report.census("seat: a leaver is killed, two watch", &["l g g s", "x g g s"]);
    let report = killed(Rules::PLAIN, bound(1, 2), 1, watched);
    report.census("seat: one of two who watch is killed", &["l g g s", "l x g s"]);
}

#[test]
fn who_sleeps_on_an_occupant_hears_of_it_through_the_next() {
    let report = killed(Rules::PLAIN, bound(2, 3), 0, &[Role::Leave, Role::Watch, Role::Come]);
    let legal = ["l g f s", "l g s f", "x g f s", "x g s f"];
    report.census("seat: a leaver is killed, one watches, one comes", &legal);
    let report = killed(Rules::PLAIN, bound(1, 2), 1, &[Role::Leave, Role::Come, Role::Watch]);
    report.census("seat: a comer is killed, one watches", &["l f g s", "l s g f", "l x g s"]);
}

#[test]
fn the_seat_of_a_thread_that_has_ended_is_vacated() {
    let report = all(bound(3, 4), &[Role::Vacate, Role::Watch, Role::Come]);
    report.census("seat: vacated", &["l g f s", "l g s f"]);
    let report = killed(PULSE, bound(2, 3), 0, &[Role::Vacate, Role::Watch, Role::Come]);
    let legal = ["l g f s", "l g s f", "x g f s", "x g s f"];
    report.census("seat: who vacates is killed", &legal);
    let report = all(bound(3, 4), &[Role::VacateLate, Role::Come]);
    report.census("seat: vacated too late", &["l s f"]);
}

#[test]
fn a_name_is_never_anothers() {
    let report = all(bound(3, 4), &[Role::Leave, Role::Come, Role::Ask]);
    report.census("seat: asked for a name", &["l f o s", "l s o f", "l s u f"]);
}

#[test]
fn a_dead_ones_seat_is_swept_and_a_living_ones_is_not() {
    let report = killed(Rules::PLAIN, bound(2, 3), 0, &[Role::Leave, Role::Sweep, Role::Come]);
    let legal = ["l  f s", "l  s f", "x  f s", "x  s f"];
    report.census("seat: a leaver is killed, one sweeps, one comes", &legal);
    let report = killed(Rules::PLAIN, bound(2, 3), 1, &[Role::Leave, Role::Come, Role::Sweep]);
    report.census("seat: a comer is killed, one sweeps", &["l f  s", "l s  f", "l x  s"]);
    let report = killed(Rules::PLAIN, bound(2, 3), 1, &[Role::Leave, Role::Sweep, Role::Come]);
    let legal = ["l  f s", "l  s f", "l x f s", "l x s f"];
    report.census("seat: a sweeper is killed, one comes", &legal);
    let roles = &[Role::Gone, Role::Come, Role::Sweep, Role::Come];
    let report = killed(Rules::PLAIN, bound(1, 2), 1, roles);
    println!("{report:?}");
}
