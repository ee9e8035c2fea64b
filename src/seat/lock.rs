//! The raw lock: eight bytes that name the seat of their owner. Every lock of this library is one of these.
//!
//! Use it when several threads of several processes must take turns. Not for: counting (an atomic does), or handing a lock
//! to another thread (its owner is a seat).
//!
//! # Shared bytes                                         all zeros = free, nobody waits
//! | at | field | width | stored by            | meaning                                                        |
//! |----|-------|-------|----------------------|----------------------------------------------------------------|
//! |  0 | word  | u32   | owner, taker, waiter | `[31 WAITERS][30 DIED][29..0 owner's seat]`, see [`Word`]      |
//! |  4 | park  | u32   | nobody: 0 for ever   | the queue of the sleepers, which the kernel insures            |
//!
//! # States
//! ```text
//!            lock: CAS 0 -> me (W2)                 killed (kernel flags the owner's seat)
//!    FREE ----------------------------> OWNED ---------------------------------> ORPHANED
//!     ^  <----------------------------                                               |
//!     |    unlock: CAS me -> 0 (U1)     OWNED+DIED  <---- lock: CAS -> me|DIED (W2) --+
//!     |    or fetch_and W|DIED (U2)         |  mark_consistent: fetch_and !DIED --> OWNED
//!     +-------- FREE+DIED <-----------------+  unlock without it: the next owner is told again
//! ```
//! WAITERS is sticky: it outlives unlocking, so that whoever barges in owes the wake. It is cleared only together with a
//! wake of everybody, in one system call, after a wake that found nobody.
//!
//! # The rules that make it hold
//! * *Chain*: whoever takes a lock with WAITERS set wakes one sleeper first; that one finds and watches the new owner.
//! * *Park*: all sleepers queue on `park`. `list_op_pending` names it from the first look to the last, so the kernel passes on
//!   every wake that a dying waiter or waker had swallowed, whoever owns the lock by then.
//! * A sleeper watches three words: `park` (queued first, before `word` is compared: an unlock is seen or wakes us), `word`,
//!   and the owner's `live`. A death wakes one watcher of `live`; it wakes them all.
//! * Who leaves without the lock passes a wake on. There is no designated waiter, ever.
//!
//! # Pairs
//! | `handed-over` | unlock: CAS or fetch_and of `word`, Release | lock: CAS of `word`, Acquire | the data under the lock        |
//! | `no-lost-wake`| unlock: fetch_and, then wake on `park`      | waiter: queued on `park`, then `word` compared (kernel, full barriers) | a sleep or a sight of the unlock |
//!
//! # If a process is killed
//! | just after                       | the lock holds         | survivors see                                | set right by                    |
//! |----------------------------------|------------------------|----------------------------------------------|---------------------------------|
//! | W1 pending = park                | as before              | nothing                                      | -                               |
//! | W2 CAS of `word` to me           | a dead owner           | the owner dead: one takes over, is told      | the next owner                  |
//! | W3 WAITERS set                   | a flag without sleeper | one needless wake                            | the wake that finds nobody (U4) |
//! | W4 queued, woken, not yet looked | as before              | the kernel wakes the next on `park` (pending)| kernel                          |
//! | W5 owner found dead, woke its watchers | as before        | others look, one takes over                  | -                               |
//! | W6 chain wake, before W2         | as before              | the woken one looks and sleeps again or takes| -                               |
//! | U1 CAS me -> 0                   | free                   | free                                         | -                               |
//! | U2 fetch_and                     | free, WAITERS          | the kernel wakes one on `park` (pending)     | kernel                          |
//! | U3 wake                          | free, WAITERS          | awake                                        | -                               |
//! | U4 wake all and clear            | free                   | awake                                        | -                               |
//! Grade: lock, try_lock G2 (the next owner is told), unlock G2. Progress: blocking. Fairness: none; a barger may win.
//!
//! Backstop: no sleep is longer than [`PULSE`]; then the owner's process is asked for, too. Two kills at once can need that,
//! or a thread that the kernel could not flag. Wrap: see `page.rs`. Zombies: a stopped owner owns, a stopped waiter sleeps.
//! Fork: a child has no seat; it cannot unlock what its parent holds. Trust: any word may hold anything: a name of no living
//! seat is a dead owner; who loses too many [`Races`] for a word that never stands still gives up, or rests.
//! Naive version: the robust mutex of the C library, whose unlock forgets WAITERS: a woken sleeper that is killed after
//! somebody barged in leaves the others asleep on a free lock.
//! Tests: tests/kill/lock.rs (every row), tests/lock_death.rs, tests/mutex.rs, tests/hostile; models: tests/loom,
//! tests/states.

