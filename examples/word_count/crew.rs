//! The parent: gives out jobs, collects results, replaces who is killed, and kills if asked to.
//!
//! One loop does all of it and never waits for one worker in particular: it sleeps until the bell
//! rings, for [`LAP`] at most. That bound is for the bell that a worker was killed before ringing,
//! and for a worker whom somebody else has killed; it is when we look, not how we judge: a worker
//! is dead when `waitpid` says so.

use crate::board::{Block, Board, Job};
use crate::fingerprint::Fingerprint;
use crate::killer::Killer;
use crate::options::{Options, Row};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::reducer::{Partial, Reducer};
use crate::tally::Tally;
use nix::sys::signal::Signal;
use sabha::Region;
use sabha::ring::spsc::{Consumer, PopError, Producer, PushError};
use std::error::Error;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The longest sleep of the parent.
const LAP: Duration = Duration::from_millis(20);
/// After so many deaths at one desk without a result in between, something is wrong with the job.
const DEATHS_MAX: u32 = 10;

/// What the workers have done.
#[derive(Default)]
pub struct Counted {
    /// The count.
    pub tally: Tally,
    /// For each job the fingerprint of the text that was counted.
    pub fingerprints: Vec<Fingerprint>,
    /// From before the first worker was started until the last result was folded in.
    pub took: Duration,
    /// Workers that we have killed at work.
    pub killed: u64,
    /// Workers that were started in the place of a dead one.
    pub replaced: u64,
    /// See [`Reducer::torn`].
    pub torn: u64,
    /// See [`Reducer::doubled`].
    pub doubled: u64,
}

/// Has `plan` counted by worker processes.
///
/// # Errors
/// The region cannot be made, a worker cannot be started, or one fails again and again.
pub fn count(plan: &Plan, options: &Options) -> Result<Counted> {
    if plan.jobs.is_empty() {
        return Ok(Counted::default());
    }
    let begun = Instant::now();
    let mut crew = Crew::hire(plan, options)?;
    let mut progress = Progress::new("counting", plan.bytes);
    loop {
        let heard = crew.board.bell();
        crew.hand_out_jobs()?;
        crew.collect_results()?;
        crew.look_after_workers()?;
        progress.show(crew.reducer.tally.bytes);
        if crew.reducer.is_done() {
            return crew.dismiss(begun.elapsed());
        }
        crew.kill_if_due(begun.elapsed())?;
        crew.sleep(heard)?;
    }
}

struct Crew<'p> {
    board: Board,
    plan: &'p Plan,
    desks: Vec<Desk>,
    next_job: usize,
    reducer: Reducer,
    killer: Killer,
    killed: u64,
    replaced: u64,
}

/// Our ends of two rings, and who works at the other ends now.
struct Desk {
    index: usize,
    jobs: Producer<Job>,
    results: Consumer<Block>,
    partial: Partial,
    worker: Child,
    /// Deaths since the last result.
    deaths: u32,
}

impl<'p> Crew<'p> {
    fn hire(plan: &'p Plan, options: &Options) -> Result<Self> {
        let size = Board::region_bytes(plan, options.workers);
        let region = Region::options().size(size).member_name("word_count").anonymous()?;
        let board = Board::publish(&region, plan)?;
        let desk = |index| Desk::new(index, &board, options.die);
        let desks = (0..options.workers).map(desk).collect::<Result<_>>()?;
        let seed = u64::from(UNIX_EPOCH.elapsed()?.subsec_nanos());
        Ok(Self {
            board,
            plan,
            desks,
            next_job: 0,
            reducer: Reducer::new(plan.jobs.len(), options.fault),
            killer: Killer::new(options.kill, plan.bytes, seed),
            killed: 0,
            replaced: 0,
        })
    }

    /// Gives a job to each desk in turn, as long as there are jobs and somebody has room.
    fn hand_out_jobs(&mut self) -> Result<()> {
        let end = self.end_of_hand_out();
        loop {
            let before = self.next_job;
            for desk in &mut self.desks {
                if self.next_job < end && desk.give(Job::new(self.next_job, self.plan))? {
                    self.board.call(desk.index)?;
                    self.next_job += 1;
                }
            }
            if self.next_job == before {
                return Ok(());
            }
        }
    }

    /// Up to where jobs may be handed out: as long as there are kills to come some are kept back,
    /// and given out one at a time, so that the work is not over before the last kill.
    fn end_of_hand_out(&self) -> usize {
        let jobs = self.plan.jobs.len();
        let nobody_has_one = self.reducer.done() == self.next_job;
        let kept_back = 4 * self.killer.left();
        jobs.saturating_sub(kept_back).max(self.next_job + usize::from(nobody_has_one)).min(jobs)
    }

    /// Folds in what has arrived.
    fn collect_results(&mut self) -> Result<()> {
        for desk in &mut self.desks {
            while let Some(block) = desk.next_block()? {
                if self.reducer.take(&mut desk.partial, &block)? {
                    desk.deaths = 0;
                }
            }
        }
        Ok(())
    }

