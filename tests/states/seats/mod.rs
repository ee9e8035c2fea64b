//! The seat model: the steps of `src/seat/page.rs`, one shared access each, by processes that claim seats, lock under
//! their names, leave, close the region, sweep, and may be killed before any.
//!
//! The lock is an ideal one, as `lock.rs` beside models the real one: it wakes all its sleepers whenever it changes hands,
//! and when one who had turned to it is dead (*Chain* and *Park* there). What is asked is whether a seat can be trusted:
//! * nobody is taken for dead while he lives, whatever id his thread has: no lock has two owners, no seat two occupants;
//! * a name is nobody else's, ever;
//! * a seat that nobody living has is free, or a sweeper can see that;
//! * who sleeps on an owner's `live` hears of its end. What needs the pulse, `proofs.rs` says exactly.
//!
//! Not here: the wrap of generations, which are bounded (a seat that was claimed so often is claimed no more); the making
//! of seats (T1, T2); and orders of memory: a store is seen at once.

mod at;
mod flaw;
mod kernel;
mod known_bad;
mod name;
mod occupant;
mod proofs;
mod state;
mod sweeper;
mod waiter;

use super::explore::{Kind, Model, Step};
use flaw::Flaw;
use name::{Name, Verb};
use state::{At, Id, Live, PROCESSES, Process, Seat, State, Who};

/// See the module.
pub struct SeatModel {
    /// How many processes there are,
    pub processes: usize,
    /// and how many of them may be killed.
    pub kills: usize,
    /// Whether all threads have one TID, each in a pid namespace of its own.
    pub twins: bool,
    /// Whether who has left may come again.
    pub returns: bool,
    /// Whether who has a seat may close the region.
    pub closes: bool,
    /// How often a seat can be claimed: at most 7.
    pub claims: u8,
    /// Where it begins.
    pub initial: State,
    pub flaw: Option<Flaw>,
}

pub const TWO_OWNERS: &str = "two owners at once";
pub const TWO_OCCUPANTS: &str = "two occupants of one seat";
pub const SEAT_LOST: &str = "a dead thread's seat is lost";
pub const WAITS_FOR_ITSELF: &str = "told of a deadlock with itself that is none";

impl SeatModel {
    /// All may be killed; nobody returns, or closes the region.
    pub fn new(processes: usize) -> Self {
        Self {
            processes,
            kills: processes,
            twins: false,
            returns: false,
            closes: false,
            claims: 3,
            initial: State::of_strangers(processes),
            flaw: None,
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn killed(&self, state: &State) -> usize {
        let dead = state.processes.iter().filter(|process| !process.at.is_living()).count();
        dead - (PROCESSES - self.processes)
    }

    /// The answer of a member's anchor. A word that names no member is damage: nobody's.
    fn is_gone(&self, state: &State, member: u8) -> bool {
        let process = usize::from(member).checked_sub(1).map(|index| state.processes[index]);
        process.is_none_or(|process| matches!(process.at, At::Gone | At::Closed))
    }

    /// The member that a `live` word names itself.
    fn claimer(&self, seat: &Seat) -> Option<u8> {
        match seat.live.who {
            Who::Member(member) if !self.has(Flaw::SweptByFormer) => Some(member),
            _ => None,
        }
    }

    /// Whether a seat is taken, nobody living or dying has it, and no sweeper can see that.
    fn is_lost(&self, state: &State, index: usize) -> bool {
        let seat = &state.seats[index];
        let has = |process: &Process| {
            let dying = !process.at.is_living() && process.own.is_some_and(|own| own.seat == index);
            dying || process.occupies(index)
        };
        let member = self.claimer(seat).unwrap_or(seat.member);
        let swept = self.may_be_swept(seat.live) && self.is_gone(state, member);
        seat.live.who != Who::Nobody && !state.processes.iter().any(has) && !swept
    }

    /// Whether a sweeper frees a seat with this word, if its process is gone.
    fn may_be_swept(&self, live: Live) -> bool {
        live.who != Who::Nobody && !(live.died && self.has(Flaw::SweptIfAlive))
    }
}

impl Model for SeatModel {
    type State = State;
    type Name = Name;

    fn initial(&self) -> State {
        self.initial
    }

    fn steps(&self, from: &State, to: &mut Vec<Step<Self>>) {
        for (who, process) in from.processes.iter().enumerate() {
            let mut turn = Turn { model: self, from, who, kind: Kind::Must, to };
            if process.at.is_living() {
                turn.program();
                turn.kill();
            } else {
                kernel::exit_walk(&mut turn);
            }
        }
    }

    fn at_rest(&self, state: &State) -> bool {
        let rests = |process: &Process| {
            matches!(process.at, At::Out | At::Seated | At::Left | At::Closed | At::Gone)
        };
        state.processes.iter().all(rests)
    }

    fn encode(&self, state: &State) -> u128 {
        state.number()
    }

    fn decode(&self, number: u128) -> State {
        State::of(number)
    }
}

/// One process at its next step.
struct Turn<'a> {
    model: &'a SeatModel,
    from: &'a State,
    who: usize,
    kind: Kind,
    to: &'a mut Vec<Step<SeatModel>>,
}

impl Turn<'_> {
    fn process(&self) -> Process {
        self.from.processes[self.who]
    }

