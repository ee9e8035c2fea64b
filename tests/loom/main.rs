//! Models under loom: every interleaving of two processes, or of three with a bounded number of preemptions, under the
//! language's memory model, and a death at every step. The protocol files are the real ones: see `tests/model/mod.rs`.
#![allow(
    dead_code,
    reason = "a model uses part of what the protocol files and their neighbours offer"
)]

mod broken;
mod checker;
mod explore;

#[path = "../model/mod.rs"]
mod model;
mod proofs;

use model::error::Error;
use model::{alter, barrier, kernel, os, process, region, ring, scene, seat, trace, view};
