//! Models under shuttle: random schedules of many processes, which do several things each and of which any number is killed
//! at any time. The protocol files are the real ones: see `tests/model/mod.rs`.
//!
//! shuttle knows no weak memory: that is loom's part (`tests/loom`). A schedule that fails is printed, and can be replayed.
#![allow(
    dead_code,
    reason = "a model uses part of what the protocol files and their neighbours offer"
)]

mod checker;
mod known_bad;

#[path = "../model/mod.rs"]
mod model;
mod proofs;
mod wander;

use model::error::Error;
use model::{alter, barrier, kernel, os, process, region, ring, scene, seat, trace, view};
