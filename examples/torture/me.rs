//! A worker, as its trials see it.

use crate::board::{AUDITOR, Board, Desk, Event, Phase, SERVANT, Who};
use crate::fault::Fault;
use crate::random::Random;
use sabha::{Region, Shared};
use std::sync::atomic::Ordering::SeqCst;

/// Where everything is.
pub struct World {
    /// The region under torture.
    pub region: Region,
    /// Where the supervisor and the workers meet.
    pub board: Shared<Board>,
    /// The region's name. Other regions of this run have names that begin so.
    pub name: String,
}

/// Who works here, and what for.
pub struct Me<'w> {
    /// Where everything is.
    pub world: &'w World,
    /// Its own numbers.
    pub random: Random,
    /// Itself, for others to read.
    pub who: Who,
    /// The place in the list of the trial under way.
    pub trial: usize,
}

impl<'w> Me<'w> {
    /// The worker at `desk`.
    pub fn new(world: &'w World, who: Who) -> Self {
        let seed =
            world.board.seed.load(SeqCst) ^ who.to_bits().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut random = Random::new(seed);
        random.below(1); // similar seeds begin with similar numbers
        Self { world, random, who, trial: 0 }
    }

    /// See [`World`].
    pub fn board(&self) -> &'w Board {
        &self.world.board
    }

    /// Its own.
    pub fn desk(&self) -> &'w Desk {
        self.board().desk(self.who.desk)
    }

    /// Begins with a trial: the numbers of the desk are its, from now on.
    pub fn begin(&mut self, trial: usize) {
        self.trial = trial;
        self.desk().trial.store(u32::try_from(trial).unwrap_or(u32::MAX), SeqCst);
    }

    /// So many more operations are done.
    pub fn done(&self, operations: u64) {
        if let Some(count) = self.desk().operations.get(self.trial) {
            count.fetch_add(operations, SeqCst);
        }
        self.desk().progress.fetch_add(1, SeqCst);
    }

    /// Something happened.
    pub fn note(&self, event: Event, count: u64) {
        self.board().note(self.trial, event, count);
    }

    /// Runs `act` as what a kill should meet.
    pub fn inside<R>(&mut self, act: impl FnOnce(&mut Self) -> R) -> R {
        self.desk().inside.store(1, SeqCst);
        let result = act(self);
        self.desk().inside.store(0, SeqCst);
        result
    }

    /// Stays for a moment, now and then: so that kills and other processes find somebody there.
    pub fn linger(&mut self) {
        if self.random.below(4) == 0 {
            for _ in 0..self.random.below(3000) {
                std::hint::spin_loop();
            }
        }
    }

    /// One of `count` ways.
    pub fn pick(&mut self, count: usize) -> usize {
        usize::try_from(self.random.below(count as u64)).unwrap_or(0)
    }

    /// Whether it is told to make that mistake.
    pub fn has(&self, fault: Fault) -> bool {
        self.board().fault.load(SeqCst) == fault.to_bits()
    }

    /// Whether it only serves: then it never waits for a partner, so nobody else does for long.
    pub fn is_servant(&self) -> bool {
        self.who.desk == SERVANT
    }

    /// Whether to finish: an operation that could go on for long looks here. Servants go last.
    pub fn is_called(&self) -> bool {
        match self.who.desk {
            AUDITOR => false,
            SERVANT => self.board().phase() >= Phase::AllRest,
            _ => self.board().phase() >= Phase::Rest,
        }
    }

    /// Somebody was told of the death of `of`: notes it, and how long it took.
    pub fn inherit(&self, of: Option<Who>) {
        self.note(Event::Inherited, 1);
        if let Some(took) = of.and_then(|of| self.board().killed_for(of)) {
            self.board().latencies.add(took);
        }
    }
}
