//! The ring of one producer and one consumer.

use crate::explore::Depth::Unbounded;
use crate::explore::{Depth, Report, bound, explore, killed_everywhere};
use crate::kernel::Rules;
use crate::scene::ring::{ALL, Part, Role, scene};
use support::long_form;

/// A waker may be killed between its change and its wake: sleepers lean on the pulse.
const PULSE: Rules = Rules { pulse: true, ..Rules::PLAIN };

const fn produce(items: u64, close: bool) -> Part {
    Part::new(Role::Produce { items, close })
}

const fn consume(items: u64, close: bool) -> Part {
    Part::new(Role::Consume { items, close })
}

/// The first part with each fate, beside the second, who lives.
fn killed(depth: Depth, capacity: usize, first: Part, second: Part) -> Report {
    killed_everywhere(depth, move |fate| scene(PULSE, capacity, &[first.with(fate), second]))
}

#[test]
fn a_stream_arrives_whole_and_in_order() {
    let parts = [produce(2, true), consume(ALL, false)];
    let report = explore(bound(2, 3), move || scene(Rules::PLAIN, 1, &parts));
    assert!(report.sleeps > 0);
    report.census("ring: a stream", &["pp 12C CC"]);
}

#[test]
fn one_side_without_barriers_pays_itself() {
    for who in 0..2 {
        let mut parts = [produce(2, true), consume(ALL, false)];
        parts[who].barriers = false;
        let report = explore(bound(1, 2), move || scene(Rules::PLAIN, 1, &parts));
        assert!(report.sleeps > 0);
        report.census(&format!("ring: end {who} without barriers"), &["pp 12C CC"]);
    }
}

#[test]
fn no_barriers_at_all() {
    let parts =
        [produce(2, true), consume(ALL, false)].map(|part| Part { barriers: false, ..part });
    let rules = Rules { barriers: false, ..Rules::PLAIN };
    let report = explore(bound(1, 2), move || scene(rules, 1, &parts));
    report.census("ring: no barriers at all", &["pp 12C CC"]);
    let parts = [produce(2, false), consume(0, true)].map(|part| Part { barriers: false, ..part });
    let report = explore(bound(2, 3), move || scene(rules, 2, &parts));
    report.census("ring: the consumer closes, no barriers at all", &CLOSED_BY_CONSUMER);
}

#[test]
fn the_producer_is_killed_anywhere() {
    let report = killed(bound(1, 2), 1, produce(2, true), consume(ALL, false));
    // Before the first item or behind it; behind the second; behind the close; not at all.
    let legal = [
        "x A p1n",
        "x 1A p2n",
        "px 1A p2n",
        "px 12A p3n",
        "ppx 12A p3n",
        "ppx 12C CC",
        "pp 12C CC",
    ];
    report.census("ring: the producer is killed anywhere", &legal);
}

#[test]
fn the_consumer_is_killed_anywhere() {
    let report = killed(bound(1, 2), 1, consume(ALL, false), produce(2, true));
    // What it had read and not released comes again; who waits for room hears of the death.
    let mut legal = vec!["x pA n1n", "1x pA n1n", "1x pp C2C", "12x pp C2C", "12x pp CC"];
    legal.extend(["12Cx pp CC", "12C pp CC"]);
    report.census("ring: the consumer is killed anywhere", &legal);
}

/// Each push is popped, or told that it is not.
const CLOSED_BY_CONSUMER: [&str; 3] = ["C C CC", "pC 1C CC", "pp 12C CC"];

#[test]
fn the_consumer_closes() {
    let parts = [produce(2, false), consume(0, true)];
    let report = explore(bound(3, 4), move || scene(Rules::PLAIN, 2, &parts));
    report.census("ring: the consumer closes", &CLOSED_BY_CONSUMER);
}

#[test]
fn the_consumer_is_killed_as_it_closes() {
    let report = killed(bound(2, 3), 2, consume(0, true), produce(2, false));
    // As above, and the newcomer drains what the dead one left; or it died before it closed.
    let mut legal = vec!["C C CC", "Cx C CC", "x C CC", "x pp n12n"];
    legal.extend(["1C pC CC", "1Cx pC CC", "1x pC CC", "1x pC C1C", "x pC C1C"]);
    legal.extend(["12C pp CC", "12Cx pp CC", "12x pp CC", "12x pp C2C", "1x pp C2C"]);
    legal.extend(["1x pp C12C", "x pp C12C"]);
    report.census("ring: the consumer is killed as it closes", &legal);
}

