//! Runs operations against adversaries, and says what they could do to them.

use crate::adversary::scatter;
use crate::{adversary, land, names, region};
use core::cell::{Cell, RefCell};
use core::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something that a process does with shared memory, against one adversary.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// Of 1024 runs about so many.
    pub(crate) share: u32,
    /// The most steps that it may need, whatever it reads.
    pub(crate) fuel: u32,
    pub(crate) act: fn(),
}

/// What an adversary did to an operation.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) operation: &'static str,
    pub(crate) seed: u64,
    pub(crate) what: String,
}

/// What came of many runs.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) runs: u64,
    /// Of those so many waited for a liar, with rests, and were let off.
    pub(crate) waits: u64,
    pub(crate) found: u64,
    /// The first of each operation.
    pub(crate) findings: Vec<Finding>,
}

/// More of them say nothing new.
const ENOUGH: u64 = 1000;

impl Report {
    fn add(&mut self, finding: Finding) {
        self.found += 1;
        if self.findings.iter().all(|known| known.operation != finding.operation) {
            self.findings.push(finding);
        }
    }
}

/// One run for each of `seeds`, which chooses the operation, too. `doing` hears of each before it begins.
pub(crate) fn drive(operations: &[Operation], seeds: Range<u64>, doing: impl Fn(u64)) -> Report {
    region::world();
    listen();
    let table: Vec<&Operation> =
        operations.iter().flat_map(|o| core::iter::repeat_n(o, o.share as usize)).collect();
    let chosen = |seed: u64| table[(scatter(seed) >> 24) as usize % table.len()];
    let next = Cell::new(seeds.start);
    let mut report = Report::default();
    while next.get() < seeds.end && report.found < ENOUGH {
        let many = AssertUnwindSafe(|| {
            while next.get() < seeds.end {
                let seed = next.replace(next.get() + 1);
                doing(seed);
                run(chosen(seed), seed);
            }
        });
        QUIET.set(true);
        let ended = catch_unwind(many);
        QUIET.set(false);
        match ended {
            Err(token) if token.is::<adversary::Waits>() => report.waits += 1,
            Err(_) => {
                let seed = next.get() - 1;
                let (operation, what) = (chosen(seed).name, WORDS.take());
                report.add(Finding { operation, seed, what });
            }
            Ok(()) => {}
        }
    }
    report.runs = next.get() - seeds.start;
    if !land::is_unharmed() {
        let what = "outside: something was stored where only words are".to_owned();
        report.add(Finding { operation: "one of all", seed: 0, what });
    }
    report
}

fn run(operation: &Operation, seed: u64) {
    adversary::begin(seed, operation.fuel);
    region::know(
        [0, 0, 1, names::SEATS][adversary::choose(4) as usize],
        [0, names::MAX_LEN][adversary::choose(2) as usize],
    );
    (operation.act)();
}

/// One test at a time: a child that is forked while another thread panics inherits a locked hook.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

std::thread_local! {
    /// Whether a panic is a finding, and not this test's own.
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static WORDS: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has the words of panics in runs kept, and not printed. Each time: a forked child may have got itself another hook.
fn listen() {
    std::panic::set_hook(Box::new(|info| {
        if QUIET.get() {
            WORDS.replace(info.to_string());
        } else {
            eprintln!("{info}");
        }
    }));
}
