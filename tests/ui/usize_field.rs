//! A word of 4 or of 8 bytes.

use sabha::Shareable;

#[derive(Shareable)]
#[repr(C)]
struct Door {
    opened: u64,
    open: usize,
}

fn main() {}
