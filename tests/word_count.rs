//! The example `word_count`: its parts, and the whole program as its users and its enemies meet it.
//!
//! The texts come from a seeded generator that knows what it has written, so the program's own
//! check is checked, too. By hand, over 64 MB, ten times:
//! `cargo test --release --test word_count -- --ignored --nocapture`
#![allow(dead_code, reason = "parts of the program are tested without those who use them")]

// The parts that have tests of their own. They are at the root, as they are in the program.
#[path = "../examples/word_count/alone.rs"]
mod alone;
#[path = "../examples/common/arguments.rs"]
mod arguments;
#[path = "../examples/word_count/files.rs"]
mod files;
#[path = "../examples/word_count/fingerprint.rs"]
mod fingerprint;
#[path = "../examples/common/json.rs"]
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

#[path = "word_count/program.rs"]
mod program;
#[path = "word_count/text.rs"]
mod text;

use files::File;
use fingerprint::Fingerprint;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use plan::Plan;
use program::{Answer, Folder, children, start, word_count};
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};
use text::Text;

/// Asserts that the program counted what was written, and found so itself.
fn assert_exact(answer: &Answer, text: &Text) {
    assert_eq!(answer.status, Some(0), "{answer:?}");
    assert_eq!(answer.field("check"), "\"exact\"");
    let totals = ["files", "bytes", "lines", "words", "distinct"].map(|name| answer.number(name));
    assert_eq!(totals, text.totals());
    assert_eq!(answer.field("top"), text.top(10));
}

#[test]
fn counts_what_was_written() {
    let folder = Folder::new("written");
    let mut text = Text::new(1);
    for (name, bytes) in [("one", 300_000), ("two", 5_000), ("empty", 0), ("deep/er/three", 70_000)]
    {
        text.write(&folder.file(name), bytes);
    }
    let answer = word_count(&["--json", "--workers", "3"], &[&folder.path]);
    assert_exact(&answer, &text);
    assert_eq!(answer.errors, "", "no progress bar where there is no terminal");
    assert_eq!(answer.output.lines().count(), 1);
}

#[test]
fn many_small_files_are_counted_as_one_large_one() {
    let folder = Folder::new("small");
    let mut text = Text::new(2);
    for index in 0..1500 {
        text.write(&folder.file(&format!("{}/{index}", index % 7)), index % 200);
    }
    let answer = word_count(&["--json", "--kill", "2"], &[&folder.path]);
    assert_exact(&answer, &text);
    assert!(answer.number("jobs") < 20, "{answer:?}");
}

#[test]
fn killed_workers_lose_nothing_and_double_nothing() {
    let folder = Folder::new("killed");
    let mut text = Text::new(3);
    text.write(&folder.file("text"), 8_000_000);
    let answer = word_count(&["--json", "--kill", "6"], &[&folder.path]);
    assert_exact(&answer, &text);
    // All six, as a rule; on a machine that is busy elsewhere a worker can be quicker than its killer.
    let [landed, replaced] = ["kills_landed", "replaced"].map(|name| answer.number(name));
    assert!(landed >= 1 && replaced >= landed, "{answer:?}");
}

/// Each row of the crash table of the example: both first workers die exactly there.
#[test]
fn killed_at_each_row_of_the_crash_table() {
    let folder = Folder::new("rows");
    let mut text = Text::new(4);
    text.write(&folder.file("text"), 1_000_000);
    for row in ["hired", "counted", "sent", "committed", "released"] {
        let answer = word_count(&["--json", "--workers", "2", "--die", row], &[&folder.path]);
        assert_exact(&answer, &text);
        assert_eq!(answer.number("replaced"), 2, "{row}: {answer:?}");
        let torn_and_doubled = ["torn_results", "doubled_results"].map(|name| answer.number(name));
        let expected = match row {
            "sent" => [2, 0],
            "committed" => [0, 2],
            _ => [0, 0],
        };
        assert_eq!(torn_and_doubled, expected, "{row}");
    }
}

