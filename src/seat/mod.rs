//! Who is here, and who owns what.
//!
//! A *member* is an attached process; the kernel holds its [lock](member) as long as it lives. A *seat* is the place of one
//! of its threads; the kernel flags the seat's [`live`](page::SeatPage) word when the thread is gone. A [lock](lock) names
//! the seat of its owner. This floor works on tables that it is handed and knows no region.

pub(crate) mod assembly;
mod cache;
pub(crate) use cache::seat_at;
mod id;
pub(crate) mod lock;
pub(crate) mod member;
mod page;
#[cfg(test)]
mod page_tests;
mod policy;
pub(crate) mod table;
mod turn;

pub(crate) use id::SLOTS_MAX;
pub use id::{Holder, MemberId, SeatId};
pub use member::MemberInfo;
pub use policy::{Adaptive, Block, Policy, Spin};
pub(crate) use turn::Turn;

use std::time::Duration;

/// The longest sleep of the library without asking again who lives: what bounds a waiter's wait when the kernel could not
/// flag a death, or when two kills met.
pub const PULSE: Duration = Duration::from_millis(100);

/// Members that a region can have at a time.
pub(crate) const MEMBERS: u32 = 256;
/// Marks that a member can set.
pub(crate) const MARKS: u32 = 256;
/// Bytes of a member's name.
pub(crate) const NAME_BYTES: usize = 72;
