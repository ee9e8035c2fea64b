//! Wait until notified: the kernel's own queue of each word, exact under kills.
//!
//! Use it to sleep until another process says that a word has changed. Not for: locks (they name their owner), or waiting
//! for a death (a notify can only come from somebody alive).
//!
//! # Shared bytes                             all zeros = nobody has ever waited; one guard for the words of one hash
//! | at | field      | width  | stored by            | meaning                                                          |
//! |----|------------|--------|----------------------|------------------------------------------------------------------|
//! |  0 | generation | u32    | notifiers, kernel    | even; each notify adds 2 itself and has the kernel add 2          |
//! |  4 | bell       | u32    | kernel, asked by passers | low 30 bits: 0 for ever; top two: how often the ring was passed on |
//! |  8 | crowded    | u32    | changers             | 1: some changer may have no slot. May lie with 1, never with 0    |
//! | 12 | changers   | 13×u32 | changers, passers    | the seats between their change and their notify; 0 free          |
//!
//! The words themselves are the user's. The list of the sleepers is the kernel's queue of the word's lowest address, for
//! both widths: entered, left and counted in one step, first come first served, and left by itself when a sleeper dies.
//!
//! # Waiting
//! ```text
//!   look: value != expected -> NotEqual.  Else futex_waitv, which compares and queues entry by entry:
//!     [bell: as read]  [word: expected (of 64 bits the lower half)]   64 bits: [upper half, compared only] [generation: as
//!                                                                      read before the look, compared only]
//!   woken on the word  -> Woken                    (a notify has counted it)
//!   woken on the bell  -> pass it on, look again   (somebody died: only a changed value ends the wait, never Woken)
//!   an entry differs, a signal, SIGCONT -> look again; the deadline is absolute
//! ```
//! * *64 bits.* The kernel compares 32 at a time. Between the look and the queue a change of the upper half could slip in
//!   with its notify; every notify moves the generation in the same step that takes sleepers off the queue, so what slipped
//!   in is seen at the last compare.
//! * *The bell.* `store_and_notify` and `add_and_notify` are three steps: change, notify, done. Their thread has `bell`
//!   as its robust list's pending word meanwhile; killed in between, the kernel wakes one sleeper there. The bell stands
//!   first: queued before the word is compared, it misses no change. The kernel names the *last* woken entry, so a sleeper
//!   that was notified, too, is `Woken` and the sum is exact.
//! * *The ring must not be lost* with a sleeper that does not see it. Woken through the bell: it passes the ring on, to all.
//!   Notified and rung at once: `changers` names the dead. Killed before it looks: it is insured on the bell itself.
//! * *Passing on* is one system call: wake all on the bell and count in its top bits. Who was woken there and sees another
//!   count than it slept on knows that the ring was passed on to all after it had queued: it only looks. So a ring ends.
//! * *Without the bell* (read-only observers, which cannot count; words of several guards, for a thread can insure only one):
//!   no sleep is longer than a [`PULSE`]; then look again.
//!
//! # Pairs
//! | `notified`     | notify: fetch_add of generation, Release, then the call | waiter, woken: load of generation, Acquire | all before the notify, to the woken |
//! | `look-again`   | notify: the kernel's add of generation, then wakes      | waiter: load of generation, Acquire, before the look | a moved generation, or a look at the new value |
//!
//! The kernel's own add is invisible to the language's model; it is a read-modify-write, so it continues the release
//! sequence of `notified`. What a dead changer stored before its death and its ring are ordered by the kernel's queue lock.
//!
//! # If a process is killed
//! | just after                  | the region holds          | survivors see                            | set right by                 |
//! |-----------------------------|---------------------------|------------------------------------------|------------------------------|
//! | C1 pending = bell           | as before                 | one looks, passes on; all look           | kernel                       |
//! | C2 slot named               | a dead name               | the same                                 | who passes on frees it       |
//! | C3 changed                  | the change, a dead name   | the same: sleepers find it, `NotEqual`   | kernel, who passes on        |
//! | C4 generation moved         | the same                  | the same                                 | the same                     |
//! | C5 notified                 | a dead name               | `Woken`; one needless ring               | the next who passes on       |
//! | C6 slot freed, C7 not pending | finished                | finished                                 | -                            |
//! | N1 generation moved         | as before                 | nothing: it did not notify (see C for who must) | -                     |
//! | N2 notified                 | finished                  | `Woken`; nobody learns the count         | -                            |
//! | W1 pending = bell           | as before                 | one looks, passes on                     | kernel                       |
//! | W2 asleep                   | as before; off the queue  | the same: FIFO begins anew for the guard | kernel                       |
//! | W3 woken, not yet looked    | as before                 | the same: a ring is not lost, a notify is the dead's | kernel           |
//! | W4 passed on                | counted bell, dead names  | all look                                 | the next who passes on       |
//!
//! Grade: wait G0 (its rings: G1), notify G0, store_and_notify and add_and_notify G1. Progress: notify wait-free but for the
//! kernel; a changer that finds 13 others under way yields a few times, then goes on unnamed and sets `crowded`: from then
//! on each Woken in that guard passes a ring on, which costs FIFO and time, never a wake.
//!
//! Wrap: a waiter that is stopped between look and call for exactly 2^30 notifies of its guard misses the last; the bell's
//! count is modulo 4: a false "not yet" rings once more. Zombies: a stopped waiter is off the queue; one that is stopped in
//! the microseconds between its ring and passing it on holds the ring until it goes on or dies. A stopped changer has
//! changed, and not yet notified. Fork: nothing is inherited. Signals: a handler may do all of this.
//! Trust: any generation, count, name or flag costs a look or a ring, and no deadline; low bits in the bell disarm it for the region's users.
//!
//! Benign corners, 64 bits only: (1) two notifies inside one call of the waiter: it can be `Woken` by the second although its
//! value was already stale at the first (counted once, never lost). (2) a changer dies in the instant between look and queue,
//! and plain stores *without notify* flip both halves so that each compares equal in its turn: nobody rings for those.
//!
//! Naive versions. FUTEX_WAIT on the lower half: loses a change of the upper. futex_waitv on both halves: sleeps on a pair
//! that never was, and a notify of the word at offset + 4 takes and counts the sleeper. A user-space count of waiters:
//! leaks with each kill. The bell last: a ring between the word's compare and the bell's queue is lost.
//! Tests: tests/kill/wait.rs (every row), tests/wait_notify.rs, tests/change_killed.rs; `wait_tests.rs` beside this file.

