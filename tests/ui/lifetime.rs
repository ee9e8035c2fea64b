//! A borrow is an address.

use sabha::Shareable;

#[derive(Shareable)]
#[repr(C)]
struct Name<'a> {
    bytes: &'a [u8; 8],
}

fn main() {}
