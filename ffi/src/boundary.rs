//! The line between C and Rust. On this side nothing unwinds, and no pointer is followed unchecked.
//!
//! A pointer that C may leave NULL is an `Option<&T>` here, an out-parameter an
//! `Option<&mut MaybeUninit<T>>`, a handle that is given back an `Option<Box<T>>`: the signature is
//! the check. What no check can find (a dangling pointer, two threads at a one-thread handle) is the
//! C caller's part, and the header says so.

use crate::failure::Failure;
use crate::status::{SABHA_E_INVALID_NAME, SABHA_E_PANIC, sabha_status};
use core::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of an exported function; a failure is remembered, a panic becomes `SABHA_E_PANIC`.
pub(crate) fn boundary(body: impl FnOnce() -> Result<sabha_status, Failure>) -> sabha_status {
    // What a panic leaves half-done in shared memory is what a kill would leave: survivable.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(status)) => status,
        Ok(Err(failure)) => failure.remember(),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            let text = text.unwrap_or("of no words");
            Failure::Because(SABHA_E_PANIC, format!("a bug in the library: {text}")).remember()
        }
    }
}

/// The same, for a function that cannot fail.
pub(crate) fn quietly<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

/// The pointer `name`, which must not be NULL.
pub(crate) fn given<T>(pointer: Option<T>, name: &'static str) -> Result<T, Failure> {
    pointer.ok_or(Failure::Null(name))
}

/// A string: UTF-8, ended by a NUL.
///
/// # Safety
/// `text` is NULL, or a string that stays as it is for `'a`.
pub(crate) unsafe fn text<'a>(text: *const c_char, name: &'static str) -> Result<&'a str, Failure> {
    if text.is_null() {
        return Err(Failure::Null(name));
    }
    // SAFETY: the caller's duty.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|e| {
        Failure::Because(SABHA_E_INVALID_NAME, format!("the argument `{name}` is not UTF-8: {e}"))
    })
}

/// `len` values to look at; `values` may be NULL if there are none.
///
/// # Safety
/// `values` is NULL, or the first of `len` values that stay as they are for `'a`.
pub(crate) unsafe fn values<'a, T>(
    values: *const T,
    len: usize,
    name: &'static str,
) -> Result<&'a [T], Failure> {
    check(values, len, name)?;
    if len == 0 {
        return Ok(&[]);
    }
    // SAFETY: the caller's duty; aligned and not too long, as checked.
    Ok(unsafe { core::slice::from_raw_parts(values, len) })
}

/// `len` values to fill; `values` may be NULL if there are none.
///
/// # Safety
/// `values` is NULL, or the first of `len` values that are the callee's alone for `'a`.
pub(crate) unsafe fn values_mut<'a, T>(
    values: *mut T,
    len: usize,
    name: &'static str,
) -> Result<&'a mut [T], Failure> {
    check(values, len, name)?;
    if len == 0 {
        return Ok(&mut []);
    }
    // SAFETY: the caller's duty; aligned and not too long, as checked.
    Ok(unsafe { core::slice::from_raw_parts_mut(values, len) })
}

fn check<T>(values: *const T, len: usize, name: &'static str) -> Result<(), Failure> {
    if values.is_null() && len > 0 {
        return Err(Failure::Null(name));
    }
    if !values.is_aligned() || len > isize::MAX.unsigned_abs() / size_of::<T>().max(1) {
        return Err(Failure::argument(&format!("`{name}` cannot point to {len} values")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::sabha_last_error;
    use crate::status::SABHA_E_NULL;

    fn last_error() -> String {
        let mut buffer = [0; 100];
        let len = sabha_last_error(buffer.as_mut_ptr(), buffer.len());
        buffer.iter().take(len).map(|byte| *byte as u8 as char).collect()
    }

    #[test]
    fn a_panic_stops_here() {
        assert_eq!(boundary(|| panic!("ouch {}", 7)), SABHA_E_PANIC);
        assert_eq!(last_error(), "a bug in the library: ouch 7");
        assert_eq!(boundary(|| std::panic::resume_unwind(Box::new(7))), SABHA_E_PANIC);
        assert_eq!(quietly(5, || panic!("ouch")), 5);
    }

    #[test]
    fn a_null_pointer_is_named() {
        assert_eq!(boundary(|| given(None::<&u8>, "region").map(|_| 0)), SABHA_E_NULL);
        assert_eq!(last_error(), "the argument `region` is NULL");
        // SAFETY: NULL is allowed.
        assert!(unsafe { values::<u64>(core::ptr::null(), 0, "v") }.is_ok_and(<[u64]>::is_empty));
        // SAFETY: as above.
        assert!(unsafe { values::<u64>(core::ptr::null(), 1, "v") }.is_err());
        // SAFETY: refused before anybody follows it.
        assert!(unsafe { values(core::ptr::dangling::<u64>(), usize::MAX, "v") }.is_err());
        let odd = core::ptr::without_provenance::<u64>(9);
        // SAFETY: as above.
        assert!(unsafe { values(odd, 1, "v") }.is_err());
    }

    #[test]
    fn text_must_be_utf8() {
        // SAFETY: a string.
        let refused = unsafe { text(c"\xff".as_ptr(), "name") };
        assert_eq!(boundary(|| refused.map(|_| 0)), SABHA_E_INVALID_NAME);
        // SAFETY: a string.
        assert!(unsafe { text(c"büro".as_ptr(), "name") }.is_ok_and(|text| text == "büro"));
    }
}
