//! What the data under a lock or in a ring is, and what the elements of an array are.

use crate::boundary::{quietly, values};
use crate::failure::Failure;
use sabha_core::raw::PlainType;

/// int8_t. These name element types; the elements of an array are atomic.
pub const SABHA_I8: i32 = 1;
/// uint8_t
pub const SABHA_U8: i32 = 2;
/// int16_t
pub const SABHA_I16: i32 = 3;
/// uint16_t
pub const SABHA_U16: i32 = 4;
/// int32_t
pub const SABHA_I32: i32 = 5;
/// uint32_t
pub const SABHA_U32: i32 = 6;
/// int64_t
pub const SABHA_I64: i32 = 7;
/// uint64_t
pub const SABHA_U64: i32 = 8;
/// float
pub const SABHA_F32: i32 = 9;
/// double
pub const SABHA_F64: i32 = 10;

/// The type of data under a lock or in a ring, such that every process, in every language, describes
/// the same layout by the same numbers: who opens an object with another type is told so
/// (SABHA_E_OTHER_TYPE). All zeros: no type; who is given it says SABHA_E_INVALID_ARGUMENT.
///
/// Data may be any bytes: a killed writer may leave half a write. So no pointers, no bool, no enum.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sabha_type {
    /// Bytes.
    pub size: u64,
    /// What its address is a multiple of.
    pub align: u64,
    /// A hash of the layout.
    pub fingerprint: u64,
}

/// A field of a struct.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sabha_field {
    /// offsetof()
    pub offset: u64,
    /// What it is.
    pub r#type: sabha_type,
}

impl sabha_type {
    const NONE: Self = Self { size: 0, align: 0, fingerprint: 0 };

    pub(crate) fn decode(self) -> Result<PlainType, Failure> {
        let Self { size, align, fingerprint } = self;
        PlainType::new(size, align, fingerprint).ok_or_else(|| {
            let why = format!("no type has {size} bytes, aligned to {align}");
            Failure::argument(&why)
        })
    }
}

impl From<Option<PlainType>> for sabha_type {
    fn from(found: Option<PlainType>) -> Self {
        found.map_or(Self::NONE, |plain| Self {
            size: plain.size(),
            align: plain.align(),
            fingerprint: plain.fingerprint(),
        })
    }
}

/// The type that `code` names: sabha_type_of(SABHA_U64) is a uint64_t, in Rust a u64. No type (all
/// zeros) if the code names none.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_type_of(code: i32) -> sabha_type {
    let plain = match code {
        SABHA_I8 => PlainType::of::<i8>(),
        SABHA_U8 => PlainType::of::<u8>(),
        SABHA_I16 => PlainType::of::<i16>(),
        SABHA_U16 => PlainType::of::<u16>(),
        SABHA_I32 => PlainType::of::<i32>(),
        SABHA_U32 => PlainType::of::<u32>(),
        SABHA_I64 => PlainType::of::<i64>(),
        SABHA_U64 => PlainType::of::<u64>(),
        SABHA_F32 => PlainType::of::<f32>(),
        SABHA_F64 => PlainType::of::<f64>(),
        _ => return sabha_type::NONE,
    };
    Some(plain).into()
}

/// The type of `element name[len]`, in Rust [T; len]. No type if that cannot be.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_type_array(element: sabha_type, len: u64) -> sabha_type {
    quietly(sabha_type::NONE, || {
        element.decode().ok().and_then(|element| element.array(len)).into()
    })
}

/// The type of a struct of `size` bytes, aligned to `align`, with `count` fields in their order; see
/// SABHA_FIELD. In Rust a repr(C) struct with #[derive(Shareable)]. No type if that cannot be.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_type_struct(
    size: u64,
    align: u64,
    fields: *const sabha_field,
    count: usize,
) -> sabha_type {
    quietly(sabha_type::NONE, || {
        // SAFETY: the caller's duty.
        let fields = unsafe { values(fields, count, "fields") };
        let decoded = |field: &sabha_field| Some((field.offset, field.r#type.decode().ok()?));
        let fields: Option<Vec<_>> = fields.ok().and_then(|f| f.iter().map(decoded).collect());
        fields.and_then(|fields| PlainType::structure(size, align, &fields)).into()
    })
}
