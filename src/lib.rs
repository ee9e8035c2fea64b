//! SharedArrayBuffer + Atomics for processes.

// The derive macro writes `::sabha::…`; let that path work inside this crate, too.
extern crate self as sabha;

mod os;
mod shareable;

pub use os::clock::Deadline;
pub use sabha_derive::Shareable;
pub use shareable::Shareable;
#[doc(hidden)]
pub use shareable::{fingerprint, struct_fingerprint};
