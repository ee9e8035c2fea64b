//! Runs scenes under shuttle's schedulers, and checks each outcome.

use crate::kernel::{Tally, tally};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use support::figures::{Figure, record};
use support::long_form;

/// How many changes of priority the second scheduler makes in a schedule.
const CHANGES: usize = 3;

/// Runs `scene` `bounded` times, in the long form twenty times as often: half of them with uniformly random schedules, half
/// with random priorities (PCT). Each must be `legal`; how often
/// which came about.
pub(crate) fn wander(
    proof: &str,
    bounded: usize,
    scene: impl Fn() -> String + Send + Sync + Clone + 'static,
    legal: fn(&str) -> bool,
) -> BTreeMap<String, u64> {
    let schedules = if long_form() { 20 * bounded } else { bounded };
    let (before, start) = (tally(|_| {}), Instant::now());
    let census = Arc::new(Mutex::new(BTreeMap::new()));
    let play = {
        let census = Arc::clone(&census);
        move || {
            let told = scene();
            assert!(legal(&told), "illegal: {told}");
            *census.lock().expect("no panic inside").entry(told).or_insert(0) += 1;
        }
    };
    Runner::new(RandomScheduler::new(schedules / 2), config()).run(play.clone());
    Runner::new(PctScheduler::new(CHANGES, schedules / 2), config()).run(play);
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
    core::mem::take(&mut *census.lock().expect("no panic inside"))
}

fn config() -> Config {
    let mut config = Config::new();
    config.silence_warnings = true; // it says that every ordering is SeqCst to it
    config
}
