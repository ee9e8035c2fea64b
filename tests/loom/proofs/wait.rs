//! Wait and notify.

use crate::explore::Depth::Unbounded;
use crate::explore::{Depth, Report, bound, everywhere, explore, killed_everywhere};
use crate::kernel::Rules;
use crate::process::{Fate, When};
use crate::scene::wait::{Part, Role, Width, scene};
use support::long_form;

const PULSE: Rules = Rules { pulse: true, ..Rules::PLAIN };
const ALL: u32 = u32::MAX;

fn alive(roles: &[Role]) -> Vec<Part> {
    roles.iter().map(|role| (*role, Fate::LIVES)).collect()
}

fn all(depth: Depth, rules: Rules, width: Width, roles: &'static [Role]) -> Report {
    explore(depth, move || scene(rules, width, &alive(roles)))
}

/// The process of this index with each fate.
fn killed(depth: Depth, rules: Rules, width: Width, who: usize, roles: &'static [Role]) -> Report {
    killed_everywhere(depth, move |fate| {
        let mut parts = alive(roles);
        parts[who].1 = fate;
        scene(rules, width, &parts)
    })
}

const CHANGE: Role = Role::Change(&[1], ALL);
const BOTH: [Width; 2] = [Width::Narrow, Width::Wide];

#[test]
fn a_notify_wakes_as_many_as_it_says() {
    for width in BOTH {
        let report = all(bound(3, 4), Rules::PLAIN, width, &[Role::Wait, CHANGE]);
        report.census(&format!("wait: {width:?}"), &["N 0", "W 1"]);
        let report = all(bound(1, 2), Rules::PLAIN, width, &[Role::Wait, Role::Wait, CHANGE]);
        let mut legal = vec!["N N 0", "W N 1", "W W 2"];
        if long_form() {
            legal.push("N W 1"); // takes more preemptions
        }
        report.census(&format!("wait: {width:?}, two wait"), &legal);
    }
}

#[test]
fn who_is_told_sees_what_was_written_before() {
    for width in BOTH {
        let report = all(bound(2, 3), Rules::PLAIN, width, &[Role::Wait, Role::Tell(1)]);
        let legal = ["N 0 0", "W 0 1", "W 1 0"];
        report.census(&format!("wait: {width:?}, told of data"), &legal);
    }
}

/// Who dies before it has changed the word owes nothing; who dies behind that is heard by all.
const CHANGER_KILLED: [&str; 6] = ["N 0", "W 1", "N x", "N x 0", "W x", "W x 1"];

#[test]
fn a_changer_is_killed_anywhere() {
    for width in BOTH {
        let report = killed(bound(2, 3), Rules::PLAIN, width, 1, &[Role::Wait, CHANGE]);
        report.census(&format!("wait: {width:?}, the changer is killed"), &CHANGER_KILLED);
        let two: &[Role] = &[Role::Wait, Role::Wait, CHANGE];
        let report = killed(bound(1, 1), Rules::PLAIN, width, 2, two);
        let mut legal = vec!["N N 0", "W N 1", "W W 2", "N N x", "N N x 0", "N W x 1", "W N x"];
        legal.extend(["W N x 1", "W W x", "W W x 2"]);
        report.census(&format!("wait: {width:?}, two wait, the changer is killed"), &legal);
    }
}

#[test]
fn two_change_and_one_is_killed() {
    let roles: &[Role] = &[Role::Wait, Role::Change(&[2], ALL), CHANGE];
    for width in BOTH {
        let report = killed(bound(1, 1), Rules::PLAIN, width, 2, roles);
        let mut legal = vec!["N 0 0", "N 0 x", "N 0 x 0", "W 0 1", "W 0 x", "W 0 x 1"];
        legal.extend(["W 1 0", "W 1 x", "W 1 x 0"]);
        report.census(&format!("wait: {width:?}, one of two changers is killed"), &legal);
    }
}

#[test]
fn a_waiter_is_killed_anywhere() {
    for width in BOTH {
        let two: &[Role] = &[Role::Wait, Role::Wait, CHANGE];
        let report = killed(bound(1, 1), Rules::PLAIN, width, 0, two);
        // A notify that had reached the dead one is its own; another is not lost with it.
        let mut legal = vec!["N N 0", "W N 1", "W W 2", "Nx N 0", "Wx N 1", "Wx W 2"];
        legal.extend(["x N 0", "x N 1", "x W 1", "x W 2"]);
        report.census(&format!("wait: {width:?}, one of two who wait is killed"), &legal);
    }
}

#[test]
fn an_observer_looks_again_with_each_pulse() {
    for width in BOTH {
        let report = killed(bound(2, 3), PULSE, width, 1, &[Role::Observe, CHANGE]);
        report.census(&format!("wait: {width:?}, observed"), &CHANGER_KILLED);
    }
}

#[test]
fn a_wait_times_out() {
    for width in BOTH {
        let late_at = |look| Fate { late: When::At(look), ..Fate::LIVES };
        let befell = |report: &Report| report.census.iter().any(|told| told.contains('t'));
        let report = everywhere(bound(3, 4), late_at, befell, move |fate| {
            scene(Rules::PLAIN, width, &[(Role::Until, fate), (CHANGE, Fate::LIVES)])
        });
        report.census(&format!("wait: {width:?}, until"), &["N 0", "W 1", "t 0"]);
    }
}

#[test]
fn halves_that_never_were_together_are_no_value() {
    let report = all(bound(3, 4), Rules::PLAIN, Width::Wide, &[Role::Wait, Role::Flip]);
    report.census("wait: Wide, the halves change at times", &["N 0", "W 1"]);
}

#[test]
fn one_waits_and_one_changes_unbounded() {
    for width in BOTH {
        let report = all(Unbounded, Rules::PLAIN, width, &[Role::Wait, CHANGE]);
        report.census(&format!("wait: {width:?}, unbounded"), &["N 0", "W 1"]);
    }
}
