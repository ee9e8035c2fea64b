//! The models must be able to fail: the same protocol files, with one thing wrong, turn some proof red.
//!
//! ```text
//!   weaken      each memory ordering of the protocol files, weakened in turn
//!   known_bad   mistakes that are known to be made
//!   sites       where the orderings stand, found by reading the source
//! ```

mod known_bad;
mod sites;
mod weaken;
