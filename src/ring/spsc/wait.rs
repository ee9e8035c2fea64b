//! Waiting for the other end, and asking whether it lives.
//!
//! A sleeper pins PARKED to the word that the other end reads after each of its stores, has every
//! processor's memory ordered, looks again, and sleeps on that word: pair `no-lost-wake` of the
//! [protocol](super::protocol). The other end pays one load. A waker may be killed between clearing
//! the note and waking, so no sleep is longer than a pulse.

use super::protocol::{Note, Refusal, Side};
use crate::os::clock::Deadline;
use crate::os::{AtomicU32, Relaxed, cpu, futex};
use std::time::Duration;

/// The longest sleep where barriers are refused: then nothing else orders the two sides.
const NAP: Duration = Duration::from_millis(1);
/// How long the kernel's word that the other end lives is believed.
const TRUST: Duration = Duration::from_millis(1);
/// Refusals between two looks at the clock.
const REFUSALS: u32 = 16;

/// How a blocking call spends its time.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// Turns of the spin loop before each sleep.
    pub(crate) spins: u32,
    /// Whether it sleeps at all.
    pub(crate) sleeps: bool,
    /// The longest sleep.
    pub(crate) pulse: Duration,
}

/// What this end knows of the other's owner.
pub(crate) struct Peer {
    refusals: u32,
    /// The last owner that was found dead; 0: none. Nobody comes back under that name.
    dead: u32,
    ask_again: Deadline,
}

impl Default for Peer {
    fn default() -> Self {
        Self { refusals: 0, dead: 0, ask_again: Deadline::PASSED }
    }
}

impl Peer {
    /// Whether `owner` names somebody dead, in a call that is often refused: asks the kernel
    /// rarely.
    fn is_gone_at_times(&mut self, owner: &AtomicU32, gone: &dyn Fn(u32) -> bool) -> bool {
        let time = self.refusals.is_multiple_of(REFUSALS);
        self.refusals = self.refusals.wrapping_add(1);
        if time { self.is_gone(owner, gone) } else { self.is_dead(owner.load(Relaxed)) }
    }

    fn is_gone(&mut self, owner: &AtomicU32, gone: &dyn Fn(u32) -> bool) -> bool {
        let owner = owner.load(Relaxed);
        if owner != 0 && owner != self.dead && self.ask_again.has_passed() {
            self.ask_again = Deadline::after(TRUST);
            if gone(owner) {
                self.dead = owner;
            }
        }
        self.is_dead(owner)
    }

    /// How long to sleep: a pulse, or until it is time to ask, if just now it is not.
    fn nap(&self, pulse: Duration) -> Deadline {
        if self.ask_again.has_passed() { Deadline::after(pulse) } else { self.ask_again }
    }

    fn is_dead(&self, owner: u32) -> bool {
        owner != 0 && owner == self.dead
    }
}

/// A side that can wait for the other.
pub(crate) trait Look<'r> {
    /// Whether there is anything to do; `NotYet` is worth waiting.
    fn look(&mut self) -> Result<(), Refusal>;

    fn side(&mut self) -> &mut Side<'r>;

    /// What a refused [`look`](Self::look) means: whether there will ever be anything.
    #[cold]
    fn doubt(&mut self, why: Refusal, gone: &dyn Fn(u32) -> bool) -> Result<(), Refusal> {
        let side = self.side();
        if why == Refusal::NotYet && side.peer.is_gone_at_times(side.other, gone) {
            return self.look_last();
        }
        Err(why)
    }

    /// The other end's owner is dead. What it did last counts.
    fn look_last(&mut self) -> Result<(), Refusal> {
        self.look().map_err(|why| if why == Refusal::NotYet { Refusal::Abandoned } else { why })
    }

    /// Waits until there is something to do, or never will be.
    #[cold]
    fn wait(
        &mut self,
        patience: Patience,
        until: Deadline,
        gone: &dyn Fn(u32) -> bool,
    ) -> Result<(), Refusal> {
        loop {
            for _ in 0..=patience.spins {
                match self.look() {
                    Err(Refusal::NotYet) => cpu::pause(),
                    done => return done,
                }
            }
            let side = self.side();
            let nap = side.peer.nap(patience.pulse);
            if side.peer.is_gone(side.other, gone) {
                return self.look_last();
            }
            if until.has_passed() {
                return Err(Refusal::TimedOut);
            }
            if patience.sleeps {
                self.sleep(until.min(nap));
            } else {
                cpu::yield_now();
            }
        }
    }

    /// Sleeps unless there is something to do. May return early.
    fn sleep(&mut self, until: Deadline) {
        let note = self.side().note;
        let seen = note.fetch_or(Note::PARKED, Relaxed) | Note::PARKED; // C1
        let ordered = cpu::barrier_everywhere(); // pair: no-lost-wake
        if self.look() == Err(Refusal::NotYet) {
            let until = if ordered { until } else { until.min(Deadline::after(NAP)) };
            futex::wait(note, seen, until);
        }
        note.fetch_and(!Note::PARKED, Relaxed);
    }
}

/// Takes PARKED off the note and wakes who pinned it there.
pub(super) fn wake(note: &AtomicU32) {
    // Relaxed: a sleeper that sees the note gone without the reason pins it again, and then sees.
    if Note(note.fetch_and(!Note::PARKED, Relaxed)).is_parked() {
        futex::wake(note, 1);
    }
}

/// Orders every process's memory accesses, or, where that is refused, waits until they have long
/// happened.
pub(super) fn order_everywhere() {
    if cpu::barrier_everywhere() {
        return;
    }
    let long_after = Deadline::after(NAP);
    while !long_after.has_passed() {
        cpu::yield_now();
    }
}
