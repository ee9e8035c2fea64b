//! Rust may order these fields differently in every build.

use sabha::Shareable;

#[derive(Shareable)]
struct Plain {
    small: u8,
    large: u64,
}

#[derive(Shareable)]
#[repr(align(64))]
struct OnlyAligned(u64);

#[derive(Shareable)]
#[repr(Rust)]
struct Spelled(u64);

fn main() {}
