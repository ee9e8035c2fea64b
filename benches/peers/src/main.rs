//! sabha beside what others made for the same work. The reference is the peer.
//!
//! Run: `cargo run --release --manifest-path benches/peers/Cargo.toml`
#![allow(unsafe_code)] // what the support does

mod stream;
#[path = "../../support/mod.rs"]
mod support;

fn main() {
    support::pin(0);
    stream::print();
}
