//! A struct inside a struct must be derived as well.

use sabha::Shareable;

#[repr(C)]
struct Inner(u32);

#[derive(Shareable)]
#[repr(C)]
struct Outer([Inner; 2]);

fn main() {}
