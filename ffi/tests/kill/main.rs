//! Every C function that changes what others see, holds something or waits, killed behind each instruction of a real process:
//! its Rust core, the line between C and Rust, the handle's boxes and all.
//!
//! The shared library is loaded as a program in any language would load it, and called through the pointers of `c.rs`; so
//! are all parties: victims, sleepers, contenders, survivors. The kit is `support::kill`. `complete.rs` reads the header
//! and demands every function of it.
#![cfg(target_arch = "x86_64")]

mod c;
#[path = "../common/mod.rs"]
mod common;
mod complete;
mod mutex;
mod number;
mod object;
mod region;
mod ring;
mod wait;

use support::kill::{Scene, Seen};

/// A scene of these tests. Each has half of the usual time: what is behind the C functions is killed by the core's own
/// tests, too.
fn scene<'a, W>(
    name: &'static str,
    world: impl Fn() -> W + 'a,
    victim: impl Fn(&W) + 'a,
    survivor: impl Fn(&W) -> Seen + 'a,
) -> Scene<'a, W> {
    Scene::new(name, world, victim, survivor).one_of(2)
}
