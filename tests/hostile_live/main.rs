//! A live scribbler: a process writes whatever hurts over a region, as fast as it can, while others work in it.
//!
//! The workers are fresh processes with guard pages around their mapping; each opens the region and visits all of it, over and
//! over. None may panic, be killed by a signal, or loop for ever. What has a deadline must end, whatever is scribbled
//! meanwhile. What has none may sleep as long as the liar likes. That nobody spins for ever is seen when the scribbler has
//! been killed: then every worker, and each visits once more, must end, or sleep.

mod scribbler;
#[path = "../hostile_files/template.rs"]
mod template;
#[path = "../hostile_files/visit.rs"]
mod visit;
#[path = "../hostile_files/watch.rs"]
mod watch;

use scribbler::{BYTES, Target, scribble};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use support::child::Child;
use support::figures::{Figure, record};
use support::fork::{Board, Name, fork, sleep_for_ever};
use support::guard::Guards;
use support::long_form;
use visit::{Doing, Visitor};
use watch::{Verdict, watch};

/// Workers at a time, beside the scribbler.
const WORKERS: usize = 2;
/// A worker visits so often, then another takes its place.
const VISITS: u32 = 20;

/// How long it scribbles.
const BOUT: Duration = Duration::from_millis(300);
/// From bout to bout: of so many words that a scribbler writes one is hostile. Few: others get far. Many: little is whole.
const ONE_OF: [u64; 4] = [4, 16, 64, 256];

/// What has a deadline of a millisecond takes longer than this on no machine, however busy.
const SLOW_MS: u32 = 10_000;

/// What is said on the board; by worker `w` from `w * COUNT` on.
mod field {
    /// Words that were scribbled, in thousands.
    pub const SCRIBBLED: usize = 0;
    /// That there is something to work on; that the round is over.
    pub const BEGUN: usize = 1;
    pub const OVER: usize = 2;

    pub const DOING: usize = 0;
    /// Grows with all that is done.
    pub const STEPS: usize = 1;
    pub const DONE: usize = 2;
    pub const REFUSED: usize = 3;
    pub const OPENED: usize = 4;
    pub const GUARDED: usize = 5;
    /// In milliseconds.
    pub const SLOWEST: usize = 6;
    pub const COUNT: usize = 7;
}

/// What came of a round, or of all.
#[derive(Default)]
struct Sum {
    workers: u64,
    held: u64,
    opened: u64,
    guarded: u64,
    done: u64,
    refused: u64,
    slowest: u32,
    failed: Vec<String>,
}

impl Sum {
    /// What a worker came to.
    fn add(&mut self, worker: Self) {
        self.workers += worker.workers;
        self.held += worker.held;
        self.failed.extend(worker.failed);
    }

    /// What all workers said.
    fn read(&mut self, board: Board) {
        for worker in 1..=WORKERS {
            let said = |field: usize| board[worker * field::COUNT + field].load(Relaxed);
            self.opened += u64::from(said(field::OPENED));
            self.guarded += u64::from(said(field::GUARDED));
            self.done += u64::from(said(field::DONE));
            self.refused += u64::from(said(field::REFUSED));
            self.slowest = self.slowest.max(said(field::SLOWEST));
        }
    }
}

#[test]
fn nobody_is_harmed_by_a_live_scribbler() {
    let bouts = if long_form() { 12 } else { 4 };
    let mut all = Sum::default();
    for target in Target::ALL {
        let round = round(target, bouts);
        assert!(round.opened > 0 || !round.failed.is_empty(), "{target:?}: nobody could work");
        all.opened += round.opened;
        all.guarded += round.guarded;
        all.done += round.done + round.refused;
        all.failed.extend(round.failed);
        if round.slowest > SLOW_MS {
            all.failed.push(format!("{target:?}: {} ms for a deadline of 1", round.slowest));
        }
    }
    record(
        "hostile: a live scribbler",
        &[(Figure::HostileRuns, all.done), (Figure::Torn, all.failed.len() as u64)],
    );
    assert!(all.failed.is_empty(), "{:#?}", all.failed);
    assert!(all.guarded > all.opened / 2, "no guards around most mappings");
}

