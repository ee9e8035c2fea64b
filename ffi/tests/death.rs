//! A C process and a Rust process meet in one region, and each survives the other's murder.

mod common;

use sabha_core::Region;
use sabha_core::ring::spsc::{PopError, Spsc};
use sabha_core::sync::{LockError, Mutex};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::AtomicI64;

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

/// Whether the process has fallen asleep; or is gone, which the test will find out.
fn sleeps(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
    !state.starts_with(['R', 'D'])
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
    while !sleeps(sleeper.id()) {
        std::thread::yield_now();
    }
    murder(&mut holder);
    assert!(sleeper.wait().unwrap().success());
    assert_eq!(*total.lock().unwrap(), 1);
}

#[test]
fn rust_gets_every_item_of_a_killed_c_producer_in_order() {
    let place = Place::new("ring");
    let ring = Spsc::<u64>::open_or_create(&place.0, "numbers", 16).unwrap();
    let mut consumer = ring.consumer().unwrap();
    let mut child = start(&mut c_program("produce", &place), "pushing");
    for number in 0..1000 {
        assert_eq!(consumer.pop(), Ok(number));
    }
    murder(&mut child);
    let mut next = 1000;
    let end = loop {
        match consumer.pop() {
            Ok(number) => assert_eq!(number, next),
            Err(end) => break end,
        }
        next += 1;
    };
    assert_eq!(end, PopError::Abandoned);
    assert!(ring.producer().is_ok(), "its end can be taken");
}

#[test]
fn rust_wakes_a_c_process() {
    let place = Place::new("bell");
    let bell = place.0.slice::<AtomicI64>("bell", 1).unwrap();
    let mut child = start(&mut c_program("listen", &place), "listening");
    while !sleeps(child.id()) {
        std::thread::yield_now();
    }
    assert_eq!(bell.store_and_notify(0, 1 << 40, u32::MAX).unwrap(), 1);
    assert!(child.wait().unwrap().success());
}
