//! When to kill: at random moments, spread over the run.

use crate::random::Random;
use std::cmp::Reverse;
use std::time::{Duration, Instant};

/// The kills that are still to come.
///
/// Each has a random place in the work: when so many bytes are counted. That alone would always hit
/// just when a result is folded in, so at its place it is only given a time: a random one, soon.
pub struct Killer {
    /// Bytes counted, the first place last.
    places: Vec<u64>,
    times: Vec<Instant>,
    random: Random,
}

impl Killer {
    /// For `kills` kills in the counting of `bytes_total`. None has its place in the last quarter:
    /// that is for those which miss.
    pub fn new(kills: usize, bytes_total: u64, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let end = bytes_total - bytes_total / 4;
        let mut places: Vec<_> = (0..kills).map(|_| random.below(end)).collect();
        places.sort_unstable_by_key(|place| Reverse(*place));
        Self { places, times: Vec::new(), random }
    }

    /// How many to kill now, if `bytes_done` are counted; `soon` is the longest way from a place to
    /// a time.
    pub fn due(&mut self, bytes_done: u64, soon: Duration) -> usize {
        while self.places.pop_if(|place| *place <= bytes_done).is_some() {
            self.postpone(soon);
        }
        let now = Instant::now();
        let before = self.times.len();
        self.times.retain(|time| *time > now);
        before - self.times.len()
    }

    /// How many are still to come.
    pub const fn left(&self) -> usize {
        self.places.len() + self.times.len()
    }

    /// When the next one is due, if it has a time.
    pub fn next(&self) -> Option<Instant> {
        self.times.iter().min().copied()
    }

    /// One of `victims`; nobody if there is none.
    pub fn choose(&mut self, victims: &[usize]) -> Option<usize> {
        let index = self.random.below(victims.len() as u64);
        victims.get(usize::try_from(index).ok()?).copied()
    }

    /// Gives a kill a time. Also one that has hit nobody at work: it is tried again.
    pub fn postpone(&mut self, soon: Duration) {
        let micros = self.random.below(u64::try_from(soon.as_micros()).unwrap_or(u64::MAX));
        self.times.push(Instant::now() + Duration::from_micros(micros));
    }
}
