//! Numbers of any width, at any byte, in either byte order.

use super::place;
use crate::os::{AtomicU8, Relaxed};
use crate::{Result, Shared};

/// A view of bytes as numbers of any width at any offset, in little- or big-endian order: for formats, not for races.
///
/// It goes byte by byte, relaxed: racing accesses are safe, but a number may be torn between its bytes. For numbers that
/// processes race on use a `Shared<[AtomicU32]>` and its like.
///
/// ```
/// use std::sync::atomic::AtomicU8;
/// use sabha::{Region, view::DataView};
///
/// let data = DataView::new(Region::anonymous(4096)?.slice::<AtomicU8>("packet", 64)?);
/// data.set_u16_be(1, 0xCAFE)?; // odd offsets are as good as any
/// data.set_f64_le(3, 0.5)?;
/// assert_eq!((data.get_u8(1)?, data.get_u16_le(1)?), (0xCA, 0xFECA));
/// assert_eq!(data.get_f64_le(3)?, 0.5);
/// assert!(data.get_u32_le(61).is_err()); // the last byte is 63
/// # Ok::<(), sabha::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DataView {
    bytes: Shared<[AtomicU8]>,
}

impl From<Shared<[AtomicU8]>> for DataView {
    fn from(bytes: Shared<[AtomicU8]>) -> Self {
        Self::new(bytes)
    }
}

impl DataView {
    /// Sees `bytes` as numbers. For a part of them take a [`subview`](Shared::subview) first.
    #[must_use]
    pub fn new(bytes: Shared<[AtomicU8]>) -> Self {
        Self { bytes }
    }

    /// The bytes themselves.
    #[must_use]
    pub fn bytes(&self) -> &Shared<[AtomicU8]> {
        &self.bytes
    }

    fn get<const N: usize>(&self, offset: usize) -> Result<[u8; N]> {
        let mut copy = [0; N];
        for (byte, shared) in copy.iter_mut().zip(place::run(&self.bytes, offset, N)?) {
            *byte = shared.load(Relaxed);
        }
        Ok(copy)
    }

    fn set(&self, offset: usize, bytes: &[u8]) -> Result<()> {
        for (shared, byte) in place::run(&self.bytes, offset, bytes.len())?.iter().zip(bytes) {
            shared.store(*byte, Relaxed);
        }
        Ok(())
    }
}

macro_rules! numbers {
    ($($number:ident: $get:ident $from:ident, $set:ident $to:ident, $order:literal;)*) => {
        impl DataView {
            $(
                #[doc = concat!("The `", stringify!($number), "`", $order, " at byte `offset`.")]
                ///
                /// # Errors
                /// [`OutOfRange`](crate::Error::OutOfRange).
                pub fn $get(&self, offset: usize) -> Result<$number> {
                    self.get(offset).map($number::$from)
                }

                #[doc = concat!("Stores a `", stringify!($number), "`", $order, " at byte `offset`.")]
                ///
                /// # Errors
                /// [`OutOfRange`](crate::Error::OutOfRange); then nothing is stored.
                ///
                /// # If a process is killed here
                /// G0: each byte is old or new; the first ones are new.
                pub fn $set(&self, offset: usize, value: $number) -> Result<()> {
                    self.set(offset, &value.$to())
                }
            )*
        }
    };
}

numbers! {
    u8: get_u8 from_le_bytes, set_u8 to_le_bytes, "";
    i8: get_i8 from_le_bytes, set_i8 to_le_bytes, "";
    u16: get_u16_le from_le_bytes, set_u16_le to_le_bytes, ", little-endian,";
    u16: get_u16_be from_be_bytes, set_u16_be to_be_bytes, ", big-endian,";
    i16: get_i16_le from_le_bytes, set_i16_le to_le_bytes, ", little-endian,";
    i16: get_i16_be from_be_bytes, set_i16_be to_be_bytes, ", big-endian,";
    u32: get_u32_le from_le_bytes, set_u32_le to_le_bytes, ", little-endian,";
    u32: get_u32_be from_be_bytes, set_u32_be to_be_bytes, ", big-endian,";
    i32: get_i32_le from_le_bytes, set_i32_le to_le_bytes, ", little-endian,";
    i32: get_i32_be from_be_bytes, set_i32_be to_be_bytes, ", big-endian,";
    u64: get_u64_le from_le_bytes, set_u64_le to_le_bytes, ", little-endian,";
    u64: get_u64_be from_be_bytes, set_u64_be to_be_bytes, ", big-endian,";
    i64: get_i64_le from_le_bytes, set_i64_le to_le_bytes, ", little-endian,";
    i64: get_i64_be from_be_bytes, set_i64_be to_be_bytes, ", big-endian,";
    f32: get_f32_le from_le_bytes, set_f32_le to_le_bytes, ", little-endian,";
    f32: get_f32_be from_be_bytes, set_f32_be to_be_bytes, ", big-endian,";
    f64: get_f64_le from_le_bytes, set_f64_le to_le_bytes, ", little-endian,";
    f64: get_f64_be from_be_bytes, set_f64_be to_be_bytes, ", big-endian,";
}
