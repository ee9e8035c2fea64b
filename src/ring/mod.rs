//! Messages: rings of slots between processes.

pub mod spsc;
