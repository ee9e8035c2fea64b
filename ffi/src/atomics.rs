//! Atomic operations on the elements of an array: one function for each operation and type.
//!
//! The names are made by macros, which the generator of the header does not see: their declarations,
//! made by a macro of C, and their comments are in `cbindgen.toml`. `tests/header.rs` compares the
//! declared names with the exported ones.

use crate::array::{View, element, sabha_array, view};
use crate::boundary::{boundary, given, values, values_mut};
use crate::status::{SABHA_NOT_EQUAL, SABHA_OK, sabha_status};
use core::mem::MaybeUninit;
use core::sync::atomic::Ordering::SeqCst;
use core::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};
use sabha_core::{AtomicF32, AtomicF64};

/// Writes a result, if the caller wants it.
pub(crate) fn tell<T>(out: Option<&mut MaybeUninit<T>>, value: T) {
    if let Some(out) = out {
        out.write(value);
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

/// What can be done with an element of any type.
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
                    let (view, out) = (view::<$atomic>(array)?, given(value, "value")?);
                    out.write(match view {
                        View::Shared(_) => element::<$atomic>(array, index)?.load(SeqCst),
                        View::Observed(elements) => elements.load(index)?,
                    });
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

            changes! { $atomic $value: exchange = swap }

            #[unsafe(export_name = concat!("sabha_", stringify!($value), "_copy_to"))]
            unsafe extern "C" fn copy_to(
                array: Option<&sabha_array>,
                start: usize,
                target: *mut $value,
                len: usize,
            ) -> sabha_status {
                boundary(|| {
                    let view = view::<$atomic>(array)?;
                    // SAFETY: the caller's duty; numbers, which any bytes are.
                    view.copy_to(start, unsafe { values_mut(target, len, "target") }?)?;
                    Ok(SABHA_OK)
                })
            }

            #[unsafe(export_name = concat!("sabha_", stringify!($value), "_copy_from"))]
            unsafe extern "C" fn copy_from(
                array: Option<&sabha_array>,
                start: usize,
                source: *const $value,
                len: usize,
            ) -> sabha_status {
                boundary(|| {
                    let elements = view::<$atomic>(array)?.shared()?;
                    // SAFETY: the caller's duty.
                    elements.copy_from(start, unsafe { values(source, len, "source") }?)?;
                    Ok(SABHA_OK)
                })
            }

            #[unsafe(export_name = concat!("sabha_", stringify!($value), "_fill"))]
            extern "C" fn fill(
                array: Option<&sabha_array>,
                start: usize,
                len: usize,
                value: $value,
            ) -> sabha_status {
                boundary(|| {
                    let elements = view::<$atomic>(array)?.shared()?;
                    elements.fill(start..start.saturating_add(len), value)?;
                    Ok(SABHA_OK)
                })
            }
        }
    )*};
}

/// What can be done with an element that is an integer.
macro_rules! integer_functions {
    ($($module:ident $value:ident $atomic:ident)*) => {$(
        mod $module {
            use super::*;

            changes! {
                $atomic $value:
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
    f32 AtomicF32
    f64 AtomicF64
}

integer_functions! {
    integer_i8 i8 AtomicI8
    integer_u8 u8 AtomicU8
    integer_i16 i16 AtomicI16
    integer_u16 u16 AtomicU16
    integer_i32 i32 AtomicI32
    integer_u32 u32 AtomicU32
    integer_i64 i64 AtomicI64
    integer_u64 u64 AtomicU64
}
