//! A bool of 2 is undefined behaviour.

use sabha::Shareable;

#[derive(Shareable)]
#[repr(C)]
struct Door {
    opened: u64,
    open: bool,
}

fn main() {}
