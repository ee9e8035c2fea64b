//! The fingerprint of a layout: what it sees, what it does not see, and its golden values.

#![allow(dead_code, reason = "only the layout of these types is used")]

use sabha::{Shareable, fingerprint, struct_fingerprint};
use std::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};

/// The layout that the tests below vary in one place at a time.
#[derive(Shareable)]
#[repr(C)]
struct Base {
    count: AtomicU64,
    level: i16,
    name: [u8; 3],
}

#[test]
fn names_are_not_part_of_the_layout() {
    mod elsewhere {
        #[derive(sabha::Shareable)]
        #[repr(C)]
        pub struct Other {
            pub r#type: super::AtomicU64,
            pub b: i16,
            pub c: [u8; 3],
        }
    }
    #[derive(Shareable)]
    #[repr(C)]
    struct Tuple(AtomicU64, i16, [u8; 3]);
    #[derive(Shareable)]
    #[repr(C, align(8))]
    struct AlignedAsItWas(AtomicU64, i16, [u8; 3]);
    type Alias = AtomicU64;
    #[derive(Shareable)]
    #[repr(C)]
    struct Aliased(Alias, i16, [u8; 3]);

    assert_eq!(Base::FINGERPRINT, elsewhere::Other::FINGERPRINT);
    assert_eq!(Base::FINGERPRINT, Tuple::FINGERPRINT);
    assert_eq!(Base::FINGERPRINT, AlignedAsItWas::FINGERPRINT);
    assert_eq!(Base::FINGERPRINT, Aliased::FINGERPRINT);
}

