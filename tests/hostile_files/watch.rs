//! Watching a child that is to end, or to sleep where it may.

use std::thread::sleep;
use std::time::{Duration, Instant};
use support::child::Child;
use support::fork::PATIENCE;

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Its exit status, or minus the signal.
    Ended(i32),
    /// It slept on, where it may: killed.
    Held,
    /// It did not go on, and did not sleep; or slept where it may not: killed.
    Hangs {
        /// Its state as `/proc` tells.
        state: char,
    },
}

/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);
/// Longer than any sleep after which a waiter asks again who lives.
const LONG_ASLEEP: Duration = Duration::from_millis(500);

/// Watches `child`, whose progress `said` tells, until it ends; or sleeps for long where it `may`; or does nothing new for
/// longer than anything takes.
pub fn watch<S: PartialEq + Copy>(
    mut child: Child,
    said: impl Fn() -> S,
    may_sleep: impl Fn(S) -> bool,
) -> Verdict {
    let (mut last, mut since, mut asleep_since) = (said(), Instant::now(), None);
    loop {
        if let Some(code) = child.try_reap() {
            return Verdict::Ended(code);
        }
        let (now, state) = (said(), child.state());
        if now != last {
            (last, since) = (now, Instant::now());
        }
        let asleep = state == 'S' && may_sleep(now) && since.elapsed() > LOOK;
        asleep_since = if asleep { asleep_since.or(Some(Instant::now())) } else { None };
        if asleep_since.is_some_and(|when| when.elapsed() > LONG_ASLEEP) {
            return Verdict::Held;
        }
        if since.elapsed() > PATIENCE {
            return Verdict::Hangs { state };
        }
        sleep(LOOK);
    }
}
