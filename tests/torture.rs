//! The example `torture`: that it finds nothing, and that it finds what is there to be found.
//!
//! Every mistake that its workers can be told to make ends it with a message that names where it was made: so each of its
//! detectors was red. (They are mistakes in the use of the library. The library's own known-bad variants have tests of
//! their own.)
//!
//! `cargo test` builds the examples, too; after `cargo test --test torture` alone they may be missing or old.
#![allow(dead_code, reason = "parts of the program are tested without those who use them")]

// The parts that have tests of their own. They are at the root, as they are in the program.
#[path = "../examples/common/arguments.rs"]
mod arguments;
#[path = "../examples/torture/board.rs"]
mod board;
#[path = "../examples/torture/fault.rs"]
mod fault;
#[path = "../examples/torture/latency.rs"]
mod latency;
#[path = "../examples/torture/options.rs"]
mod options;

use fault::Fault;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use support::child::until;
use support::figures::{Figure, record};
use support::{long_form, system};

/// One at a time: a run takes all processors there are.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn torture(arguments: &[&str]) -> Command {
    let test = std::env::current_exe().expect("a test knows itself");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps");
    let program = profile.join("examples").join("torture");
    assert!(program.exists(), "{} is missing: cargo build --examples", program.display());
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Runs it to its end; its exit status and all that it says.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = torture(arguments).output().expect("runs");
    let said = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (status.code(), said.concat())
}

/// A number of the JSON line.
fn number(said: &str, name: &str) -> u64 {
    let (_, rest) = said.split_once(&format!("\"{name}\":")).expect(name);
    let end = rest.find([',', '}']).expect("an object");
    rest[..end].parse().expect(name)
}

/// What stands in `/dev/shm` under names of the run of that process.
fn names_of(pid: u32) -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/dev/shm").expect("a directory").flatten();
    let (region, others) = (format!("torture-{pid}"), format!("torture-{pid}-"));
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name == region || name.starts_with(&others)
    };
    entries.map(|entry| entry.path()).filter(is_ours).collect()
}

#[test]
fn whoever_is_killed_nothing_breaks_and_nobody_is_stuck() {
    let _alone = alone();
    let arguments = if long_form() {
        ["--json", "--seconds", "60", "--processes", "8", "--kill-every", "10ms"]
    } else {
        ["--json", "--seconds", "8", "--processes", "6", "--kill-every", "5ms"]
    };
    let (status, said) = run(&arguments);
    let count = |name| number(&said, name);
    let defects = ["wedged", "lost", "duplicated", "torn"].map(count);
    let [deaths, inherited, taken_over] = ["kills", "inherited", "taken_over"].map(count);
    record(
        "torture: every primitive at once",
        &[
            (Figure::Deaths, deaths),
            (Figure::Wedged, defects[0]),
            (Figure::Lost, defects[1]),
            (Figure::Duplicated, defects[2]),
            (Figure::Torn, defects[3]),
        ],
    );
    println!("{said}");
    assert_eq!((status, defects), (Some(0), [0; 4]), "{said}");
    assert!(said.contains("whole: no promise was broken"), "{said}");
    assert!(deaths > 300 && inherited > 20 && taken_over > 20, "it was hardly tortured: {said}");
}

/// So many that choosing among them takes a real sort. (By a word that changed meanwhile, it ended one run of six.)
#[test]
fn a_crowd_can_be_tortured() {
    let _alone = alone();
    let (status, said) = run(&["--seconds", "3", "--processes", "64", "--kill-every", "1ms"]);
    assert_eq!(status, Some(0), "{said}");
}

/// How its workers err, what it is called then, and where.
const FAULTS: [(Fault, &str, &[&str]); 15] = [
    (Fault::Repair, "5ms", &["BROKEN: ", ": torn: ", "not told (found by desk "]),
    (Fault::Barge, "0s", &["BROKEN: ", ": torn: ", " inside"]),
    (Fault::Hold, "0s", &["stuck in: ", "inside\n", "sleeps while /dev/shm/torture-", "RawLock"]),
    (Fault::Robbery, "5ms", &["BROKEN: nested locks: ", ": money: "]),
    (Fault::Lose, "5ms", &["BROKEN: ring::spsc: lost: "]),
    (Fault::Repeat, "5ms", &["BROKEN: ring::spsc: duplicated: item "]),
    (Fault::Tear, "5ms", &["BROKEN: ring::spsc: torn: half an item"]),
    (Fault::Silence, "0s", &["stuck in: wait, notify\n", "state S", "it holds", "expects"]),
    (Fault::Update, "5ms", &["BROKEN: views, atomics: lost: "]),
    (Fault::Forge, "5ms", &["BROKEN: views, atomics: torn: ", " deaths gave ", "by the audit"]),
    (Fault::Dirty, "5ms", &["BROKEN: objects: torn: word "]),
    (Fault::Sleep, "0s", &["stuck in: ", "nothing", "state S", "nanosleep"]),
    (Fault::Spin, "0s", &["stuck in: nothing\n", "state R"]),
    // By whoever sees it first: the supervisor, or a worker that misses it among the members.
    (Fault::Exit, "5ms", &["BROKEN: "]),
    (Fault::Litter, "5ms", &["BROKEN: litter: [\"/dev/shm/torture-"]),
];

#[test]
fn every_mistake_is_found_and_its_place_named() {
    let _alone = alone();
    for (fault, kill_every, texts) in FAULTS {
        let name = fault.name();
        // Two are found in the end only; the others end it at once.
        let seconds = if matches!(fault, Fault::Litter | Fault::Forge) { "1" } else { "30" };
        let torture = ["--seconds", seconds, "--processes", "6", "--kill-every", kill_every];
        let (status, said) = run(&[&torture[..], &["--patience", "1s", "--break", &name]].concat());
        assert_eq!(status, Some(1), "{name}: {said}");
        for text in texts {
            assert!(said.contains(text), "{name} was not called {text:?}: {said}");
        }
    }
    assert_eq!(FAULTS.map(|(fault, ..)| fault), Fault::ALL, "all of them");
}

#[test]
fn what_it_does_not_understand_it_refuses() {
    let (status, said) = run(&["--seconds", "0"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("--seconds must be from 1 to"), "{said}");
    let (status, said) = run(&["--help"]);
    assert!(status == Some(0) && said.contains("--kill-every"), "{said}");
}

fn started(arguments: &[&str]) -> Child {
    let child = torture(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.expect("runs");
    until("the workers", || children(child.id()).len() >= 4);
    child
}

fn children(pid: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[test]
fn an_interrupt_ends_it_in_order() {
    let _alone = alone();
    let mut child = started(&["--seconds", "100", "--processes", "4"]);
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(child.id().cast_signed()),
        nix::sys::signal::Signal::SIGINT,
    )
    .expect("our own child");
    assert_eq!(child.wait().expect("our own child").code(), Some(0));
    let left = names_of(child.id());
    assert!(left.is_empty(), "{left:?}");
}

/// The names of its regions stay: there is nobody left to remove them.
#[test]
fn nobody_outlives_a_killed_supervisor() {
    let _alone = alone();
    let mut child = started(&["--seconds", "100", "--processes", "4", "--kill-every", "0s"]);
    let workers = children(child.id());
    system::kill(child.id());
    child.wait().expect("our own child");
    let begun = Instant::now();
    while workers.iter().any(|worker| lives(*worker)) {
        assert!(begun.elapsed() < Duration::from_secs(10), "they outlive it");
        std::thread::sleep(Duration::from_millis(1));
    }
    names_of(child.id()).iter().for_each(|path| std::fs::remove_file(path).expect("a region"));
}
