//! One state of the lock model: the locks, the processes, and who stands in which queue; packed into one number.
//!
//! A process has one thread and one seat, which nobody takes over when it is dead (`seats` models that). Processes are alike:
//! states that differ only in who is who have one number.

/// How many processes there can be. A model with fewer has the others gone from the start.
pub const PROCESSES: usize = 4;
/// How many locks there can be.
pub const LOCKS: usize = 2;

/// What `word` holds. `owner` is 0 for nobody, else 1 + the index of a process.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Word {
    pub owner: u8,
    pub waiters: bool,
    pub died: bool,
}

impl Word {
    /// The index of the owner.
    pub fn owned_by(self) -> Option<usize> {
        usize::from(self.owner).checked_sub(1)
    }

    fn pack(self) -> u128 {
        u128::from(self.owner) | u128::from(self.waiters) << 3 | u128::from(self.died) << 4
    }

    fn unpack(bits: &mut Bits) -> Self {
        Self { owner: bits.take(3), waiters: bits.flag(), died: bits.flag() }
    }
}

/// One lock. `park` is 0 for ever, so only its queue is there to model: see [`Process::parked`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Lock {
    pub word: Word,
    /// Not in memory, but the truth: an owner died inside, and nobody has repaired the data since.
    pub torn: bool,
}

/// Where a process is: what it does next. The names and rows are those of `src/seat/lock.rs`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum At {
    /// `take_free` (W2), or the CAS of `unlock` (U1), or nothing: what its act says.
    Start,
    /// Loads `word`. From here on `park` is insured (W1).
    Look,
    /// Asks whether the owner that it saw lives.
    Judge,
    /// W5 in `take`.
    PassOnTaking,
    /// W6.
    Chain,
    /// W2 in `take`.
    Take,
    /// W3.
    Announce,
    /// `sleep` asks for the owner again.
    Ask,
    /// W4: the kernel compares `park`, which is 0, and queues.
    QueueAtPark,
    /// W4: it compares `word`, and queues where nobody ever wakes.
    CompareWord,
    /// W4: it compares the owner's `live`, and queues.
    WatchOwner,
    /// W4: it sleeps.
    Asleep,
    /// W4: it leaves the queues one by one.
    Leave,
    /// `sleep` asks for the owner once more.
    AskAwake,
    /// W5 in `sleep`.
    PassOnAwake,
    /// The wake in `give_up`.
    GiveUp,
    /// Has the lock, and was told of a death.
    Repair,
    /// U2. From here on `park` is insured.
    Release,
    /// U3.
    Wake,
    /// The load before U4.
    LookFree,
    /// U4.
    Clear,
    /// Only of a flawed unlock that clears WAITERS in two steps: the second.
    ClearLate,
    /// Killed in its sleep: still in the queues, where it swallows wakes.
    Dying,
    /// Its `live` is flagged, nobody was told.
    Flagged,
    /// The kernel turns to the pending word.
    Pending,
    /// No more steps.
    Gone,
}

impl At {
    const ALL: [Self; 26] = [
        Self::Start,
        Self::Look,
        Self::Judge,
        Self::PassOnTaking,
        Self::Chain,
        Self::Take,
        Self::Announce,
        Self::Ask,
        Self::QueueAtPark,
        Self::CompareWord,
        Self::WatchOwner,
        Self::Asleep,
        Self::Leave,
        Self::AskAwake,
        Self::PassOnAwake,
        Self::GiveUp,
        Self::Repair,
        Self::Release,
        Self::Wake,
        Self::LookFree,
        Self::Clear,
        Self::ClearLate,
        Self::Dying,
        Self::Flagged,
        Self::Pending,
        Self::Gone,
    ];

    /// Whether the process takes steps of its own.
    pub fn is_living(self) -> bool {
        self < Self::Dying
    }

    /// Whether others find its seat's `live` word unflagged.
    pub fn looks_alive(self) -> bool {
        self < Self::Flagged
    }

    /// Whether it is on a slow path, so that `list_op_pending` names the lock's `park`.
    pub fn is_insured(self) -> bool {
        self > Self::Start && self < Self::Dying && self != Self::Repair
    }
}

/// One process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Process {
    /// What it is about: an index into the menu.
    pub act: u8,
    pub at: At,
    /// What it last saw in the word of its act's lock; cleared as soon as the code has no more use for it.
    pub seen: Word,
    /// In the queue of the `park` of its act's lock.
    pub parked: bool,
    /// In the queue of the `live` word of the owner that it saw.
    pub watching: bool,
    /// Only of a dying one: `list_op_pending` names the `park` of its act's lock.
    pub insured: bool,
}

impl Process {
    /// About to begin an act.
    pub const fn begins(act: u8) -> Self {
        let seen = Word { owner: 0, waiters: false, died: false };
        Self { act, at: At::Start, seen, parked: false, watching: false, insured: false }
    }

    /// Dead, and nothing left to do for the kernel.
    pub const GONE: Self = Self { at: At::Gone, ..Self::begins(0) };

    fn pack(self) -> u128 {
        let flags = u128::from(self.parked)
            | u128::from(self.watching) << 1
            | u128::from(self.insured) << 2;
        u128::from(self.act) | (self.at as u128) << 5 | self.seen.pack() << 10 | flags << 15
    }

