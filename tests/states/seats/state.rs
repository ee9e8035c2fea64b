//! One state of the seat model, packed into one number.
//!
//! A process has one thread. Processes are alike, and so are seats: states that differ only in which is which have one
//! number.

pub use super::at::At;

/// How many processes there can be. A model with fewer has the others gone from the start.
pub const PROCESSES: usize = 3;
/// How many seats there are.
pub const SEATS: usize = 2;

/// Whom a `live` word names in its low bits.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Who {
    #[default]
    Nobody,
    /// The thread id of one process: 1 + its index.
    Tid(u8),
    /// The thread id that all have, each in its own pid namespace.
    Twin,
    /// The name of a member: 1 + the index of a process.
    Member(u8),
}

/// A seat's `live` word.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Live {
    pub who: Who,
    pub died: bool,
    pub watched: bool,
}

/// A seat, as others see it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Seat {
    pub live: Live,
    pub generation: u8,
    /// The member whose thread it is, or was last; 0: nobody's.
    pub member: u8,
}

/// The name of an occupant: what a lock's word holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Id {
    pub seat: usize,
    pub generation: u8,
}

/// Which word `list_op_pending` names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Pending {
    #[default]
    Nothing,
    /// The lock's `park`: of all who died in its slow path.
    Park,
    /// The own seat's `live`: only of flaws.
    Live,
}

/// One process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Process {
    pub at: At,
    /// The seat that it claims, occupies or leaves, under the generation that it read or wrote.
    pub own: Option<Id>,
    /// The owner that it saw in the lock's word; the seat that it sweeps.
    pub seen: Option<Id>,
    /// The member that it found in that seat.
    pub member: u8,
    /// What it found in a `live` word: its own before T3 and V2, else that of `seen`.
    pub live: Live,
    /// Whether the word of `own` is on its robust list.
    pub linked: bool,
    pub pending: Pending,
    /// In the lock's queue.
    pub queued: bool,
    /// In the queue of the `live` word of `seen`.
    pub watching: bool,
    /// Its last sleep was ended by the pulse.
    pub pulsed: bool,
}

impl Process {
    pub const OUT: Self = Self {
        at: At::Out,
        own: None,
        seen: None,
        member: 0,
        live: Live { who: Who::Nobody, died: false, watched: false },
        linked: false,
        pending: Pending::Nothing,
        queued: false,
        watching: false,
        pulsed: false,
    };
    pub const GONE: Self = Self { at: At::Gone, ..Self::OUT };

    /// Whether it lives, and has the seat.
    pub fn occupies(&self, seat: usize) -> bool {
        self.at.has_a_seat() && self.own.is_some_and(|own| own.seat == seat)
    }

    /// What names no process.
    fn nameless(&self) -> u128 {
        let mut bits = Bits(0);
        self.pack_nameless(&mut bits);
        bits.0
    }

    fn pack_nameless(&self, bits: &mut Bits) {
        bits.add(self.at as u8, 6);
        bits.add_id(self.own);
        bits.add_id(self.seen);
        bits.add(self.pending as u8, 2);
        for flag in [self.linked, self.queued, self.watching, self.pulsed] {
            bits.add(u8::from(flag), 1);
        }
    }

    pub fn watches(&self, seat: usize) -> bool {
        self.watching && self.seen.is_some_and(|seen| seen.seat == seat)
    }
}

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct State {
    pub seats: [Seat; SEATS],
    /// The owner that the lock's word names.
    pub owner: Option<Id>,
    pub processes: [Process; PROCESSES],
}

