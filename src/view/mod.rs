//! Numbers: typed views of shared memory, and waiting until one of them is notified.
//!
//! `region.slice::<AtomicI32>("numbers", 1024)?` is what JavaScript calls an `Int32Array` over a `SharedArrayBuffer`. It
//! derefs to `[AtomicI32]`: every operation and ordering of std's atomics is there. This floor adds:
//!
//! | what | where | after a kill |
//! |---|---|---|
//! | sleep until notified, or until a deadline | `wait`, `wait_until`, [`wait_any`] | the dead leave the queue |
//! | wake so many sleepers, first come first served | `notify` | woken, or not |
//! | change and wake, with no kill in between | `store_and_notify`, `add_and_notify` | the sleepers look again |
//! | copy many elements | `copy_to`, `copy_from`, `fill`, `to_vec` | some are copied |
//! | floats | [`AtomicF32`], [`AtomicF64`] | |
//! | bytes in either order at any place | [`DataView`] | some are stored |
//! | ECMAScript's names | [`atomics`] | |
//! | the same, without the right to write | [`Observed`](crate::Observed) | |
//!
//! Those are methods of [`Shared`](crate::Shared) arrays; for a word inside a struct there are the same on
//! [`Region`](crate::Region), which take `&word`.
//!
//! One width per location: the element type is part of the object's type, and another one is refused. This is the one
//! difference from ECMAScript's views. Waiting knows offsets only: a notify of an `i32` meets a waiter for an `i64` that
//! begins at the same byte.
//!
//! ```
//! use sabha::{Region, Wait};
//! use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
//!
//! let region = Region::anonymous(1 << 16)?; // a real program: Region::open_or_create, in two processes
//! let jobs = region.slice::<AtomicI32>("jobs", 1)?;
//! let worker = {
//!     let jobs = jobs.clone();
//!     std::thread::spawn(move || {
//!         while jobs[0].load(SeqCst) == 0 {
//!             jobs.wait(0, 0)?; // Woken, or NotEqual: there is something
//!         }
//!         Ok::<_, sabha::Error>(jobs[0].fetch_sub(1, SeqCst))
//!     })
//! };
//! let (before, woken) = jobs.add_and_notify(0, 1, 1)?;
//! assert!(before == 0 && woken <= 1);
//! assert_eq!(worker.join().unwrap()?, 1);
//! # Ok::<(), sabha::Error>(())
//! ```

mod any;
pub mod atomics;
mod bulk;
mod bytes;
mod element;
mod float;
mod observe;
mod place;
mod wait;
#[cfg(test)]
mod wait_tests;
mod words;

pub use any::{Either, Watch, wait_any};
pub use bytes::DataView;
pub use element::{Element, Integer, Waitable};
pub use float::{AtomicF32, AtomicF64};

/// How a wait ended. There is no other way: no spurious wake, no interruption, never early.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub enum Wait {
    /// A notify took this waiter off the queue, and counted it.
    Woken,
    /// The value was not the expected one: at the first look, or when the waiter was interrupted (by a signal, or by
    /// somebody's death) and looked again. Wins over [`TimedOut`](Self::TimedOut).
    NotEqual,
    /// The deadline passed.
    TimedOut,
}
