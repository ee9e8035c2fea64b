//! Whom to kill and to stop, and when: at random, and mostly where it hurts.
//!
//! Who has done nothing for a while is spared: it may be stuck, and its death would hide that. So the watchdog finds out.

use crate::board::{Board, DESKS, Who};
use crate::crew::{Crew, Worker};
use crate::random::Random;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// How long to look for somebody who is inside of something.
const HUNT: Duration = Duration::from_millis(1);
/// Who has done nothing for so long is spared.
const SPARED: Duration = Duration::from_millis(50);
/// Of so many stops one is long.
const LONG_STOPS: u64 = 16;

/// The next kill and the next stop.
pub struct Torturer {
    random: Random,
    /// Between two kills, on average; zero: none.
    every: Duration,
    next_kill: Instant,
    next_stop: Instant,
    /// For each desk who has last been seen to do something there, and when.
    seen: Vec<Seen>,
}

#[derive(Clone, Copy)]
struct Seen {
    who: Option<Who>,
    progress: u64,
    at: Instant,
}

impl Torturer {
    /// A kill every so often.
    pub fn new(every: Duration, seed: u64) -> Self {
        let now = Instant::now();
        let seen = vec![Seen { who: None, progress: 0, at: now }; DESKS];
        let random = Random::new(seed);
        Self { random, every, next_kill: now + every, next_stop: now + every, seen }
    }

    /// When there is something to do again.
    pub fn next(&self) -> Instant {
        self.next_kill.min(self.next_stop)
    }

    /// Does what it is time for.
    pub fn act(&mut self, crew: &mut Crew, board: &Board) {
        let now = Instant::now();
        if self.every.is_zero() {
            (self.next_kill, self.next_stop) =
                (now + Duration::from_secs(1), now + Duration::from_secs(1));
            return;
        }
        for worker in crew.living() {
            self.seen[worker.who.desk].look_at(worker, board);
        }
        if now >= self.next_stop {
            self.stop(crew, board);
        }
        if now >= self.next_kill {
            let victims = self.victims(crew, board);
            crew.kill(&victims);
            // From when it was due: a busy machine delays kills, and shall not make them fewer. Not for ever, though.
            let due = self.next_kill.max(now - 8 * self.every);
            self.next_kill = due + self.about(self.every);
        }
    }

    /// Who dies: mostly one, who is inside of something if anybody is; sometimes several; rarely all.
    fn victims(&mut self, crew: &Crew, board: &Board) -> Vec<usize> {
        let goes_on = |worker: &&Worker| self.seen[worker.who.desk].at.elapsed() < SPARED;
        let mut desks: Vec<_> =
            crew.living().filter(goes_on).map(|worker| worker.who.desk).collect();
        self.shuffle(&mut desks);
        if self.random.below(4) > 0 {
            let last = Instant::now() + HUNT;
            while !desks.iter().any(|desk| is_inside(board, *desk)) && Instant::now() < last {
                std::thread::sleep(HUNT / 50);
            }
            desks.sort_by_cached_key(|desk| !is_inside(board, *desk)); // it changes meanwhile
        }
        let all = desks.len();
        let count = match self.random.below(200) {
            0 => all,
            1..25 => 2 + self.below(all / 2),
            _ => 1,
        };
        desks.truncate(count);
        desks
    }

    /// Stops somebody, for longer if that is rare. The next comes much later, so that mostly nobody is stopped.
    fn stop(&mut self, crew: &mut Crew, board: &Board) {
        let long = self.random.below(LONG_STOPS) == 0;
        let time = Duration::from_micros(self.random.below(if long { 200_000 } else { 10_000 }));
        let desks: Vec<_> = crew.living().map(|worker| worker.who.desk).collect();
        let inside = desks.iter().find(|desk| is_inside(board, **desk));
        let somebody = desks.get(self.below(desks.len()));
        let wanted = if self.random.below(2) == 0 { inside.or(somebody) } else { somebody };
        if let Some(desk) = wanted {
            crew.stop(*desk, time);
        }
        self.next_stop = Instant::now() + 8 * time + self.about(4 * self.every);
    }

    fn shuffle(&mut self, desks: &mut [usize]) {
        for last in (1..desks.len()).rev() {
            desks.swap(last, self.below(last + 1));
        }
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.random.below(end as u64)).unwrap_or(0)
    }

    /// A random time; on average that one.
    fn about(&mut self, time: Duration) -> Duration {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX / 2);
        Duration::from_micros(self.random.below(2 * micros + 1))
    }
}

impl Seen {
    fn look_at(&mut self, worker: &Worker, board: &Board) {
        let (who, progress) = (Some(worker.who), board.desk(worker.who.desk).progress.load(SeqCst));
        if (who, progress) != (self.who, self.progress) || worker.is_stopped() {
            *self = Self { who, progress, at: Instant::now() };
        }
    }
}

fn is_inside(board: &Board, desk: usize) -> bool {
    board.desk(desk).inside.load(SeqCst) != 0
}
