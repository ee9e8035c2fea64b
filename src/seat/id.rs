//! The names of members and seats, as words that can lie in shared memory.

use std::fmt;

/// How many slots a table of seats or members can have: what 10 bits can name.
pub(crate) const SLOTS_MAX: u32 = 1 << SLOT_BITS;

const SLOT_BITS: u32 = 10;
const GENERATION_BITS: u32 = 19;
/// Bit 29 is set in every name, so that no owner's word is ever 0, nor looks like a TID (below 2^22) to the kernel.
const NAMED: u32 = 1 << 29;
/// The bits of a name in a word.
pub(crate) const NAME: u32 = (NAMED << 1) - 1;

/// `[29 = 1][28..10 generation][9..0 slot]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Name(u32);

impl Name {
    const fn new(slot: u32, generation: u32) -> Self {
        let generation = generation & ((1 << GENERATION_BITS) - 1);
        Self(NAMED | generation << SLOT_BITS | (slot & (SLOTS_MAX - 1)))
    }

    const fn from_bits(bits: u32) -> Option<Self> {
        if bits & !NAME == 0 && bits & NAMED != 0 { Some(Self(bits)) } else { None }
    }

    const fn slot(self) -> u32 {
        self.0 & (SLOTS_MAX - 1)
    }

    const fn generation(self) -> u32 {
        (self.0 & (NAMED - 1)) >> SLOT_BITS
    }
}

macro_rules! names {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(Name);

        impl $name {
            pub(crate) const fn new(slot: u32, generation: u32) -> Self {
                Self(Name::new(slot, generation))
            }

            /// The word that names it in shared memory; never 0.
            #[must_use]
            #[inline]
            pub const fn to_bits(self) -> u32 {
                self.0.0
            }

            /// What such a word names; `None` for a word that names nothing.
            #[must_use]
            pub const fn from_bits(bits: u32) -> Option<Self> {
                match Name::from_bits(bits) {
                    Some(name) => Some(Self(name)),
                    None => None,
                }
            }

            /// Its place in the table.
            #[must_use]
            pub const fn slot(self) -> u32 {
                self.0.slot()
            }

            /// Counts the occupants of the slot, modulo 2^19: a slot is used again only under a new generation.
            #[must_use]
            pub const fn generation(self) -> u32 {
                self.0.generation()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({}#{})"), self.slot(), self.generation())
            }
        }
    };
}

names! {
    /// A thread's place in a region, which locks name as their owner.
    SeatId
}
names! {
    /// An attached process, which ring ends name as their owner.
    MemberId
}

impl SeatId {
    /// What [`to_bits`](Self::to_bits) gave, from memory that is ours alone.
    #[inline]
    pub(crate) const fn from_own(bits: u32) -> Self {
        Self(Name(bits))
    }
}

/// Who holds something: what the table said when it was asked.
///
/// The holder may have let go, or died, since. `pid` and `tid` are what the holder's own pid namespace calls it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Holder {
    /// The seat that the lock names.
    pub seat: SeatId,
    /// The process of that seat; `None` if the seat has changed hands already.
    pub member: Option<MemberId>,
    /// Its process id; 0 if unknown.
    pub pid: u32,
    /// Its thread id; 0 if the thread is gone.
    pub tid: u32,
    /// The name that the process gave itself.
    pub name: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seat, pid, tid, name, .. } = self;
        write!(f, "{seat:?}, process {pid} ({name}), thread {tid}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_a_tid_nor_zero_and_survives_its_word() {
        for slot in [0, 1, 511, SLOTS_MAX - 1] {
            for generation in [0, 1, 77, (1 << GENERATION_BITS) - 1] {
                let id = SeatId::new(slot, generation);
                assert_eq!((id.slot(), id.generation()), (slot, generation));
                assert!(id.to_bits() >= NAMED && id.to_bits() & !NAME == 0);
                assert_eq!(SeatId::from_bits(id.to_bits()), Some(id));
            }
        }
        for word in [0, 1, 4_194_304, NAMED - 1, NAME + 1, u32::MAX] {
            assert_eq!(MemberId::from_bits(word), None, "{word:#x}");
        }
    }

    #[test]
    fn generations_wrap_inside_their_bits() {
        assert_eq!(SeatId::new(3, 1 << GENERATION_BITS), SeatId::new(3, 0));
    }
}
