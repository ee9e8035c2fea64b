//! Compiles the C programs beside this file and runs them.

mod common;

use std::process::Command;

/// Runs `tests/<name>.c` with a name for a region as its argument.
fn run(name: &str) {
    let program = common::program(&format!("tests/{name}.c"));
    let region = format!("sabha-test-c-{name}-{}", std::process::id());
    let output = Command::new(program).arg(&region).output().unwrap();
    let _ = std::fs::remove_file(format!("/dev/shm/{region}"));
    common::checked(output);
}

#[test]
fn region() {
    run("region");
}

#[test]
fn array() {
    run("array");
}

#[test]
fn wait() {
    run("wait");
}

#[test]
fn mutex() {
    run("mutex");
}

#[test]
fn fork() {
    run("fork");
}

#[test]
fn ring() {
    run("ring");
}
