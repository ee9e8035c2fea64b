//! A worker: takes a job, counts its text privately, sends the result, releases the job.
//!
//! It may be killed anywhere; its successor at the same desk goes on from what the rings hold. The
//! marks W1 to W5 are the rows of the crash table in `main.rs`.

use crate::board::{Block, Board, Job};
use crate::fingerprint::Fingerprint;
use crate::options::Row;
use crate::tally::Tally;
use crate::{plan, table};
use nix::sys::prctl;
use nix::sys::signal::{Signal, raise};
use sabha::Region;
use sabha::ring::spsc::{Consumer, PopError, Producer, PushError};
use std::error::Error;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::parent_id;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Works at `desk` until there are no more jobs, or `parent` is gone.
///
/// # Errors
/// The region is not what it should be.
pub fn work(desk: usize, parent: u32, die: Option<Row>) -> Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if parent_id() != parent {
        return Ok(()); // it died before we had asked to be killed with it
    }
    // The region has no name: the parent passes it as our standard input.
    let region = Region::from_fd(io::stdin().as_fd().try_clone_to_owned()?)?;
    let board = Board::open(&region)?;
    let mut jobs = board.jobs(desk)?.consumer()?;
    die_at(Row::Hired, die); // W1
    let mut results = board.results(desk)?.producer()?;
    let mut counter = Counter::default();
    while wait_for_job(&mut jobs, desk, &board)? {
        let held = jobs.read(1)?; // until it is released it is still in the ring
        let Some(job) = held.get(0) else { break };
        board.set_at_work(desk, Some(&job));
        board.ring_bell()?; // there may be a killer waiting for that
        counter.count(&board, &job, die); // W2
        if !send(&counter.table, &job, &mut results, &board, die)? {
            break;
        }
        die_at(Row::Committed, die); // W4
        board.set_at_work(desk, None);
        held.release(1);
        die_at(Row::Released, die); // W5
        board.ring_bell()?;
    }
    Ok(())
}

/// Waits until there is a job; `false`: there will be none.
fn wait_for_job(jobs: &mut Consumer<Job>, desk: usize, board: &Board) -> Result<bool> {
    loop {
        let heard = board.calls(desk);
        match jobs.read(1) {
            Ok(_) => return Ok(true),
            Err(PopError::Closed) => return Ok(false),
            Err(PopError::Empty) => board.wait_for_call(desk, heard)?,
            Err(other) => return Err(other.into()),
        }
    }
}

/// Sends a result block by block; its last block makes it count. `false`: nobody wants it.
fn send(
    table: &[u8],
    job: &Job,
    results: &mut Producer<Block>,
    board: &Board,
    die: Option<Row>,
) -> Result<bool> {
    for block in Block::of(job, table) {
        match results.push(block) {
            Err(PushError::Closed(_)) => return Ok(false),
            pushed => pushed?,
        }
        die_at(Row::Sent, die); // W3, and W4 if this was the last block
        board.ring_bell()?;
    }
    Ok(true)
}

/// What a worker needs to count; it keeps its memory from job to job.
#[derive(Default)]
struct Counter {
    text: Vec<u8>,
    tally: Tally,
    table: Vec<u8>,
}

impl Counter {
    /// Counts the text of a job; the result is in `table`.
    ///
    /// A file that is gone or shorter by now is counted as far as it goes. Its fingerprint will
    /// show it.
    fn count(&mut self, board: &Board, job: &Job, die: Option<Row>) {
        self.tally.clear();
        let mut fingerprint = Fingerprint::default();
        for (path, bytes) in board.texts_of(job) {
            if plan::read(&path, &bytes, &mut self.text).is_err() {
                self.text.clear();
            }
            self.tally.count(&self.text);
            fingerprint.add(&self.text);
            die_at(Row::Counted, die);
        }
        table::encode(&self.tally, fingerprint, &mut self.table);
    }
}

/// For the tests of the crash table: kills this process, if `here` is where it shall die.
fn die_at(here: Row, die: Option<Row>) {
    if die == Some(here) {
        let _ = raise(Signal::SIGKILL); // does not return
    }
}
