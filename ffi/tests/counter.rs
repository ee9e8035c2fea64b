//! `examples/c/counter.c` shows what it says, and meets Rust in one region.

mod common;

use sabha_core::Region;
use sabha_core::sync::{Mutex, SpinLock};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| common::program("../examples/c/counter.c"));

#[test]
fn it_proves_what_it_says() {
    let region = format!("sabha-test-counter-alone-{}", std::process::id());
    let output = common::checked(Command::new(&*PROGRAM).arg(&region).output().unwrap());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("2 processes") && said.ends_with("lose none\n"), "{said}");
    assert_eq!(said.matches("atomic").count(), 2, "each line once: {said}");
    assert!(!std::path::Path::new("/dev/shm").join(region).exists());
}

#[test]
fn c_and_rust_count_together() {
    const TIMES: u64 = 300_000;
    let name = format!("sabha-test-counter-{}", std::process::id());
    let region = Region::create(&name, 1 << 16).unwrap();
    let atomic = region.slice::<AtomicU64>("atomic", 1).unwrap();
    let spin = region.object::<SpinLock<u64>>("spin").unwrap();
    let mutex = region.object::<Mutex<u64>>("mutex").unwrap();
    for way in ["atomic", "spin", "mutex"] {
        let add = ["add", &name, way, &TIMES.to_string()];
        let mut child = Command::new(&*PROGRAM).args(add).stdout(Stdio::null()).spawn().unwrap();
        for _ in 0..TIMES {
            match way {
                "atomic" => drop(atomic[0].fetch_add(1, Relaxed)),
                "spin" => *spin.lock().unwrap() += 1,
                _ => *mutex.lock().unwrap() += 1,
            }
        }
        assert!(child.wait().unwrap().success());
    }
    region.unlink().unwrap();
    let totals = [atomic[0].load(Relaxed), *spin.lock().unwrap(), *mutex.lock().unwrap()];
    assert_eq!(totals, [2 * TIMES; 3]);
}
