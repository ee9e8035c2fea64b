//! What may live in shared bytes, and the hash by which two processes agree on its layout.
//!
//! The fingerprint is part of the on-disk ABI: `tests/derive.rs` holds it as golden numbers, and
//! any language can compute it (see [`fingerprint`]).

#![allow(unsafe_code, reason = "this file says which primitive types keep the contract")]

use crate::os::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};

/// A type that may live in shared memory.
///
/// Derive it on a `#[repr(C)]` or `#[repr(transparent)]` struct whose fields are all `Shareable`:
///
/// ```
/// use sabha::Shareable;
/// use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};
///
/// #[derive(Shareable)]
/// #[repr(C)]
/// struct Sensor {
///     samples: AtomicU64,
///     last_millidegrees: AtomicI32,
///     calibration: [i16; 2],
/// }
///
/// // The same fields in the same places: the same fingerprint, whatever the names, in every
/// // build and every language.
/// #[derive(Shareable)]
/// #[repr(C)]
/// struct Thermometer(AtomicU64, AtomicI32, [i16; 2]);
///
/// assert_eq!(Sensor::FINGERPRINT, Thermometer::FINGERPRINT);
/// assert_ne!(Sensor::FINGERPRINT, <[AtomicU64; 2]>::FINGERPRINT);
/// ```
///
/// # What is, and what to use instead
///
/// | type | may it? | why | instead |
/// |---|---|---|---|
/// | `u8`…`u64`, `i8`…`i64`, `f32`, `f64` | yes | every bit pattern is a value | |
/// | `AtomicU8`…`AtomicU64`, `AtomicI8`…`AtomicI64` | yes | the way to write through `&T` | |
/// | `[T; N]` of a `Shareable` `T` | yes, `N > 0` | | |
/// | a struct of those, `repr(C)` or `repr(transparent)` | yes, derived | fixed layout | |
/// | this crate's locks, cells and rings | yes | zero-valid, checked reads | |
/// | `bool`, `AtomicBool` | no | looking at a byte of 2 is undefined behaviour | `AtomicU8` |
/// | `enum`, `char`, `NonZero*`, `Option<_>` | no | not every bit pattern is a value | an integer, decoded by a `match` |
/// | `usize`, `isize` and their atomics | no | 32- and 64-bit processes differ | `u64`, `AtomicU64` |
/// | `u128`, `i128` | no | alignment differs between compilers and languages | `[u64; 2]` |
/// | `&T`, `*const T`, `AtomicPtr`, `fn` | no | an address means nothing in another process | an offset or an index |
/// | `String`, `Vec`, `Box` | no | pointers, and `Drop` | `[u8; N]` and a length |
/// | `std::sync::Mutex`, `Cell`, `UnsafeCell` | no | private to a process, or not `Sync` | this crate's locks |
/// | `()` and other empty types | no | nothing to share | |
/// | a `union`, a `packed` struct | no | no one layout; unaligned atomics | separate, aligned fields |
/// | a type that implements `Drop` | no | a killed process runs no destructor | a `recover` step |
///
/// A plain integer that is reached through a shared `&T` can only be read (and stays zero). It is
/// for data under one of this crate's locks or inside its rings; everything else is an atomic.
///
/// ```compile_fail,E0277
/// use sabha::Shareable;
///
/// #[derive(Shareable)]
/// #[repr(C)]
/// struct Door {
///     open: bool, // error: `bool` cannot live in shared memory
/// }
/// ```
///
/// # Safety
///
/// The implementor promises that the type
///
/// * is **valid when it is all zeros**: fresh shared memory is its initial state;
/// * is **valid whatever a peer wrote**: any bytes may be behind a `&Self` (half a write of a
///   killed process, a hostile value), and every safe operation on them is defined behaviour. So
///   no type with invalid values, and nothing read from the bytes is trusted to index;
/// * is **position independent**: it holds no address and works wherever it is mapped;
/// * has **no drop glue**: its bytes outlive every process;
/// * has a **fixed layout** (`repr(C)` or `repr(transparent)`) and is not zero-sized;
/// * is [`Sync`] also between processes: threads that know the bytes at different addresses, and
///   that may be killed between any two instructions;
/// * has a [`FINGERPRINT`](Self::FINGERPRINT) that is a function of the layout alone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in shared memory",
    label = "not `Shareable`",
    note = "your own struct: `#[derive(Shareable)]` and `#[repr(C)]`; a type parameter: write the bound `T: Shareable`",
    note = "instead of `bool` or `AtomicBool`: `AtomicU8`; instead of an enum, `char` or `NonZero`: an integer, decoded by a `match`",
    note = "instead of `usize`, `isize` or 128 bits: a fixed-width integer or atomic, such as `AtomicU64` or `[u64; 2]`",
    note = "instead of a reference, pointer, `Box`, `Vec` or `String`: an array, an offset or an index"
)]
pub unsafe trait Shareable: Sync + Sized + 'static {
    /// Hash of the layout: equal for the same layout in every build, process and language, and
    /// different for another. It covers the kind, size, alignment, order and place of every field,
    /// and no name.
    ///
    /// Whoever opens an object compares this number before touching a byte.
    const FINGERPRINT: u64;
}

