//! The adversary: who answers whatever a protocol asks of shared memory, of the kernel and of the clock.
//!
//! Some forget all that is stored and say what they like; some lie always in the same way; some are an honest memory, of
//! zeros at first, that lies rarely: they let a protocol get far before.
//!
//! Each run has one of its own, made of a seed: a *temper* (what it likes to say, whether a compare-exchange wins, how sleeps
//! end, who lives) and a stream of answers. The same seed, the same run. What it likes to say is what hurts: 0, all ones,
//! flags, the caller's own name, and the neighbours of what the caller stored last.
//!
//! Time passes with each step, so that every deadline comes. A run has *fuel* for so many steps, and is stopped without:
//! * with a deadline, or in a form that must not wait, it has to end within its fuel, whatever it is told;
//! * without a deadline it may wait for a liar as long as it likes, if it rests (pauses, yields, sleeps): each rest fills up.
//!   After [`RESTS`] it counts as waiting, and is let off.

use crate::names;
use core::cell::Cell;
use std::panic::resume_unwind;
use std::time::Duration;

/// How often a run without a deadline may rest until it is let off.
const RESTS: u32 = 400;

/// Why a run was let off: it waits, and rests, as it should. (What its unwinding carries.)
pub(crate) struct Waits;

/// How a compare-exchange goes.
#[derive(Clone, Copy)]
enum Races {
    Won,
    Lost,
    Tossed,
    /// As its answer compares.
    Compared,
}

/// How a sleep goes, or a question with two answers.
#[derive(Clone, Copy)]
enum Mood {
    Yes,
    No,
    Tossed,
}

/// A fondness: all is one.
const CONSTANT: u64 = 16;
/// A fondness: no word ever changes, as if memory were damaged, and nobody there.
const STILL: u64 = 17;
/// A fondness: for the truth. One answer of 32 is a lie.
const HONEST: u64 = 18;
/// Words that an honest adversary remembers.
const REMEMBERED: usize = 256;

struct Adversary {
    random: Cell<u64>,
    /// Said most of the time.
    favourites: Cell<[u64; 4]>,
    /// Of 16 answers so many are a favourite, or a special way to choose one.
    fondness: Cell<u64>,
    races: Cell<Races>,
    /// Whether somebody, or something, is there: a process, a lock of the kernel's, a processor's barrier.
    presence: Cell<Mood>,
    /// Whether a sleep ends by a wake; else it is disturbed.
    wakes: Cell<Mood>,
    /// What the caller stored last.
    told: Cell<u64>,
    /// Where and in which run, and what: of an honest adversary.
    memory: [Cell<(u64, u64)>; REMEMBERED],
    run: Cell<u64>,
    now: Cell<u64>,
    fuel: Cell<u32>,
    full: Cell<u32>,
    /// How often it may still rest; 0: resting fills nothing up.
    rests: Cell<u32>,
}

std::thread_local! {
    static ADVERSARY: Adversary = const {
        Adversary {
            random: Cell::new(0),
            favourites: Cell::new([0; 4]),
            fondness: Cell::new(0),
            races: Cell::new(Races::Won),
            presence: Cell::new(Mood::Yes),
            wakes: Cell::new(Mood::Yes),
            told: Cell::new(0),
            memory: [const { Cell::new((0, 0)) }; REMEMBERED],
            run: Cell::new(0),
            now: Cell::new(0),
            fuel: Cell::new(0),
            full: Cell::new(0),
            rests: Cell::new(0),
        }
    };
}

/// A new adversary, and `fuel` for a run against it.
pub(crate) fn begin(seed: u64, fuel: u32) {
    ADVERSARY.with(|a| {
        a.random.set(seed);
        a.fuel.set(fuel);
        a.full.set(fuel);
        a.rests.set(0);
        a.told.set(0);
        a.run.set(a.run.get() + 1);
        a.now.set(1 << 40);
        let temper = a.random();
        a.favourites.set(core::array::from_fn(|_| a.interesting()));
        a.fondness.set([CONSTANT, STILL, STILL, HONEST, HONEST, 15, 12, 4][(temper & 7) as usize]);
        a.races.set(match temper >> 3 & 7 {
            0 => Races::Lost,
            1..=3 => Races::Won,
            4 | 5 => Races::Tossed,
            _ => Races::Compared,
        });
        a.presence.set(mood(temper >> 6));
        a.wakes.set(mood(temper >> 8));
    });
}

