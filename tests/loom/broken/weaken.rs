//! Weaken-one: every memory ordering of the protocol files is weakened in turn, and some proof must fail. The source is read,
//! so that an ordering without a row here, or a row without its ordering, fails.

use super::red::{alteration, failure};
use super::sites::{self, WHOLE};
use crate::alter::What;
use core::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use std::collections::BTreeMap;
use support::figures::{Figure, record};

const FILES: [&str; 5] = [
    "src/seat/lock.rs",
    "src/seat/page.rs",
    "src/ring/spsc/protocol.rs",
    "src/ring/spsc/wait.rs",
    "src/view/wait.rs",
];

/// Function, call, the ordering that is written there, the weaker one, the proof that fails.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

#[test]
fn dbg() {
    for file in FILES {
        for site in sites::of(file) {
            println!("{site:?}");
        }
    }
}
