//! Arrays of atomic elements: the handle, whatever the element type.

use crate::boundary::{boundary, given, text};
use crate::failure::Failure;
use crate::region::sabha_region;
use crate::status::{SABHA_E_OTHER_TYPE, SABHA_OK, sabha_status};
use crate::types::*;
use core::ffi::{c_char, c_void};
use core::mem::MaybeUninit;
use core::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};
use sabha_core::view::{Element, Waitable};
use sabha_core::{AtomicF32, AtomicF64, Deadline, Error, Observed, Shareable, Shared, Wait};

/// An array of atomic elements in a region, in Rust a Shared<[AtomicU32]> and so on: a handle of this
/// process. Any thread may use it. It is yours until sabha_array_free().
pub struct sabha_array(Elements);

/// The elements of an array that this process may write to, or only look at.
pub(crate) enum View<A> {
    Shared(Shared<[A]>),
    Observed(Observed<A>),
}

impl<A: Element> View<A> {
    fn open(region: &sabha_region, name: &str, len: usize, make: bool) -> Result<Self, Failure> {
        Ok(match region.observed() {
            Some(observer) => Self::Observed(observer.slice(name, len)?),
            None if make => Self::Shared(region.whole()?.slice(name, len)?),
            None => Self::Shared(region.whole()?.open_slice(name, len)?),
        })
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Shared(elements) => elements.len(),
            Self::Observed(elements) => elements.len(),
        }
    }

    /// The elements, if this process may write to them.
    pub(crate) fn shared(&self) -> Result<&Shared<[A]>, Failure> {
        match self {
            Self::Shared(elements) => Ok(elements),
            Self::Observed(_) => Err(Error::ReadOnly.into()),
        }
    }

    pub(crate) fn copy_to(&self, start: usize, target: &mut [A::Value]) -> sabha_core::Result<()> {
        match self {
            Self::Shared(elements) => elements.copy_to(start, target),
            Self::Observed(elements) => elements.copy_to(start, target),
        }
    }
}

impl<A: Waitable> View<A> {
    pub(crate) fn wait_until(
        &self,
        index: usize,
        expected: A::Value,
        deadline: Deadline,
    ) -> sabha_core::Result<Wait> {
        match self {
            Self::Shared(elements) => elements.wait_until(index, expected, deadline),
            Self::Observed(elements) => elements.wait_until(index, expected, deadline),
        }
    }
}

/// A type that the elements of an array can have.
pub(crate) trait Typed: Element {
    /// The elements of `array`, if they are of this type.
    fn of(array: &sabha_array) -> Option<&View<Self>>;
}

macro_rules! elements {
    ($($variant:ident $atomic:ident $code:ident)*) => {
        enum Elements { $($variant(View<$atomic>),)* }

        impl Elements {
            fn open(
                region: &sabha_region,
                name: &str,
                code: i32,
                len: usize,
                make: bool,
            ) -> Result<Self, Failure> {
                match code {
                    $($code => View::open(region, name, len, make).map(Self::$variant),)*
                    _ => Err(Failure::argument(&format!("{code} names no type of elements"))),
                }
            }

            fn code(&self) -> i32 {
                match self { $(Self::$variant(_) => $code,)* }
            }

            fn len(&self) -> usize {
                match self { $(Self::$variant(view) => view.len(),)* }
            }

            fn start(&self) -> Result<*mut c_void, Failure> {
                Ok(match self { $(Self::$variant(view) => {
                    view.shared()?.as_ptr().cast_mut().cast()
                })* })
            }
        }

        $(impl Typed for $atomic {
            fn of(array: &sabha_array) -> Option<&View<Self>> {
                match &array.0 { Elements::$variant(view) => Some(view), _ => None }
            }
        })*

        /// The code of the type whose fingerprint an array has; 0 if it is not one of these.
        pub(crate) fn code_of(fingerprint: u64) -> i32 {
            match fingerprint { $($atomic::FINGERPRINT => $code,)* _ => 0 }
        }
    };
}

elements! {
    I8 AtomicI8 SABHA_I8
    U8 AtomicU8 SABHA_U8
    I16 AtomicI16 SABHA_I16
    U16 AtomicU16 SABHA_U16
    I32 AtomicI32 SABHA_I32
    U32 AtomicU32 SABHA_U32
    I64 AtomicI64 SABHA_I64
    U64 AtomicU64 SABHA_U64
    F32 AtomicF32 SABHA_F32
    F64 AtomicF64 SABHA_F64
}

