//! What a lock costs: alone, in several regions in turn, and contended by several processes.
//!
//! Run: `cargo bench --bench lock`. Criterion's figures first; then the ratios of the design's targets, measured in turn.
#![allow(unsafe_code)] // memory of zeros for the reference locks

mod support;

use criterion::{BenchmarkId, Criterion};
use sabha::sync::{Mutex, SpinLock};
use sabha::{Region, Shared};
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};
use std::time::{Duration, Instant};
use support::reference::{InCommon, Lock, Pthread, ThreeStates, futex_wait, futex_wake};
use support::{Child, Ratios, Row, Timed, timed};

/// Data under a lock that does not hold it itself.
struct Guarded<L: 'static> {
    lock: L,
    data: AtomicU64,
}

/// All the locks; each on its own lines, with a counter under it.
struct Locks {
    std: std::sync::Mutex<u64>,
    sabha: Vec<Shared<Mutex<u64>>>,
    spin: Shared<SpinLock<u64>>,
    three: Vec<InCommon<Guarded<ThreeStates>>>,
    pthread: InCommon<Pthread>,
    robust: InCommon<Pthread>,
    data: InCommon<AtomicU64>,
}

impl Locks {
    fn new() -> sabha::Result<Self> {
        let region = || Region::anonymous(1 << 16);
        let first = region()?;
        Ok(Self {
            std: std::sync::Mutex::new(0),
            spin: first.object("spin")?,
            sabha: [first, region()?, region()?]
                .iter()
                .map(|region| region.object("mutex"))
                .collect::<Result<_, _>>()?,
            // SAFETY: zero is a free lock, and a count.
            three: (0..3).map(|_| unsafe { InCommon::zeroed() }).collect(),
            pthread: Pthread::in_common(false),
            robust: Pthread::in_common(true),
            // SAFETY: zero is a count.
            data: unsafe { InCommon::zeroed() },
        })
    }

    fn add_one(&self) {
        self.data.store(self.data.load(Relaxed) + 1, Relaxed);
    }

    /// Every way to lock, add one and unlock without contention.
    fn uncontended(&self) -> Vec<Row<'_>> {
        vec![
            ("std::sync::Mutex", None, timed(|| *black_box(&self.std).lock().unwrap() += 1)),
            ("sabha Mutex", Some(1.08), timed(|| add_in(&self.sabha[0]))),
            ("sabha SpinLock", None, timed(|| *black_box(&*self.spin).lock().unwrap() += 1)),
            ("futex, 3 states, shared", None, timed(|| add_guarded(&self.three[0]))),
            ("pthread, shared", None, timed(|| self.add_locked(&*self.pthread))),
            ("pthread, shared, robust", None, timed(|| self.add_locked(&*self.robust))),
        ]
    }

    /// The same with three regions in turn.
    fn in_turn(&self) -> Vec<Row<'_>> {
        let (mut i, mut j) = (0, 0);
        vec![
            (
                "futex, 3 states, three in turn",
                None,
                timed(move || {
                    add_guarded(&self.three[i]);
                    i = if i == 2 { 0 } else { i + 1 };
                }),
            ),
            (
                "sabha Mutex, three regions in turn",
                None,
                timed(move || {
                    add_in(&self.sabha[j]);
                    j = if j == 2 { 0 } else { j + 1 };
                }),
            ),
        ]
    }

    fn add_locked(&self, lock: &impl Lock) {
        let lock = black_box(lock);
        lock.lock();
        self.add_one();
        lock.unlock();
    }
}

fn add_guarded(guarded: &Guarded<impl Lock>) {
    let guarded = black_box(guarded);
    guarded.lock.lock();
    guarded.data.store(guarded.data.load(Relaxed) + 1, Relaxed);
    guarded.lock.unlock();
}

fn add_in(mutex: &Mutex<u64>) {
    *black_box(mutex).lock().unwrap() += 1;
}

/// How processes contend: how many of them, and turns of a spin loop inside and outside the lock.
#[derive(Clone, Copy)]
struct Load {
    processes: usize,
    inside: u32,
    outside: u32,
}

const LOADS: [(u32, u32); 3] = [(10, 10), (50, 200), (500, 500)];

/// How long a look at contending processes takes.
const LOOK: Duration = Duration::from_millis(50);

impl Load {
    fn name(self) -> String {
        format!("{} processes, {} inside, {} outside", self.processes, self.inside, self.outside)
    }

