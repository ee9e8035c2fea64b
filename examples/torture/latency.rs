//! How long something took, many times: a histogram that processes fill together.

use sabha::Shareable;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Steps for each doubling: a step is a fifth.
const STEPS: u32 = 4;
const PLACES: usize = 64 * STEPS as usize;

/// Counts by powers of two nanoseconds, each in four steps.
#[derive(Shareable)]
#[repr(C)]
pub struct Histogram {
    counts: [AtomicU64; PLACES],
}

impl Histogram {
    /// One more.
    pub fn add(&self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get(place(ns)) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Relaxed)).sum()
    }

    /// What `share` thousandths of them did not exceed, by less than a fifth.
    pub fn quantile(&self, share: u64) -> Duration {
        let wanted = (self.len() * share).div_ceil(1000).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count.load(Relaxed);
            if seen >= wanted {
                return Duration::from_nanos(end_of(index));
            }
        }
        Duration::ZERO
    }
}

/// Where `ns` is counted.
fn place(ns: u64) -> usize {
    let doublings = ns.max(4).ilog2();
    let step = (ns.max(4) >> (doublings - 2)) & u64::from(STEPS - 1);
    (doublings * STEPS) as usize + usize::try_from(step).unwrap_or(0)
}

/// The first that is counted behind that place.
fn end_of(place: usize) -> u64 {
    let (doublings, step) = (place / STEPS as usize, place % STEPS as usize);
    let quarter = 1u64.checked_shl(u32::try_from(doublings).unwrap_or(63)).unwrap_or(0) / 4;
    quarter.saturating_mul(step as u64 + 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_before_the_end_of_its_place_by_less_than_a_quarter() {
        for ns in (4..5_000).chain([1 << 20, (1 << 20) + 1, 123_456_789]) {
            let end = end_of(place(ns));
            assert!(ns < end && end <= ns + ns / 4 + 1, "{ns} {end}");
        }
    }

    #[test]
    fn half_of_all_do_not_exceed_the_median() {
        let histogram = Histogram { counts: [const { AtomicU64::new(0) }; PLACES] };
        assert_eq!((histogram.len(), histogram.quantile(500)), (0, Duration::ZERO));
        for us in 1..=100 {
            histogram.add(Duration::from_micros(us));
        }
        let median = histogram.quantile(500);
        assert!(median >= Duration::from_micros(50) && median < Duration::from_micros(64));
        assert!(histogram.quantile(1000) >= Duration::from_micros(100));
    }
}