use crate::os::clock::Deadline;
use crate::os::futex::{self, Slept, Watch};
use crate::os::robust::RobustList;
use crate::os::{Acquire, AtomicU32, AtomicU64, Relaxed, Release, SeqCst, cpu};
use crate::region::{CHANGERS, Guard};
use crate::seat::PULSE;

/// A word, and the value that a waiter expects.
#[doc(hidden)]
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "not to be seen")]
pub enum Word<'a> {
    Narrow(&'a AtomicU32, u32),
    Wide(&'a AtomicU64, u64),
}

impl<'a> Word<'a> {
    fn holds(self) -> bool {
        match self {
            Self::Narrow(word, expected) => word.load(SeqCst) == expected,
            Self::Wide(word, expected) => word.load(SeqCst) == expected,
        }
    }

    /// The queue of its sleepers: that of its lowest address.
    fn queue(self) -> &'a AtomicU32 {
        match self {
            Self::Narrow(word, _) => word,
            Self::Wide(word, _) => futex::halves(word)[0],
        }
    }
}

/// A word that somebody waits on or notifies, with its guard.
#[derive(Clone, Copy)]
pub(crate) struct Watched<'a> {
    pub(crate) word: Word<'a>,
    pub(crate) guard: &'a Guard,
}

/// How a wait ended, and at which of the words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Woken(usize),
    NotEqual(usize),
    TimedOut,
}

/// How a waiter hears of a changer's death.
pub(crate) trait Ears {
    /// Whether it queues on the bell.
    const BELL: bool;
    /// Whether the seat of this name is gone.
    fn is_gone(&self, name: u32) -> bool;
}

