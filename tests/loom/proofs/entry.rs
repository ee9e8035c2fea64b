//! An entry of the directory, as observers see it.

use crate::explore::{Depth, Report, bound, killed_everywhere};
use crate::kernel::Rules;
use crate::process::Fate;
use crate::scene::entry::{Part, Role, scene};
use support::long_form;

/// The process of this index with each fate.
fn killed(depth: Depth, who: usize, made: Option<u32>, roles: &'static [Role]) -> Report {
    killed_everywhere(depth, move |fate| {
        let mut parts: Vec<Part> = roles.iter().map(|role| (*role, Fate::LIVES)).collect();
        parts[who].1 = fate;
        scene(Rules::PLAIN, made, &parts)
    })
}

#[test]
fn who_sees_an_object_sees_it_made() {
    let report = killed(bound(2, 3), 0, None, &[Role::Make(1), Role::Look]);
    let legal = ["m 1 1m", "m n 1m", "mx 1 1m", "mx n 1m", "x n m"];
    report.census("entry: a maker is killed, one looks", &legal);
}

#[test]
fn no_object_is_seen_torn() {
    let report = killed(bound(2, 3), 0, Some(1), &[Role::Replace(2), Role::Look]);
    let mut legal = vec!["1m 1 2m", "1m 2 2m", "1m n 2m", "1mx 1 2m", "1mx 2 2m", "1mx n 2m"];
    legal.extend(["x 1 1m", "1x 1 1m", "1x 1 m", "1x n m"]);
    report.census("entry: who replaces it is killed, one looks", &legal);
}

#[test]
fn two_take_turns_and_one_looks() {
    let report = killed(bound(1, 2), 0, None, &[Role::Make(1), Role::Replace(2), Role::Look]);
    let mut legal = vec!["m 1m 1 2m", "m 1m n 2m", "mx 1m 1 2m", "mx 1m n 2m"];
    legal.extend(["2 m 2 2m", "2 m n 2m", "2x m 2 2m", "2x m n 2m", "x m 2 2m", "x m n 2m"]);
    if long_form() {
        legal.extend(["m 1m 2 2m", "mx 1m 2 2m"]); // takes more preemptions
    }
    report.census("entry: one of two makers is killed, one looks", &legal);
}
