//! A peer may write a number that names no variant.

use sabha::Shareable;

#[derive(Shareable)]
#[repr(C)]
enum State {
    Idle,
    Busy,
}

fn main() {}
