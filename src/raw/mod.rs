//! What a door to another language needs and the typed interface cannot say: objects whose type is known only at run time.
//!
//! Hidden, because its shape follows `ffi/`, its one user. The bytes and fingerprints are those of the typed objects, so
//! that both meet under one name: a [`RawMutex`] of the [`PlainType`] of `u64` is a [`Mutex<u64>`](crate::sync::Mutex),
//! a [`RawRing`] of it a [`Spsc<u64>`](crate::ring::spsc::Spsc).

mod mutex;
mod plain;
mod ring;

pub use mutex::{Locked, RawMutex};
pub use plain::PlainType;
pub use ring::{RawConsumer, RawProducer, RawRing, Run};