use super::assembly::Assembly;
use super::cache;
use super::id::{Holder, NAME, SeatId};
use super::page::SeatPage;
use super::{PULSE, Policy};
use crate::Error;
use crate::os::clock::Deadline;
use crate::os::futex::{self, Slept, Watch};
use crate::os::robust::RobustList;
use crate::os::{Acquire, AtomicU32, Relaxed, Release, abi, cpu};

/// A waiter that never sleeps asks the kernel for the owner's process once in so many rounds of its loop.
const ROUNDS: u32 = 1024;

/// The lock word's meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Word(u32);

impl Word {
    /// Somebody may sleep on `park`. May lie with 1, never with 0.
    const WAITERS_BIT: u32 = 31;
    const WAITERS: u32 = 1 << Self::WAITERS_BIT;
    /// An owner died, and nobody has said since that the data is consistent.
    const DIED: u32 = 1 << 30;

    const fn owner_bits(self) -> u32 {
        self.0 & NAME
    }

    const fn has_waiters(self) -> bool {
        self.0 & Self::WAITERS != 0
    }

    const fn died(self) -> bool {
        self.0 & Self::DIED != 0
    }

    /// The word by which `me` owns it.
    const fn owned_by(self, me: SeatId, orphaned: bool) -> Self {
        let died = if orphaned { Self::DIED } else { self.0 & Self::DIED };
        Self(self.0 & Self::WAITERS | died | me.to_bits())
    }
}

/// What a word allows `me` to do; `alive` tells whether the owner that it names lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// Take it. `heir`: its owner is dead; this was its name, if it was one.
    Take { next: Word, heir: bool },
    /// It is ours already.
    Deadlock,
    /// It is this living seat's.
    Wait(SeatId),
}

fn decide(word: Word, me: SeatId, alive: impl FnOnce(SeatId) -> bool) -> Step {
    match (word.owner_bits(), SeatId::from_bits(word.owner_bits())) {
        (0, _) => Step::Take { next: word.owned_by(me, false), heir: false },
        (_, Some(owner)) if owner == me => Step::Deadlock,
        (_, Some(owner)) if alive(owner) => Step::Wait(owner),
        (_, _) => Step::Take { next: word.owned_by(me, true), heir: true },
    }
}

/// How a lock was got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Got {
    Clean,
    /// The owner before was killed, or one before it whose data nobody has repaired.
    OwnerDied,
}

/// Why it was not got.
#[derive(Debug)]
pub(crate) enum Refused {
    Deadlock(Holder),
    TimedOut(Holder),
    Held(Holder),
    Seat(Error),
}

/// Races for a lock's word that a thread has lost in a row.
#[derive(Default)]
struct Races(u32);

impl Races {
    /// Nobody loses so many to peers that keep to the protocol.
    const MOST: u32 = 100;

    /// Another was faster, again. Who has lost too often gives up if the time is over, else rests.
    fn lost(&mut self, word: Word, deadline: Deadline) -> Result<(), Refused> {
        self.0 += 1;
        if self.0 < Self::MOST {
            return Ok(());
        }
        if deadline.has_passed() {
            let (what, found) = ("a lock's word, which never stands still,", word.0.into());
            return Err(Refused::Seat(Error::Corrupt { what, found, expected: 0 }));
        }
        cpu::yield_now();
        *self = Self::default();
        Ok(())
    }
}

/// See the module.
#[repr(C, align(8))]
#[derive(Debug, Default)]
pub(crate) struct RawLock {
    word: AtomicU32,
    park: AtomicU32,
}
abi!(size_of::<RawLock>() == 8);

impl RawLock {
    fn address(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }

    /// Locks if nothing stands in the way: the lock is free at first sight, and the thread has its seat.
    #[inline]
    pub(crate) fn lock_at_once(&self) -> bool {
        cache::seated_at(self.address()).is_some_and(|me| self.take_free(me))
    }

    #[inline]
    fn take_free(&self, me: SeatId) -> bool {
        self.word.compare_exchange(0, me.to_bits(), Acquire, Relaxed).is_ok() // W2, pair: handed-over
    }

    /// Locks, waiting until `deadline` as `P` does.
    #[cold]
    pub(crate) fn lock<P: Policy>(&self, deadline: Deadline) -> Result<Got, Refused> {
        if let Some(me) = cache::seated_at(self.address()) {
            return self.lock_slowly::<P>(me, deadline); // tried already
        }
        let me = cache::seat_at(self.address()).map_err(Refused::Seat)?;
        if self.take_free(me) { Ok(Got::Clean) } else { self.lock_slowly::<P>(me, deadline) }
    }