/// Neighbours go different ways: the top bits are the best.
pub(crate) const fn scatter(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

const fn mood(bits: u64) -> Mood {
    match bits & 3 {
        0 => Mood::Yes,
        1 => Mood::No,
        _ => Mood::Tossed,
    }
}

/// What shared memory holds at `place`; 0: what is asked of somebody else.
#[inline]
pub(crate) fn answer(place: usize) -> u64 {
    ADVERSARY.with(|a| {
        a.step();
        a.value(place)
    })
}

/// The caller stores `value`.
#[inline]
pub(crate) fn told(place: usize, value: u64) {
    ADVERSARY.with(|a| {
        a.step();
        a.hear(place, value);
    });
}

/// The caller changes what is there; what was there.
#[inline]
pub(crate) fn change(place: usize, to: impl FnOnce(u64) -> u64) -> u64 {
    ADVERSARY.with(|a| {
        a.step();
        let found = a.value(place);
        a.hear(place, to(found));
        found
    })
}

/// A compare-exchange of `seen` for `next`: whether it wins, else what is there.
#[inline]
pub(crate) fn race(place: usize, seen: u64, next: u64, mask: u64) -> Result<(), u64> {
    ADVERSARY.with(|a| {
        a.step();
        let found = a.value(place) & mask;
        let won = match a.races.get() {
            _ if a.fondness.get() == HONEST => found == seen,
            Races::Won => true,
            Races::Lost => false,
            Races::Tossed => a.random() & 1 == 0,
            Races::Compared => found == seen,
        };
        match won {
            true => {
                a.hear(place, next);
                Ok(())
            }
            // Who loses finds something else.
            false if found == seen => Err(found ^ 1),
            false => Err(found),
        }
    })
}

/// Whether somebody, or something, is there.
pub(crate) fn is_there() -> bool {
    ADVERSARY.with(|a| {
        a.step();
        a.feels(a.presence.get())
    })
}

/// Whether something happens that is rare: a system call fails for want of room.
pub(crate) fn rarely() -> bool {
    ADVERSARY.with(|a| a.random() & 63 == 0)
}

/// One of `count`, for the driver's own choices.
pub(crate) fn choose(count: u64) -> u64 {
    ADVERSARY.with(|a| a.random() % count)
}

/// What the clock shows.
pub(crate) fn now() -> u64 {
    ADVERSARY.with(|a| {
        a.step();
        a.pass(20)
    })
}

/// The caller rests, which takes `ns`.
pub(crate) fn rest(ns: u64) {
    ADVERSARY.with(|a| a.rest(ns));
}

/// How a sleep until `end` goes.
pub(crate) enum Sleep {
    Woken,
    Disturbed,
    Over,
}

/// The caller sleeps until `end` at the latest; `None`: for ever.
pub(crate) fn sleep(end: Option<u64>) -> Sleep {
    ADVERSARY.with(|a| {
        a.rest(10_000);
        // A word that differs is seen before the deadline: whoever changes it at each look lets no sleep end by its deadline.
        match (a.wakes.get(), end) {
            (Mood::Yes, _) => Sleep::Woken,
            (Mood::Tossed, Some(end)) if a.random() & 3 == 0 => {
                a.now.set(end.max(a.now.get()));
                Sleep::Over
            }
            (Mood::Tossed, _) if a.random() & 1 == 0 => Sleep::Woken,
            _ => Sleep::Disturbed,
        }
    })
}

/// From here on the run may wait, if it rests.
pub(crate) fn let_wait() {
    ADVERSARY.with(|a| a.rests.set(RESTS));
}

/// When a run shall give up: at once, in a while, or never. (Never [lets it wait](let_wait).)
pub(crate) fn some_end() -> Option<u64> {
    let after = [0, 1_000, 50_000, 1_000_000][choose(4) as usize];
    match choose(4) {
        0 => {
            let_wait();
            None
        }
        1 => Some(0),
        _ => Some(ADVERSARY.with(|a| a.now.get()) + after),
    }
}

impl Adversary {
    #[inline]
    fn random(&self) -> u64 {
        // Wyrand: one multiplication, and every seed is a good one.
        let seed = self.random.get().wrapping_add(0xa076_1d64_78bd_642f);
        self.random.set(seed);
        let wide = u128::from(seed) * u128::from(seed ^ 0xe703_7ed1_a0b4_28db);
        (wide >> 64) as u64 ^ wide as u64
    }

    #[inline]
    fn value(&self, place: usize) -> u64 {
        let random = self.random();
        if self.fondness.get() == HONEST {
            return if random & 31 == 0 { self.interesting() } else { self.recall(place) };
        }
        if random & 15 < self.fondness.get() {
            let index = match self.fondness.get() {
                CONSTANT => 0,
                STILL => scatter(place as u64) >> 62,
                _ => random >> 4 & 3,
            };
            return self.favourites.get()[index as usize];
        }
        match random >> 60 {
            0..=5 => self.interesting(),
            6..=11 => self.told.get().wrapping_add(random >> 4 & 7).wrapping_sub(3),
            12 | 13 => random >> 4 & 255,
            _ => self.random(),
        }
    }

    fn hear(&self, place: usize, value: u64) {
        self.told.set(value);
        if self.fondness.get() == HONEST {
            let (key, cell) = self.cell(place);
            cell.set((key, value));
        }
    }

    fn recall(&self, place: usize) -> u64 {
        let (key, cell) = self.cell(place);
        let (of, value) = cell.get();
        if of == key { value } else { 0 }
    }

    fn cell(&self, place: usize) -> (u64, &Cell<(u64, u64)>) {
        let key = self.run.get() << 24 | place as u64;
        (key, &self.memory[(scatter(place as u64) >> 56) as usize])
    }

    fn interesting(&self) -> u64 {
        let random = self.random();
        let all = &names::INTERESTING;
        all[(random >> 32) as usize % all.len()]
    }

    fn feels(&self, mood: Mood) -> bool {
        match mood {
            Mood::Yes => true,
            Mood::No => false,
            Mood::Tossed => self.random() & 1 == 0,
        }
    }

    fn pass(&self, ns: u64) -> u64 {
        self.now.set(self.now.get() + ns);
        self.now.get()
    }

    #[inline]
    fn step(&self) {
        let fuel = self.fuel.get();
        if fuel == 0 {
            return self.out_of_fuel();
        }
        self.fuel.set(fuel - 1);
    }

    #[cold]
    fn out_of_fuel(&self) {
        if !std::thread::panicking() {
            panic!("an endless loop: {} steps", self.full.get());
        }
    }

    fn rest(&self, ns: u64) {
        self.step();
        self.pass(ns);
        match self.rests.get() {
            0 => {}
            1 if !std::thread::panicking() => resume_unwind(Box::new(Waits)),
            rests => {
                self.rests.set(rests.max(2) - 1);
                self.fuel.set(self.full.get());
            }
        }
    }
}

/// A pulse among adversaries: time is short here.
pub(crate) const PULSE: Duration = Duration::from_micros(100);
