//! Runs scenes under loom, and takes the census of what comes of them.

use crate::checker::be_thorough;
use crate::kernel::{Tally, tally};
use crate::process::Fate;
use crate::trace;
use core::ops::AddAssign;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::figures::{Figure, record};
use support::long_form;

/// How much is explored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Depth {
    /// All that loom finds different. It overlooks some, see [`Touch`](crate::checker::Touch): of two processes at a lock,
    /// 24 of 9,655 executions have one asleep.
    Unbounded,
    /// All with so many preemptions at most (to go on after a sleep or an end is none), and nothing overlooked: with 4 of
    /// them, 461 of 2,460.
    Preemptions(usize),
}

/// So many preemptions in the bounded form, so many in the long one.
pub(crate) fn bound(bounded: usize, long: usize) -> Depth {
    Depth::Preemptions(if long_form() { long } else { bounded })
}

/// What exploring came to.
#[derive(Default, Debug)]
pub(crate) struct Report {
    pub(crate) executions: u64,
    pub(crate) deaths: u64,
    pub(crate) sleeps: u64,
    pub(crate) census: BTreeSet<String>,
    time: Duration,
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        self.executions += other.executions;
        self.deaths += other.deaths;
        self.sleeps += other.sleeps;
        self.time += other.time;
        self.census.extend(other.census);
    }
}

/// The executions of `scene`.
pub(crate) fn explore(depth: Depth, scene: impl Fn() -> String + Send + Sync + 'static) -> Report {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = match depth {
        Depth::Unbounded => None,
        Depth::Preemptions(most) => Some(most),
    };
    builder.max_branches = 20_000;
    be_thorough(depth != Depth::Unbounded);
    let (before, start) = (tally(|_| {}), Instant::now());
    let found = Arc::new(Mutex::new((0, BTreeSet::new())));
    let note = Arc::clone(&found);
    let check = move || {
        trace::begin();
        let told = scene();
        let mut found = note.lock().expect("no panic inside");
        found.0 += 1;
        found.1.insert(told);
    };
    if let Err(why) = catch_unwind(AssertUnwindSafe(|| builder.check(check))) {
        eprintln!("the steps of the execution that fails:\n{}", trace::tell());
        resume_unwind(why);
    }
    let (executions, census) = core::mem::take(&mut *found.lock().expect("no panic inside"));
    let Tally { deaths, sleeps } = tally(|_| {});
    let (deaths, sleeps) = (deaths - before.deaths, sleeps - before.sleeps);
    Report { executions, deaths, sleeps, census, time: start.elapsed() }
}

/// The same for each of `fates`, until one befalls nobody any more.
pub(crate) fn everywhere(
    depth: Depth,
    fates: impl Fn(u32) -> Fate,
    befell: impl Fn(&Report) -> bool,
    scene: impl Fn(Fate) -> String + Send + Sync + Clone + 'static,
) -> Report {
    let mut sum = Report::default();
    for step in 0.. {
        let (scene, fate) = (scene.clone(), fates(step));
        let report = explore(depth, move || scene(fate));
        let done = !befell(&report);
        sum += report;
        if done {
            return sum;
        }
    }
    unreachable!("no process has 2^32 steps")
}

/// A process killed before its first step, then before its second, and so on, until it has no more.
pub(crate) fn killed_everywhere(
    depth: Depth,
    scene: impl Fn(Fate) -> String + Send + Sync + Clone + 'static,
) -> Report {
    everywhere(depth, Fate::killed_at, |report| report.deaths > 0, scene)
}

impl Report {
    /// The census is what it must be; leaves the figures.
    pub(crate) fn census(&self, proof: &str, legal: &[impl AsRef<str>]) {
        let legal: BTreeSet<_> = legal.iter().map(|told| told.as_ref().to_owned()).collect();
        let illegal: Vec<_> = self.census.difference(&legal).collect();
        let unseen: Vec<_> = legal.difference(&self.census).collect();
        let right = illegal.is_empty() && unseen.is_empty();
        assert!(right, "{proof}: census: illegal {illegal:?}, unseen {unseen:?}");
        let Self { executions, deaths, sleeps, time, .. } = self;
        println!("{proof}: {executions} executions, {deaths} deaths, {sleeps} sleeps, {time:.1?}");
        record(
            &format!("loom: {proof}"),
            &[
                (Figure::LoomExecutions, *executions),
                (Figure::Deaths, *deaths),
                (Figure::Wedged, 0), // a wedge is a deadlock to loom, which fails
            ],
        );
    }
}