    fn tid(&self) -> Who {
        if self.model.twins { Who::Twin } else { Who::Tid(self.member()) }
    }

    fn member(&self) -> u8 {
        self.who as u8 + 1
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.model.has(flaw)
    }

    fn own(&self) -> Id {
        self.process().own.expect("a seat")
    }

    fn own_seat(&self) -> Seat {
        self.from.seats[self.own().seat]
    }

    /// The owner that a waiter saw, or the seat that a sweeper looks at.
    fn seen(&self) -> Id {
        self.process().seen.expect("an owner, or a seat")
    }

    fn seen_seat(&self) -> Seat {
        self.from.seats[self.seen().seat]
    }

    /// A step that leads to `to`.
    fn leads(&mut self, verb: Verb, to: Result<State, &'static str>) {
        let name = Name { who: self.who, at: self.process().at, verb };
        self.to.push(Step { name, kind: self.kind, to });
    }

    /// A step that breaks a promise.
    fn breaks(&mut self, promise: &'static str) {
        self.leads(Verb::Does, Err(promise));
    }

    /// A step that changes `next` and brings the process to `process` in it.
    fn goes_as(&mut self, verb: Verb, mut next: State, process: Process) {
        next.processes[self.who] = process;
        let lost = (0..next.seats.len()).any(|seat| self.model.is_lost(&next, seat));
        self.leads(verb, if lost { Err(SEAT_LOST) } else { Ok(next) });
    }

    fn goes(&mut self, next: State, process: Process) {
        self.goes_as(Verb::Does, next, process);
    }

    /// A step that only brings the process elsewhere.
    fn becomes(&mut self, process: Process) {
        self.goes(*self.from, process);
    }

    fn moves(&mut self, at: At) {
        self.becomes(Process { at, ..self.process() });
    }

    /// Steps that may never come.
    fn may(&mut self, steps: impl FnOnce(&mut Self)) {
        self.kind = Kind::May;
        steps(self);
        self.kind = Kind::Must;
    }

    /// The process, with nothing in mind but its seat.
    fn seated(&self, at: At) -> Process {
        let Process { own, linked, .. } = self.process();
        Process { at, own, linked, ..Process::OUT }
    }

    fn program(&mut self) {
        let at = self.process().at;
        match at {
            At::Out => self.may(|turn| {
                turn.find_a_seat();
                turn.begin_sweep();
            }),
            At::Seated => self.may(|turn| {
                turn.becomes(turn.seated(At::Look));
                turn.leave();
            }),
            At::Holds => {
                self.unlock();
                self.may(Self::leave); // with the lock: it is then that of a dead owner
            }
            At::Left | At::Closed => {}
            _ if at.is_waiting() => self.waits(),
            _ if at.is_sweeping() => self.sweeps(),
            _ => self.comes_or_leaves(),
        }
    }

    fn kill(&mut self) {
        if self.model.killed(self.from) == self.model.kills {
            return;
        }
        self.kind = Kind::Kill;
        self.goes_as(Verb::IsKilled, *self.from, kernel::dying(self.process()));
    }
}
