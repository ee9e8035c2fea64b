//! Hostile files: damaged where it hurts, several fields at a time, and then visited by a process that knows of nothing.
//!
//! The visitor is a forked child with guard pages around its mapping. It may be refused, with an error that says why; it may
//! not panic, be killed by a signal, or fail to end. Where the directory's lock is taken it may sleep, as the file may say
//! that somebody holds it who lives (as the visitor itself does).
//!
//! `fuzz/` is the same with a fuzzer in the generator's place. (A file that is shortened *while it is mapped* is another
//! matter: whoever touches what is gone is killed. So it is documented.)

mod damage;
mod template;
mod visit;
mod watch;

use damage::damage;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;
use support::child::Random;
use support::figures::{Figure, record};
use support::fork::{Board, Name, fork};
use support::guard::Guards;
use support::{long_form, system};
use visit::{Doing, Visitor};
use watch::{Verdict, watch};

/// Processes that visit at a time. More than there are processors: some of them sleep.
const VISITORS: u64 = 4;
/// A file larger than this is refused to the visitor, with an error that it passes on.
const LARGEST_FILE: u64 = 64 << 20;

/// What a visitor says on the board, from `visitor * FIELDS` on.
mod field {
    pub const FILE: usize = 0;
    pub const DOING: usize = 1;
    pub const OPENED: usize = 2;
    pub const DONE: usize = 3;
    pub const REFUSED: usize = 4;
    pub const GUARDED: usize = 5;
    pub const COUNT: usize = 6;
}

#[test]
fn damaged_files_are_refused_or_survived() {
    let each: u64 = if long_form() { 8_000 } else { 1_500 };
    let template = template::bytes(&Name::new("template"));
    let (board, start) = (Board::new(), Instant::now());
    let ended: Vec<Ended> = std::thread::scope(|scope| {
        let visitors: Vec<_> = (0..VISITORS)
            .map(|visitor| {
                let files = visitor * each..(visitor + 1) * each;
                let template = &template;
                scope.spawn(move || visit_all(board, visitor, files, template))
            })
            .collect();
        visitors.into_iter().map(|visitor| visitor.join().expect("a watcher")).collect()
    });
    let sum = |field: usize| -> u64 {
        let of = |visitor| board[visitor as usize * field::COUNT + field].load(Relaxed);
        (0..VISITORS).map(|visitor| u64::from(of(visitor))).sum()
    };
    let files = VISITORS * each;
    let held: u64 = ended.iter().map(|ended| ended.held).sum();
    let failed: Vec<&String> = ended.iter().flat_map(|ended| &ended.failed).collect();
    println!(
        "{files} files in {:.1} s: {} opened ({} between guards), {held} held for ever; {} calls done, {} refused",
        start.elapsed().as_secs_f64(),
        sum(field::OPENED),
        sum(field::GUARDED),
        sum(field::DONE),
        sum(field::REFUSED),
    );
    record(
        "hostile: damaged files",
        &[(Figure::HostileRuns, files), (Figure::Torn, failed.len() as u64)],
    );
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(sum(field::OPENED) > files / 4, "hardly any file could be opened: too much damage");
    assert!(sum(field::GUARDED) > sum(field::OPENED) / 2, "no guards around most mappings");
    assert!(held < files / 20, "too many visits ended early");
}

#[derive(Default)]
struct Ended {
    held: u64,
    failed: Vec<String>,
}

/// Has all files visited; by another child after each that did not come back.
fn visit_all(board: Board, visitor: u64, files: std::ops::Range<u64>, template: &[u8]) -> Ended {
    let own = visitor as usize * field::COUNT;
    let (mut next, mut ended) = (files.start, Ended::default());
    let name = Name::new("damaged");
    while next < files.end && ended.failed.len() < 10 {
        let child = fork(|| {
            system::limit_file_size(LARGEST_FILE);
            (next..files.end).for_each(|file| visit_one(board, own, file, template, &name));
        });
        let said =
            || (board[own + field::FILE].load(Relaxed), board[own + field::DOING].load(Relaxed));
        let verdict = watch(child, said, |(_, doing)| doing == Doing::Locking as u32);
        let last = u64::from(board[own + field::FILE].load(Relaxed));
        match verdict {
            Verdict::Ended(0) => return ended,
            Verdict::Held => ended.held += 1,
            other => ended.failed.push(format!("file {last}: {other:?}")),
        }
        next = last + 1;
    }
    ended
}

fn visit_one(board: Board, own: usize, file: u64, template: &[u8], name: &Name) {
    board[own + field::FILE].store(file as u32, Relaxed);
    let mut bytes = template.to_vec();
    damage(&mut bytes, &script(file));
    let on_disk = File::create(name.path()).expect("a file");
    on_disk.write_all_at(&bytes, 0).expect("room");
    let guards = mapped(&bytes).and_then(Guards::around);
    let doing = |doing: Doing| board[own + field::DOING].store(doing as u32, Relaxed);
    let mut visitor = Visitor::new(&doing);
    let add = |field: usize, count: u32| board[own + field].fetch_add(count, Relaxed);
    visitor.visit(name, &mut |_region| {
        let inode = on_disk.metadata().expect("it is there").ino();
        add(field::OPENED, 1);
        add(field::GUARDED, guards.as_ref().is_some_and(|guards| guards.hold(inode)).into());
    });
    add(field::DONE, visitor.tally.done);
    add(field::REFUSED, visitor.tally.refused);
    std::fs::remove_file(name.path()).expect("it is there");
}

/// How many bytes such a file is mapped for, if at all.
fn mapped(bytes: &[u8]) -> Option<usize> {
    let max_len = u64::from_ne_bytes(bytes.get(32..40)?.try_into().ok()?);
    let seats = u32::from_ne_bytes(bytes.get(40..44)?.try_into().ok()?);
    usize::try_from(max_len.checked_add(102_400 + u64::from(seats) * 4096)?).ok()
}

fn script(file: u64) -> Vec<u8> {
    let mut random = Random::new(file.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    (0..64).map(|_| random.below(256) as u8).collect()
}

/// One file again: `SABHA_SEED=... cargo test --test hostile_files one_file -- --ignored --nocapture`.
#[test]
#[ignore = "needs the number of a file"]
fn one_file_again() {
    let file: u64 = std::env::var("SABHA_SEED").expect("a seed").parse().expect("a number");
    let template = template::bytes(&Name::new("template"));
    system::limit_file_size(LARGEST_FILE);
    visit_one(Board::new(), 0, file, &template, &Name::new("damaged"));
}
