//! Types of plain data, as numbers.

use crate::{Payload, fingerprint};

/// The greatest alignment: a page.
pub(super) const ALIGN_MAX: u64 = 4096;

/// What the directory knows of a type of plain data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlainType {
    size: u64,
    align: u64,
    fingerprint: u64,
}

impl PlainType {
    /// That of a Rust type.
    #[must_use]
    pub const fn of<T: Payload>() -> Self {
        let (size, align) = (size_of::<T>() as u64, align_of::<T>() as u64);
        Self { size, align, fingerprint: T::FINGERPRINT }
    }

    /// Any other; `None` if no type can be like that.
    #[must_use]
    pub fn new(size: u64, align: u64, fingerprint: u64) -> Option<Self> {
        let possible = align.is_power_of_two()
            && align <= ALIGN_MAX
            && (1..isize::MAX as u64).contains(&size)
            && size.is_multiple_of(align);
        possible.then_some(Self { size, align, fingerprint })
    }

    /// That of `[Self; len]`.
    #[must_use]
    pub fn array(self, len: u64) -> Option<Self> {
        let size = self.size.checked_mul(len)?;
        Self::new(size, self.align, fingerprint("array", &[len, self.fingerprint]))
    }

    /// That of a `repr(C)` struct with these fields (offset, type), in order of declaration.
    #[must_use]
    pub fn structure(size: u64, align: u64, fields: &[(u64, Self)]) -> Option<Self> {
        let mut parts = vec![size, align];
        let mut end = 0;
        for (offset, field) in fields {
            let fits = *offset >= end
                && offset.is_multiple_of(field.align)
                && align.is_multiple_of(field.align);
            end = offset.checked_add(field.size).filter(|end| fits && *end <= size)?;
            parts.extend([*offset, field.fingerprint]);
        }
        Self::new(size, align, fingerprint("struct", &parts))
    }

    /// Bytes.
    #[must_use]
    pub const fn size(self) -> u64 {
        self.size
    }

    /// What its address must be a multiple of.
    #[must_use]
    pub const fn align(self) -> u64 {
        self.align
    }

    /// See [`Shareable`](crate::Shareable).
    #[must_use]
    pub const fn fingerprint(self) -> u64 {
        self.fingerprint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shareable;
    use zerocopy::FromBytes;

    #[derive(Shareable, FromBytes)]
    #[repr(C, align(64))]
    struct Wide {
        small: u8,
        numbers: [u32; 3],
        large: i64,
    }

    #[test]
    fn a_type_is_described_as_the_derive_macro_would() {
        let numbers = PlainType::of::<u32>().array(3).unwrap();
        assert_eq!(numbers, PlainType::of::<[u32; 3]>());
        let fields = [(0, PlainType::of::<u8>()), (4, numbers), (16, PlainType::of::<i64>())];
        assert_eq!(PlainType::structure(64, 64, &fields), Some(PlainType::of::<Wide>()));
    }

    #[test]
    fn what_no_type_can_be_is_refused() {
        let byte = PlainType::of::<u8>();
        let word = PlainType::of::<u32>();
        for (size, align) in [(0, 1), (4, 0), (4, 3), (6, 4), (u64::MAX, 1), (8192, 8192)] {
            assert_eq!(PlainType::new(size, align, 7), None, "{size} {align}");
        }
        assert_eq!(word.array(0), None);
        assert_eq!(word.array(u64::MAX / 2), None);
        assert_eq!(PlainType::structure(4, 4, &[(0, word), (3, byte)]), None, "overlap");
        assert_eq!(PlainType::structure(8, 4, &[(2, word)]), None, "misaligned");
        assert_eq!(
            PlainType::structure(4, 1, &[(0, word)]),
            None,
            "aligned to less than its field"
        );
        assert_eq!(PlainType::structure(4, 4, &[(0, byte), (1, word)]), None);
        assert_eq!(PlainType::structure(4, 4, &[(u64::MAX, byte)]), None);
    }
}
