//! Atomic floats: the integer atomics of their width, by bits.
#![allow(unsafe_code)] // says that they may live in shared memory

use crate::os::{AtomicU32, AtomicU64, Ordering};
use crate::{Shareable, fingerprint};

macro_rules! floats {
    ($($(#[$doc:meta])* $name:ident($bits:ident): $float:ident, $tag:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// A load sees one whole store, bit for bit. All zeros is `0.0`.
        #[repr(transparent)]
        #[derive(Default)]
        pub struct $name($bits);

        // SAFETY: an atomic integer: zero and every other bit pattern is a float, no address, no drop glue.
        unsafe impl Shareable for $name {
            const FINGERPRINT: u64 = fingerprint($tag, &[]);
        }

        impl $name {
            /// One that holds `value`.
            #[must_use]
            pub const fn new(value: $float) -> Self {
                Self($bits::new(value.to_bits()))
            }

            /// The value. Another process may have changed it on return.
            ///
            /// # Panics
            /// As std's atomics: if `order` is one of a store.
            #[inline]
            #[must_use]
            pub fn load(&self, order: Ordering) -> $float {
                $float::from_bits(self.0.load(order))
            }

            /// Stores `value`.
            ///
            /// # Panics
            /// As std's atomics: if `order` is one of a load.
            ///
            /// # If a process is killed here
            /// G0: stored, or not.
            #[inline]
            pub fn store(&self, value: $float, order: Ordering) {
                self.0.store(value.to_bits(), order);
            }

            /// Stores `value` and returns what was there.
            ///
            /// # If a process is killed here
            /// G0: stored, or not.
            #[inline]
            pub fn swap(&self, value: $float, order: Ordering) -> $float {
                $float::from_bits(self.0.swap(value.to_bits(), order))
            }

            /// Stores `new` if the value has the bits of `current`: a NaN equals itself, `0.0` is not `-0.0`.
            ///
            /// # Errors
            /// What is there instead.
            ///
            /// # Panics
            /// As std's atomics: if `failure` is one of a store.
            ///
            /// # If a process is killed here
            /// G0: stored, or not.
            #[inline]
            pub fn compare_exchange(
                &self,
                current: $float,
                new: $float,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$float, $float> {
                self.0
                    .compare_exchange(current.to_bits(), new.to_bits(), success, failure)
                    .map($float::from_bits)
                    .map_err($float::from_bits)
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.load(Ordering::Relaxed).fmt(f)
            }
        }
    )*};
}

floats! {
    /// An `f32` that processes share.
    ///
    /// ```
    /// use sabha::{AtomicF32, Region};
    /// use std::sync::atomic::Ordering::Relaxed;
    ///
    /// let degrees = Region::anonymous(4096)?.slice::<AtomicF32>("degrees", 8)?;
    /// degrees[0].store(21.5, Relaxed);
    /// assert_eq!(degrees[0].swap(22.0, Relaxed), 21.5);
    /// # Ok::<(), sabha::Error>(())
    /// ```
    AtomicF32(AtomicU32): f32, "AtomicF32";
    /// An `f64` that processes share.
    ///
    /// ```
    /// use sabha::{AtomicF64, Region};
    /// use std::sync::atomic::Ordering::{Relaxed, SeqCst};
    ///
    /// let sum = Region::anonymous(4096)?.object::<AtomicF64>("sum")?;
    /// let mut seen = sum.load(Relaxed);
    /// while let Err(now) = sum.compare_exchange(seen, seen + 0.25, SeqCst, Relaxed) {
    ///     seen = now;
    /// }
    /// assert_eq!(sum.load(Relaxed), 0.25);
    /// # Ok::<(), sabha::Error>(())
    /// ```
    AtomicF64(AtomicU64): f64, "AtomicF64";
}
