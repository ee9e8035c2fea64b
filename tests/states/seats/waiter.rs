//! How a thread locks, and waits for the owner: what `src/seat/lock.rs` asks of a seat.
//!
//! There a waiter asks twice whether the owner lives before it sleeps. Here it asks once: what the first answer says, the
//! second says later. A pulse's word is used at once: if it has come too late, the lock's word has changed.

use super::flaw::Flaw;
use super::kernel;
use super::name::Verb;
use super::state::{At, Live, Process, Seat, Who};
use super::{TWO_OWNERS, Turn, WAITS_FOR_ITSELF};
use crate::explore::Kind;

impl Turn<'_> {
    pub(super) fn waits(&mut self) {
        match self.process().at {
            At::Look => self.look(),
            At::AskLive => self.ask_live(At::AskGeneration, At::Tell),
            At::AskLiveAwake => self.ask_live(At::AskGenerationAwake, At::TellAwake),
            At::AskGeneration => self.ask_generation(),
            At::AskGenerationAwake => self.ask_generation_awake(),
            At::Tell | At::TellAwake => self.tell(),
            At::Steal => self.steal(),
            At::Queue => self.queue(),
            At::Watch => self.watch(),
            At::Asleep => self.sleep(),
            At::AskMember => self.ask_member(),
            At::AskOccupant => self.ask_occupant(),
            At::AskAnchor => self.ask_anchor(),
            other => unreachable!("{other:?}"),
        }
    }

    fn look(&mut self) {
        match self.from.owner {
            None => self.take(),
            Some(owner) if owner == self.own() => self.breaks(WAITS_FOR_ITSELF),
            seen => self.becomes(Process { seen, ..self.seated(At::AskLive) }),
        }
    }

    fn looks_again(&mut self) {
        self.becomes(self.seated(At::Look));
    }

    /// The lock is ours, says the code. Is it?
    fn take(&mut self) {
        if self.from.processes.iter().any(|process| process.at == At::Holds) {
            return self.breaks(TWO_OWNERS);
        }
        let mut next = *self.from;
        next.owner = self.process().own;
        kernel::wake_the_lock(&mut next);
        self.goes(next, self.seated(At::Holds));
    }

    /// With the owner in mind, and nothing else.
    fn minds_owner(&self, at: At) -> Process {
        Process { seen: self.process().seen, ..self.seated(at) }
    }

    fn ask_live(&mut self, alive: At, dead: At) {
        let live = self.seen_seat().live;
        let passes = !live.died || self.has(Flaw::ClaimerLooksAlive);
        if live.who == Who::Nobody || !passes {
            self.becomes(self.minds_owner(dead));
        } else {
            // Behind a sleep what was found is of no more use.
            let live = if alive == At::AskGeneration { live } else { Live::default() };
            self.becomes(Process { at: alive, live, ..self.process() });
        }
    }

    fn is_same_occupant(&self) -> bool {
        let same = self.seen_seat().generation == self.seen().generation;
        same || self.has(Flaw::GenerationNotCompared)
    }

    fn ask_generation(&mut self) {
        if self.is_same_occupant() {
            self.moves(At::Queue);
        } else {
            self.becomes(self.minds_owner(At::Tell));
        }
    }

    fn ask_generation_awake(&mut self) {
        if !self.is_same_occupant() {
            self.becomes(self.minds_owner(At::TellAwake));
        } else if self.process().pulsed && !self.has(Flaw::PulseDoesNotAsk) {
            self.becomes(self.minds_owner(At::AskMember));
        } else {
            self.looks_again();
        }
    }

    /// `pass_on_death`.
    fn tell(&mut self) {
        let mut next = *self.from;
        if self.seen_seat().live.watched {
            kernel::wake_all(&mut next, self.seen().seat);
        }
        if self.process().at == At::Tell {
            self.goes(next, self.minds_owner(At::Steal));
        } else {
            self.goes(next, self.seated(At::Look));
        }
    }

    fn steal(&mut self) {
        if self.from.owner == self.process().seen { self.take() } else { self.looks_again() }
    }

    fn queue(&mut self) {
        if self.from.owner == self.process().seen {
            self.becomes(Process { at: At::Watch, queued: true, ..self.process() });
        } else {
            self.becomes(self.minds_owner(At::AskLiveAwake));
        }
    }

    fn watch(&mut self) {
        let process = self.process();
        if self.seen_seat().live == process.live {
            let live = Live::default();
            self.becomes(Process { at: At::Asleep, watching: true, live, ..process });
        } else {
            self.becomes(self.minds_owner(At::AskLiveAwake));
        }
    }

    fn sleep(&mut self) {
        let awake = self.minds_owner(At::AskLiveAwake);
        let Process { queued, watching, .. } = self.process();
        if queued && watching {
            self.kind = Kind::Pulse;
            self.goes_as(Verb::Pulses, *self.from, Process { pulsed: true, ..awake });
            self.kind = Kind::Must;
        } else {
            self.becomes(awake);
        }
    }

    fn ask_member(&mut self) {
        let Seat { member, .. } = self.seen_seat();
        self.becomes(Process { at: At::AskOccupant, member, ..self.process() });
    }

    /// Another occupant's member: this one's is gone.
    fn ask_occupant(&mut self) {
        if self.seen_seat().generation == self.seen().generation {
            self.moves(At::AskAnchor);
        } else {
            self.becomes(self.minds_owner(At::Tell));
        }
    }

    fn ask_anchor(&mut self) {
        if self.model.is_gone(self.from, self.process().member) {
            self.becomes(self.minds_owner(At::Tell));
        } else {
            self.looks_again();
        }
    }

    pub(super) fn unlock(&mut self) {
        let mut next = *self.from;
        next.owner = None;
        kernel::wake_the_lock(&mut next);
        self.goes(next, self.seated(At::Seated));
    }
}