/// Every order of the processes, as the old index of each new one.
const ORDERS: [[usize; PROCESSES]; 6] =
    [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

impl State {
    /// Nobody has been here.
    pub fn of_strangers(processes: usize) -> Self {
        let present = |who| if who < processes { Process::OUT } else { Process::GONE };
        let processes = core::array::from_fn(present);
        Self { seats: Default::default(), owner: None, processes }
    }

    /// The number of this state, and of those that are like it: the least.
    pub fn number(&self) -> u128 {
        self.least().min(self.with_seats_swapped().least())
    }

    /// The least number under any order of the processes that sorts what can be said of each without a name.
    fn least(&self) -> u128 {
        let keys = self.processes.each_ref().map(Process::nameless);
        let sorts = |order: &&[usize; PROCESSES]| order.is_sorted_by_key(|index| keys[*index]);
        let numbers = ORDERS.iter().filter(sorts).map(|order| self.renamed(*order).pack());
        numbers.min().expect("an order")
    }

    fn with_seats_swapped(&self) -> Self {
        let swap = |id: Option<Id>| id.map(|id| Id { seat: 1 - id.seat, ..id });
        let [first, second] = self.seats;
        Self {
            seats: [second, first],
            owner: swap(self.owner),
            processes: self.processes.map(|process| Process {
                own: swap(process.own),
                seen: swap(process.seen),
                ..process
            }),
        }
    }

    /// The state in which process `order[i]` is called `i`.
    fn renamed(&self, order: [usize; PROCESSES]) -> Self {
        let mut names = [0; PROCESSES + 1];
        for (new, old) in (1..).zip(order) {
            names[old + 1] = new;
        }
        let name = |old: u8| names[usize::from(old)];
        let live = |live: Live| {
            let who = match live.who {
                Who::Tid(tid) => Who::Tid(name(tid)),
                Who::Member(member) => Who::Member(name(member)),
                who => who,
            };
            Live { who, ..live }
        };
        let seat = |seat: Seat| Seat { live: live(seat.live), member: name(seat.member), ..seat };
        let process = |p: Process| Process { live: live(p.live), member: name(p.member), ..p };
        Self {
            seats: self.seats.map(seat),
            owner: self.owner,
            processes: order.map(|old| process(self.processes[old])),
        }
    }

    fn pack(&self) -> u128 {
        let mut bits = Bits(0);
        for process in self.processes {
            bits.add_live(process.live);
            bits.add(process.member, 2);
            process.pack_nameless(&mut bits);
        }
        bits.add_id(self.owner);
        for seat in self.seats {
            bits.add_live(seat.live);
            bits.add(seat.generation, 3);
            bits.add(seat.member, 2);
        }
        bits.0
    }

    /// A state of this number.
    pub fn of(number: u128) -> Self {
        let mut bits = Bits(number);
        let seats = [(); SEATS].map(|()| Seat {
            member: bits.take(2),
            generation: bits.take(3),
            live: bits.take_live(),
        });
        let owner = bits.take_id();
        let processes = [(); PROCESSES].map(|()| Process {
            pulsed: bits.take(1) == 1,
            watching: bits.take(1) == 1,
            queued: bits.take(1) == 1,
            linked: bits.take(1) == 1,
            pending: [Pending::Nothing, Pending::Park, Pending::Live][usize::from(bits.take(2))],
            seen: bits.take_id(),
            own: bits.take_id(),
            at: At::ALL[usize::from(bits.take(6))],
            member: bits.take(2),
            live: bits.take_live(),
        });
        let mut state = Self { seats, owner, processes };
        state.seats.reverse();
        state.processes.reverse();
        state
    }
}

/// Fields pushed onto a number, and taken off it in the opposite order.
struct Bits(u128);

impl Bits {
    fn add(&mut self, field: u8, count: u32) {
        debug_assert!(u32::from(field) < 1 << count && self.0.leading_zeros() >= count);
        self.0 = self.0 << count | u128::from(field);
    }

    fn take(&mut self, count: u32) -> u8 {
        let taken = self.0 & ((1 << count) - 1);
        self.0 >>= count;
        taken as u8
    }

    fn add_id(&mut self, id: Option<Id>) {
        self.add(id.map_or(0, |id| 1 | (id.seat as u8) << 1 | id.generation << 2), 5);
    }

    fn take_id(&mut self) -> Option<Id> {
        let word = self.take(5);
        let id = Id { seat: usize::from(word >> 1 & 1), generation: word >> 2 };
        (word & 1 == 1).then_some(id)
    }

    fn add_live(&mut self, live: Live) {
        let who = match live.who {
            Who::Nobody => 0,
            Who::Tid(tid) => tid,
            Who::Twin => 4,
            Who::Member(member) => 4 + member,
        };
        self.add(who << 2 | u8::from(live.died) << 1 | u8::from(live.watched), 5);
    }

    fn take_live(&mut self) -> Live {
        let word = self.take(5);
        let who = match word >> 2 {
            0 => Who::Nobody,
            4 => Who::Twin,
            tid @ 1..4 => Who::Tid(tid),
            member => Who::Member(member - 4),
        };
        Live { who, died: word & 2 != 0, watched: word & 1 != 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(who: Who, died: bool, watched: bool) -> Live {
        Live { who, died, watched }
    }

    fn any() -> State {
        let id = |seat, generation| Some(Id { seat, generation });
        let sleeper = Process {
            at: At::Asleep,
            own: id(1, 7),
            seen: id(0, 3),
            live: live(Who::Member(3), true, false),
            member: 2,
            linked: true,
            watching: true,
            ..Process::OUT
        };
        let other = Process {
            pending: Pending::Live,
            queued: true,
            pulsed: true,
            live: live(Who::Twin, false, true),
            ..Process::OUT
        };
        let taken = Seat { live: live(Who::Tid(2), false, true), generation: 5, member: 3 };
        State {
            seats: [taken, Seat::default()],
            owner: id(1, 0),
            processes: [sleeper, Process::GONE, other],
        }
    }

    #[test]
    fn a_number_holds_all() {
        assert_eq!(State::of(any().pack()), any());
    }

    #[test]
    fn like_states_have_one_number() {
        let state = any();
        for order in ORDERS {
            let like = state.with_seats_swapped().renamed(order);
            assert_eq!(
                (like.number(), State::of(like.number()).number()),
                (state.number(), state.number())
            );
        }
        // Who is who in the words counts: here the seat is another's.
        let mut unlike = state;
        unlike.seats[0].member = 2;
        assert_ne!(unlike.number(), state.number());
    }
}
