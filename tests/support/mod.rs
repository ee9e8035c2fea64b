//! What several test programs share.

pub mod child;
pub mod fork;
pub mod system;
pub mod trace;
