//! Waiting on the elements of an array, and notifying who waits: see `atomics.rs` for where the names are declared.

use crate::array::{sabha_array, view};
use crate::atomics::tell;
use crate::boundary::boundary;
use crate::failure::Failure;
use crate::status::{SABHA_E_TIMED_OUT, SABHA_NOT_EQUAL, SABHA_OK, sabha_status};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicI32, AtomicI64, AtomicU32, AtomicU64};
use sabha_core::{Deadline, Wait};

/// All of those who wait.
pub const SABHA_ALL: u32 = 0xffff_ffff;
const _: () = assert!(SABHA_ALL == u32::MAX);

macro_rules! wait_functions {
    ($($value:ident $atomic:ident)*) => {$(
        mod $value {
            use super::*;

            #[unsafe(export_name = concat!("sabha_", stringify!($value), "_wait_until"))]
            extern "C" fn wait_until(
                array: Option<&sabha_array>,
                index: usize,
                expected: $value,
                deadline_ns: u64,
            ) -> sabha_status {
                boundary(|| {
                    let deadline = Deadline::at_ns(deadline_ns);
                    match view::<$atomic>(array)?.wait_until(index, expected, deadline)? {
                        Wait::Woken => Ok(SABHA_OK),
                        Wait::NotEqual => Ok(SABHA_NOT_EQUAL),
                        Wait::TimedOut => Err(Failure::Plain(SABHA_E_TIMED_OUT)),
                    }
                })
            }

            #[unsafe(export_name = concat!("sabha_", stringify!($value), "_notify"))]
            extern "C" fn notify(
                array: Option<&sabha_array>,
                index: usize,
                count: u32,
                woken: Option<&mut MaybeUninit<u32>>,
            ) -> sabha_status {
                boundary(|| {
                    tell(woken, view::<$atomic>(array)?.shared()?.notify(index, count)?);
                    Ok(SABHA_OK)
                })
            }

            #[unsafe(export_name = concat!("sabha_", stringify!($value), "_store_and_notify"))]
            extern "C" fn store_and_notify(
                array: Option<&sabha_array>,
                index: usize,
                value: $value,
                count: u32,
                woken: Option<&mut MaybeUninit<u32>>,
            ) -> sabha_status {
                boundary(|| {
                    let elements = view::<$atomic>(array)?.shared()?;
                    tell(woken, elements.store_and_notify(index, value, count)?);
                    Ok(SABHA_OK)
                })
            }

            #[unsafe(export_name = concat!("sabha_", stringify!($value), "_add_and_notify"))]
            extern "C" fn add_and_notify(
                array: Option<&sabha_array>,
                index: usize,
                delta: $value,
                count: u32,
                old: Option<&mut MaybeUninit<$value>>,
                woken: Option<&mut MaybeUninit<u32>>,
            ) -> sabha_status {
                boundary(|| {
                    let elements = view::<$atomic>(array)?.shared()?;
                    let (before, count) = elements.add_and_notify(index, delta, count)?;
                    tell(old, before);
                    tell(woken, count);
                    Ok(SABHA_OK)
                })
            }
        }
    )*};
}

wait_functions! {
    i32 AtomicI32
    u32 AtomicU32
    i64 AtomicI64
    u64 AtomicU64
}