/// Not at all: it looks again every [`PULSE`].
pub(crate) struct Deaf;

impl Ears for Deaf {
    const BELL: bool = false;
    fn is_gone(&self, _name: u32) -> bool {
        false
    }
}

/// By the bell.
pub(crate) struct Hearing<F>(pub(crate) F);

impl<F: Fn(u32) -> bool> Ears for Hearing<F> {
    const BELL: bool = true;
    fn is_gone(&self, name: u32) -> bool {
        (self.0)(name)
    }
}

/// What one system call sleeps on: at most `N` words of the kernel's, which belong to the words of the user.
struct Sleep<const N: usize> {
    watches: [Watch; N],
    /// Whose each is.
    owners: [usize; N],
    len: usize,
}

/// The kernel words that `word` takes, without the bell.
pub(crate) const fn kernel_words(word: &Word<'_>) -> usize {
    match word {
        Word::Narrow(..) => 1,
        Word::Wide(..) => 3,
    }
}

/// The most that one word needs, with the bell.
pub(crate) const ONE: usize = 4;

impl<const N: usize> Sleep<N> {
    const fn new() -> Self {
        Self { watches: [Watch::UNUSED; N], owners: [0; N], len: 0 }
    }

    fn push(&mut self, watch: Watch, owner: usize) {
        if let (Some(place), Some(whose)) =
            (self.watches.get_mut(self.len), self.owners.get_mut(self.len))
        {
            (*place, *whose) = (watch, owner);
            self.len += 1;
        }
    }

    fn push_word(&mut self, word: Word<'_>, guard: &Guard, generation: u32, owner: usize) {
        match word {
            Word::Narrow(word, expected) => self.push(Watch::new(word, expected), owner),
            Word::Wide(word, expected) => {
                let [first, second] = futex::halves(word);
                let [low, high]: [u32; 2] = zerocopy::transmute!(expected);
                self.push(Watch::new(first, low), owner);
                self.push(Watch::compare(second, high), owner);
                self.push(Watch::compare(&guard.generation, generation), owner);
            }
        }
    }

    fn sleep(&self, deadline: Deadline) -> Slept {
        futex::wait_any(self.watches.get(..self.len).unwrap_or(&[]), deadline)
    }

    fn owner(&self, index: usize) -> usize {
        self.owners.get(index).copied().unwrap_or(0)
    }
}

