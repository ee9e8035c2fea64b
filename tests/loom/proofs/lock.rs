//! The seat lock. No sleep is bounded here: where one death is enough, nobody leans on the pulse.

use crate::explore::Depth::{Preemptions, Unbounded};
use crate::explore::{Depth, Report, bound, everywhere, explore, killed_everywhere};
use crate::kernel::Rules;
use crate::process::{Fate, When};
use crate::scene::lock::{Part, Turn, scene};
use support::long_form;

const LOCK: &[Turn] = &[Turn::Lock];
const SIT: &[Turn] = &[Turn::Sit];
const TWICE: &[Turn] = &[Turn::Lock, Turn::Lock];
const TRY: &[Turn] = &[Turn::Try];
const UNTIL: &[Turn] = &[Turn::Until];
const SPIN: &[Turn] = &[Turn::Spin];
const NEGLIGENT: &[Turn] = &[Turn::Negligent];

fn alive(turns: &'static [Turn]) -> Part {
    (turns, Fate::LIVES)
}

/// A process with each fate of `turns`, beside `others` who live.
fn killed(depth: Depth, turns: &'static [Turn], others: &'static [&'static [Turn]]) -> Report {
    killed_everywhere(depth, move |fate| play(Rules::PLAIN, (turns, fate), others))
}

fn play(rules: Rules, first: Part, others: &[&'static [Turn]]) -> String {
    let others = others.iter().map(|turns| alive(turns));
    scene(rules, &[first].into_iter().chain(others).collect::<Vec<_>>())
}

/// Each of `firsts` with each of `rests`.
fn each(firsts: &[&str], rests: &[&str]) -> Vec<String> {
    firsts
        .iter()
        .flat_map(|first| rests.iter().map(move |rest| format!("{first} {rest}")))
        .collect()
}

#[test]
fn two_take_turns() {
    let report = explore(Unbounded, || play(Rules::PLAIN, alive(LOCK), &[LOCK]));
    assert!(report.sleeps > 0);
    report.census("lock: two take turns", &["c c c"]);
}

#[test]
fn two_take_turns_twice() {
    let report = explore(bound(3, 4), || play(Rules::PLAIN, alive(TWICE), &[TWICE]));
    report.census("lock: two take turns twice", &["cc cc c"]);
}

#[test]
fn three_take_turns() {
    let report = explore(bound(2, 3), || play(Rules::PLAIN, alive(LOCK), &[LOCK, LOCK]));
    report.census("lock: three take turns", &["c c c c"]);
}

/// Killed before it had the lock, or with it; that is told to the next, once.
const ONE_OF_TWO: [&str; 6] = ["x c c", "x c d", "cx c c", "cx d c", "cx c d", "c c c"];

#[test]
fn one_of_two_is_killed_anywhere() {
    let report = killed(bound(4, 6), LOCK, &[LOCK]);
    report.census("lock: one of two is killed anywhere", &ONE_OF_TWO);
    if long_form() {
        let report = killed(Unbounded, LOCK, &[LOCK]);
        report.census("lock: one of two is killed anywhere, unbounded", &ONE_OF_TWO);
    }
}

/// The same of three, where all live or one was killed. `but`: what takes more preemptions.
fn one_of_three(but: &str) -> Vec<String> {
    let mut legal = each(&["x", "cx"], &["c c c", "d c c", "c d c", "c c d"]);
    legal.retain(|told| told != but);
    legal.push("c c c c".to_owned());
    legal
}

#[test]
fn one_of_three_is_killed_anywhere() {
    let report = killed(Preemptions(2), LOCK, &[LOCK, LOCK]);
    report.census("lock: one of three is killed anywhere", &one_of_three(""));
}

#[test]
fn one_of_three_is_killed_while_another_barges_in() {
    let report = killed(bound(2, 2), LOCK, &[TWICE, LOCK]);
    let legal = each(&["x", "cx"], &["cc c c", "dc c c", "cd c c", "cc d c", "cc c d"]);
    let legal = [legal, vec!["c cc c c".to_owned()]].concat();
    report.census("lock: one of three is killed while another barges in", &legal);
}

#[test]
fn who_does_not_say_that_the_data_is_consistent_has_the_next_told_again() {
    let report = killed(bound(3, 4), LOCK, &[NEGLIGENT]);
    let legal = ["x c c", "x c d", "cx c c", "cx d d", "cx c d", "c c c"];
    report.census("lock: a negligent heir", &legal);
}

/// Whose deadline passes at each of its looks.
fn late(depth: Depth, others: &'static [&'static [Turn]]) -> Report {
    let late_at = |look| Fate { late: When::At(look), ..Fate::LIVES };
    let befell = |report: &Report| report.census.iter().any(|told| told.starts_with('t'));
    let scene = move |fate| play(Rules::PLAIN, (UNTIL, fate), others);
    everywhere(depth, late_at, befell, scene)
}

#[test]
fn one_of_two_times_out() {
    let legal = ["c c c", "t c c"];
    late(bound(4, 6), &[LOCK]).census("lock: one of two times out", &legal);
    if long_form() {
        late(Unbounded, &[LOCK]).census("lock: one of two times out, unbounded", &legal);
    }
}

#[test]
fn one_of_three_times_out_and_passes_the_wake_on() {
    let report = late(bound(2, 3), &[LOCK, LOCK]);
    report.census("lock: one of three times out", &["c c c c", "t c c c"]);
}

#[test]
fn one_tries() {
    let report = explore(Unbounded, || play(Rules::PLAIN, alive(TRY), &[LOCK]));
    report.census("lock: one tries", &["c c c", "h c c"]);
    let report = explore(bound(2, 3), || play(Rules::PLAIN, alive(TRY), &[LOCK, LOCK]));
    report.census("lock: one tries, two lock", &["c c c c", "h c c c"]);
}

#[test]
fn one_tries_and_is_killed_anywhere() {
    let report = killed(Preemptions(2), TRY, &[LOCK, LOCK]);
    let mut legal = one_of_three("x c d c");
    legal.push("h c c c".to_owned());
    report.census("lock: one tries and is killed anywhere", &legal);
}

#[test]
fn one_tries_where_another_is_killed() {
    let report = killed(bound(3, 4), LOCK, &[TRY]);
    let legal = ["x c c", "x c d", "cx c c", "cx d c", "cx h d", "cx c d", "c c c", "c h c"];
    report.census("lock: one tries where another is killed", &legal);
}

#[test]
fn one_spins() {
    let report = killed(bound(2, 3), LOCK, &[SPIN]);
    report.census("lock: one spins where another is killed", &ONE_OF_TWO);
}

#[test]
fn an_old_kernel_is_enough() {
    let old = Rules { old: true, ..Rules::PLAIN };
    let report = killed_everywhere(bound(1, 2), move |fate| play(old, (LOCK, fate), &[LOCK, LOCK]));
    let legal = one_of_three(if long_form() { "" } else { "x c d c" });
    report.census("lock: a kernel before 6.2", &legal);
}

#[test]
fn who_has_just_sat_down_is_no_dead_owner() {
    let report = killed(bound(2, 3), SIT, &[LOCK]);
    report.census("lock: the first lock of a new seat is killed, another locks", &ONE_OF_TWO);
}
