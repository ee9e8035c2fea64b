//! Every example does what its header says: it ends well, in time, and prints what it proves.
//!
//! `cargo test` builds the examples, too; after `cargo test --test examples` alone they may be missing or old.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Five seconds are promised; a loaded machine gets more.
const PATIENCE: Duration = Duration::from_secs(60);

fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows itself");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("target/<profile>/deps");
    let path = profile.join("examples").join(name);
    assert!(path.exists(), "{} is missing: cargo build --examples", path.display());
    path
}

/// Runs an example; its output has all these texts, in this order.
fn proves(name: &str, args: &[&str], texts: &[&str]) {
    let start = Instant::now();
    let Output { status, stdout, stderr } =
        Command::new(binary(name)).args(args).output().expect("runs");
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{name}: {status}\n{out}\n{err}");
    assert!(start.elapsed() < PATIENCE, "{name} took {:?}", start.elapsed());
    let mut rest = &*out;
    for text in texts {
        let at = rest.find(text).unwrap_or_else(|| panic!("{name} did not print {text:?}:\n{out}"));
        rest = &rest[at + text.len()..];
    }
}

#[test]
fn counter_loses_nothing_under_a_lock() {
    let region = format!("sabha-counter-test-{}", std::process::id());
    proves(
        "counter",
        &[&region],
        &["plain", "atomic", "spin", "mutex", "processor time", "proven"],
    );
    assert!(!PathBuf::from("/dev/shm").join(region).exists(), "the region is unlinked");
}

#[test]
fn owner_died_tells_the_survivor() {
    let texts = [
        "child holds the lock",
        "child killed",
        "OwnerDied",
        "total = 990",
        "repaired, total = 1000",
        "locked again",
    ];
    proves("owner_died", &[], &texts);
}

#[test]
fn ping_pong_loses_no_ball() {
    proves("ping_pong", &[], &["99.9 %", "asleep", "spinning", "no ball lost"]);
}
