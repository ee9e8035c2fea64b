//! A struct with no bytes has nothing to share.

use sabha::Shareable;

#[derive(Shareable)]
#[repr(C)]
struct Unit;

#[derive(Shareable)]
#[repr(C)]
struct Braces {}

#[derive(Shareable)]
#[repr(C)]
struct NoElements([u32; 0]);

fn main() {}
