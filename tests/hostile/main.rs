//! Hostile peers: whatever is in shared memory, and however it changes between two looks, nobody panics, loops for ever, or
//! reaches outside.
//!
//! The real protocol files are compiled into this program below a [machine](os) of its own, in which every load, every outcome
//! of a compare-exchange and of a system call is made up by an [adversary]. What no real peer can do as fast or as meanly (to
//! change a word between each two instructions) is an ordinary run here, of less than a microsecond.
//!
//! | real | stand-ins |
//! |---|---|
//! | `seat/{lock,page,table,member,id,policy}.rs` | which thread has which seat; forks |
//! | `ring/spsc/*.rs`, but for the face | where the ring lies |
//! | `view/wait.rs` | whose words they are |
//! | `region/{header,directory,entry,length}.rs`, `error.rs` | mapping and file |
//!
//! A finding is: a panic (overflow and debug assertions are on), more steps than the operation can need (see
//! [`adversary`]), a word outside of the region, a store outside of the ring's slots, an answer that leads outside.
//! That the same driver catches protocols that are known to be bad: [`known_bad`].
#![allow(dead_code, reason = "the real files hold more than is driven here")]
#![allow(clippy::cast_possible_truncation, reason = "an adversary's words are cut to size")]

mod adversary;
mod driver;
mod known_bad;
mod land;
mod names;
mod operations;
mod os;
mod region;
mod seat;
mod spsc;

#[path = "../../src/error.rs"]
mod error;
#[path = "../../src/view/wait.rs"]
mod wait;

pub(crate) use error::{Error, Result};
pub(crate) use os::clock::Deadline;
pub(crate) use sabha::{Payload, fingerprint};

use driver::{Report, alone, drive};
use std::io::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use support::figures::{Figure, record};
use support::fork::{Board, fork};
use support::long_form;

/// Processes that run at a time, each with seeds of its own.
const PROCESSES: u64 = 2;
/// Where on the board a process says which seed it is at, and what came of all.
const AT: usize = 0;
const RUNS: usize = 1;
const WAITS: usize = 2;
const FINDINGS: usize = 3;
const FIELDS: usize = 4;

#[test]
fn no_adversary_makes_a_protocol_panic_loop_or_reach_outside() {
    let _alone = alone();
    let runs: u64 = if long_form() { 15_000_000 } else { 3_000_000 };
    let (board, start) = (Board::new(), Instant::now());
    let children: Vec<_> = (0..PROCESSES)
        .map(|process| {
            let own = process as usize * FIELDS;
            let seeds = process * runs..(process + 1) * runs;
            (own, fork(move || report(board, own, &run_all(board, own, seeds))))
        })
        .collect();
    let sum = |field: usize| -> u64 {
        (0..PROCESSES as usize)
            .map(|process| u64::from(board[process * FIELDS + field].load(Relaxed)))
            .sum()
    };
    for (own, child) in children {
        let ended = child.wait_at_most(Duration::from_secs(600));
        assert_eq!(ended, Some(0), "at seed {}", board[own + AT].load(Relaxed));
    }
    let (done, seconds) = (sum(RUNS), start.elapsed().as_secs_f64());
    let rate = done as f64 / seconds / 1e6;
    println!("{done} runs in {seconds:.1} s ({rate:.2} M/s), {} of them waited", sum(WAITS));
    assert!(sum(WAITS) > done / 1000, "hardly anybody waited: the adversary is too friendly");
    record(
        "hostile: every answer an adversary's",
        &[(Figure::HostileRuns, done), (Figure::Torn, sum(FINDINGS))],
    );
    assert_eq!((sum(FINDINGS), done), (0, PROCESSES * runs));
}

fn run_all(board: Board, own: usize, seeds: std::ops::Range<u64>) -> Report {
    drive(&operations::all(), seeds, |seed| board[own + AT].store(seed as u32, Relaxed))
}

fn report(board: Board, own: usize, report: &Report) {
    for finding in &report.findings {
        // Not by `eprintln`, which is the parent's to capture.
        let _ = writeln!(std::io::stderr(), "{finding:?}");
    }
    board.set(own + RUNS, report.runs as u32);
    board.set(own + WAITS, report.waits as u32);
    board.set(own + FINDINGS, report.found as u32);
}

/// One run again: `SABHA_SEED=... cargo test --test hostile one_run -- --ignored --nocapture`.
#[test]
#[ignore = "needs the seed of a finding"]
fn one_run_again() {
    let seed = std::env::var("SABHA_SEED").expect("a seed").parse().expect("a number");
    let found = drive(&operations::all(), seed..seed + 1, |_| {});
    panic!("{:?}", found.findings);
}
