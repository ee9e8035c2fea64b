//! Members: what they say of themselves, and what they have open.

use crate::explore::{Depth, Report, bound, explore, killed_everywhere};
use crate::kernel::Rules;
use crate::process::Fate;
use crate::scene::member::{Part, Role, scene};

fn alive(roles: &[Role]) -> Vec<Part> {
    roles.iter().map(|role| (*role, Fate::LIVES)).collect()
}

/// The process of this index with each fate.
fn killed(depth: Depth, who: usize, roles: &'static [Role]) -> Report {
    killed_everywhere(depth, move |fate| {
        let mut parts = alive(roles);
        parts[who].1 = fate;
        scene(Rules::PLAIN, &parts)
    })
}

fn all(depth: Depth, roles: &'static [Role]) -> Report {
    explore(depth, move || scene(Rules::PLAIN, &alive(roles)))
}

#[test]
fn a_member_is_never_told_for_another() {
    let report = all(bound(2, 3), &[Role::Leave, Role::Come, Role::Ask]);
    report.census("member: one leaves, one comes, one asks", &["c k l f", "c u l f", "f k l c"]);
    let report = killed(bound(2, 3), 1, &[Role::Leave, Role::Come, Role::Ask]);
    let legal = ["c k l f", "c u l f", "f k l c", "x k l c", "x u l c"];
    report.census("member: a comer is killed, one asks", &legal);
}

#[test]
fn who_is_here_is_listed_whole() {
    let report = killed(bound(2, 3), 1, &[Role::Leave, Role::Come, Role::List]);
    let legal = ["c 0 l f", "c 1 l f", "f 0 l c", "f 1 l c", "x 0 l c", "x 1 l c"];
    report.census("member: a comer is killed, one lists", &legal);
}

#[test]
fn one_name_is_one_members() {
    let report = killed(bound(2, 3), 1, &[Role::Leave, Role::Come, Role::Come]);
    let legal = ["c f l f", "f c l f", "f f l c", "x c l f", "x f l c"];
    report.census("member: one leaves, two come, one is killed", &legal);
}

#[test]
fn an_object_is_in_use_until_who_has_it_open_lets_go_or_is_gone() {
    let report = killed(bound(2, 3), 0, &[Role::LetGo, Role::Remove]);
    report
        .census("member: who lets go is killed, one removes", &["i  f", "i x c", "r  f", "r x c"]);
    let report = killed(bound(2, 3), 0, &[Role::Leave, Role::Come, Role::Remove]);
    let mut legal = vec!["c i l f", "c i x f", "c r l f", "c r x f"];
    legal.extend(["f i l c", "f i x c", "f r l c", "f r x c"]);
    report.census("member: who leaves is killed, one comes, one removes", &legal);
    let report = killed(bound(2, 3), 1, &[Role::Leave, Role::Come, Role::Remove]);
    let mut legal = vec!["c i l f", "c r l f", "f i l c", "f r l c"];
    legal.extend(["x i l c", "x r l c"]);
    report.census("member: one leaves, who comes is killed, one removes", &legal);
}
