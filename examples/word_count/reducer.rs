//! Adds up the results: each job once, whatever a killed worker has left in its ring.
//!
//! The blocks of a ring are those of one worker after the other. A worker sends a table from block 0
//! to the last one; its successor begins with the first job that is not released, from block 0. So:
//!
//! | a block 0 comes          | then                                    | because its sender                 |
//! |--------------------------|-----------------------------------------|------------------------------------|
//! | after a last block       | it is the next table                    | lived, or died between two tables  |
//! | in the middle of a table | the unfinished table is dropped: *torn* | followed one who died while sending |
//! | for a job that is folded | its whole table is dropped: *doubled*   | followed one who died between the last block and the release of the job |

use crate::board::Block;
use crate::fingerprint::Fingerprint;
use crate::options::Fault;
use crate::table;
use crate::tally::Tally;

/// The sum so far.
pub struct Reducer {
    /// The words of all jobs that are folded in.
    pub tally: Tally,
    /// Tables that ended in the middle.
    pub torn: u64,
    /// Tables of jobs that had been folded in already.
    pub doubled: u64,
    /// For each job the fingerprint of the text that was counted; `None` until it is folded in.
    folded: Vec<Option<Fingerprint>>,
    left: usize,
    fault: Option<Fault>,
}

/// A table whose last block has not come yet. There is one for each ring.
#[derive(Default)]
pub struct Partial {
    job: usize,
    parts: usize,
    table: Vec<u8>,
}

impl Reducer {
    /// For `jobs` jobs; `fault` is a mistake to make once.
    pub fn new(jobs: usize, fault: Option<Fault>) -> Self {
        Self {
            tally: Tally::default(),
            torn: 0,
            doubled: 0,
            folded: vec![None; jobs],
            left: jobs,
            fault,
        }
    }

    /// Whether every job is folded in.
    pub const fn is_done(&self) -> bool {
        self.left == 0
    }

    /// How many jobs are folded in.
    pub const fn done(&self) -> usize {
        self.folded.len() - self.left
    }

    /// The fingerprints of all jobs, once it [`is_done`](Self::is_done).
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        self.folded.iter().copied().flatten().collect()
    }

    /// Takes the next block of the ring that `partial` belongs to. Says whether that finished a job.
    ///
    /// # Errors
    /// The blocks are not what a worker sends.
    pub fn take(&mut self, partial: &mut Partial, block: &Block) -> Result<bool, String> {
        let (job, part, parts) = block.place();
        if part == 0 {
            self.torn += u64::from(partial.parts != 0);
            *partial = Partial { job, parts: 0, table: std::mem::take(&mut partial.table) };
            partial.table.clear();
        }
        if (partial.job, partial.parts) != (job, part) {
            return Err(format!("block {part} of job {job} is out of turn"));
        }
        partial.table.extend_from_slice(block.bytes());
        partial.parts += 1;
        if partial.parts != parts {
            return Ok(false);
        }
        partial.parts = 0;
        self.fold(job, &partial.table)
    }

    /// Adds the table of a job, unless that has been done.
    fn fold(&mut self, job: usize, table: &[u8]) -> Result<bool, String> {
        let broken = || format!("the result of job {job} is damaged");
        let folded = self.folded.get_mut(job).ok_or_else(broken)?;
        if folded.is_some() {
            self.doubled += 1;
            return Ok(false);
        }
        let fingerprint = match self.fault.take() {
            None => table::add_to(&mut self.tally, table),
            Some(Fault::Drop) => table::add_to(&mut Tally::default(), table),
            Some(Fault::Double) => {
                table::add_to(&mut self.tally, table);
                table::add_to(&mut self.tally, table)
            }
        };
        *folded = Some(fingerprint.ok_or_else(broken)?);
        self.left -= 1;
        Ok(true)
    }
}
