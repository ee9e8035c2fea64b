//! The way that an operation takes through its code, instruction by instruction, and how to get a process to its n-th place.

use super::access::{self, Shared};
use crate::trace::{Stop, Traced};
use iced_x86::{InstructionInfoFactory, Mnemonic};
use std::collections::HashMap;

/// What an instruction has to do with others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Effect {
    /// Nothing: nobody can tell whether it was executed.
    Private,
    /// It looks at what others may change.
    Reads,
    /// It changes what others can see, or asks the kernel.
    Changes,
}

struct Place {
    address: u64,
    /// How often the address has been executed, this time included.
    times: u32,
    effect: Effect,
}

/// Of a process that stepped itself only the number of instructions is known.
const UNKNOWN: u64 = 0;

/// Every instruction of an operation, in order, as one run of it has shown.
pub(super) struct Path {
    places: Vec<Place>,
}

/// Where a process was brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reached {
    /// Behind the n-th instruction of the path.
    There,
    /// Behind as many instructions, but of another path: it was not the same each time.
    Elsewhere,
    /// It sleeps, and nobody wakes it.
    Asleep,
    /// Behind the operation: the path was shorter this time.
    Done,
}

impl Path {
    /// Steps a child from here to its next marker, or until it sleeps and `wake` says that nobody will wake it.
    pub(super) fn record(child: &mut Traced, wake: &mut dyn FnMut() -> bool) -> Self {
        let mut shared = Shared::of(child.pid);
        let mut infos = InstructionInfoFactory::new();
        let mut times = HashMap::<u64, u32>::new();
        let mut places = Vec::new();
        loop {
            let registers = child.registers();
            let instruction = access::next(&registers);
            let effect = access::effect(&instruction, &registers, &shared, &mut infos);
            let address = registers.rip;
            let count = times.entry(address).or_default();
            *count += 1;
            places.push(Place { address, times: *count, effect });
            let mut stop = child.step();
            while stop == Stop::Asleep && wake() {
                stop = child.step();
            }
            match stop {
                Stop::Step if instruction.mnemonic() == Mnemonic::Syscall => {
                    shared = Shared::of(child.pid); // it may have mapped something
                }
                Stop::Step => {}
                Stop::Asleep => break,
                Stop::Marker => {
                    places.pop(); // the marker itself
                    break;
                }
                Stop::Ended(how) => panic!("the operation ended its process: {how}"),
            }
        }
        Self { places }
    }

    /// A path of which nothing is known but its length: others may be able to tell each place.
    pub(super) fn counted(len: usize) -> Self {
        let place = || Place { address: UNKNOWN, times: 1, effect: Effect::Changes };
        Self { places: std::iter::repeat_with(place).take(len).collect() }
    }

    /// How many instructions there are: it can be killed behind 0 to so many.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The places that others can tell from the one before: the first, and those behind an access or a system call.
    pub(super) fn visible(&self) -> Vec<usize> {
        self.behind(|effect| effect > Effect::Private)
    }

    /// Those behind a change.
    pub(super) fn changed(&self) -> Vec<usize> {
        self.behind(|effect| effect == Effect::Changes)
    }

    fn behind(&self, wanted: impl Fn(Effect) -> bool) -> Vec<usize> {
        let places = self.places.iter().zip(1..);
        let behind = places.filter(|(place, _)| wanted(place.effect)).map(|(_, behind)| behind);
        std::iter::once(0).chain(behind).collect()
    }

    /// Brings a child from the beginning of the operation to the place behind `n` instructions: by a breakpoint near it that
    /// is met early, then step by step. (All the way step by step, if it has other threads: they are not traced, and would die
    /// of the breakpoint.)
    pub(super) fn lead(
        &self,
        child: &mut Traced,
        n: usize,
        wake: &mut dyn FnMut() -> bool,
    ) -> Reached {
        let alone = crate::child::threads(child.pid) == 1;
        let (stop, steps) = if alone { self.best_stop(n) } else { (0, n) };
        if let Some(place) = self.places.get(stop).filter(|_| stop > 0)
            && let Err(other) = child.run_to(place.address, place.times, wake)
        {
            return Self::other(other);
        }
        for _ in 0..steps {
            let mut stop = child.step();
            while stop == Stop::Asleep && wake() {
                stop = child.step();
            }
            if stop != Stop::Step {
                return Self::other(stop);
            }
        }
        let expected = self.places.get(n).map(|place| place.address);
        match expected {
            Some(address) if child.program_counter() != address => Reached::Elsewhere,
            _ => Reached::There,
        }
    }

    fn other(stop: Stop) -> Reached {
        match stop {
            Stop::Asleep => Reached::Asleep,
            Stop::Marker => Reached::Done,
            Stop::Step => Reached::Elsewhere,
            Stop::Ended(how) => panic!("the operation ended its process: {how}"),
        }
    }

    /// Where to put the breakpoint for `n`, and how many steps are left from there. A breakpoint costs about four requests each
    /// time that it is met, a step one.
    fn best_stop(&self, n: usize) -> (usize, usize) {
        let cost = |stop: usize| {
            let met = self.places.get(stop).map_or(usize::MAX / 8, |place| place.times as usize);
            4 * met + (n - stop)
        };
        let near = (n.saturating_sub(100)..=n).min_by_key(|stop| cost(*stop)).unwrap_or(0);
        if n < cost(near) { (0, n) } else { (near, n - near) }
    }

    /// The n-th place in words: the function, the line and the instruction that comes next there.
    pub(super) fn describe(&self, n: usize) -> String {
        let Some(place) = self.places.get(n) else { return "behind the operation".into() };
        if place.address == UNKNOWN {
            return "somewhere in it: it stepped itself".into();
        }
        let mut found = String::new();
        let address =
            std::ptr::with_exposed_provenance_mut(usize::try_from(place.address).unwrap_or(0));
        backtrace::resolve(address, |symbol| {
            let name = symbol.name().map(|name| format!("{name:#}")).unwrap_or_default();
            let file = symbol.filename().map(|file| file.display().to_string()).unwrap_or_default();
            let line = symbol.lineno().unwrap_or(0);
            found += &format!("\n    in {name} ({file}:{line})");
        });
        let registers = libc::user_regs_struct { rip: place.address, ..no_registers() };
        format!("before `{}`{found}", access::text(&access::next(&registers)))
    }
}

fn no_registers() -> libc::user_regs_struct {
    #[allow(unsafe_code, reason = "a struct of integers")]
    // SAFETY: integers; zero is a value of each.
    unsafe {
        core::mem::zeroed()
    }
}