/// Waits until one of `words` is notified, or does not hold what is expected, or the deadline passes.
///
/// With [`Hearing`] ears all words have the first one's guard, and the caller is insured on its bell. `N` is at least one
/// for the bell and [`kernel_words`] for each word.
pub(crate) fn wait<const N: usize>(
    words: &[Watched<'_>],
    ears: &impl Ears,
    mut deadline: Deadline,
) -> Outcome {
    loop {
        if let Some(outcome) = look_and_sleep::<N, _>(words, ears, deadline) {
            return outcome;
        }
        // A peer that disturbs every sleep holds nobody for longer: the next look is the last.
        if deadline.has_passed() {
            deadline = Deadline::PASSED;
        }
    }
}

/// One turn. `None`: look again.
fn look_and_sleep<const N: usize, E: Ears>(
    words: &[Watched<'_>],
    ears: &E,
    deadline: Deadline,
) -> Option<Outcome> {
    let mut sleep = Sleep::<N>::new();
    let bell = words.first().filter(|_| E::BELL).map(|first| first.guard);
    let count = bell.map_or(0, |guard| guard.bell.load(Relaxed));
    if let Some(guard) = bell {
        sleep.push(Watch::new(&guard.bell, count), BELL);
    }
    for (index, Watched { word, guard }) in words.iter().enumerate() {
        let generation = guard.generation.load(Acquire); // pair: look-again
        if !word.holds() {
            return Some(Outcome::NotEqual(index));
        }
        sleep.push_word(*word, guard, generation, index);
    }
    if deadline == Deadline::PASSED {
        return Some(Outcome::TimedOut);
    }
    let until = if E::BELL { deadline } else { deadline.min(Deadline::after(PULSE)) };
    match sleep.sleep(until) {
        Slept::Woken(at) => {
            // W3
            match (sleep.owner(at), bell) {
                (BELL, Some(guard)) => {
                    if guard.bell.load(Relaxed) == count {
                        guard.pass_on(ears);
                    }
                    None
                }
                (index, _) => {
                    if let Some(guard) = bell {
                        guard.pass_on_for_the_dead(ears);
                    }
                    let guard = words.get(index)?.guard;
                    guard.generation.load(Acquire); // pair: notified
                    Some(Outcome::Woken(index))
                }
            }
        }
        Slept::Disturbed => None,
        Slept::TimedOut => (until == deadline).then_some(Outcome::TimedOut),
    }
}

/// Whose kernel word the bell is.
const BELL: usize = usize::MAX;

/// Wakes up to `count` sleepers of `word`; how many there were.
pub(crate) fn notify(at: Watched<'_>, count: u32) -> u32 {
    if count == 0 {
        return 0;
    }
    at.guard.generation.fetch_add(2, Release); // N1 C4, pair: notified
    futex::wake_and_add_two(at.word.queue(), count, &at.guard.generation) // N2 C5, pair: look-again
}

/// Changes the word by `act`, and wakes up to `count` of its sleepers, as seat `me`.
pub(crate) fn change_and_notify<R>(
    at: Watched<'_>,
    count: u32,
    me: u32,
    list: RobustList,
    ears: &impl Ears,
    act: impl FnOnce() -> R,
) -> (R, u32) {
    let _insured = list.insure(&at.guard.bell); // C1; C7 at its drop
    let slot = at.guard.name(me, ears); // C2
    let result = act(); // C3
    let woken = notify(at, count); // C4, C5
    if let Some(slot) = slot {
        slot.store(0, Relaxed); // C6
    }
    (result, woken)
}

/// How often a changer that finds no slot lets the others run.
const PATIENCE: u32 = 16;

impl Guard {
    /// Names `me` as one who changes and has not yet notified. `None`: unnamed, and said so.
    pub(super) fn name(&self, me: u32, ears: &impl Ears) -> Option<&AtomicU32> {
        let free = |slot: &&AtomicU32| {
            slot.load(Relaxed) == 0 && slot.compare_exchange(0, me, Relaxed, Relaxed).is_ok()
        };
        for _ in 0..PATIENCE {
            if let Some(slot) = self.changers.iter().find(free) {
                return Some(slot);
            }
            if self.names_of_the_dead(ears).is_some() {
                self.pass_on(ears);
            } else {
                cpu::yield_now();
            }
        }
        self.crowded.store(1, Relaxed);
        None
    }

    /// After a notify, which hides a ring that came with it.
    pub(super) fn pass_on_for_the_dead(&self, ears: &impl Ears) {
        if self.crowded.load(Relaxed) != 0 || self.names_of_the_dead(ears).is_some() {
            self.pass_on(ears);
        }
    }

    /// Has everybody look again, then frees the slots of those who were dead before.
    #[cold]
    fn pass_on(&self, ears: &impl Ears) {
        let dead = self.names_of_the_dead(ears);
        futex::wake_all_and_count(&self.bell); // W4
        for (slot, name) in self.changers.iter().zip(dead.unwrap_or_default()) {
            if name != 0 {
                // Fails if somebody else has freed it.
                let _ = slot.compare_exchange(name, 0, Relaxed, Relaxed);
            }
        }
    }

    /// The names in the slots whose seats are gone, 0 elsewhere; `None` if there are none.
    fn names_of_the_dead(&self, ears: &impl Ears) -> Option<[u32; CHANGERS]> {
        let names = self.changers.each_ref().map(|slot| slot.load(Relaxed));
        if names == [0; CHANGERS] {
            return None;
        }
        let dead = names.map(|name| if name != 0 && ears.is_gone(name) { name } else { 0 });
        (dead != [0; CHANGERS]).then_some(dead)
    }
}
