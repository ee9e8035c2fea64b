//! Seats: how they are taken and given up, and how others see it.

use crate::explore::Depth::Unbounded;
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
    let legal = ["f f l s", "f s l f", "sl f l s", "sl s l f"];
    report.census("seat: one of two gets it", &legal);
}

#[test]
fn who_sleeps_on_an_occupant_hears_that_it_leaves_or_dies() {
    let watched = &[Role::Leave, Role::Watch, Role::Watch];
    let report = killed(Rules::PLAIN, bound(2, 2), 0, watched);
    report.census("seat: a leaver is killed, two watch", &["g g l s", "g g x s"]);
    let report = killed(Rules::PLAIN, bound(1, 2), 1, watched);
    report.census("seat: one of two who watch is killed", &["g g l s", "x g l s"]);
}

#[test]
fn who_sleeps_on_an_occupant_hears_of_it_through_the_next() {
    let report = killed(Rules::PLAIN, bound(2, 3), 0, &[Role::Leave, Role::Watch, Role::Come]);
    let legal = ["g f l s", "g s l f", "g f x s", "g s x f"];
    report.census("seat: a leaver is killed, one watches, one comes", &legal);
    let report = killed(Rules::PLAIN, bound(1, 2), 1, &[Role::Leave, Role::Come, Role::Watch]);
    report.census("seat: a comer is killed, one watches", &["f g l s", "s g l f", "x g l s"]);
}

#[test]
fn the_seat_of_a_thread_that_has_ended_is_vacated() {
    let report = all(bound(2, 3), &[Role::Vacate, Role::Watch, Role::Come]);
    report.census("seat: vacated", &["g f l s", "g s l f"]);
    let report = killed(PULSE, bound(2, 3), 0, &[Role::Vacate, Role::Watch, Role::Come]);
    let legal = ["g f l s", "g s l f", "g f x s", "g s x f"];
    report.census("seat: who vacates is killed", &legal);
    let report = all(bound(3, 4), &[Role::VacateLate, Role::Come]);
    report.census("seat: vacated too late", &["s l f"]);
}

#[test]
fn a_name_is_never_anothers() {
    let report = all(bound(3, 4), &[Role::Leave, Role::Come, Role::Ask]);
    report.census("seat: asked for a name", &["f o l s", "s o l f", "s u l f"]);
}

#[test]
fn a_dead_ones_seat_is_swept_and_a_living_ones_is_not() {
    let report = killed(Rules::PLAIN, bound(2, 3), 0, &[Role::Leave, Role::Sweep, Role::Come]);
    let legal = [" f l s", " s l f", " f x s", " s x f"];
    report.census("seat: a leaver is killed, one sweeps, one comes", &legal);
    let report = killed(Rules::PLAIN, bound(2, 3), 1, &[Role::Leave, Role::Come, Role::Sweep]);
    report.census("seat: a comer is killed, one sweeps", &["f  l s", "s  l f", "x  l s"]);
    let report = killed(Rules::PLAIN, bound(2, 3), 1, &[Role::Leave, Role::Sweep, Role::Come]);
    let legal = [" f l s", " s l f", "x f l s", "x s l f"];
    report.census("seat: a sweeper is killed, one comes", &legal);
    let roles = &[Role::Gone, Role::Come, Role::Sweep, Role::Come];
    let report = killed(Rules::PLAIN, bound(1, 2), 1, roles);
    report.census(
        "seat: a comer is killed, one sweeps, another comes",
        &["f  s  f", "s  f  f", "x  f  s", "x  s  f"],
    );
}

#[test]
fn one_leaves_and_one_comes_or_watches_unbounded() {
    let report = all(Unbounded, &[Role::Leave, Role::ComeAndLeave]);
    report.census("seat: one leaves and one comes, unbounded", &["f l s", "sl l s"]);
    let report = all(Unbounded, &[Role::Leave, Role::Watch]);
    report.census("seat: one leaves and one watches, unbounded", &["g l s"]);
}
