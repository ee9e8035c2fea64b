//! Nothing says which field the bytes of a union are.

use sabha::Shareable;

#[derive(Shareable)]
#[repr(C)]
union Either {
    number: u64,
    bytes: [u8; 8],
}

fn main() {}
