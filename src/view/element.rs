//! What a view can be made of: which types, and what each can do.
#![allow(unsafe_code)] // sees a signed atomic as the unsigned one of its width

use super::float::{AtomicF32, AtomicF64};
use super::wait::Word;
use crate::Shareable;
use crate::os::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering,
    Relaxed, SeqCst,
};

mod sealed {
    pub trait Sealed {}
}

/// An element of a view: an atomic integer of 8 to 64 bits, [`AtomicF32`] or [`AtomicF64`].
///
/// std's own atomics: what `Deref` gives of a `Shared<[A]>` is `[A]`, with all their operations and orderings.
pub trait Element: Shareable + sealed::Sealed {
    /// What it holds.
    type Value: Copy + Default + Send + Sync + core::fmt::Debug + PartialEq + 'static;

    #[doc(hidden)]
    fn get(&self, order: Ordering) -> Self::Value;
    #[doc(hidden)]
    fn set(&self, value: Self::Value, order: Ordering);
}

/// An element that holds an integer: it can be added to.
pub trait Integer: Element {
    #[doc(hidden)]
    fn add(&self, value: Self::Value) -> Self::Value;
    #[doc(hidden)]
    fn sub(&self, value: Self::Value) -> Self::Value;
    #[doc(hidden)]
    fn and(&self, value: Self::Value) -> Self::Value;
    #[doc(hidden)]
    fn or(&self, value: Self::Value) -> Self::Value;
    #[doc(hidden)]
    fn xor(&self, value: Self::Value) -> Self::Value;
    #[doc(hidden)]
    fn exchange(&self, value: Self::Value) -> Self::Value;
    #[doc(hidden)]
    fn replace(&self, expected: Self::Value, value: Self::Value) -> Self::Value;
}

/// An integer element of 32 or 64 bits: it can be waited on.
pub trait Waitable: Integer {
    #[doc(hidden)]
    fn word(&self, expected: Self::Value) -> Word<'_>;
}

macro_rules! elements {
    ($($atomic:ident: $value:ident,)*) => {$(
        impl sealed::Sealed for $atomic {}

        impl Element for $atomic {
            type Value = $value;

            #[inline]
            fn get(&self, order: Ordering) -> $value {
                self.load(order)
            }

            #[inline]
            fn set(&self, value: $value, order: Ordering) {
                self.store(value, order);
            }
        }
    )*};
}

elements! {
    AtomicI8: i8, AtomicU8: u8, AtomicI16: i16, AtomicU16: u16, AtomicI32: i32, AtomicU32: u32,
    AtomicI64: i64, AtomicU64: u64, AtomicF32: f32, AtomicF64: f64,
}

macro_rules! integers {
    ($($atomic:ident: $value:ident,)*) => {$(
        impl Integer for $atomic {
            #[inline]
            fn add(&self, value: $value) -> $value {
                self.fetch_add(value, SeqCst)
            }

            #[inline]
            fn sub(&self, value: $value) -> $value {
                self.fetch_sub(value, SeqCst)
            }

            #[inline]
            fn and(&self, value: $value) -> $value {
                self.fetch_and(value, SeqCst)
            }

            #[inline]
            fn or(&self, value: $value) -> $value {
                self.fetch_or(value, SeqCst)
            }

            #[inline]
            fn xor(&self, value: $value) -> $value {
                self.fetch_xor(value, SeqCst)
            }

            #[inline]
            fn exchange(&self, value: $value) -> $value {
                self.swap(value, SeqCst)
            }

            #[inline]
            fn replace(&self, expected: $value, value: $value) -> $value {
                self.compare_exchange(expected, value, SeqCst, SeqCst).unwrap_or_else(|seen| seen)
            }
        }
    )*};
}

integers! {
    AtomicI8: i8, AtomicU8: u8, AtomicI16: i16, AtomicU16: u16, AtomicI32: i32, AtomicU32: u32,
    AtomicI64: i64, AtomicU64: u64,
}

impl Waitable for AtomicU32 {
    fn word(&self, expected: u32) -> Word<'_> {
        Word::Narrow(self, expected)
    }
}

impl Waitable for AtomicU64 {
    fn word(&self, expected: u64) -> Word<'_> {
        Word::Wide(self, expected)
    }
}

impl Waitable for AtomicI32 {
    fn word(&self, expected: i32) -> Word<'_> {
        // SAFETY: the signed and the unsigned atomic of a width have the same layout, and any bits are valid for both.
        let unsigned = unsafe { &*core::ptr::from_ref(self).cast::<AtomicU32>() };
        Word::Narrow(unsigned, expected.cast_unsigned())
    }
}

impl Waitable for AtomicI64 {
    fn word(&self, expected: i64) -> Word<'_> {
        // SAFETY: as above.
        let unsigned = unsafe { &*core::ptr::from_ref(self).cast::<AtomicU64>() };
        Word::Wide(unsigned, expected.cast_unsigned())
    }
}

/// The value of a bulk copy: not torn, not ordered.
#[inline]
pub(super) fn peek<A: Element>(element: &A) -> A::Value {
    element.get(Relaxed)
}
