//! An address of one process.

use sabha::Shareable;

#[derive(Shareable)]
#[repr(C)]
struct Door {
    opened: u64,
    open: *const u32,
}

fn main() {}