    /// Locks if nobody living holds it.
    #[cold]
    pub(crate) fn try_lock(&self) -> Result<Got, Refused> {
        let me = cache::seat_at(self.address()).map_err(Refused::Seat)?;
        if self.take_free(me) { Ok(Got::Clean) } else { self.try_lock_slowly(me) }
    }

    /// Unlocks, if the calling thread holds it; else nothing: a forked child, or a thread that has left its seat.
    #[inline]
    pub(crate) fn unlock(&self) {
        let Some(me) = cache::seated_at(self.address()) else { return };
        if self.word.compare_exchange(me.to_bits(), 0, Release, Relaxed).is_err() {
            self.unlock_slowly(me); // else U1, pair: handed-over
        }
    }

    /// Whether the calling thread holds it.
    pub(crate) fn is_mine(&self) -> bool {
        cache::seated_at(self.address())
            .is_some_and(|me| Word(self.word.load(Relaxed)).owner_bits() == me.to_bits())
    }

    /// Says that the data is consistent again. Only the owner may.
    pub(crate) fn mark_consistent(&self) {
        if self.is_mine() {
            self.word.fetch_and(!Word::DIED, Relaxed);
        }
    }

    fn lock_slowly<P: Policy>(&self, me: SeatId, deadline: Deadline) -> Result<Got, Refused> {
        let waiter = Waiter::new(self)?;
        let list = robust_list()?;
        let _insured = list.insure(&self.park); // W1
        let most = P::spins();
        let mut spins = most;
        let mut rounds = 0u32;
        let mut races = Races::default();
        let mut unflagged = None;
        loop {
            let word = Word(self.word.load(Relaxed));
            // In the midst of spinning only the word is watched: the owner's life is a look at two other lines.
            let spinning = (1..most).contains(&spins);
            let alive = |o| spinning || unflagged != Some(o) && waiter.alive(o);
            let owner = match decide(word, me, alive) {
                Step::Take { next, heir } => match waiter.take(word, next, heir) {
                    Some(got) => return Ok(got),
                    None => {
                        races.lost(word, deadline)?;
                        continue;
                    }
                },
                Step::Deadlock => return Err(Refused::Deadlock(waiter.holder(me))),
                Step::Wait(owner) => owner,
            };
            races = Races::default();
            if spins > 0 {
                spins -= 1;
                cpu::pause();
            } else if deadline.has_passed() {
                return Err(waiter.give_up(word, owner));
            } else if P::SLEEPS {
                unflagged = waiter.sleep(word, owner, deadline);
                spins = most;
            } else {
                cpu::yield_now();
                rounds = rounds.wrapping_add(1);
                unflagged =
                    if rounds.is_multiple_of(ROUNDS) { waiter.unflagged(owner) } else { None };
                spins = most;
            }
        }
    }

    fn try_lock_slowly(&self, me: SeatId) -> Result<Got, Refused> {
        let waiter = Waiter::new(self)?;
        let list = robust_list()?;
        let _insured = list.insure(&self.park); // W1
        let mut races = Races::default();
        loop {
            let word = Word(self.word.load(Relaxed));
            match decide(word, me, |owner| waiter.alive(owner)) {
                Step::Take { next, heir } => match waiter.take(word, next, heir) {
                    Some(got) => return Ok(got),
                    None => races.lost(word, Deadline::PASSED)?,
                },
                Step::Deadlock => return Err(Refused::Deadlock(waiter.holder(me))),
                Step::Wait(owner) => return Err(Refused::Held(waiter.holder(owner))),
            }
        }
    }

    #[cold]
    fn unlock_slowly(&self, me: SeatId) {
        if Word(self.word.load(Relaxed)).owner_bits() != me.to_bits() {
            return;
        }
        let Ok(list) = RobustList::current() else { return };
        let _insured = list.insure(&self.park);
        let word = Word(self.word.fetch_and(Word::WAITERS | Word::DIED, Release)); // U2, pair: handed-over, no-lost-wake
        let found_nobody = word.has_waiters() && futex::wake(&self.park, 1) == 0; // U3
        if found_nobody && self.word.load(Relaxed) == Word::WAITERS {
            futex::wake_all_and_clear_bit(&self.park, &self.word, Word::WAITERS_BIT); // U4
        }
    }
}

fn robust_list() -> Result<RobustList, Refused> {
    RobustList::current().map_err(|e| Refused::Seat(Error::os("get_robust_list", e)))
}

