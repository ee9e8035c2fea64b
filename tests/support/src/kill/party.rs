//! The living who have a part in a scene, and whether they ever end.

use super::stepped::Stepped;
use crate::child::{Child, is_futex, state, system_call};
use std::time::{Duration, Instant};

/// Whoever sleeps without a bound, and whom nobody is left to wake, is wedged at once. Sleeps with a bound are pulses of the
/// library: asleep for so long without anybody's end is wedged, too.
const PULSES: Duration = Duration::from_millis(1500);
/// Whoever runs for so long is in a loop.
const LOOP: Duration = Duration::from_secs(30);
/// Whoever takes longer needed a pulse.
const PROMPT: Duration = Duration::from_millis(60);

/// One of them.
pub(super) enum Party {
    Free(&'static str, Child),
    Stepped(&'static str, Stepped),
}

/// How all came to their ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ends {
    /// The exit status of the last.
    pub(super) status: i32,
    /// Whether it took a pulse.
    pub(super) slow: bool,
}

/// Why not all came to a good end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Stuck {
    /// All who live are asleep.
    Wedged(String),
    /// Somebody runs and runs.
    Loops(String),
    /// Somebody saw what must not be.
    Broken(String),
}

impl Party {
    fn name(&self) -> &'static str {
        match self {
            Self::Free(name, _) | Self::Stepped(name, _) => name,
        }
    }

    pub(super) fn pid(&self) -> i32 {
        match self {
            Self::Free(_, child) => child.pid,
            Self::Stepped(_, stepped) => stepped.pid(),
        }
    }

    fn ended(&mut self) -> Option<i32> {
        match self {
            Self::Free(_, child) => child.try_reap(),
            Self::Stepped(_, stepped) => stepped.run_on(),
        }
    }

    fn describe(&self) -> String {
        let call = system_call(self.pid())
            .map_or("running".into(), |[number, ..]| format!("in system call {number}"));
        format!("the {} (process {}) is {call}", self.name(), self.pid())
    }
}

/// Waits until the party has ended or sleeps; its end must be a good one.
pub(super) fn until_settled(mut party: Party) -> Result<Option<Party>, Stuck> {
    let start = Instant::now();
    loop {
        if let Some(status) = party.ended() {
            return good(&party, status).map(|_| None);
        }
        if sleep_of(party.pid()) != Sleep::Awake {
            return Ok(Some(party));
        }
        if start.elapsed() > LOOP {
            return Err(Stuck::Loops(party.describe()));
        }
        std::thread::yield_now();
    }
}

/// Lets all come to their ends, which must be good ones.
pub(super) fn end_all(mut parties: Vec<Party>) -> Result<Ends, Stuck> {
    let start = Instant::now();
    let mut progress = start;
    let mut last = 0;
    let (mut looks, mut asleep) = (0_u32, 0_u32);
    let mut unbounded = 0;
    loop {
        let before = parties.len();
        let mut index = 0;
        while let Some(party) = parties.get_mut(index) {
            match party.ended() {
                Some(status) => {
                    last = good(party, status)?;
                    drop(parties.swap_remove(index));
                }
                None => index += 1,
            }
        }
        if parties.is_empty() {
            return Ok(Ends { status: last, slow: start.elapsed() > PROMPT });
        }
        if parties.len() < before {
            (progress, looks, asleep, unbounded) = (Instant::now(), 0, 0, 0);
        }
        let sleeps =
            parties.iter().map(|party| sleep_of(party.pid())).min().unwrap_or(Sleep::Awake);
        looks += 1;
        asleep += u32::from(sleeps != Sleep::Awake);
        unbounded = if sleeps == Sleep::Unbounded { unbounded + 1 } else { 0 };
        let waited = progress.elapsed();
        let all = || parties.iter().map(Party::describe).collect::<Vec<_>>().join("; ");
        if unbounded > 20 || waited > PULSES && asleep * 10 > looks * 9 {
            return Err(Stuck::Wedged(all()));
        }
        if waited > LOOP {
            return Err(Stuck::Loops(all()));
        }
        if waited < Duration::from_micros(500) {
            std::thread::yield_now();
        } else {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

fn good(party: &Party, status: i32) -> Result<i32, Stuck> {
    match status {
        0..100 => Ok(status),
        _ => Err(Stuck::Broken(format!("the {} ended with {status}", party.name()))),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Sleep {
    Awake,
    /// For a time.
    Bounded,
    /// On a futex, for ever.
    Unbounded,
}

fn sleep_of(pid: i32) -> Sleep {
    match system_call(pid) {
        Some([number, _, _, _, timeout, ..]) if state(pid) == 'S' => {
            let for_ever = is_futex(number) && timeout == 0;
            if for_ever { Sleep::Unbounded } else { Sleep::Bounded }
        }
        _ => Sleep::Awake,
    }
}
