//! Models under loom: every interleaving of two processes, or of three with a bounded number of preemptions, under the
//! language's memory model, and a death at every step. The protocol files are the real ones: see `tests/model/mod.rs`.
#![allow(dead_code, reason = "a model uses part of what the protocol files offer")]
#![allow(unsafe_code, reason = "places that take turns, words known to the kernel by address")]

#[path = "../model/alter.rs"]
mod alter;
mod checker;
#[path = "../model/error.rs"]
mod error;
mod explore;
#[path = "../model/kernel.rs"]
mod kernel;
mod lock;
#[path = "../model/os/mod.rs"]
mod os;
#[path = "../model/payload.rs"]
mod payload;
#[path = "../model/process.rs"]
mod process;
#[path = "../model/scene/mod.rs"]
mod scene;
#[path = "../model/seat/mod.rs"]
mod seat;

use error::Error;
