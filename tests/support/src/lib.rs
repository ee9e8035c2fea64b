//! What the tests share: child processes that really run and really die, a machine made small or hostile, and the figures that
//! proofs leave behind.
//!
//! It knows nothing of the library under test. What the system refuses, or what a child does that it should not, ends the test
//! with a panic that says so: hence every function here may panic, and none says it again.
#![allow(clippy::missing_panics_doc, clippy::missing_errors_doc, reason = "for tests: see above")]

pub mod child;
pub mod figures;
pub mod fork;
pub mod guard;
#[cfg(target_arch = "x86_64")]
pub mod kill;
pub mod linear;
pub mod record;
pub mod starve;
pub mod step;
pub mod system;
pub mod trace;

/// Whether the long form of the proofs is wanted (`tests/run-all` sets `SABHA_LONG`): else each keeps to its share of the ten
/// minutes that `cargo test` may take.
#[must_use]
pub fn long_form() -> bool {
    std::env::var_os("SABHA_LONG").is_some()
}
