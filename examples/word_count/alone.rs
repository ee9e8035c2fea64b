//! The same count by one process: what the workers' count is checked against, word by word.
//!
//! It shares the tokenizer with the workers but not the cutting: it puts the pieces of a file
//! together again and cuts where it likes, so a word that a wrong cut halves is noticed.
//!
//! The files are read a second time for this. One that changes in between must neither pass for a
//! fault of the workers nor hide one: both sides take a [`Fingerprint`] of the bytes that they
//! counted, job by job, and where these differ nothing is concluded.

use crate::fingerprint::Fingerprint;
use crate::plan::{self, Plan};
use crate::progress::Progress;
use crate::tally::Tally;
use crate::tokenizer::is_border;
use std::time::{Duration, Instant};

/// What one process counted.
#[derive(Default)]
pub struct Alone {
    /// The count.
    pub tally: Tally,
    /// Jobs whose bytes are not those that the workers read.
    pub changed: Vec<usize>,
    /// How long that took.
    pub took: Duration,
}

/// Counts everything; `fingerprints` are those of the workers, one for each job.
pub fn count(plan: &Plan, fingerprints: &[Fingerprint]) -> Alone {
    let begun = Instant::now();
    let mut progress = Progress::new("checking", plan.bytes);
    let mut alone = Alone::default();
    let (mut text, mut joined) = (Vec::new(), Joined::default());
    for (job, workers) in fingerprints.iter().enumerate() {
        let seen = alone.count_job(plan, job, &mut text, &mut joined);
        if seen.as_ref() != Some(workers) {
            alone.changed.push(job);
        }
        progress.show(alone.tally.bytes);
    }
    alone.took = begun.elapsed();
    alone
}

impl Alone {
    /// The fingerprint of what it read; `None` if a piece is not what it was when it was planned.
    fn count_job(
        &mut self,
        plan: &Plan,
        job: usize,
        text: &mut Vec<u8>,
        joined: &mut Joined,
    ) -> Option<Fingerprint> {
        let mut fingerprint = Fingerprint::default();
        let mut as_planned = true;
        for piece in plan.pieces_of(job) {
            let file = plan.files.get(piece.file)?;
            as_planned &= plan::read(&file.path, &piece.bytes, text).is_ok();
            as_planned &= text.len() as u64 == piece.len();
            fingerprint.add(text);
            joined.add(text, &mut self.tally);
            if piece.bytes.end == file.len {
                joined.end(&mut self.tally);
            } else {
                as_planned &= text.last().is_some_and(|byte| is_border(*byte));
            }
        }
        as_planned.then_some(fingerprint)
    }
}

/// A text that arrives in parts, which may end inside a word.
#[derive(Default)]
struct Joined {
    /// What came behind the last border.
    rest: Vec<u8>,
}

impl Joined {
    fn add(&mut self, part: &[u8], tally: &mut Tally) {
        let behind_border = part.iter().rposition(|byte| is_border(*byte)).map(|at| at + 1);
        let (whole, rest) = part.split_at(behind_border.unwrap_or(0));
        if !whole.is_empty() {
            if self.rest.is_empty() {
                tally.count(whole);
            } else {
                self.rest.extend_from_slice(whole);
                self.end(tally);
            }
        }
        self.rest.extend_from_slice(rest);
    }

    fn end(&mut self, tally: &mut Tally) {
        tally.count(&self.rest);
        self.rest.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Joined;
    use crate::tally::Tally;

    #[test]
    fn joined_parts_have_the_words_of_the_whole() {
        let text = "One two\u{2014}\u{441}\u{43b}\u{43e}\u{432}\u{43e},\nthree3 \u{e9}".as_bytes();
        let mut whole = Tally::default();
        whole.count(text);
        for size in 1..=text.len() {
            let (mut tally, mut joined) = (Tally::default(), Joined::default());
            text.chunks(size).for_each(|part| joined.add(part, &mut tally));
            joined.end(&mut tally);
            assert_eq!(tally.differences(&whole), [], "parts of {size} bytes");
        }
    }
}
