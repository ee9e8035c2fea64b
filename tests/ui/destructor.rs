//! A killed process runs no destructor.

use sabha::Shareable;

#[derive(Shareable)]
#[repr(C)]
struct Ticket(u64);

impl Drop for Ticket {
    fn drop(&mut self) {}
}

fn main() {}
