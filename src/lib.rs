//! SharedArrayBuffer + Atomics for processes.
//!
//! Processes that know only a name meet in a [`Region`] of memory. They count with atomics, [wait and notify](view), [lock](sync)
//! and pass [messages](ring) there; and when any of them is killed, at any instruction, the others go on.
//!
//! ```
//! use sabha::{Region, sync::Mutex};
//! use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
//!
//! # let name = format!("doc-{}", std::process::id());
//! let region = Region::open_or_create(&name, 1 << 20)?; // the same lines in every process
//! let hits = region.object::<AtomicU64>("hits")?;       // found, or made: all zeros
//! let log = region.object::<Mutex<[u64; 16]>>("log")?;
//!
//! let n = hits.fetch_add(1, Relaxed);
//! log.lock_repaired(|log| log.fill(0))?[n as usize % 16] = n; // told if the last owner was killed
//! # region.unlink()?;
//! # Ok::<(), sabha::Error>(())
//! ```
//!
//! **One idea**: a shared type is valid when it is all zeros. Fresh memory is zero, so making an object needs no
//! initialisation that a process could be killed in.
//!
//! **Death** is data: a lock's next owner is told, a ring's successor goes on, and nobody waits for the dead. It is asked of
//! the kernel, which flags a thread's word in its [seat](SeatId) and frees a process's lock as a [member](MemberId); never
//! guessed from a time-out. What a kill inside an operation leaves behind is said in each operation's documentation, with
//! its grade: **G0** traceless, **G1** repaired in passing, **G2** reported to the successor, **G3** refused until repaired.
//!
//! | to … | use |
//! |---|---|
//! | make, open, grow, name memory | [`Region`], [`RegionOptions`], [`Observer`] |
//! | put things there | [`Region::object`], [`Region::slice`], [`Shared`], [`derive(Shareable)`](macro@Shareable) |
//! | see numbers, sleep on them | [`view`] |
//! | take turns | [`sync`] |
//! | pass messages | [`ring`] |

// What is read from shared bytes is checked before it indexes or becomes smaller.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]

// The derive macro writes `::sabha::…`; let that path work inside this crate, too.
extern crate self as sabha;

mod error;
mod os;
mod payload;
#[doc(hidden)]
pub mod raw;
mod region;
pub mod ring;
mod seat;
mod shareable;
pub mod sync;
pub mod view;

pub use error::{Error, Layout, Result};
pub use os::clock::Deadline;
pub use payload::Payload;
pub use region::{Growing, ObjectInfo, Observed, Observer, Region, RegionOptions, Shared};
pub use sabha_derive::Shareable;
pub use seat::{Holder, MemberId, MemberInfo, SeatId};
pub use shareable::Shareable;
#[doc(hidden)]
pub use shareable::{fingerprint, struct_fingerprint};
pub use view::{AtomicF32, AtomicF64, Wait};

/// How the bytes of a region lie.
#[doc = include_str!("docs/layout.md")]
pub mod layout {}

/// What is promised when a process is killed, what is not, and how to check it.
#[doc = include_str!("docs/crash-model.md")]
pub mod crash_model {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
