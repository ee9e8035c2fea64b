//! What several test programs share.

pub mod child;
pub mod trace;