    fn unpack(bits: &mut Bits) -> Self {
        let (act, at) = (bits.take(5), At::ALL[usize::from(bits.take(5))]);
        let seen = Word::unpack(bits);
        Self { act, at, seen, parked: bits.flag(), watching: bits.flag(), insured: bits.flag() }
    }
}

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct State {
    pub locks: [Lock; LOCKS],
    pub processes: [Process; PROCESSES],
}

impl State {
    /// A number for this state and for others that only call the processes by other names. (States with like processes that
    /// refer to each other may keep several numbers: that costs time only.)
    pub fn pack(&self) -> u128 {
        let mut order: [usize; PROCESSES] = core::array::from_fn(|index| index);
        let keys = self.keys();
        order.sort_unstable_by_key(|index| keys[*index]);
        let Self { locks, processes } = self.renamed(order);
        let processes = processes.into_iter().rev();
        let number = processes.fold(0, |number, process| number << 18 | process.pack());
        let add = |number, lock: Lock| number << 6 | u128::from(lock.torn) << 5 | lock.word.pack();
        locks.into_iter().fold(number, add)
    }

    /// The same state, in which the process `order[0]` has the name 0, and so on.
    fn renamed(&self, order: [usize; PROCESSES]) -> Self {
        let mut names = [0; PROCESSES + 1];
        for (new, old) in (1..).zip(order) {
            names[old + 1] = new;
        }
        let word = |word: Word| Word { owner: names[usize::from(word.owner)], ..word };
        Self {
            locks: self.locks.map(|lock| Lock { word: word(lock.word), ..lock }),
            processes: order
                .map(|old| self.processes[old])
                .map(|p| Process { seen: word(p.seen), ..p }),
        }
    }

    /// Whether the two differ in the names of processes only.
    pub fn is_like(&self, other: &Self) -> bool {
        fn search(from: &State, to: &State, order: &mut [usize; PROCESSES], fixed: usize) -> bool {
            let all = fixed == PROCESSES;
            all && from.renamed(*order) == *to
                || (fixed..PROCESSES).any(|next| {
                    order.swap(fixed, next);
                    let found = search(from, to, order, fixed + 1);
                    order.swap(fixed, next);
                    found
                })
        }
        search(self, other, &mut core::array::from_fn(|index| index), 0)
    }

    pub fn unpack(number: u128) -> Self {
        let mut bits = Bits(number);
        let mut locks = [(); LOCKS].map(|()| {
            let word = Word::unpack(&mut bits);
            Lock { word, torn: bits.flag() }
        });
        locks.reverse();
        let processes = [(); PROCESSES].map(|()| Process::unpack(&mut bits));
        Self { locks, processes }
    }

    /// What can be said of each process without a name: its own bits, which locks it owns, and who else saw it as an owner.
    fn keys(&self) -> [u128; PROCESSES] {
        core::array::from_fn(|index| {
            let process = self.processes[index];
            let owner = process.seen.owner.min(1);
            let own = Process { seen: Word { owner, ..process.seen }, ..process }.pack();
            let names_it = |word: Word| word.owned_by() == Some(index);
            let owns = self.locks.map(|lock| u128::from(names_it(lock.word)));
            let seen = self.processes.iter().filter(|other| names_it(other.seen));
            let seen = seen.map(|other| 1u128 << (other.at as u32 * 2)).sum::<u128>();
            seen << 20 | own << 2 | owns[0] << 1 | owns[1]
        })
    }
}

/// The rest of a number, lowest bits first.
struct Bits(u128);

impl Bits {
    fn take(&mut self, count: u32) -> u8 {
        let taken = self.0 & ((1 << count) - 1);
        self.0 >>= count;
        taken as u8
    }

    fn flag(&mut self) -> bool {
        self.take(1) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered_as_they_are_listed() {
        assert!(At::ALL.into_iter().enumerate().all(|(index, at)| at as usize == index));
    }

    #[test]
    fn a_number_holds_all_but_the_names() {
        let word = |owner, waiters, died| Word { owner, waiters, died };
        let asleep = Process {
            at: At::Asleep,
            seen: word(2, true, false),
            parked: true,
            watching: true,
            ..Process::begins(3)
        };
        let dying = Process { at: At::Dying, insured: true, ..Process::begins(9) };
        let state = State {
            locks: [
                Lock { word: word(2, true, true), torn: true },
                Lock { word: word(4, false, true), torn: false },
            ],
            processes: [asleep, Process::begins(1), dying, Process::GONE],
        };
        let number = state.pack();
        let like = State::unpack(number);
        assert_eq!(like.pack(), number);
        assert_eq!(
            like.locks.map(|lock| (lock.torn, lock.word.waiters, lock.word.died)),
            [(true, true, true), (false, false, true)]
        );
        let [a, b] = like.locks.map(|lock| like.processes[lock.word.owned_by().unwrap()]);
        assert_eq!((a, b), (Process::begins(1), Process::GONE));
        let swapped = State {
            locks: state.locks.map(|lock| Lock {
                word: Word { owner: 5 - lock.word.owner, ..lock.word },
                ..lock
            }),
            processes: [
                Process::GONE,
                dying,
                Process::begins(1),
                Process { seen: word(3, true, false), ..asleep },
            ],
        };
        assert_eq!(swapped.pack(), number);
    }
}
