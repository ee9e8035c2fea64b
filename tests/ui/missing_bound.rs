//! The macro adds no bounds.

use sabha::Shareable;

#[derive(Shareable)]
#[repr(C)]
struct Pair<T: 'static> {
    sequence: u64,
    value: T,
}

fn main() {}
