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
    child: Child,
    said: impl Fn() -> S,
    may_sleep: impl Fn(S) -> bool,
) -> Verdict {
    watch_at_most(PATIENCE, child, said, may_sleep)
}

fn watch_at_most<S: PartialEq + Copy>(
    patience: Duration,
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
        if since.elapsed() > patience {
            return Verdict::Hangs { state };
        }
        sleep(LOOK);
    }
}

#[test]
fn who_sleeps_is_told_from_who_spins() {
    let patience = 4 * LONG_ASLEEP;
    let sleeper = || Child::spawn(|| sleep(PATIENCE));
    let spinner = || {
        Child::spawn(|| {
            loop {
                std::hint::spin_loop();
            }
        })
    };
    let verdict = |child, may| watch_at_most(patience, child, || 0, |_| may);
    assert_eq!(verdict(sleeper(), true), Verdict::Held);
    assert_eq!(verdict(sleeper(), false), Verdict::Hangs { state: 'S' });
    assert_eq!(verdict(spinner(), true), Verdict::Hangs { state: 'R' });
    assert_eq!(verdict(Child::spawn(|| std::process::exit(3)), true), Verdict::Ended(3));
    assert_eq!(verdict(Child::spawn(|| std::process::abort()), true), Verdict::Ended(-6));
}
