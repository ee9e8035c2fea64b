//! How a thread comes to a seat and leaves it: `occupy`, `leave` and `vacate` of `src/seat/page.rs`.

use super::flaw::Flaw;
use super::kernel;
use super::state::{At, Id, Live, Pending, Process, State, Who};
use super::{TWO_OCCUPANTS, Turn};

impl Turn<'_> {
    pub(super) fn comes_or_leaves(&mut self) {
        match self.process().at {
            At::CountEarly => self.count_early(),
            At::Claim => self.claim(),
            At::Count => self.count(),
            At::Number => self.number(),
            At::Name => self.name(),
            At::Link => self.link(),
            At::Show => self.show(),
            At::Close => self.close(),
            At::Unlink => self.unlink(),
            At::Free => self.free(),
            At::FreedUnlink => self.is_out(*self.from),
            At::Cut => {
                self.becomes(Process { at: At::VacateLook, linked: false, ..self.process() })
            }
            At::VacateLook => {
                let live = self.own_seat().live;
                self.becomes(Process { at: At::Vacate, live, ..self.process() });
            }
            At::Vacate => self.vacate(),
            At::ShowWake | At::CloseWake | At::FreedWake | At::VacateWake => {
                self.wakes_its_watchers()
            }
            other => unreachable!("{other:?}"),
        }
    }

    /// Loads the `live` words, in any order.
    pub(super) fn find_a_seat(&mut self) {
        for (seat, found) in self.from.seats.iter().enumerate() {
            let live = found.live;
            let unswept = self.has(Flaw::ClaimedUnswept) && live.died;
            if (live.who == Who::Nobody || unswept) && found.generation < self.model.claims {
                let early = self.has(Flaw::CountedBeforeClaimed);
                let at = if early { At::CountEarly } else { At::Claim };
                let own = Some(Id { seat, generation: 0 });
                let insured = self.has(Flaw::ClaimInsured);
                let pending = if insured { Pending::Live } else { Pending::Nothing };
                self.becomes(Process { at, own, live, pending, ..Process::OUT });
            }
        }
    }

    fn count_early(&mut self) {
        let seat = self.own().seat;
        let generation = self.own_seat().generation + 1;
        if generation > self.model.claims {
            return self.becomes(Process::OUT);
        }
        let mut next = *self.from;
        next.seats[seat].generation = generation;
        let own = Some(Id { seat, generation });
        self.goes(next, Process { at: At::Claim, own, ..self.process() });
    }

    fn claim(&mut self) {
        let (process, seat) = (self.process(), self.own().seat);
        let early = self.has(Flaw::CountedBeforeClaimed);
        let bounded = self.own_seat().generation < self.model.claims || early;
        let unchanged = self.own_seat().live == process.live || self.has(Flaw::ClaimedByStore);
        if !unchanged || !bounded {
            return self.becomes(Process::OUT);
        }
        if self.from.processes.iter().any(|other| other.occupies(seat)) {
            return self.breaks(TWO_OCCUPANTS);
        }
        let watched = process.live.watched && !self.has(Flaw::WatchersForgotten);
        let mut next = *self.from;
        next.seats[seat].live = match self.model.flaw {
            Some(Flaw::AliveAtOnce) => Live { who: self.tid(), died: false, watched: true },
            Some(Flaw::ClaimedByTid) => Live { who: self.tid(), died: true, watched },
            _ => Live { who: Who::Member(self.member()), died: true, watched },
        };
        let at = if early { At::Name } else { At::Count };
        self.goes(next, Process { at, live: Live::default(), ..process });
    }

    fn count(&mut self) {
        let counts = u8::from(!self.has(Flaw::SameName));
        let own = Id { generation: self.own_seat().generation + counts, ..self.own() };
        self.becomes(Process { at: At::Number, own: Some(own), ..self.process() });
    }

    fn number(&mut self) {
        let Id { seat, generation } = self.own();
        let mut next = *self.from;
        next.seats[seat].generation = generation;
        let at = if self.has(Flaw::NamedLate) { At::Link } else { At::Name };
        self.goes(next, Process { at, ..self.process() });
    }

    fn name(&mut self) {
        let mut next = *self.from;
        next.seats[self.own().seat].member = self.member();
        let at = match self.model.flaw {
            Some(Flaw::LinkedLate) => At::Show,
            Some(Flaw::NamedLate) => At::ShowWake,
            _ => At::Link,
        };
        self.goes(next, Process { at, ..self.process() });
    }

    fn link(&mut self) {
        let at = if self.has(Flaw::LinkedLate) { At::ShowWake } else { At::Show };
        self.becomes(Process { at, linked: true, ..self.process() });
    }

    fn show(&mut self) {
        let mut next = *self.from;
        next.seats[self.own().seat].live = Live { who: self.tid(), died: false, watched: true };
        let at = match self.model.flaw {
            Some(Flaw::LinkedLate) => At::Link,
            Some(Flaw::NamedLate) => At::Name,
            Some(Flaw::ShownSilently) => At::Seated,
            _ if self.own_seat().live.watched => At::ShowWake,
            _ => At::Seated,
        };
        self.goes(next, self.seated(at));
    }

    /// Leaves the seat for good, or closes the region.
    pub(super) fn leave(&mut self) {
        if self.has(Flaw::LeftAtOnce) {
            self.becomes(Process { pending: Pending::Live, ..self.seated(At::Unlink) });
        } else {
            self.becomes(self.seated(At::Close));
        }
        if self.model.closes {
            let uncut = self.has(Flaw::VacatedUncut);
            self.becomes(self.seated(if uncut { At::VacateLook } else { At::Cut }));
        }
    }

    fn close(&mut self) {
        let mut next = *self.from;
        let died = !self.has(Flaw::LeavesLookingAlive);
        next.seats[self.own().seat].live = Live { who: self.tid(), died, watched: true };
        let at = match self.model.flaw {
            Some(Flaw::LeavesSilently) => At::Unlink,
            _ => At::CloseWake,
        };
        self.goes(next, Process { at, ..self.process() });
    }

    fn unlink(&mut self) {
        self.becomes(Process { at: At::Free, linked: false, ..self.process() });
    }

    fn free(&mut self) {
        let mut next = *self.from;
        next.seats[self.own().seat].live = Live::default();
        match self.model.flaw {
            Some(Flaw::LeftAtOnce) => {
                self.goes(next, Process { at: At::FreedWake, ..self.process() })
            }
            Some(Flaw::FreedBeforeUnlinked) => self.goes(next, self.seated(At::FreedUnlink)),
            _ => self.is_out(next),
        }
    }

    fn is_out(&mut self, next: State) {
        let left = Process { at: At::Left, ..Process::OUT };
        self.goes(next, if self.model.returns { Process::OUT } else { left });
    }

    fn vacate(&mut self) {
        let (process, seat) = (self.process(), self.own().seat);
        let mut next = *self.from;
        if self.own_seat().live != process.live {
            return self.has_closed(next);
        }
        next.seats[seat].live = Live::default();
        if self.has(Flaw::VacatedSilently) {
            self.has_closed(next);
        } else {
            self.goes(next, Process { at: At::VacateWake, live: Live::default(), ..process });
        }
    }

    /// The anchor goes. A node that was not cut off stays on the list.
    fn has_closed(&mut self, next: State) {
        let Process { own, linked, .. } = self.process();
        let own = own.filter(|_| linked);
        self.goes(next, Process { at: At::Closed, own, linked, ..Process::OUT });
    }

    fn wakes_its_watchers(&mut self) {
        let mut next = *self.from;
        kernel::wake_all(&mut next, self.own().seat);
        match self.process().at {
            At::ShowWake => self.goes(next, self.seated(At::Seated)),
            At::VacateWake => self.has_closed(next),
            At::FreedWake => self.is_out(next),
            _ if self.has(Flaw::FreedBeforeUnlinked) => self.goes(next, self.seated(At::Free)),
            _ => self.goes(next, Process { at: At::Unlink, ..self.process() }),
        }
    }
}
