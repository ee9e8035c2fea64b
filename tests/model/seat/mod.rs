//! The floor of seats: the real protocol files, and in place of the tables around them what a model needs.

pub(crate) mod assembly;
pub(crate) mod cache;
#[path = "../../../src/seat/id.rs"]
pub(crate) mod id;
#[path = "../../../src/seat/lock.rs"]
pub(crate) mod lock;
#[path = "../../../src/seat/member.rs"]
pub(crate) mod member;
#[path = "../../../src/seat/page.rs"]
pub(crate) mod page;
#[path = "../../../src/seat/policy.rs"]
pub(crate) mod policy;
#[path = "../../../src/seat/table.rs"]
pub(crate) mod table;

pub(crate) use policy::Policy;
use std::time::Duration;

pub(crate) const PULSE: Duration = Duration::from_millis(100);

/// What a record has room for: a word each.
pub(crate) const MARKS: u32 = 64;
pub(crate) const NAME_BYTES: usize = 8;
