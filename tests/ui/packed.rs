//! Packed fields may be unaligned.

use sabha::Shareable;

#[derive(Shareable)]
#[repr(C, packed)]
struct Tight(u8, u64);

#[derive(Shareable)]
#[repr(C)]
#[repr(packed(2))]
struct Tighter(u8, u64);

fn main() {}
