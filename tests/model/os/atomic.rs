//! Atomic words: each access is a step, and may be [altered](crate::alter).
#![allow(unsafe_code)] // an operation that is put off knows its word by address

use super::Relaxed;
use crate::alter::{What, here, order};
use crate::checker::{self, Touch};
use crate::process;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// What a word is made of.
#[derive(Debug)]
enum Cell {
    Own(checker::AtomicU32),
    /// Half of a larger one, by the position of its bits: the kernel compares it, nobody loads or stores it.
    Half(Arc<checker::AtomicU64>, u32),
}

/// A 32-bit word.
#[derive(Debug)]
pub(crate) struct AtomicU32(Cell, Touch, AtomicBool);

/// A 64-bit word, and the names of its halves, lowest address first.
#[derive(Debug)]
pub(crate) struct AtomicU64 {
    whole: Arc<checker::AtomicU64>,
    touch: Touch,
    pub(super) halves: [AtomicU32; 2],
}

impl AtomicU32 {
    pub(crate) fn new(value: u32) -> Self {
        Self(Cell::Own(checker::AtomicU32::new(value)), Touch::default(), AtomicBool::new(false))
    }

    /// Who was woken finds no value older than the kernel's change, though that orders nothing else. (Only in words that
    /// nobody stores to: loom lets a store before a read-modify-write.)
    fn is_fresh(&self) -> bool {
        self.2.load(Relaxed) && process::is_back()
    }

    fn cell(&self) -> &checker::AtomicU32 {
        self.1.touch();
        match &self.0 {
            Cell::Own(cell) => cell,
            Cell::Half(..) => panic!("half of a word is loaded or stored by nobody"),
        }
    }

    /// What the kernel finds, which looks with a full barrier.
    pub(crate) fn kernel_load(&self) -> u32 {
        self.1.touch();
        match &self.0 {
            Cell::Own(cell) => cell.load(Ordering::SeqCst),
            Cell::Half(whole, shift) => {
                let bits = whole.load(Ordering::SeqCst) >> shift & u64::from(u32::MAX);
                u32::try_from(bits).expect("masked")
            }
        }
    }

    /// The kernel's own change.
    pub(crate) fn kernel_swap_if(&self, seen: u32, next: u32) -> Result<u32, u32> {
        self.cell().compare_exchange(seen, next, Ordering::SeqCst, Ordering::SeqCst)
    }

    /// The kernel's own change, which orders nothing that the language knows of.
    pub(crate) fn kernel_apply(&self, change: Change<u32>) {
        self.2.store(true, Relaxed);
        change.apply_u32(self.cell(), Relaxed);
    }
}

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> Self {
        let whole = Arc::new(checker::AtomicU64::new(value));
        let half = |shift| {
            let cell = Cell::Half(Arc::clone(&whole), shift);
            AtomicU32(cell, Touch::default(), AtomicBool::new(false))
        };
        let halves =
            if cfg!(target_endian = "little") { [half(0), half(32)] } else { [half(32), half(0)] };
        Self { halves, whole, touch: Touch::default() }
    }

    fn is_fresh(&self) -> bool {
        false
    }

    fn cell(&self) -> &checker::AtomicU64 {
        self.touch.touch();
        &self.whole
    }
}

/// How a read-modify-write changes a word.
#[derive(Clone, Copy)]
pub(crate) enum Change<T> {
    Swap(T),
    Add(T),
    And(T),
    Or(T),
    Max(T),
    /// Nothing at all.
    Keep,
}

impl<T> Change<T> {
    fn operand(self, operand: T) -> Self {
        match self {
            Self::Swap(_) => Self::Swap(operand),
            Self::Add(_) => Self::Add(operand),
            Self::And(_) => Self::And(operand),
            Self::Or(_) => Self::Or(operand),
            Self::Max(_) => Self::Max(operand),
            Self::Keep => Self::Keep,
        }
    }
}

macro_rules! word {
    ($name:ident, $value:ident, $apply:ident) => {
        impl Change<$value> {
            fn $apply(self, cell: &checker::$name, order: Ordering) -> $value {
                match self {
                    Self::Swap(value) => cell.swap(value, order),
                    Self::Add(value) => cell.fetch_add(value, order),
                    Self::And(value) => cell.fetch_and(value, order),
                    Self::Or(value) => cell.fetch_or(value, order),
                    Self::Max(value) => cell.fetch_max(value, order),
                    Self::Keep => cell.load(Relaxed),
                }
            }
        }

        impl $name {
            #[track_caller]
            pub(crate) fn load(&self, written: Ordering) -> $value {
                let altered = here();
                if !process::step() {
                    return 0;
                }
                let (cell, order) = (self.cell(), order(altered, 0, written));
                if self.is_fresh() { cell.fetch_add(0, order) } else { cell.load(order) }
            }

            #[track_caller]
            pub(crate) fn store(&self, value: $value, written: Ordering) {
                let altered = here();
                if !process::step() {
                    return;
                }
                match altered {
                    Some(What::Nothing) => {}
                    Some(What::Later) => self.later(move |cell| cell.store(value, written)),
                    _ => self.cell().store(value, order(altered, 0, written)),
                }
            }

            #[track_caller]
            pub(crate) fn compare_exchange(
                &self,
                seen: $value,
                next: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let altered = here();
                if !process::step() {
                    return Err(0);
                }
                let (success, failure) = (order(altered, 0, success), order(altered, 1, failure));
                self.cell().compare_exchange(seen, next, success, failure)
            }

            #[track_caller]
            pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                self.change(Change::Swap(value), order)
            }

            #[track_caller]
            pub(crate) fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                self.change(Change::Add(value), order)
            }

            #[track_caller]
            pub(crate) fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                self.change(Change::And(value), order)
            }

            #[track_caller]
            pub(crate) fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                self.change(Change::Or(value), order)
            }

            #[track_caller]
            pub(crate) fn fetch_max(&self, value: $value, order: Ordering) -> $value {
                self.change(Change::Max(value), order)
            }

            #[track_caller]
            fn change(&self, change: Change<$value>, written: Ordering) -> $value {
                let altered = here();
                if !process::step() {
                    return 0;
                }
                let change = match altered {
                    Some(What::Nothing) => Change::Keep,
                    Some(What::Operand(operand)) => change.operand(operand.into()),
                    Some(What::Later) => {
                        self.later(move |cell| {
                            change.$apply(cell, written);
                        });
                        Change::Keep
                    }
                    _ => change,
                };
                change.$apply(self.cell(), order(altered, 0, written))
            }

            fn later(&self, operation: impl FnOnce(&checker::$name) + 'static) {
                let word = core::ptr::from_ref(self);
                // SAFETY: the words of a model live as long as its processes.
                process::put_off(move || operation(unsafe { &*word }.cell()));
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(0)
            }
        }
    };
}

word!(AtomicU32, u32, apply_u32);
word!(AtomicU64, u64, apply_u64);

/// A fence of the calling thread's own. (A full one has its place in the order of all.)
#[track_caller]
pub(crate) fn fence(order: Ordering) {
    let altered = here();
    if !process::step() || altered == Some(What::Nothing) {
        return;
    }
    match order {
        Ordering::SeqCst => {
            process::ask(|me| Arc::clone(&me.kernel)).inspect(|kernel| kernel.processors.fence());
        }
        half => checker::fence(half),
    }
}

/// The light half of the asymmetric fence: the compiler's. To the memory it is nothing; who needs it ordered has a
/// [barrier](crate::barrier) executed everywhere.
pub(crate) fn compiler_fence(_order: Ordering) {}