/// Implements [`Shareable`] for primitives; the fingerprint of a primitive is that of its name.
macro_rules! primitives {
    ($($primitive:ident)*) => {$(
        // SAFETY: a number (an atomic one is `Sync` without help from the process): zero and every
        // other bit pattern is a value; fixed width, no address, no drop glue.
        unsafe impl Shareable for $primitive {
            const FINGERPRINT: u64 = fingerprint(stringify!($primitive), &[]);
        }
    )*};
}

primitives! {
    u8 u16 u32 u64 i8 i16 i32 i64 f32 f64
    AtomicU8 AtomicU16 AtomicU32 AtomicU64 AtomicI8 AtomicI16 AtomicI32 AtomicI64
}

// SAFETY: an array is its elements, back to back; each of them keeps the contract, and the empty
// one is refused.
unsafe impl<T: Shareable, const N: usize> Shareable for [T; N] {
    const FINGERPRINT: u64 = array_fingerprint(N, T::FINGERPRINT);
}

#[track_caller] // the error names the array, not this line
const fn array_fingerprint(len: usize, element: u64) -> u64 {
    assert!(len > 0, "an empty array has nothing to share");
    fingerprint("array", &[len as u64, element])
}

/// FNV-1a (64 bit) over the length of `tag`, `tag`, the number of `parts`, and `parts`; numbers are
/// eight bytes, little-endian, on every machine.
///
/// | layout | fingerprint |
/// |---|---|
/// | primitive | its Rust name (`u32`, `AtomicI64`), no parts |
/// | array | `array`, its length, its element |
/// | struct | `struct`, size, alignment, then for each field: offset, field |
/// | generic type of this crate | its lower-case name (`mutex`), its parameters |
#[doc(hidden)]
#[must_use]
pub const fn fingerprint(tag: &str, parts: &[u64]) -> u64 {
    let hash = Fnv::new(tag, parts.len());
    hash.words(parts).0
}

/// The fingerprint of struct `T` with these fields (offset, fingerprint), in order of declaration.
///
/// # Panics
/// At compile time, if `T` breaks the parts of the contract that its fields cannot show.
#[doc(hidden)]
#[must_use]
#[track_caller]
pub const fn struct_fingerprint<T>(fields: &[(usize, u64)]) -> u64 {
    assert!(
        !core::mem::needs_drop::<T>(),
        "a Shareable type must not implement Drop: a killed process runs no destructor"
    );
    assert!(size_of::<T>() > 0, "a Shareable type must not be empty");
    let mut hash = Fnv::new("struct", 2 + 2 * fields.len());
    hash = hash.words(&[size_of::<T>() as u64, align_of::<T>() as u64]);
    let mut rest = fields;
    while let [(offset, field), tail @ ..] = rest {
        hash = hash.words(&[*offset as u64, *field]);
        rest = tail;
    }
    hash.0
}

/// FNV-1a, 64 bit, in a form that a constant can call.
struct Fnv(u64);

impl Fnv {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    /// The lengths go in first, so that no two inputs are the same run of bytes.
    const fn new(tag: &str, parts: usize) -> Self {
        Self(Self::BASIS).words(&[tag.len() as u64]).bytes(tag.as_bytes()).words(&[parts as u64])
    }

    const fn words(mut self, words: &[u64]) -> Self {
        let mut rest = words;
        while let [word, tail @ ..] = rest {
            self = self.bytes(&word.to_le_bytes());
            rest = tail;
        }
        self
    }

    const fn bytes(mut self, bytes: &[u8]) -> Self {
        let mut rest = bytes;
        while let [byte, tail @ ..] = rest {
            self.0 = (self.0 ^ *byte as u64).wrapping_mul(Self::PRIME);
            rest = tail;
        }
        self
    }
}
