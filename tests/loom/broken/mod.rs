//! The models must be able to fail: the same protocol files, with one thing wrong, turn some proof red.
//!
//! ```text
//!   weaken      each memory ordering of the protocol files, weakened in turn
//!   known_bad   mistakes that are known to be made
//!   sites       where the orderings stand, found by reading the source
//!   red         runs one proof in a process of its own, with an alteration
//! ```

mod known_bad;
mod red;
mod sites;
mod weaken;