    /// Replaces those who have died, not by our hand.
    fn look_after_workers(&mut self) -> Result<()> {
        for desk in &mut self.desks {
            if let Some(status) = desk.worker.try_wait()? {
                desk.mourn(status)?;
                desk.replace(&self.board)?;
                self.replaced += 1;
            }
        }
        Ok(())
    }

    /// Kills as many workers as it is time for.
    fn kill_if_due(&mut self, elapsed: Duration) -> Result<()> {
        let soon = self.duration_of_a_job(elapsed);
        for _ in 0..self.killer.due(self.reducer.tally.bytes, soon) {
            if self.kill_somebody_at_work()? {
                self.killed += 1;
            } else {
                self.killer.postpone(soon / 8); // while there is somebody to hit
            }
        }
        Ok(())
    }

    /// Kills one who is counting, and replaces it. `false`: nobody is, or the job was finished
    /// between the look and the kill.
    fn kill_somebody_at_work(&mut self) -> Result<bool> {
        let is_at_work = |desk: &usize| self.board.is_at_work(*desk);
        let at_work: Vec<_> = (0..self.desks.len()).filter(is_at_work).collect();
        let victim = self.killer.choose(&at_work);
        let Some(desk) = victim.and_then(|index| self.desks.get_mut(index)) else {
            return Ok(false);
        };
        desk.worker.kill()?;
        let by_us = desk.worker.wait()?.signal() == Some(Signal::SIGKILL as i32);
        let was_at_work = self.board.is_at_work(desk.index);
        self.board.set_at_work(desk.index, None);
        desk.replace(&self.board)?;
        self.replaced += 1;
        Ok(by_us && was_at_work)
    }

    /// So far; no more than what is left to do would take.
    fn duration_of_a_job(&self, elapsed: Duration) -> Duration {
        let [desks, done, all] = [self.desks.len(), self.reducer.done(), self.plan.jobs.len()]
            .map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        elapsed * desks.min(all - done) / done.max(1)
    }

    /// Until the bell has rung since `heard`, or there may be something else to do.
    fn sleep(&self, heard: u32) -> Result<()> {
        let until_kill =
            self.killer.next().map(|due| due.saturating_duration_since(Instant::now()));
        let longest = until_kill.unwrap_or(LAP).min(LAP);
        Ok(self.board.wait_for_bell(heard, longest)?)
    }

    /// Sends all workers home, and waits until they are gone.
    fn dismiss(mut self, took: Duration) -> Result<Counted> {
        for desk in &mut self.desks {
            desk.jobs.close()?;
            self.board.call(desk.index)?;
            desk.results.close()?; // somebody may be sending a job for the second time
        }
        for desk in &mut self.desks {
            desk.worker.wait()?;
        }
        Ok(Counted {
            fingerprints: self.reducer.fingerprints(),
            took,
            killed: self.killed,
            replaced: self.replaced,
            torn: self.reducer.torn,
            doubled: self.reducer.doubled,
            tally: self.reducer.tally,
        })
    }
}

impl Desk {
    fn new(index: usize, board: &Board, die: Option<Row>) -> Result<Self> {
        Ok(Self {
            index,
            jobs: board.jobs(index)?.producer()?,
            results: board.results(index)?.consumer()?,
            partial: Partial::default(),
            worker: start_worker(index, board, die)?,
            deaths: 0,
        })
    }

    /// Puts a job into the ring. `false`: it is full; if its reader is dead, for now.
    fn give(&mut self, job: Job) -> Result<bool> {
        match self.jobs.try_push(job) {
            Ok(()) => Ok(true),
            Err(PushError::Full(_) | PushError::Abandoned(_)) => Ok(false),
            Err(broken) => Err(broken.into()),
        }
    }

    /// Takes a block out of the ring; `None` if it is empty.
    fn next_block(&mut self) -> Result<Option<Block>> {
        match self.results.try_pop() {
            Ok(block) => Ok(Some(block)),
            Err(PopError::Empty | PopError::Abandoned) => Ok(None),
            Err(broken) => Err(broken.into()),
        }
    }

    /// A worker died that we have not killed. Once or twice is bad luck.
    fn mourn(&mut self, status: ExitStatus) -> Result<()> {
        self.deaths += 1;
        if self.deaths < DEATHS_MAX {
            return Ok(());
        }
        let Self { index, deaths, .. } = self;
        Err(format!("{deaths} workers died at desk {index} without a result, the last by {status}")
            .into())
    }

    /// Seats a successor, who takes over the ends of the rings that the dead worker had.
    fn replace(&mut self, board: &Board) -> Result<()> {
        self.worker = start_worker(self.index, board, None)?;
        Ok(())
    }
}

/// Runs this program again as a worker, with the region as its standard input.
fn start_worker(desk: usize, board: &Board, die: Option<Row>) -> Result<Child> {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("word_count").arg(crate::WORKER);
    command.args([desk.to_string(), std::process::id().to_string()]);
    command.args(die.map(Row::name));
    command.stdin(Stdio::from(board.region().as_fd().try_clone_to_owned()?));
    command.stdout(Stdio::null());
    Ok(command.spawn()?)
}
