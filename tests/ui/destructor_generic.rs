//! With parameters, a destructor is found where the type is used.

use sabha::Shareable;

#[derive(Shareable)]
#[repr(C)]
struct Ticket<T: Shareable>(T);

impl<T: Shareable> Drop for Ticket<T> {
    fn drop(&mut self) {}
}

const USED: u64 = Ticket::<u32>::FINGERPRINT;

fn main() {}
