//! How seats are freed whose thread is gone although the kernel could not say so: `sweep` of `src/seat/page.rs`.
//!
//! Here anybody without a seat sweeps when he likes, one seat at a time.

use super::Turn;
use super::flaw::Flaw;
use super::kernel;
use super::state::{At, Id, Live, Process, Seat, Who};

impl Turn<'_> {
    /// One sweeper at a time.
    pub(super) fn begin_sweep(&mut self) {
        let another = self.from.processes.iter().any(|process| process.at.is_sweeping());
        if another && !self.has(Flaw::TwoSweepers) {
            return;
        }
        for seat in 0..self.from.seats.len() {
            let seen = Some(Id { seat, generation: 0 });
            self.becomes(Process { at: At::SweepLook, seen, ..Process::OUT });
        }
    }

    pub(super) fn sweeps(&mut self) {
        match self.process().at {
            At::SweepLook => self.sweep_look(),
            At::SweepMember => self.sweep_ask(self.seen_seat().member),
            At::SweepAsk => self.sweep_asks_anchor(),
            At::SweepLookAgain => self.sweep_look_again(),
            At::SweepStill => self.sweep_if_still(self.seen_seat().member),
            At::SweepFree => self.sweep_free(),
            At::SweepWake => {
                let mut next = *self.from;
                kernel::wake_all(&mut next, self.seen().seat);
                self.goes(next, Process::OUT);
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn sweep_look(&mut self) {
        let seat = self.seen_seat();
        if self.has(Flaw::SweptByOldLook) {
            let member = self.model.claimer(&seat).unwrap_or(seat.member);
            return self.becomes(Process {
                at: At::SweepAsk,
                member,
                live: seat.live,
                ..self.process()
            });
        }
        match self.model.claimer(&seat) {
            Some(member) => self.sweep_ask(member),
            None => self.moves(At::SweepMember),
        }
    }

    fn sweep_ask(&mut self, member: u8) {
        self.becomes(Process { at: At::SweepAsk, member, ..self.process() });
    }

    fn sweep_asks_anchor(&mut self) {
        if !self.model.is_gone(self.from, self.process().member) {
            self.becomes(Process::OUT);
        } else if self.has(Flaw::SweptByOldLook) {
            let taken = self.process().live.who != Who::Nobody;
            self.becomes(if taken {
                Process { at: At::SweepFree, ..self.process() }
            } else {
                Process::OUT
            });
        } else {
            self.moves(At::SweepLookAgain);
        }
    }

    fn sweep_look_again(&mut self) {
        let seat = self.seen_seat();
        let Seat { live, .. } = seat;
        match self.model.claimer(&seat) {
            _ if !self.model.may_be_swept(live) => self.becomes(Process::OUT),
            None => self.becomes(Process { at: At::SweepStill, live, ..self.process() }),
            Some(claimer) if claimer == self.process().member => {
                self.becomes(Process { at: At::SweepFree, member: 0, live, ..self.process() });
            }
            Some(_) => self.becomes(Process::OUT),
        }
    }

    fn sweep_if_still(&mut self, member: u8) {
        if member == self.process().member {
            self.becomes(Process { at: At::SweepFree, member: 0, ..self.process() });
        } else {
            self.becomes(Process::OUT);
        }
    }

    fn sweep_free(&mut self) {
        let process = self.process();
        if self.seen_seat().live != process.live {
            return self.becomes(Process::OUT);
        }
        let mut next = *self.from;
        next.seats[self.seen().seat].live = Live { who: Who::Nobody, died: true, watched: true };
        if self.has(Flaw::SweptSilently) {
            self.goes(next, Process::OUT);
        } else {
            self.goes(next, Process { at: At::SweepWake, live: Live::default(), ..process });
        }
    }
}
