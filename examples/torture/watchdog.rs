//! Who does nothing for too long is stuck.
//!
//! A busy machine must not look like a stuck process. So the clock of all hardly moves while somebody is stopped, who may
//! have what the others wait for, or while somebody wants a processor and gets none; and it does not count the time in
//! which the supervisor itself did not run. What counts is sleeping without end, and burning a processor without end.

use crate::autopsy;
use crate::board::{Board, Who};
use crate::crew::{Crew, Worker};
use crate::trials::Trial;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(200);
/// Before that nobody is suspicious.
const SUSPICIOUS: Duration = Duration::from_millis(500);

/// What it has seen of a desk.
#[derive(Clone, Copy, Default)]
struct Seen {
    who: Option<Who>,
    progress: u64,
    idle: Duration,
    /// Processor time that its process has used, in nanoseconds.
    burnt: u64,
}

/// See the module.
pub struct Watchdog {
    patience: Duration,
    last: Instant,
    desks: Vec<Seen>,
}

impl Watchdog {
    /// Looks after so many desks.
    pub fn new(desks: usize, patience: Duration) -> Self {
        Self { patience, last: Instant::now(), desks: vec![Seen::default(); desks] }
    }

    /// Looks, if it is time to: the desks that are stuck.
    pub fn look(&mut self, crew: &Crew, board: &Board) -> Vec<usize> {
        let elapsed = self.last.elapsed();
        if elapsed < EVERY {
            return Vec::new();
        }
        self.last = Instant::now();
        let mut unjust = crew.anybody_stopped();
        for worker in crew.living() {
            unjust |= self.desks[worker.who.desk].look_at(worker, board);
        }
        // Hardly, and not never: who burns processors without end can keep others from them.
        let counts = elapsed.min(2 * EVERY) / if unjust { 10 } else { 1 };
        for worker in crew.living() {
            self.desks[worker.who.desk].idle += counts;
        }
        let is_stuck = |worker: &&Worker| self.desks[worker.who.desk].idle > self.patience;
        crew.living().filter(is_stuck).map(|worker| worker.who.desk).collect()
    }
}

impl Seen {
    /// `true`: it would work, but gets no processor.
    fn look_at(&mut self, worker: &Worker, board: &Board) -> bool {
        let desk = board.desk(worker.who.desk);
        let rests = desk.at_rest.load(SeqCst) == worker.who.incarnation;
        let progress = desk.progress.load(SeqCst);
        if rests || self.who != Some(worker.who) || self.progress != progress {
            *self = Self { who: Some(worker.who), progress, ..Self::default() };
        }
        if self.idle < SUSPICIOUS {
            return false;
        }
        let (state, burnt) = autopsy::state_and_time(worker.pid);
        let ran = std::mem::replace(&mut self.burnt, burnt) != burnt;
        state == 'R' && !ran
    }
}

/// All that can be said of who is stuck, for people.
pub fn report(stuck: &[usize], crew: &Crew, board: &Board, trials: &[Box<dyn Trial>]) -> String {
    let mut lines = Vec::new();
    let trial_at = |desk: usize| trials.get(board.desk(desk).trial.load(SeqCst) as usize);
    let name_at = |desk: usize| trial_at(desk).map_or("nothing", |trial| trial.name());
    for worker in crew.living() {
        let desk = worker.who.desk;
        let verdict = if stuck.contains(&desk) { "STUCK" } else { "works" };
        let inside = if board.desk(desk).inside.load(SeqCst) != 0 { ", inside" } else { "" };
        lines.push(format!(
            "{verdict}: desk {desk}, process {}, in: {}{inside}",
            worker.pid,
            name_at(desk)
        ));
        lines.extend(autopsy::of(worker.pid).into_iter().map(|line| format!("    {line}")));
    }
    let mut suspects: Vec<_> = stuck.iter().map(|desk| name_at(*desk)).collect();
    suspects.sort_unstable();
    suspects.dedup();
    for trial in trials.iter().filter(|trial| suspects.contains(&trial.name())) {
        lines.push(format!("{}: {}", trial.name(), trial.show()));
    }
    format!("{} stuck in: {}\n{}", stuck.len(), suspects.join(", "), lines.join("\n"))
}