#[test]
fn killed_by_somebody_else() {
    let folder = Folder::new("stranger");
    let mut text = Text::new(5);
    text.write(&folder.file("text"), 24_000_000); // counted in a quarter of a second
    let mut running = start(&["--json", "--workers", "2"], &[&folder.path]);
    let mut kills = 0;
    while kills < 5 && !running.is_over() {
        if let Some(worker) = children(running.pid()).last() {
            kills += u64::from(kill(Pid::from_raw(*worker), Signal::SIGKILL).is_ok());
        }
        std::thread::sleep(Duration::from_millis(15));
    }
    let answer = running.finish();
    assert_exact(&answer, &text);
    assert!(kills > 0 && answer.number("replaced") > 0, "{kills} kills, {answer:?}");
}

#[test]
fn a_killed_parent_leaves_nothing() {
    let folder = Folder::new("orphans");
    Text::new(6).write(&folder.file("text"), 8_000_000);
    let regions = || fs::read_dir("/dev/shm").map_or(0, Iterator::count);
    let before = regions();
    let running = start(&["--workers", "2"], &[&folder.path]);
    let workers = loop {
        match children(running.pid()) {
            workers if workers.len() == 2 => break workers,
            _ => std::thread::yield_now(),
        }
    };
    assert_eq!(regions(), before, "the region has a name");
    running.kill();
    let begun = Instant::now();
    while workers.iter().any(|worker| kill(Pid::from_raw(*worker), None).is_ok()) {
        assert!(begun.elapsed() < Duration::from_secs(10), "orphans go on working");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A check that cannot fail proves nothing.
#[test]
fn a_lost_or_doubled_result_is_noticed() {
    let folder = Folder::new("faults");
    Text::new(7).write(&folder.file("text"), 300_000);
    for fault in ["drop", "double"] {
        let answer = word_count(&["--json", "--fault", fault], &[&folder.path]);
        assert_eq!((answer.status, answer.field("check")), (Some(1), "\"wrong\""), "{fault}");
        let answer = word_count(&["--fault", fault], &[&folder.path]);
        assert_eq!(answer.status, Some(1), "{fault}");
        assert!(answer.output.contains("WRONG") && answer.output.contains("expected"));
    }
}

#[test]
fn what_is_not_text_is_passed_over_and_said() {
    let folder = Folder::new("others");
    let mut text = Text::new(8);
    text.write(&folder.file("text"), 1_000);
    text.write(&folder.file(".hidden"), 1_000);
    fs::write(folder.file("binary"), b"ELF\0 words").unwrap();
    symlink(&folder.path, folder.file("loop")).unwrap();
    let _socket = UnixListener::bind(folder.file("socket")).unwrap();
    // Anybody may open this one, and nobody can read it.
    let unreadable = Path::new("/proc/self/mem");

    let answer = word_count(&["--json"], &[&folder.path, unreadable]);
    assert_exact(&answer, &text);
    let passed_over = ["binary", "links", "special"].map(|name| answer.number(name));
    assert_eq!(passed_over, [1, 1, 1]);
    assert!(answer.field("unreadable").starts_with("[\"/proc/self/mem: "), "{answer:?}");
    assert!(answer.errors.starts_with("word_count: /proc/self/mem: "), "{answer:?}");
}

#[test]
fn no_words_are_no_problem() {
    let folder = Folder::new("nothing");
    let answer = word_count(&["--json", "--kill", "3"], &[&folder.path]);
    assert_exact(&answer, &Text::new(9));
    let mut text = Text::new(9);
    text.write(&folder.file("empty"), 0);
    assert_exact(&word_count(&["--json", "--kill", "3"], &[&folder.path]), &text);
}

#[test]
fn no_such_path_is_said_before_any_work() {
    let folder = Folder::new("missing");
    let answer = word_count(&[], &[&folder.path, &folder.file("nowhere")]);
    assert_eq!((answer.status, answer.output.as_str()), (Some(2), ""));
    assert!(answer.errors.contains("nowhere: No such file"), "{answer:?}");

    let answer = word_count(&["--workers", "many"], &[]);
    assert_eq!((answer.status, answer.output.as_str()), (Some(2), ""));
    assert_eq!(answer.errors, "word_count: --workers needs a number, not \"many\"\n");
}

#[test]
fn without_arguments_it_counts_this_repository() {
    let answer = word_count(&[], &[]);
    assert_eq!(answer.status, Some(0), "{answer:?}");
    assert!(answer.output.ends_with("counts the same, word by word\n"), "{answer:?}");
    assert!(word_count(&["--help"], &[]).output.contains("usage: word_count"));
}

/// Cuts a text of this many bytes into at least sixteen jobs.
fn plan_of(text: &[u8], path: &Path) -> Plan {
    fs::write(path, text).unwrap();
    Plan::new(vec![File { path: path.to_owned(), len: text.len() as u64 }], 16)
}

#[test]
fn every_byte_is_in_one_piece_and_every_piece_in_one_job() {
    let folder = Folder::new("plan");
    Text::new(11).write(&folder.file("text"), 3_000_000);
    let text = fs::read(folder.file("text")).unwrap();
    let plan = plan_of(&text, &folder.file("text"));
    assert!(plan.jobs.len() >= 16);
    let in_jobs = (0..plan.jobs.len()).flat_map(|job| plan.pieces_of(job)).cloned();
    assert_eq!(in_jobs.collect::<Vec<_>>(), plan.pieces);

    let (mut end, mut read) = (0, Vec::new());
    for piece in &plan.pieces {
        assert_eq!(piece.bytes.start, end);
        end = piece.bytes.end;
        plan::read(&folder.file("text"), &piece.bytes, &mut read).unwrap();
        let is_last = end == text.len() as u64;
        assert!(is_last || read.last().is_some_and(|byte| tokenizer::is_border(*byte)));
    }
    assert_eq!(end, text.len() as u64);
}

#[test]
fn a_word_without_an_end_is_not_cut() {
    let folder = Folder::new("endless");
    let endless = "é".repeat(200_000);
    let plan = plan_of(format!("{endless} x").as_bytes(), &folder.file("text"));
    let pieces: Vec<_> = plan.pieces.iter().map(|piece| piece.bytes.clone()).collect();
    assert_eq!(pieces, [0..400_001, 400_001..400_002]);
}

/// Whoever changes a file between the two counts is found out, and nobody is blamed.
#[test]
fn a_file_that_changes_between_the_counts_is_noticed() {
    let folder = Folder::new("changed");
    let path = folder.file("text");
    let text = "some words ".repeat(50_000);
    let plan = plan_of(text.as_bytes(), &path);
    let mut read = Vec::new();
    let seen = plan.pieces.iter().map(|piece| {
        plan::read(&path, &piece.bytes, &mut read).unwrap();
        let mut fingerprint = Fingerprint::default();
        fingerprint.add(&read);
        fingerprint
    });
    let seen: Vec<_> = seen.collect(); // each piece is a job here
    let changed = || alone::count(&plan, &seen).changed;
    assert_eq!((plan.jobs.len(), changed()), (seen.len(), vec![]));

    fs::write(&path, text.clone() + "and more").unwrap();
    assert_eq!(changed(), [0; 0], "what is appended is not counted");
    fs::write(&path, text.replacen("words", "swords", 1)).unwrap();
    assert_eq!(changed(), (0..seen.len()).collect::<Vec<_>>());
    let (most, _) = text.split_at(text.len() - 1);
    fs::write(&path, most).unwrap();
    assert_eq!(changed(), [seen.len() - 1]);
    fs::remove_file(&path).unwrap();
    assert_eq!(changed().len(), seen.len());
}

#[test]
#[ignore = "64 MB and 200 kills: about ten seconds with --release"]
fn ten_times_twenty_kills() {
    let folder = Folder::new("ten");
    let mut text = Text::new(10);
    for name in ["one", "two", "three", "four"] {
        text.write(&folder.file(name), 16_000_000);
    }
    for _ in 0..10 {
        let answer = word_count(&["--json", "--kill", "20"], &[&folder.path]);
        assert_exact(&answer, &text);
        // Twenty, as a rule: on a busy machine a worker can be quicker than its killer.
        assert!(answer.number("kills_landed") >= 15, "{answer:?}");
        let shown =
            ["kills_landed", "mb_per_s", "speed_up", "torn_results", "doubled_results", "replaced"];
        println!("{}", shown.map(|name| format!("{name} {}", answer.field(name))).join(", "));
    }
}
