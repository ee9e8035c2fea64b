//! Every primitive at once, under processes that are killed, stopped and replaced all the time.
//!
//! Run: `cargo run --release --example torture -- --seconds 60 --processes 8 --kill-every 10ms`, or without arguments.
//! You should see: a table of operations, and of deaths that were told of and made good; in the end "whole".
//! Proves: whatever is killed at whatever moment, the others go on; nothing is lost, doubled or torn, and nothing is left
//! behind. Exits with 1 as soon as a promise is broken or a process does nothing for five seconds, and says where.
//!
//! # How
//! ```text
//!                         kills, stops, replaces          region "torture-PID": what is under torture
//!   supervisor --------------------------------> worker 0 ---\
//!      |  reads                                  worker 1 ----+--> numbers, words, locks, rings, objects, …
//!      v                                         …        ---/     and regions "torture-PID-door-N"
//!   control region (no name): desks, counts, complaints <--- each worker writes what it does
//! ```
//! A worker (`worker`) does one operation after another, of trials (`trials`, one file each) that it picks at random. Each
//! trial checks what it sees, with the help of what the others have written down; and what the system says of deaths.
//! The supervisor (`supervisor`) kills who is inside of something if it can (`torturer`), several at once now and then; it
//! notices who makes no progress (`watchdog`), and shows from `/proc` where it hangs (`autopsy`). In the end everybody
//! finishes, the members are counted, all leave, and a fresh process checks what is left, and that it works (`audit`).
//!
//! Tests: `tests/torture.rs`, which also has the workers make mistakes, to see them found.

#[path = "../common/arguments.rs"]
mod arguments;
mod autopsy;
mod board;
mod broken;
mod crew;
mod dashboard;
mod fault;
mod figures;
#[path = "../common/json.rs"]
mod json;
mod latency;
mod me;
mod names;
mod options;
#[path = "../common/random.rs"]
mod random;
mod supervisor;
mod torturer;
mod trials;
mod watchdog;
mod worker;

use board::Who;
use options::Request;
use std::error::Error;
use std::process::ExitCode;

/// The first argument of a worker.
const WORKER: &str = "--worker-at-desk";

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let status = match words[..] {
        [WORKER, desk, incarnation, parent, name] => work([desk, incarnation, parent], name),
        _ => torture(arguments),
    };
    status.unwrap_or_else(|error| {
        eprintln!("torture: {error}");
        ExitCode::from(FAILED)
    })
}

fn work(numbers: [&str; 3], name: &str) -> Result<ExitCode, Box<dyn Error>> {
    let [desk, incarnation, parent] = numbers;
    let who = Who { desk: desk.parse()?, incarnation: incarnation.parse()? };
    worker::work(who, parent.parse()?, name)
}

fn torture(arguments: Vec<String>) -> Result<ExitCode, Box<dyn Error>> {
    match options::parse(arguments) {
        Ok(Request::Torture(options)) => supervisor::run(&options),
        Ok(Request::Help) => {
            dashboard::say(options::HELP);
            Ok(ExitCode::SUCCESS)
        }
        Err(sentence) => {
            eprintln!("torture: {sentence}");
            Ok(ExitCode::from(WRONG_USAGE))
        }
    }
}