    /// Has processes lock, do something, and unlock. The time of one is that of all of them together: the inverse of their
    /// throughput.
    fn contend<'a>(self, locked: impl Fn(&dyn Fn()) + Copy + 'a) -> Timed<'a> {
        let crowd = Crowd::gather(self, locked);
        Box::new(move |times| {
            crowd.say(Crowd::GO);
            std::thread::sleep(LOOK / 10); // until all of them run
            let (before, start) = (crowd.done(), Instant::now());
            std::thread::sleep(LOOK);
            let (count, elapsed) = (crowd.done() - before, start.elapsed());
            crowd.say(Crowd::REST);
            crowd.await_rest();
            elapsed.mul_f64(times as f64 / count.max(1) as f64)
        })
    }
}

/// Processes that contend for one lock while they are told to.
struct Crowd {
    children: Vec<Child>,
    order: InCommon<AtomicU32>,
    counts: InCommon<[Count; 16]>,
}

/// What one of them has done, alone on its line.
#[repr(align(128))]
struct Count {
    done: AtomicU64,
    rests: AtomicU32,
}

impl Crowd {
    const REST: u32 = 0;
    const GO: u32 = 1;
    const END: u32 = 2;

    fn gather(load: Load, locked: impl Fn(&dyn Fn())) -> Self {
        // SAFETY: zero means rest.
        let order: InCommon<AtomicU32> = unsafe { InCommon::zeroed() };
        // SAFETY: zeros are counts.
        let counts: InCommon<[Count; 16]> = unsafe { InCommon::zeroed() };
        let children = counts.iter().enumerate().take(load.processes).map(|(i, count)| {
            Child::spawn(i, || {
                loop {
                    match order.load(Acquire) {
                        Self::GO => {
                            locked(&|| spin(load.inside));
                            spin(load.outside);
                            count.done.store(count.done.load(Relaxed) + 1, Relaxed);
                        }
                        Self::REST => {
                            count.rests.store(1, Release);
                            futex_wait(&order, Self::REST);
                            count.rests.store(0, Release);
                        }
                        _ => return,
                    }
                }
            })
        });
        let children = children.collect();
        let crowd = Self { children, order, counts };
        crowd.await_rest();
        crowd
    }

    fn say(&self, order: u32) {
        self.order.store(order, Release);
        self.children.iter().for_each(|_| futex_wake(&self.order));
    }

    fn done(&self) -> u64 {
        self.counts.iter().map(|count| count.done.load(Relaxed)).sum()
    }

    /// Until nobody holds the lock any more.
    fn await_rest(&self) {
        let members = || self.counts.iter().take(self.children.len());
        while members().any(|count| count.rests.load(Acquire) == 0) {
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.say(Self::END);
        self.children.drain(..).for_each(Child::join);
    }
}

fn spin(turns: u32) {
    for _ in 0..turns {
        spin_loop();
    }
}

impl Locks {
    fn contended(&self, load: Load) -> Vec<Row<'_>> {
        let guarded = |lock: &dyn Lock, inside: &dyn Fn()| {
            lock.lock();
            self.add_one();
            inside();
            lock.unlock();
        };
        vec![
            (
                "futex, 3 states, shared",
                None,
                load.contend(move |inside| guarded(&self.three[0].lock, inside)),
            ),
            (
                "sabha Mutex",
                Some(0.95),
                load.contend(|inside| {
                    let mut count = self.sabha[0].lock().unwrap();
                    *count += 1;
                    inside();
                }),
            ),
            (
                "pthread, shared, robust",
                None,
                load.contend(move |inside| guarded(&*self.robust, inside)),
            ),
        ]
    }
}

fn loads() -> impl Iterator<Item = Load> {
    let processes = [2, 4].into_iter();
    processes
        .flat_map(|processes| LOADS.map(|(inside, outside)| Load { processes, inside, outside }))
}

fn main() {
    let locks = Locks::new().expect("regions");
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20)
        .configure_from_args();

    let mut group = criterion.benchmark_group("lock");
    for (name, _, mut run) in locks.uncontended().into_iter().chain(locks.in_turn()) {
        group.bench_function(name, |bencher| bencher.iter_custom(&mut run));
    }
    group.finish();
    for load in loads() {
        let mut group = criterion.benchmark_group("lock contended");
        for (name, _, mut run) in locks.contended(load) {
            let id = BenchmarkId::new(name, load.name());
            group.bench_function(id, |bencher| bencher.iter_custom(&mut run));
        }
        group.finish();
    }
    criterion.final_summary();

    table(Ratios::new("lock + unlock, uncontended", 200_000).by_best(), 25, locks.uncontended());
    table(Ratios::new("lock + unlock, in turn", 200_000).by_best(), 25, locks.in_turn());
    for load in loads() {
        table(Ratios::new(load.name(), 1).throughput(), 15, locks.contended(load));
    }
}

fn table(ratios: Ratios<'_>, rounds: usize, rows: Vec<Row<'_>>) {
    rows.into_iter().fold(ratios, |ratios, row| ratios.row(row)).print(rounds);
}
