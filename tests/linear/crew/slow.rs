//! Rounds in slow motion: one process is stopped between any two instructions of its operations, while others do theirs.
//!
//! On a few processors operations seldom meet. Here they do: one lane's process steps through its operations, and after every
//! few instructions it lets somebody else do one whole operation, or begin it and wait. It may kill itself where it stands.
//! What it is stopped in is the machine code of the library, and of a scene's own few lines around it.

use super::worker::{A_WHILE, Part, Yard, die, spin_or_yield};
use super::{Crew, Round, Rules};
use crate::scene::{Ready, Role, Scene};
use std::time::Instant;
use support::child::Random;
use support::step::stepped;

/// How often an operation is stopped at most; most have an end before.
const STOPS: u64 = 60;
/// The most instructions from one stop to the next.
const STRIDE: u64 = 40;
/// Operations of who is stopped, at most.
const TURNS: u64 = 4;

/// How a process steps through its operations.
#[derive(Clone, Copy)]
pub struct Slowly {
    /// At which stop it dies; 0: at none.
    pub dies_at: u64,
}

impl<S: Scene + 'static> Crew<'_, S> {
    /// Plays a round. `None`: the scene is used up.
    pub fn play_slowly(&mut self, rules: Rules, random: &mut Random) -> Option<Round<S>> {
        let Ready { object, model } = self.prepare(random)?;
        let slow = usize::try_from(random.below(rules.lanes as u64)).expect("a lane");
        let dies = rules.death_in.filter(|&one_in| random.below(one_in) == 0);
        let dies_at = dies.map_or(0, |_| 1 + random.below(STOPS));
        self.yard.expect(rules.lanes);
        for lane in 0..rules.lanes {
            let role = Role { lane, object, mortal: false };
            if lane == slow {
                let part = Part::new(role, TURNS, random).slowly(Slowly { dies_at });
                self.ask(lane, part, u64::MAX);
            } else {
                self.ask(lane, Part::new(role, rules.turns, random), 0);
            }
        }
        let death = self.await_one(slow);
        self.yard.posts.iter().for_each(|post| post.allow_all());
        let mut deaths = Vec::from_iter(death.map(|span| (slow, span)));
        self.await_all(&mut deaths);
        let stops = self.yard.posts[slow].stops();
        Some(Round { stops, ..self.end(model, &deaths) })
    }
}

impl Slowly {
    /// Runs an operation of process `me`, stopping at times.
    pub fn run(self, act: &mut dyn FnMut(), yard: &Yard, me: usize, random: &mut Random) {
        let (mut stops, mut instructions) = (0, 1 + random.below(STRIDE));
        stepped(act, || {
            instructions -= 1;
            if instructions > 0 {
                return true;
            }
            instructions = 1 + random.below(STRIDE);
            let so_far = yard.posts[me].stop();
            yard.let_somebody_act(random);
            if so_far == self.dies_at {
                die();
            }
            stops += 1;
            stops < STOPS
        });
    }
}

impl Yard {
    /// One who waits to be allowed to do something may do it.
    fn let_somebody_act(&self, random: &mut Random) {
        let first = usize::try_from(random.below(self.posts.len() as u64)).expect("one of them");
        let (before, from) = self.posts.split_at(first);
        let Some(post) = from.iter().chain(before).find(|post| post.is_waiting()) else { return };
        let number = post.allow_one();
        let start = Instant::now();
        for turn in 0.. {
            if post.has_finished(number) || start.elapsed() > A_WHILE {
                return;
            }
            spin_or_yield(turn);
        }
    }
}
