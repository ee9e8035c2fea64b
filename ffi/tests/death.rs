//! A C process and a Rust process meet at one lock, and each survives the other's murder.

mod common;

use sabha_core::Region;
use sabha_core::sync::{LockError, Mutex};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

static PROGRAM: LazyLock<std::path::PathBuf> = LazyLock::new(|| common::program("tests/death.c"));

/// A region of one test, gone when the test is.
struct Place(Region, String);

impl Place {
    fn new(test: &str) -> Self {
        let name = format!("sabha-test-death-{test}-{}", std::process::id());
        Self(Region::create(&name, 1 << 16).unwrap(), name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.0.unlink();
    }
}

/// Starts a process, and waits until it has said `line`.
fn start(command: &mut Command, line: &str) -> Child {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(said.map_while(Result::ok).any(|said| said.ends_with(line)), "never said {line}");
    child
}

fn c_program(role: &str, place: &Place) -> Command {
    let mut command = Command::new(&*PROGRAM);
    command.args([role, &place.1]);
    command
}

/// This program again, as the Rust process that holds the lock.
fn rust_holder(place: &Place) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "rust_role_hold", "--nocapture"]).env("SABHA_TEST_REGION", &place.1);
    start(&mut command, "held")
}

#[test]
fn rust_role_hold() {
    let Some(region) = std::env::var_os("SABHA_TEST_REGION") else { return };
    let region = Region::open(region.to_str().unwrap()).unwrap();
    let total = region.object::<Mutex<u64>>("total").unwrap();
    let mut guard = total.lock().unwrap();
    *guard = 666;
    println!("held");
    std::thread::sleep(std::time::Duration::from_secs(60));
}

fn murder(child: &mut Child) {
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
}

#[test]
fn a_killed_c_process_leaves_the_lock_to_rust() {
    let place = Place::new("c");
    let total = place.0.object::<Mutex<u64>>("total").unwrap();
    let mut child = start(&mut c_program("hold", &place), "held");
    let Err(LockError::Held { holder }) = total.try_lock() else { panic!("not held") };
    assert_eq!(holder.pid, child.id());
    assert_eq!(holder.name.as_bytes().get(..5), Some(&b"death"[..]));
    murder(&mut child);
    let Err(LockError::OwnerDied(died)) = total.lock() else { panic!("nobody died") };
    let mut guard = died.into_guard();
    assert_eq!(*guard, 666);
    *guard = 1;
    guard.mark_consistent();
    drop(guard);
    assert_eq!(*total.lock().unwrap(), 1);
}

#[test]
fn a_killed_rust_process_leaves_the_lock_to_c() {
    let place = Place::new("rust");
    let total = place.0.object::<Mutex<u64>>("total").unwrap();
    murder(&mut rust_holder(&place));
    common::checked(c_program("repair", &place).output().unwrap());
    assert_eq!(*total.lock().unwrap(), 1, "repaired, and said so");
}

#[test]
fn a_c_process_that_sleeps_at_the_lock_wakes_when_its_rust_holder_is_killed() {
    let place = Place::new("asleep");
    let total = place.0.object::<Mutex<u64>>("total").unwrap();
    let mut holder = rust_holder(&place);
    let mut sleeper = start(&mut c_program("wait", &place), "waiting");
    std::thread::sleep(std::time::Duration::from_millis(50));
    murder(&mut holder);
    assert!(sleeper.wait().unwrap().success());
    assert_eq!(*total.lock().unwrap(), 1);
}
