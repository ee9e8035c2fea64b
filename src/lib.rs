//! SharedArrayBuffer + Atomics for processes.

// The derive macro writes `::sabha::…`; let that path work inside this crate, too.
extern crate self as sabha;

mod error;
mod os;
mod payload;
mod region;
pub mod ring;
mod seat;
mod shareable;
pub mod sync;

pub use error::{Error, Layout, Result};
pub use os::clock::Deadline;
pub use payload::Payload;
pub use region::{Growing, ObjectInfo, Observed, Observer, Region, RegionOptions, Shared};
pub use sabha_derive::Shareable;
pub use seat::{Holder, MemberId, MemberInfo, SeatId};
pub use shareable::Shareable;
#[doc(hidden)]
pub use shareable::{fingerprint, struct_fingerprint};