/// The calling thread at a lock that was not free at first sight.
struct Waiter<'a> {
    lock: &'a RawLock,
    assembly: &'a Assembly,
    seat: &'a SeatPage,
}

impl<'a> Waiter<'a> {
    fn new(lock: &'a RawLock) -> Result<Self, Refused> {
        let (assembly, seat) =
            cache::at(lock.address()).ok_or(Refused::Seat(Error::NotInRegion))?;
        Ok(Self { lock, assembly, seat })
    }

    fn alive(&self, owner: SeatId) -> bool {
        self.assembly.seats().alive(owner).is_some()
    }

    fn holder(&self, owner: SeatId) -> Holder {
        self.assembly.holder(owner)
    }

    /// Takes the lock, whose word was `word`.
    fn take(&self, word: Word, next: Word, heir: bool) -> Option<Got> {
        if heir && let Some(dead) = SeatId::from_bits(word.owner_bits()) {
            self.assembly.seats().pass_on_death(dead); // W5
        }
        if word.has_waiters() {
            futex::wake(&self.lock.park, 1); // W6
        }
        self.lock.word.compare_exchange(word.0, next.0, Acquire, Relaxed).ok()?; // W2, pair: handed-over
        Some(if next.died() { Got::OwnerDied } else { Got::Clean })
    }

    /// Leaves without the lock. A wake that was meant for us goes to the next.
    fn give_up(&self, word: Word, owner: SeatId) -> Refused {
        if word.has_waiters() {
            futex::wake(&self.lock.park, 1);
        }
        Refused::TimedOut(self.holder(owner))
    }

    /// Sleeps until something changes at the lock or with its owner, at most a pulse. The owner, if its process turned out
    /// to be gone although the kernel never flagged its seat.
    fn sleep(&self, word: Word, owner: SeatId, deadline: Deadline) -> Option<SeatId> {
        let waiting = Word(word.0 | Word::WAITERS);
        let lock = &self.lock.word;
        let announced = word.has_waiters()
            || lock.compare_exchange(word.0, waiting.0, Relaxed, Relaxed).is_ok(); // W3
        let Some((live, seen)) = self.assembly.seats().alive(owner).filter(|_| announced) else {
            cpu::pause(); // something has changed: look again, but never without a rest
            return None;
        };
        let watches =
            [Watch::new(&self.lock.park, 0), Watch::new(lock, waiting.0), Watch::new(live, seen)];
        let offset = self.assembly.offset_of(self.lock.address());
        self.seat.waiting_on.store(offset + 1, Relaxed);
        let slept = futex::wait_any(&watches, deadline.min(Deadline::after(PULSE))); // W4
        self.seat.waiting_on.store(0, Relaxed);
        if self.assembly.seats().alive(owner).is_none() {
            self.assembly.seats().pass_on_death(owner); // W5
        }
        if slept == Slept::TimedOut { self.unflagged(owner) } else { None }
    }

    fn unflagged(&self, owner: SeatId) -> Option<SeatId> {
        self.assembly.process_of_seat_is_gone(owner).then_some(owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: SeatId = SeatId::new(7, 3);
    const OTHER: SeatId = SeatId::new(8, 3);

    #[test]
    fn the_word_is_two_flags_and_a_name() {
        assert_eq!([Word::WAITERS, Word::DIED, NAME], [0x8000_0000, 0x4000_0000, 0x3fff_ffff]);
    }

    #[test]
    fn every_word_decides_one_step() {
        for flags in [0, Word::WAITERS, Word::DIED, Word::WAITERS | Word::DIED] {
            let died = flags & Word::DIED != 0;
            let free = decide(Word(flags), ME, |_| unreachable!("nobody to ask for"));
            let Step::Take { next, heir: false } = free else { panic!("{free:?}") };
            assert_eq!((next.0 & !NAME, next.owner_bits()), (flags, ME.to_bits()));

            assert_eq!(decide(Word(flags | ME.to_bits()), ME, |_| true), Step::Deadlock);

            let others = Word(flags | OTHER.to_bits());
            assert_eq!(decide(others, ME, |_| true), Step::Wait(OTHER));
            let Step::Take { next, heir: true } = decide(others, ME, |_| false) else { panic!() };
            assert!(next.died() && next.has_waiters() == others.has_waiters());
            assert!(died || !others.died(), "a death is never forgotten");
        }
    }

    #[test]
    fn a_word_that_names_nobody_is_a_dead_owners() {
        let step = decide(Word(12_345), ME, |_| unreachable!("no seat is named"));
        let Step::Take { next, heir: true } = step else { panic!("{step:?}") };
        assert_eq!(next.0, Word::DIED | ME.to_bits());
    }
}
