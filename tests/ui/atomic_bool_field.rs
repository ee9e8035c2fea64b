//! Loading a 2 from it is undefined behaviour.

use sabha::Shareable;

#[derive(Shareable)]
#[repr(C)]
struct Door {
    opened: u64,
    open: std::sync::atomic::AtomicBool,
}

fn main() {}
