//! Atomic operations on the elements of an array: one function for each operation and type.
//!
//! The names are made by macros, which the generator of the header does not see: their declarations,
//! made by a macro of C, and their comments are in `cbindgen.toml`. `tests/header.rs` compares the
//! declared names with the exported ones.

use crate::array::{element, sabha_array};
use crate::boundary::{boundary, given};
use crate::status::{SABHA_NOT_EQUAL, SABHA_OK, sabha_status};
use core::mem::MaybeUninit;
use core::sync::atomic::Ordering::SeqCst;
use core::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};

/// Writes the old value, if the caller wants it.
fn tell<T>(old: Option<&mut MaybeUninit<T>>, value: T) {
    if let Some(old) = old {
        old.write(value);
    }
}

/// Functions that change an element by one operand and tell its old value.
macro_rules! changes {
    ($atomic:ident $value:ident: $($name:ident = $operation:ident)*) => {$(
        #[unsafe(export_name = concat!("sabha_", stringify!($value), "_", stringify!($name)))]
        extern "C" fn $name(
            array: Option<&sabha_array>,
            index: usize,
            value: $value,
            old: Option<&mut MaybeUninit<$value>>,
        ) -> sabha_status {
            boundary(|| {
                tell(old, element::<$atomic>(array, index)?.$operation(value, SeqCst));
                Ok(SABHA_OK)
            })
        }
    )*};
}

/// All that can be done with an element of any type.
macro_rules! element_functions {
    ($($value:ident $atomic:ident)*) => {$(
        mod $value {
            use super::*;

            #[unsafe(export_name = concat!("sabha_", stringify!($value), "_load"))]
            extern "C" fn load(
                array: Option<&sabha_array>,
                index: usize,
                value: Option<&mut MaybeUninit<$value>>,
            ) -> sabha_status {
                boundary(|| {
                    let out = given(value, "value")?;
                    out.write(element::<$atomic>(array, index)?.load(SeqCst));
                    Ok(SABHA_OK)
                })
            }

            #[unsafe(export_name = concat!("sabha_", stringify!($value), "_store"))]
            extern "C" fn store(
                array: Option<&sabha_array>,
                index: usize,
                value: $value,
            ) -> sabha_status {
                boundary(|| {
                    element::<$atomic>(array, index)?.store(value, SeqCst);
                    Ok(SABHA_OK)
                })
            }

            #[unsafe(export_name = concat!("sabha_", stringify!($value), "_compare_exchange"))]
            extern "C" fn compare_exchange(
                array: Option<&sabha_array>,
                index: usize,
                expected: $value,
                desired: $value,
                old: Option<&mut MaybeUninit<$value>>,
            ) -> sabha_status {
                boundary(|| {
                    let element = element::<$atomic>(array, index)?;
                    let result = element.compare_exchange(expected, desired, SeqCst, SeqCst);
                    tell(old, result.unwrap_or_else(|found| found));
                    Ok(if result.is_ok() { SABHA_OK } else { SABHA_NOT_EQUAL })
                })
            }

            changes! {
                $atomic $value:
                exchange = swap
                fetch_add = fetch_add
                fetch_sub = fetch_sub
                fetch_and = fetch_and
                fetch_or = fetch_or
                fetch_xor = fetch_xor
            }
        }
    )*};
}

element_functions! {
    i8 AtomicI8
    u8 AtomicU8
    i16 AtomicI16
    u16 AtomicU16
    i32 AtomicI32
    u32 AtomicU32
    i64 AtomicI64
    u64 AtomicU64
}
