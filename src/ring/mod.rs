//! Messages: rings of slots between processes.
//!
//! | ring | from | to | slots | after a kill |
//! |------|------|----|-------|--------------|
//! | [`spsc`] | one process | one process | of one size | whole or absent; at least once |

pub mod spsc;