/// The elements of `array`, as elements of type `A`.
pub(crate) fn view<A: Typed>(array: Option<&sabha_array>) -> Result<&View<A>, Failure> {
    let array = given(array, "array")?;
    A::of(array).ok_or_else(|| {
        let why = format!("the array's type has the code {}", array.0.code());
        Failure::Because(SABHA_E_OTHER_TYPE, why)
    })
}

/// Element `index` of `array`, to be changed.
pub(crate) fn element<A: Typed>(array: Option<&sabha_array>, index: usize) -> Result<&A, Failure> {
    let elements = view::<A>(array)?.shared()?;
    elements.get(index).ok_or_else(|| outside(index, elements.len()))
}

#[cold]
pub(crate) fn outside(index: usize, len: usize) -> Failure {
    let (found, most) = (index as u64, len.saturating_sub(1) as u64);
    Error::OutOfRange { what: "the index", found, least: 0, most }.into()
}

/// Opens or makes the array `name`: see the two functions that call it.
unsafe fn opened(
    region: Option<&sabha_region>,
    name: *const c_char,
    code: i32,
    len: usize,
    array: Option<&mut MaybeUninit<Box<sabha_array>>>,
    make: bool,
) -> sabha_status {
    boundary(|| {
        let (region, out) = (given(region, "region")?, given(array, "array")?);
        // SAFETY: the caller's duty.
        let name = unsafe { text(name, "name") }?;
        out.write(Box::new(sabha_array(Elements::open(region, name, code, len, make)?)));
        Ok(SABHA_OK)
    })
}

/// Finds the array `name` of `len` elements of the type that `code` names (SABHA_I8 to SABHA_F64), or
/// makes it: all zeros. In a region that was opened for reading it is only found. SABHA_E_OTHER_TYPE,
/// SABHA_E_INVALID_NAME, SABHA_E_OUT_OF_RANGE, SABHA_E_REGION_FULL, SABHA_E_DIRECTORY_FULL, and those of
/// sabha_region_enter().
///
/// Waits: for others that open or remove objects. Threads: any. Fork: the child, too.
/// Killed here: G1, the object is there, whole, or not at all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_array_open(
    region: Option<&sabha_region>,
    name: *const c_char,
    code: i32,
    len: usize,
    array: Option<&mut MaybeUninit<Box<sabha_array>>>,
) -> sabha_status {
    // SAFETY: the caller's duty.
    unsafe { opened(region, name, code, len, array, true) }
}

/// Finds the array, as sabha_array_open(), but makes none: SABHA_E_NO_SUCH_OBJECT.
///
/// Waits: for others that open or remove objects. Threads: any. Fork: the child, too. Killed here: G1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_array_find(
    region: Option<&sabha_region>,
    name: *const c_char,
    code: i32,
    len: usize,
    array: Option<&mut MaybeUninit<Box<sabha_array>>>,
) -> sabha_status {
    // SAFETY: the caller's duty.
    unsafe { opened(region, name, code, len, array, false) }
}

/// Gives the handle back. The array stays in the region. NULL is allowed.
///
/// Waits: no. Threads: any, when no other uses the handle. Fork: the child has its own copy to give
/// back. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_array_free(array: Option<Box<sabha_array>>) -> sabha_status {
    boundary(|| {
        drop(array);
        Ok(SABHA_OK)
    })
}

/// How many elements the array has. Never changes.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_array_len(
    array: Option<&sabha_array>,
    len: Option<&mut MaybeUninit<usize>>,
) -> sabha_status {
    boundary(|| {
        let (array, out) = (given(array, "array")?, given(len, "len")?);
        out.write(array.0.len());
        Ok(SABHA_OK)
    })
}

/// The code of the elements' type, SABHA_I8 to SABHA_F64. Never changes.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_array_code(
    array: Option<&sabha_array>,
    code: Option<&mut MaybeUninit<i32>>,
) -> sabha_status {
    boundary(|| {
        let (array, out) = (given(array, "array")?, given(code, "code")?);
        out.write(array.0.code());
        Ok(SABHA_OK)
    })
}

/// The address of the first element, for your own atomics (_Atomic uint32_t * of C11, and so on): every
/// access must be atomic, with the width of the element. Good until the handle is given back.
/// SABHA_E_READ_ONLY.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_array_data(
    array: Option<&sabha_array>,
    data: Option<&mut MaybeUninit<*mut c_void>>,
) -> sabha_status {
    boundary(|| {
        let (array, out) = (given(array, "array")?, given(data, "data")?);
        out.write(array.0.start()?);
        Ok(SABHA_OK)
    })
}
