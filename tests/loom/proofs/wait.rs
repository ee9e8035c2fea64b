//! Wait and notify.

use crate::explore::{Depth, Report, bound, everywhere, explore, killed_everywhere};
use crate::kernel::Rules;
use crate::process::{Fate, When};
use crate::scene::wait::{Part, Role, Width, scene};

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
        let report = all(bound(3, 4), Rules::PLAIN, width, &[CHANGE, Role::Wait]);
        report.census(&format!("wait: {width:?}"), &["0 N", "1 W"]);
    }
    for (width, depth) in [(Width::Narrow, bound(2, 3)), (Width::Wide, bound(2, 2))] {
        let report = all(depth, Rules::PLAIN, width, &[CHANGE, Role::Wait, Role::Wait]);
        let legal = ["0 N N", "1 N W", "1 W N", "2 W W"];
        report.census(&format!("wait: {width:?}, two wait"), &legal);
    }
}

#[test]
fn who_is_told_sees_what_was_written_before() {
    for width in BOTH {
        let report = all(bound(2, 3), Rules::PLAIN, width, &[Role::Tell(1), Role::Wait]);
        let legal = ["0 N 0", "0 W 1", "1 W 0"];
        report.census(&format!("wait: {width:?}, told of data"), &legal);
    }
}

/// Who dies before it has changed the word owes nothing; who dies behind that is heard by all.
const CHANGER_KILLED: [&str; 6] = ["0 N", "1 W", "x N", "x N 0", "x W", "x W 1"];

#[test]
fn a_changer_is_killed_anywhere() {
    for width in BOTH {
        let report = killed(bound(2, 3), Rules::PLAIN, width, 0, &[CHANGE, Role::Wait]);
        report.census(&format!("wait: {width:?}, the changer is killed"), &CHANGER_KILLED);
        let two: &[Role] = &[CHANGE, Role::Wait, Role::Wait];
        let report = killed(bound(1, 1), Rules::PLAIN, width, 0, two);
        let mut legal = vec!["0 N N", "1 N W", "1 W N", "x N N", "x N N 0", "x N W", "x N W 1"];
        legal.extend(["x W N", "x W N 1", "x W W 2"]);
        report.census(&format!("wait: {width:?}, two wait, the changer is killed"), &legal);
    }
}

#[test]
fn two_change_and_one_is_killed() {
    let roles: &[Role] = &[CHANGE, Role::Wait, Role::Change(&[2], ALL)];
    for width in BOTH {
        let report = killed(bound(1, 1), Rules::PLAIN, width, 0, roles);
        let mut legal = vec!["0 N 0", "1 W 0", "x N 0", "x N 0 0", "x W 0", "x W 1"];
        legal.extend(["x W 0 1", "x W 1 0"]);
        report.census(&format!("wait: {width:?}, one of two changers is killed"), &legal);
    }
}

#[test]
fn a_waiter_is_killed_anywhere() {
    for width in BOTH {
        let two: &[Role] = &[CHANGE, Role::Wait, Role::Wait];
        let report = killed(bound(1, 1), Rules::PLAIN, width, 1, two);
        // A notify that had reached the dead one is its own; another is not lost with it.
        let mut legal = vec!["0 N N", "0 Nx N", "0 x N", "1 N W", "1 Nx W", "1 W N", "1 Wx N"];
        legal.extend(["1 x N", "1 x W"]);
        report.census(&format!("wait: {width:?}, one of two who wait is killed"), &legal);
    }
}

#[test]
fn an_observer_looks_again_with_each_pulse() {
    for width in BOTH {
        let report = killed(bound(2, 3), PULSE, width, 0, &[CHANGE, Role::Observe]);
        report.census(&format!("wait: {width:?}, observed"), &CHANGER_KILLED);
    }
}

#[test]
fn a_wait_times_out() {
    for width in BOTH {
        let late_at = |look| Fate { late: When::At(look), ..Fate::LIVES };
        let befell = |report: &Report| report.census.iter().any(|told| told.contains('t'));
        let report = everywhere(bound(3, 4), late_at, befell, move |fate| {
            scene(Rules::PLAIN, width, &[(CHANGE, Fate::LIVES), (Role::Until, fate)])
        });
        report.census(&format!("wait: {width:?}, until"), &["0 N", "0 t", "1 W"]);
    }
}

#[test]
fn halves_that_never_were_together_are_no_value() {
    let twice: &[Role] = &[Role::Change(&[1 << 32, 1], ALL), Role::Wait];
    let report = all(bound(3, 4), Rules::PLAIN, Width::Wide, twice);
    report.census("wait: Wide, changed twice", &["00 N", "01 W", "10 W"]);
}
