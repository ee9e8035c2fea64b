//! Runs scenes under shuttle's schedulers, and checks each outcome.

use crate::kernel::{Tally, tally};
use crate::trace;
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;
use support::figures::{Figure, record};
use support::long_form;

/// How many changes of priority the second scheduler makes in a schedule.
const CHANGES: usize = 3;

/// How many schedules of a scene are tried.
const BOUNDED: usize = 2_000;
const LONG: usize = 40_000;

/// Runs `scene` again and again: half of the schedules are uniformly random, half have random priorities (PCT). What comes of
/// each must be `legal`.
pub(crate) fn wander(
    proof: &str,
    scene: impl Fn() -> String + Send + Sync + Clone + 'static,
    legal: fn(&str) -> bool,
) {
    let schedules = if long_form() { LONG } else { BOUNDED };
    let (before, start) = (tally(|_| {}), Instant::now());
    let play = move || {
        trace::begin();
        let told = scene();
        assert!(legal(&told), "illegal: {told}");
    };
    let tried = catch_unwind(AssertUnwindSafe(|| {
        Runner::new(RandomScheduler::new(schedules / 2), config()).run(play.clone());
        Runner::new(PctScheduler::new(CHANGES, schedules / 2), config()).run(play);
    }));
    if let Err(why) = tried {
        eprintln!("{proof}: the steps of the schedule that fails:\n{}", trace::tell());
        resume_unwind(why);
    }
    let Tally { deaths, sleeps } = tally(|_| {});
    let (deaths, sleeps) = (deaths - before.deaths, sleeps - before.sleeps);
    let time = start.elapsed();
    println!("{proof}: {schedules} schedules, {deaths} deaths, {sleeps} sleeps, {time:.1?}");
    record(
        &format!("shuttle: {proof}"),
        &[
            (Figure::ShuttleSchedules, schedules as u64),
            (Figure::Deaths, deaths),
            (Figure::Wedged, 0), // a wedge is a deadlock to shuttle, which fails
        ],
    );
}

fn config() -> Config {
    let mut config = Config::new();
    config.silence_warnings = true; // it says that every ordering is SeqCst to it
    config
}