/// Asserts that a tuple struct of these fields is not the same layout as [`Base`].
macro_rules! differs {
    ($test:ident: $(#[$repr:meta])+ ($($field:ty),+)) => {
        #[test]
        fn $test() {
            #[derive(Shareable)]
            $(#[$repr])+
            struct Varied($($field),+);
            assert_ne!(Base::FINGERPRINT, Varied::FINGERPRINT);
        }
    };
}

differs!(order: #[repr(C)] (i16, AtomicU64, [u8; 3]));
differs!(order_of_the_last_two: #[repr(C)] (AtomicU64, [u8; 3], i16));
differs!(width: #[repr(C)] (AtomicU64, i32, [u8; 3]));
differs!(signedness: #[repr(C)] (AtomicU64, u16, [u8; 3]));
differs!(signedness_of_an_atomic: #[repr(C)] (AtomicI64, i16, [u8; 3]));
differs!(plain_is_not_atomic: #[repr(C)] (u64, i16, [u8; 3]));
differs!(float_is_not_integer: #[repr(C)] (f64, i16, [u8; 3]));
differs!(array_length_in_padding: #[repr(C)] (AtomicU64, i16, [u8; 4]));
differs!(array_is_not_its_fields: #[repr(C)] (AtomicU64, i16, u8, u8, u8));
differs!(missing_field: #[repr(C)] (AtomicU64, i16));
differs!(alignment: #[repr(C, align(16))] (AtomicU64, i16, [u8; 3]));
differs!(alignment_in_another_attribute: #[repr(C)] #[repr(align(64))] (AtomicU64, i16, [u8; 3]));
differs!(nesting: #[repr(C)] (Base));
differs!(transparent_wrapper: #[repr(transparent)] (Base));

#[test]
fn every_primitive_has_its_own_golden_value() {
    let golden = [
        (u8::FINGERPRINT, 0x5c4d_cfcc_58c7_8f8a),
        (u16::FINGERPRINT, 0x416c_f79e_7c1b_3bfa),
        (u32::FINGERPRINT, 0xb1f9_e61e_04a1_54b4),
        (u64::FINGERPRINT, 0x065e_e074_6bfc_13fb),
        (i8::FINGERPRINT, 0x305e_a197_9536_6796),
        (i16::FINGERPRINT, 0xa548_6380_148d_a7d6),
        (i32::FINGERPRINT, 0xb127_fcec_41eb_7128),
        (i64::FINGERPRINT, 0x93d6_96fb_7980_879f),
        (f32::FINGERPRINT, 0xb895_e0cb_c0cd_0601),
        (f64::FINGERPRINT, 0x03ef_45f6_9ab0_ddc2),
        (AtomicU8::FINGERPRINT, 0x308f_fb7b_3358_adbd),
        (AtomicU16::FINGERPRINT, 0x01f3_7cf5_163e_fb17),
        (AtomicU32::FINGERPRINT, 0xa088_6aae_b03e_0209),
        (AtomicU64::FINGERPRINT, 0xa401_ccc1_d005_92aa),
        (AtomicI8::FINGERPRINT, 0x25d9_d3d6_ad3a_7481),
        (AtomicI16::FINGERPRINT, 0x2ada_7ef3_46bb_5f43),
        (AtomicI32::FINGERPRINT, 0xd20c_c34c_18f0_d92d),
        (AtomicI64::FINGERPRINT, 0xe255_1e09_0cbe_694e),
    ];
    for (seen, expected) in golden {
        assert_eq!(seen, expected, "ABI: {seen:#018x} is not {expected:#018x}");
    }
    let distinct: std::collections::HashSet<u64> = golden.iter().map(|(seen, _)| *seen).collect();
    assert_eq!(distinct.len(), golden.len());
}

/// Computed outside Rust, from the description of `fingerprint` alone.
#[test]
fn golden_values_of_compositions() {
    assert_eq!(fingerprint("", &[]), 0x8820_1fb9_60ff_6465);
    assert_eq!(fingerprint("mutex", &[u32::FINGERPRINT]), 0x140d_529b_9722_4551);
    assert_eq!(<[u32; 3]>::FINGERPRINT, 0xb329_ad4d_8176_e4eb);
    assert_eq!(Base::FINGERPRINT, 0x5809_992b_3daf_0afa);
}

#[test]
fn a_struct_is_its_size_alignment_offsets_and_fields() {
    let bytes = <[u8; 3]>::FINGERPRINT;
    let fields = [(0, AtomicU64::FINGERPRINT), (8, i16::FINGERPRINT), (10, bytes)];
    let parts = [16, 8, 0, AtomicU64::FINGERPRINT, 8, i16::FINGERPRINT, 10, bytes];
    assert_eq!(Base::FINGERPRINT, fingerprint("struct", &parts));
    assert_eq!(Base::FINGERPRINT, struct_fingerprint::<Base>(&fields));
}

#[test]
fn no_two_inputs_are_the_same_run_of_bytes() {
    assert_ne!(fingerprint("ab", &[]), fingerprint("a", &[u64::from(b'b')]));
    assert_ne!(fingerprint("a", &[]), fingerprint("a", &[0]));
    assert_ne!(fingerprint("a", &[0]), fingerprint("a", &[0, 0]));
    assert_ne!(fingerprint("a", &[1, 2]), fingerprint("a", &[2, 1]));
    assert_ne!(<[[u8; 2]; 3]>::FINGERPRINT, <[[u8; 3]; 2]>::FINGERPRINT);
    assert_ne!(<[u8; 6]>::FINGERPRINT, <[[u8; 3]; 2]>::FINGERPRINT);
}

#[derive(Shareable)]
#[repr(C)]
struct Slot<T: Shareable, const N: usize = 2> {
    sequence: AtomicU64,
    payload: [T; N],
}

#[derive(Shareable)]
#[repr(transparent)]
struct Wrapper<T>(T)
where
    T: Shareable;

#[derive(Shareable)]
#[repr(C)]
struct Bytes<const N: usize>([u8; N]);

#[test]
fn parameters_count_by_the_layout_they_make() {
    #[derive(Shareable)]
    #[repr(C)]
    struct Written(AtomicU64, [u32; 2]);

    assert_eq!(Slot::<u32>::FINGERPRINT, Written::FINGERPRINT);
    assert_ne!(Slot::<u32>::FINGERPRINT, Slot::<i32>::FINGERPRINT);
    assert_ne!(Slot::<u32, 2>::FINGERPRINT, Slot::<u32, 3>::FINGERPRINT);
    assert_eq!(Wrapper::<u32>::FINGERPRINT, fingerprint("struct", &[4, 4, 0, u32::FINGERPRINT]));
    assert_ne!(Bytes::<7>::FINGERPRINT, Bytes::<8>::FINGERPRINT);
    assert_ne!(Wrapper::<Slot<f32>>::FINGERPRINT, Slot::<Wrapper<f32>>::FINGERPRINT);
}

/// The generated `unsafe impl` does not stand in the way of a crate that has no unsafe code.
mod without_unsafe_code {
    mod denied {
        #![deny(unsafe_code)]

        #[derive(sabha::Shareable)]
        #[repr(C)]
        struct Counter<T: sabha::Shareable>(T);
    }

    mod forbidden {
        #![forbid(unsafe_code)]
        #![deny(missing_docs, unused, clippy::all, clippy::pedantic, clippy::nursery)]

        /// Even this one.
        #[derive(sabha::Shareable)]
        #[repr(C, align(64))]
        pub struct Counter {
            /// How many.
            pub count: core::sync::atomic::AtomicU64,
        }
    }

    /// No name in scope can change what the macro means.
    mod shadowed {
        mod core {}
        mod sabha {}
        trait Shareable {}

        #[derive(::sabha::Shareable)]
        #[repr(C)]
        struct Counter(u32);
    }
}

/// A type that comes out of a macro, with a field type that goes into it.
macro_rules! record {
    ($name:ident, $field:ty) => {
        #[derive(Shareable)]
        #[repr(C)]
        struct $name {
            value: $field,
        }
    };
}
record!(Record, [AtomicU8; 4]);

#[test]
fn derives_inside_a_macro() {
    let parts = [4, 1, 0, <[AtomicU8; 4]>::FINGERPRINT];
    assert_eq!(Record::FINGERPRINT, fingerprint("struct", &parts));
}
