//! The example `word_count`: its parts, and the whole program as its users and its enemies meet it.
//!
//! The texts come from a seeded generator that knows what it has written, so the program's own
//! check is checked, too. By hand, over 64 MB, ten times:
//! `cargo test --release --test word_count -- --ignored --nocapture`
#![allow(dead_code, reason = "parts of the program are tested without those who use them")]

// The parts that have tests of their own. They are at the root, as they are in the program.
#[path = "../examples/word_count/alone.rs"]
mod alone;
#[path = "../examples/word_count/files.rs"]
mod files;
#[path = "../examples/word_count/fingerprint.rs"]
mod fingerprint;
#[path = "../examples/word_count/json.rs"]
mod json;
#[path = "../examples/word_count/options.rs"]
mod options;
#[path = "../examples/word_count/plan.rs"]
mod plan;
#[path = "../examples/word_count/progress.rs"]
mod progress;
#[path = "../examples/word_count/sixteen.rs"]
mod sixteen;
#[path = "../examples/word_count/table.rs"]
mod table;
#[path = "../examples/word_count/tally.rs"]
mod tally;
#[path = "../examples/word_count/tokenizer.rs"]
mod tokenizer;
#[path = "../examples/word_count/word.rs"]
mod word;
