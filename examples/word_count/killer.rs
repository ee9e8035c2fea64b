//! When to kill: at random moments, spread over the run.

use std::time::{Duration, Instant};

/// The plan of the kills that are still to come.
///
/// Each has a random place in the work: so many bytes are counted. That alone would always hit at
/// the moment when a result is folded in, so when the place is reached a random fraction of the
/// time that a job takes is waited for.
pub struct Killer {
    /// Bytes counted, the first place last.
    places: Vec<u64>,
    due: Option<Instant>,
    random: Random,
}

impl Killer {
    /// For `kills` kills in the counting of `bytes_total`; none in its last tenth, where some
    /// workers have no job any more.
    pub fn new(kills: usize, bytes_total: u64, seed: u64) -> Self {
        let mut random = Random(seed);
        let end = bytes_total - bytes_total / 10;
        let mut places: Vec<_> = (0..kills).map(|_| random.below(end)).collect();
        places.sort_unstable_by(|one, other| other.cmp(one));
        Self { places, due: None, random }
    }

    /// Whether to kill now; `bytes_done` is how far the work is, `job` what a job takes.
    pub fn is_due(&mut self, bytes_done: u64, job: Duration) -> bool {
        let now = Instant::now();
        match self.due {
            Some(due) => now >= due,
            None => {
                if self.places.last().is_some_and(|place| *place <= bytes_done) {
                    self.postpone(job);
                }
                false
            }
        }
    }

    /// When to ask again whether it [`is_due`](Self::is_due), at the latest.
    pub const fn next(&self) -> Option<Instant> {
        self.due
    }

    /// One of `victims`; nobody if there is none.
    pub fn choose(&mut self, victims: &[usize]) -> Option<usize> {
        let index = self.random.below(victims.len() as u64);
        victims.get(usize::try_from(index).ok()?).copied()
    }

    /// The kill has hit a worker at work: on to the next one.
    pub fn has_hit(&mut self) {
        self.places.pop();
        self.due = None;
    }

    /// It has not: try again in a while.
    pub fn postpone(&mut self, job: Duration) {
        let micros = self.random.below(u64::try_from(job.as_micros()).unwrap_or(u64::MAX));
        self.due = Some(Instant::now() + Duration::from_micros(micros));
    }
}

/// Numbers without a pattern that would matter here (xorshift64*).
struct Random(u64);

impl Random {
    /// A number from `0..end`; 0 if that is empty.
    fn below(&mut self, end: u64) -> u64 {
        self.0 |= u64::from(self.0 == 0);
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d).checked_rem(end).unwrap_or(0)
    }
}
