//! An address of one process.

use sabha::Shareable;

#[derive(Shareable)]
#[repr(C)]
struct Door {
    opened: u64,
    open: &'static u32,
}

fn main() {}
