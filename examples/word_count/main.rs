//! Counts words with several processes over one region of memory, while some of them are killed.
//!
//! Run: `cargo run --release --example word_count -- --kill 20 PATH...`, or without arguments.
//! You should see: the most frequent words, totals, the speed, and "exact".
//! Proves: a SIGKILL at any instruction of a worker loses no word and counts none twice. The same
//! run counts everything by one process alone, too, and compares word by word.
//!
//! # How
//! ```text
//! parent --jobs 0----> worker at desk 0 --results 0--> parent: adds up, replaces the killed
//!        --jobs 1----> worker at desk 1 --results 1-->
//! ```
//! The parent (`crew`) cuts the files into jobs (`plan`) and puts the plan into a region without a
//! name (`board`), which each worker gets as its standard input. For each worker there are two
//! rings: one that brings jobs, four at most, so nobody is buried in work; and one that takes
//! results back, in blocks, so a slow parent slows the workers down. A worker (`worker`) reads the
//! files itself, counts privately (`tokenizer`, `tally`) and sends a table of words (`table`).
//!
//! # If a worker is killed
//! A job is released, that is, taken out of its ring, only after its whole result is in the other
//! ring. So a job is counted at least once; and the parent (`reducer`) folds it in at most once.
//! Its successor takes over the worker's ends of both rings, as they are.
//!
//! | killed just after          | the rings hold             | what happens |
//! |----------------------------|----------------------------|--------------|
//! | W1 it took an end          | nothing new                | the successor takes both ends |
//! | W2 it counted a part       | the job                    | the successor counts it, from its beginning |
//! | W3 it sent some blocks     | the job, half a result     | the same; the parent drops the half when a first block follows it |
//! | W4 it sent the last block  | the job, its whole result  | the result counts, **by the one store that publishes that block**; the job comes again, and its second result is dropped, as the job's number is known |
//! | W5 it released the job     | the result                 | nothing is left to do |
//! | anything, but rang no bell | as above, a sleeping parent | it looks after 20 ms anyway |
//!
//! Every row has a test (`tests/word_count.rs`). A worker is dead when `waitpid` says so, no sooner;
//! for the library, that asks the kernel, it is dead by then. If the *parent* is killed, the kernel
//! kills the workers, and the region goes with the last of them, as it has no name.
//!
//! # What is counted
//! Regular files, those of directories, too. Symbolic links in directories are not followed; binary
//! files (a zero byte in the first 8 KiB), pipes, sockets and devices are passed over; what cannot
//! be read is said on standard error and left out. All of these are in the totals, and none is a
//! failure. A file is counted up to the length that it had at the start. If it changes between the
//! two counts, both know (`fingerprint`): then the answer is neither "exact" nor "wrong", and the
//! exit status is 3. What a word is says `tokenizer`.
//!
//! The second count reads files that the first has brought into memory, so the speed-up is not
//! flattered.

mod alone;
#[path = "../common/arguments.rs"]
mod arguments;
mod board;
mod crew;
mod files;
mod fingerprint;
#[path = "../common/json.rs"]
mod json;
mod killer;
mod options;
mod plan;
mod progress;
#[path = "../common/random.rs"]
mod random;
mod reducer;
mod report;
mod sixteen;
mod table;
mod tally;
mod tokenizer;
mod word;
mod worker;

use files::Found;
use options::{Options, Request, Row};
use plan::Plan;
use report::{Report, Verdict};
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// The first argument of a worker.
const WORKER: &str = "--worker-at-desk";

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;
const CHANGED: u8 = 3;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let status = match arguments.first() {
        Some(role) if role == WORKER => work(&arguments),
        _ => count(arguments),
    };
    status.unwrap_or_else(|error| {
        eprintln!("word_count: {error}");
        ExitCode::from(FAILED)
    })
}

/// `--worker-at-desk DESK PARENT [ROW]`
fn work(arguments: &[OsString]) -> Result<ExitCode, Box<dyn Error>> {
    let text = |index| arguments.get(index).and_then(|argument: &OsString| argument.to_str());
    let [desk, parent] = [1, 2].map(|index| text(index).unwrap_or_default());
    worker::work(desk.parse()?, parent.parse()?, text(3).and_then(Row::named))?;
    Ok(ExitCode::SUCCESS)
}

fn count(arguments: Vec<OsString>) -> Result<ExitCode, Box<dyn Error>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let options = match options::parse(arguments, cores) {
        Ok(Request::Count(options)) => options,
        Ok(Request::Help) => return print(options::HELP, ExitCode::SUCCESS),
        Err(sentence) => return Ok(refuse(&sentence)),
    };
    match find(&options) {
        Ok(found) => count_twice(&options, found),
        Err(sentence) => Ok(refuse(&sentence)),
    }
}

/// By the workers, and by one process alone; and says whether it is the same.
fn count_twice(options: &Options, mut found: Found) -> Result<ExitCode, Box<dyn Error>> {
    found.unreadable.iter().for_each(|sentence| eprintln!("word_count: {sentence}"));
    let plan = Plan::new(std::mem::take(&mut found.files), jobs_min(options));

    let counted = crew::count(&plan, options)?;
    let alone = alone::count(&plan, &counted.fingerprints);
    let verdict = Verdict::of(&counted.tally, &alone, &plan);

    let status = match verdict {
        Verdict::Exact => ExitCode::SUCCESS,
        Verdict::Wrong(_) => ExitCode::from(FAILED),
        Verdict::Changed(_) => ExitCode::from(CHANGED),
    };
    let (found, plan, counted, verdict) = (&found, &plan, &counted, &verdict);
    let report = Report { options, found, plan, counted, took_alone: alone.took, verdict };
    let text = if options.json { report.json() + "\n" } else { report.to_string() };
    print(&text, status)
}

/// The files that the user named, or the text of this repository.
fn find(options: &Options) -> Result<Found, String> {
    if options.paths.is_empty() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = if sources.is_dir() { sources } else { Path::new(".") };
        return files::find(&[root.to_owned()], true);
    }
    files::find(&options.paths, false)
}

/// Enough jobs that no worker waits long for the last one, and that a kill costs little.
fn jobs_min(options: &Options) -> u64 {
    (8 * options.workers).max(8 * options.kill) as u64
}

fn refuse(sentence: &str) -> ExitCode {
    eprintln!("word_count: {sentence}");
    ExitCode::from(WRONG_USAGE)
}

/// Prints to standard output. A reader who has seen enough and left is no error.
fn print(text: &str, status: ExitCode) -> Result<ExitCode, Box<dyn Error>> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(status),
    }
}