/// One target, one region; bouts with a scribbler each.
fn round(target: Target, bouts: usize) -> Sum {
    let (board, name, start) = (Board::new(), Name::new("scribbled"), Instant::now());
    let keeper = keeper(board, &name);
    let file = File::options().read(true).write(true).open(name.path()).expect("it is there");
    file.set_len(BYTES as u64).expect("room"); // all that the scribbler reaches
    let truth = std::fs::read(name.path()).expect("it is there");
    let mut sum = Sum::default();
    for one_of in ONE_OF.into_iter().cycle().take(bouts) {
        board.set(field::OVER, 0);
        let scribbler = fork(|| scribble(&file, &truth, target, one_of, &board[field::SCRIBBLED]));
        let work = |worker| work_until_over(board, worker, &name, &file);
        std::thread::scope(|scope| {
            let work = &work;
            let workers: Vec<_> =
                (1..=WORKERS).map(|worker| scope.spawn(move || work(worker))).collect();
            std::thread::sleep(BOUT);
            scribbler.kill();
            board.set(field::OVER, 1);
            workers.into_iter().for_each(|worker| sum.add(worker.join().expect("a watcher")));
        });
    }
    keeper.kill();
    sum.failed.iter_mut().for_each(|failed| failed.insert_str(0, &format!("{target:?}: ")));
    sum.read(board);
    println!(
        "{target:?}: {:.1} s, {} k words; {} workers, {} of them held; {} visits ({} between guards), {} calls done, \
         {} refused, the slowest in {} ms",
        start.elapsed().as_secs_f64(),
        board[field::SCRIBBLED].load(Relaxed),
        sum.workers,
        sum.held,
        sum.opened,
        sum.guarded,
        sum.done,
        sum.refused,
        sum.slowest,
    );
    sum
}

/// Somebody who lives, and has a lock, ends of a ring, and objects.
fn keeper(board: Board, name: &Name) -> Child {
    let keeper = fork(|| {
        let region = template::options().create(name).expect("a region");
        let _ends = template::furnish(&region);
        let lock = region.object::<visit::Lock>("held").expect("made");
        let _guard = lock.lock().expect("free");
        board.set(field::BEGUN, 1);
        sleep_for_ever();
    });
    board.wait(field::BEGUN, 1);
    keeper
}

/// One worker after the other, until the bout is over.
fn work_until_over(board: Board, worker: usize, name: &Name, file: &File) -> Sum {
    let own = worker * field::COUNT;
    let mut sum = Sum::default();
    while board[field::OVER].load(Relaxed) == 0 && sum.failed.len() < 5 {
        sum.workers += 1;
        let child = fork(|| work(board, own, name, file));
        let said = || [field::STEPS, field::DOING].map(|field| board[own + field].load(Relaxed));
        match watch(child, said, |[_, doing]| doing == Doing::Locking as u32) {
            Verdict::Ended(0) => {}
            Verdict::Held => sum.held += 1,
            other => sum.failed.push(format!("{other:?}")),
        }
    }
    sum
}

fn work(board: Board, own: usize, name: &Name, file: &File) {
    let inode = file.metadata().expect("it is there").ino();
    let add = |field: usize, count: u32| board[own + field].fetch_add(count, Relaxed);
    let doing = |doing: Doing| {
        board[own + field::DOING].store(doing as u32, Relaxed);
        add(field::STEPS, 1);
    };
    for _ in 0..VISITS {
        // When the bout is over, once more: nothing moves then, and what loops, loops for ever.
        let over = board[field::OVER].load(Relaxed) != 0;
        let guards = Guards::around(BYTES);
        let mut visitor = Visitor::new(&doing);
        visitor.visit(name, &mut |_region| {
            add(field::OPENED, 1);
            add(field::GUARDED, guards.as_ref().is_some_and(|guards| guards.hold(inode)).into());
        });
        add(field::DONE, visitor.tally.done);
        add(field::REFUSED, visitor.tally.refused);
        let slowest = u32::try_from(visitor.tally.slowest.as_millis()).unwrap_or(u32::MAX);
        board[own + field::SLOWEST].fetch_max(slowest, Relaxed);
        if over {
            return;
        }
    }
}
