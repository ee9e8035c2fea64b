//! Death at a lock at random: a thousand times, and ten thousand in a release build. (At every instruction: `tests/kill/lock.rs`; in the schedule that wedges the C
//! library's robust mutex: `tests/kill/lost_wake.rs`.)

use sabha::sync::{LockError, Mutex};
use sabha::{Deadline, Region, Shareable, Shared};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};
use support::child::{Child, Random};

/// What the lock guards: `a` and `b` are equal whenever nobody is inside, and nobody is inside who is not noted.
#[derive(Shareable)]
#[repr(C)]
struct Board {
    lock: Mutex<[u64; 2]>,
    other: Mutex<[u64; 2]>,
    /// The pid of who is inside `lock`; 0: nobody.
    inside: AtomicU64,
    sections: AtomicU64,
    inherited: AtomicU64,
    /// Owners that were not told of a death, or two owners at once.
    broken: AtomicU64,
    /// When the last inheritance happened.
    inherited_at: AtomicU64,
}

fn board() -> Shared<Board> {
    Region::anonymous(1 << 16).unwrap().object::<Board>("board").unwrap()
}

fn now_ns() -> u64 {
    Deadline::after(Duration::ZERO).as_ns()
}

/// One critical section, checked.
fn section(board: &Board, lock: &Mutex<[u64; 2]>, noted: Option<&AtomicU64>, hold: u64) {
    let me = u64::from(std::process::id());
    let mut guard = match lock.lock() {
        Ok(guard) => {
            let alone = noted.is_none_or(|inside| inside.load(SeqCst) == 0);
            if guard[0] != guard[1] || !alone {
                board.broken.fetch_add(1, SeqCst);
            }
            guard
        }
        Err(LockError::OwnerDied(died)) => {
            board.inherited_at.store(now_ns(), SeqCst);
            board.inherited.fetch_add(1, SeqCst);
            let mut guard = died.into_guard();
            guard[1] = guard[0];
            guard.mark_consistent();
            guard
        }
        Err(other) => panic!("{other}"),
    };
    if let Some(inside) = noted {
        inside.store(me, SeqCst);
    }
    guard[0] += 1;
    for _ in 0..hold {
        std::hint::spin_loop();
    }
    guard[1] += 1;
    if let Some(inside) = noted {
        let left = inside.swap(0, SeqCst);
        if left != me {
            board.broken.fetch_add(1, SeqCst);
        }
    }
    drop(guard);
    board.sections.fetch_add(1, SeqCst);
}

fn work_for_ever(board: &Board, seed: u64) {
    let mut random = Random::new(seed);
    loop {
        let hold = random.below(2000);
        section(board, &board.lock, Some(&board.inside), hold);
        if random.below(4) == 0 {
            section(board, &board.other, None, hold);
        }
        for _ in 0..random.below(100) {
            std::hint::spin_loop();
        }
        if random.below(64) == 0 {
            std::thread::sleep(Duration::from_micros(random.below(100)));
        }
    }
}

/// As shipped; a tenth of it suffices to see that the test works with assertions on.
const HOLDERS: u64 = if cfg!(debug_assertions) { 1_000 } else { 10_000 };
const WORKERS: usize = 4;

#[test]
fn holders_killed_at_random_leave_nobody_stuck_and_every_inheritance_is_reported() {
    let board = board();
    let mut random = Random::new(0x5eed);
    let spawn = |random: &mut Random| {
        let seed = random.below(u64::MAX);
        Child::spawn(|| work_for_ever(&board, seed))
    };
    let mut workers: Vec<Child> = (0..WORKERS).map(|_| spawn(&mut random)).collect();
    let (mut killed, mut at_once, mut latencies) = (0, 0, Vec::new());
    while board.inherited.load(SeqCst) < HOLDERS {
        std::thread::sleep(Duration::from_micros(random.below(400)));
        let first = victim(&board, &workers, &mut random);
        let count = if random.below(10) == 0 { 3 } else { 1 };
        let inherited = board.inherited.load(SeqCst);
        let start = now_ns();
        workers.rotate_left(first);
        for worker in &workers[..count] {
            worker.kill_without_reaping();
        }
        for worker in workers.drain(..count) {
            worker.kill();
        }
        survivors_go_on(&board, killed);
        if board.inherited.load(SeqCst) > inherited {
            latencies.push(board.inherited_at.load(SeqCst).saturating_sub(start));
        }
        killed += count;
        at_once += usize::from(count > 1);
        workers.extend((0..count).map(|_| spawn(&mut random)));
    }
    drop(workers);
    assert_eq!(board.broken.load(SeqCst), 0, "owners that were not told, or were not alone");
    latencies.sort_unstable();
    let at = |share: usize| latencies[(latencies.len() - 1) * share / 1000] / 1000;
    println!(
        "{killed} kills ({at_once} times 3 at once), {} inherited, 0 stuck, 0 broken; kill to next owner: \
         median {} us, p99 {} us, p99.9 {} us, max {} us",
        board.inherited.load(SeqCst),
        at(500),
        at(990),
        at(999),
        at(1000),
    );
}

/// Mostly who is inside.
fn victim(board: &Board, workers: &[Child], random: &mut Random) -> usize {
    let inside = board.inside.load(SeqCst);
    let owner = workers.iter().position(|worker| u64::from(worker.pid.unsigned_abs()) == inside);
    owner.filter(|_| random.below(5) > 0).unwrap_or(random.below(WORKERS as u64) as usize)
}

fn survivors_go_on(board: &Board, killed: usize) {
    let before = board.sections.load(SeqCst);
    let start = Instant::now();
    while board.sections.load(SeqCst) < before + 2 {
        assert!(start.elapsed() < Duration::from_secs(10), "stuck after {killed} kills");
        std::thread::sleep(Duration::from_micros(20));
    }
}