#[test]
fn both_close() {
    let parts = [produce(1, true), consume(0, true)];
    let report = explore(bound(3, 4), move || scene(Rules::PLAIN, 1, &parts));
    report.census("ring: both close", &["C C CC", "p 1C CC"]);
    let report = killed(bound(2, 3), 1, consume(0, true), produce(1, true));
    let mut legal = vec!["C C CC", "Cx C CC", "x C CC", "1C p CC", "1Cx p CC", "1x p CC"];
    legal.extend(["1x p C1C", "x p C1C"]);
    report.census("ring: both close and one is killed", &legal);
}

#[test]
fn an_end_changes_hands() {
    let parts = [produce(2, false), consume(1, false), Part::new(Role::Drain)];
    let report = explore(bound(2, 3), move || scene(Rules::PLAIN, 2, &parts));
    let legal = ["pp 1 b p23n", "pp 1 n p23n", "pp 1 2n p3n"];
    report.census("ring: a new consumer", &legal);
    let parts = [produce(1, false), consume(1, false), Part::new(Role::PushOne)];
    let report = explore(bound(2, 3), move || scene(Rules::PLAIN, 1, &parts));
    report.census("ring: a new producer", &["p 1 b p2n", "p 1 n p2n", "p 1 p n2n"]);
}

#[test]
fn a_dead_ones_end_is_taken_by_who_knows_that_it_is_dead() {
    let others = [produce(1, false), Part::new(Role::Drain)];
    let report = killed_everywhere(bound(2, 2), move |fate| {
        scene(Rules::PLAIN, 2, &[consume(1, false).with(fate), others[0], others[1]])
    });
    // Who comes to a living owner's end is refused; to a dead one's, gets what it had read and not released.
    let mut legal = vec!["1 p b p2n", "1 p n p2n", "1x p b p12n", "1x p b p2n", "x p b p12n"];
    legal.extend(["1x p n p2n", "1x p 1n p2n", "x p 1n p2n", "x p n p12n"]);
    report.census("ring: a dead consumer's end", &legal);
}

#[test]
fn the_heir_of_a_closing_consumer_comes_while_others_push() {
    let parts = [produce(1, false), Part::new(Role::Heir)];
    let report = explore(bound(4, 5), move || scene(Rules::PLAIN, 1, &parts));
    report.census("ring: the heir of a closing consumer", &["C C CC", "p 1C CC"]);
    let others = [produce(1, false), Part::new(Role::Drain)];
    let report = killed_everywhere(bound(2, 3), move |fate| {
        scene(PULSE, 2, &[consume(0, true).with(fate), others[0], others[1]])
    });
    // Whatever was pushed comes out once at least; twice only what the dead one had read and not released.
    let mut legal = vec!["x p n p12n", "x p 1n p2n", "x p b p12n", "x C C CC", "x C b CC"];
    legal.extend(["Cx C C CC", "Cx C b CC", "C C C CC", "C C b CC", "x p 1C CC", "x p b C1C"]);
    legal.extend([
        "1x p 1C CC",
        "1x p C CC",
        "1x p b C1C",
        "1x p b CC",
        "1Cx p C CC",
        "1Cx p b CC",
    ]);
    legal.extend(["1C p C CC", "1C p b CC"]);
    report.census("ring: a dead closing consumer's end", &legal);
}

#[test]
fn a_bystander_counts_no_more_than_there_are() {
    let mut parts = [produce(1, true), consume(ALL, false), Part::new(Role::Count)];
    parts[2].barriers = false; // so that nobody orders what it sees
    let report = explore(bound(2, 3), move || scene(Rules::PLAIN, 2, &parts));
    report.census("ring: a bystander counts", &["p 1C #0 CC", "p 1C #1 CC"]);
}

#[test]
fn who_waits_for_room_is_woken_by_the_first_release() {
    let parts = [consume(1, false), produce(2, false)];
    let report = explore(bound(3, 3), move || scene(Rules::PLAIN, 1, &parts));
    report.census("ring: the first release", &["1 pp n2n"]);
}

#[test]
fn one_item_and_the_close_unbounded() {
    let item = [produce(1, true), consume(ALL, false)];
    let depth = if long_form() { Unbounded } else { bound(3, 3) };
    let report = explore(depth, move || scene(Rules::PLAIN, 1, &item));
    report.census("ring: one item, unbounded in the long form", &["p 1C CC"]);
}
