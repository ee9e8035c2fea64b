//! The seats' floor: the real protocol files, among stand-ins for what knows threads and processes.

#[path = "../../../src/seat/id.rs"]
mod id;
#[path = "../../../src/seat/lock.rs"]
pub(crate) mod lock;
#[path = "../../../src/seat/member.rs"]
pub(crate) mod member;
#[path = "../../../src/seat/page.rs"]
pub(crate) mod page;
#[path = "../../../src/seat/policy.rs"]
mod policy;
#[path = "../../../src/seat/table.rs"]
pub(crate) mod table;

pub(crate) mod assembly;
mod cache;

pub(crate) use crate::adversary::PULSE;
pub(crate) const MEMBERS: u32 = 256;
pub(crate) const MARKS: u32 = 256;
pub(crate) const NAME_BYTES: usize = 72;
pub(crate) use id::SLOTS_MAX;
pub use id::{Holder, MemberId, SeatId};
pub use member::MemberInfo;
pub use policy::{Adaptive, Block, Policy, Spin};
