//! The machine, as `src/os` shows it, with the adversary in it. What is stored in shared words is forgotten, what is loaded is
//! made up; the process's own words are real. There are no others: see [`land`](crate::land).

pub(crate) mod clock;
pub(crate) mod cpu;
pub(crate) mod file;
pub(crate) mod fork;
pub(crate) mod futex;
pub(crate) mod map;
pub(crate) mod process;
pub(crate) mod robust;

use crate::{adversary, land};
pub(crate) use core::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use core::sync::atomic::{AtomicU32 as Real32, AtomicU64 as Real64};

macro_rules! word {
    ($name:ident, $real:ident, $value:ident) => {
        /// Of the size of the real one, so that the layout is the real one.
        #[derive(Default, Debug)]
        #[repr(transparent)]
        pub(crate) struct $name($real);

        impl $name {
            pub(crate) const fn new(value: $value) -> Self {
                Self($real::new(value))
            }

            #[inline]
            pub(crate) fn load(&self, _: Ordering) -> $value {
                match self.place() {
                    Some(place) => adversary::answer(place) as $value,
                    None => self.0.load(Relaxed),
                }
            }

            #[inline]
            pub(crate) fn store(&self, value: $value, _: Ordering) {
                match self.place() {
                    Some(place) => adversary::told(place, value.into()),
                    None => self.0.store(value, Relaxed),
                }
            }

            #[inline]
            pub(crate) fn compare_exchange(
                &self,
                seen: $value,
                next: $value,
                _: Ordering,
                _: Ordering,
            ) -> Result<$value, $value> {
                let Some(place) = self.place() else {
                    return self.0.compare_exchange(seen, next, Relaxed, Relaxed);
                };
                let most = $value::MAX.into();
                let raced = adversary::race(place, seen.into(), next.into(), most);
                raced.map(|()| seen).map_err(|found| found as $value)
            }

            pub(crate) fn swap(&self, value: $value, _: Ordering) -> $value {
                self.change(|_| value)
            }

            pub(crate) fn fetch_add(&self, value: $value, _: Ordering) -> $value {
                self.change(|old| old.wrapping_add(value))
            }

            pub(crate) fn fetch_and(&self, value: $value, _: Ordering) -> $value {
                self.change(|old| old & value)
            }

            pub(crate) fn fetch_or(&self, value: $value, _: Ordering) -> $value {
                self.change(|old| old | value)
            }

            pub(crate) fn fetch_max(&self, value: $value, _: Ordering) -> $value {
                self.change(|old| old.max(value))
            }

            #[inline]
            fn change(&self, to: impl Fn($value) -> $value) -> $value {
                match self.place() {
                    Some(place) => {
                        adversary::change(place, |old| to(old as $value).into()) as $value
                    }
                    None => self.0.update(Relaxed, Relaxed, to),
                }
            }

            #[inline]
            fn place(&self) -> Option<usize> {
                land::place(core::ptr::from_ref(self).addr(), size_of::<Self>())
            }
        }
    };
}

word!(AtomicU32, Real32, u32);
word!(AtomicU64, Real64, u64);

pub(crate) fn fence(_: Ordering) {}

pub(crate) fn compiler_fence(_: Ordering) {}

/// The layout is the real one: see [`AtomicU32`].
macro_rules! abi {
    ($($holds:expr),+ $(,)?) => {
        const _: () = { $(assert!($holds, "ABI: see docs/layout.md");)+ };
    };
}
pub(crate) use abi;
