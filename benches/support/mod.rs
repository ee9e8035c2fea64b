//! What the benches share: other processes to measure against, and ratios that noise does not bend.
#![allow(unsafe_code, dead_code)] // fork, mmap, futex, pthread: the references; not every bench uses all of it

pub mod reference;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use reference::{InCommon, futex_wait, futex_wake};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::*};
use std::time::{Duration, Instant};

/// A forked process that runs its work. Reaped at drop, killed before if it has not ended.
pub struct Child(Pid);

impl Child {
    /// Forks a child on processor `cpu`. The bench must have one thread.
    pub fn spawn(cpu: usize, work: impl FnOnce()) -> Self {
        // SAFETY: one thread, so the child has all that the parent had; it ends in this block.
        match unsafe { fork() }.expect("fork") {
            ForkResult::Parent { child } => Self(child),
            ForkResult::Child => {
                // SAFETY: takes two integers: the child ends with its parent.
                unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
                pin(cpu);
                work();
                // SAFETY: ends the process.
                unsafe { libc::_exit(0) }
            }
        }
    }
}

impl Child {
    fn has_ended(&self) -> bool {
        waitpid(self.0, Some(WaitPidFlag::WNOHANG)) != Ok(WaitStatus::StillAlive)
    }

    /// Waits for its end.
    pub fn join(self) {
        let ended = waitpid(self.0, None);
        assert_eq!(ended, Ok(WaitStatus::Exited(self.0, 0)), "a child of the bench failed");
        std::mem::forget(self);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
        let _ = waitpid(self.0, None);
    }
}

/// A child on processor 1 that works while it is asked to, and sleeps in between.
pub struct Partner {
    turn: InCommon<Turn>,
    child: Child,
}

/// What the two tell each other.
struct Turn {
    go: AtomicU32,
    awake: AtomicU32,
}

/// What the partner calls when there is nothing to do: a turn of a spin loop, or the rest that it was told to take.
pub struct Idle<'a>(&'a Turn);

impl Partner {
    /// Forks it. `work` never ends, and is idle as long as the caller does not do its part.
    pub fn spawn(work: impl FnOnce(&Idle<'_>)) -> Self {
        // SAFETY: zeros are words.
        let turn: InCommon<Turn> = unsafe { InCommon::zeroed() };
        turn.awake.store(1, Relaxed);
        let child = Child::spawn(1, || work(&Idle(&turn)));
        let partner = Self { turn, child };
        partner.await_awake(0);
        partner
    }

    /// Has it work while `act` runs.
    pub fn during<R>(&self, act: impl FnOnce() -> R) -> R {
        self.turn.go.store(1, Release);
        futex_wake(&self.turn.go);
        self.await_awake(1);
        let result = act();
        self.turn.go.store(0, Release);
        self.await_awake(0);
        result
    }

    fn await_awake(&self, awake: u32) {
        while self.turn.awake.load(Acquire) != awake {
            assert!(!self.child.has_ended(), "a child of the bench failed");
            std::hint::spin_loop();
        }
    }
}

impl Idle<'_> {
    /// See the type.
    #[inline]
    pub fn turn(&self) {
        if self.0.go.load(Acquire) == 0 { self.rest() } else { std::hint::spin_loop() }
    }

    #[cold]
    fn rest(&self) {
        self.0.awake.store(0, Release);
        while self.0.go.load(Acquire) == 0 {
            futex_wait(&self.0.go, 0);
        }
        self.0.awake.store(1, Release);
    }
}

/// Keeps the calling thread on one processor (modulo how many there were at the first call).
pub fn pin(cpu: usize) {
    static CPUS: OnceLock<Vec<usize>> = OnceLock::new();
    let cpus = CPUS.get_or_init(|| {
        let allowed = sched_getaffinity(Pid::from_raw(0)).expect("ours");
        (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu) == Ok(true)).collect()
    });
    let mut set = CpuSet::new();
    set.set(cpus[cpu % cpus.len()]).expect("a processor");
    let _ = sched_setaffinity(Pid::from_raw(0), &set); // refused in some sandboxes: then unpinned
}

/// A function that does something so many times, and how long it took.
pub type Timed<'a> = Box<dyn FnMut(u64) -> Duration + 'a>;

/// Times a loop around `once`.
pub fn timed<'a>(mut once: impl FnMut() + 'a) -> Timed<'a> {
    Box::new(move |times| {
        let start = Instant::now();
        for _ in 0..times {
            once();
        }
        start.elapsed()
    })
}

/// What is measured: its name, the ratio that the design promises, itself.
pub type Row<'a> = (&'static str, Option<f64>, Timed<'a>);

/// Candidates against a reference, measured in turn, so that what disturbs one disturbs all. Each round gives each one a
/// ratio to the reference of the same round; the table shows their median and quartiles, and the ratio of the best rounds.
/// Noise only ever makes a computation slower, so of one process the best rounds are judged; of several, the median.
pub struct Ratios<'a> {
    title: String,
    times: u64,
    rows: Vec<Row<'a>>,
    by_best: bool,
    throughput: bool,
}

impl<'a> Ratios<'a> {
    /// A table whose rounds do each thing so many times.
    pub fn new(title: impl Into<String>, times: u64) -> Self {
        Self { title: title.into(), times, rows: Vec::new(), by_best: false, throughput: false }
    }

    /// Judges by the best rounds.
    #[must_use]
    pub fn by_best(self) -> Self {
        Self { by_best: true, ..self }
    }

    /// Compares throughputs, the inverse of the times: more is better.
    #[must_use]
    pub fn throughput(self) -> Self {
        Self { throughput: true, ..self }
    }

    /// Adds a row; the first is the reference.
    #[must_use]
    pub fn row(mut self, row: Row<'a>) -> Self {
        self.rows.push(row);
        self
    }

    /// Measures in so many rounds and prints the table.
    pub fn print(mut self, rounds: usize) {
        let mut each = vec![Vec::new(); self.rows.len()]; // nanoseconds for one, by row and round
        for round in 0..=rounds {
            for ((_, _, run), each) in self.rows.iter_mut().zip(&mut each) {
                let nanos = run(self.times).as_secs_f64() * 1e9 / self.times as f64;
                if round > 0 {
                    each.push(nanos); // the first is for warming up
                }
            }
        }
        println!("\n{} ({rounds} interleaved rounds of {})", self.title, self.times);
        println!(
            "  {:36} {:>9} {:>6} {:>7} {:>13}  target",
            "", "best ns", "ratio", "median", "quartiles"
        );
        let Some(reference) = each.first() else { return };
        for ((name, target, _), nanos) in self.rows.iter().zip(&each) {
            let ratio = |mine: f64, its: f64| if self.throughput { its / mine } else { mine / its };
            let rounds = nanos.iter().zip(reference).map(|(mine, its)| ratio(*mine, *its));
            let [low, middle, high] = quartiles(rounds);
            let best = least(nanos);
            let of_best = ratio(best, least(reference));
            let judged = if self.by_best { of_best } else { middle };
            let target = match *target {
                None => String::new(),
                Some(least) if self.throughput => {
                    format!(">= {least} of its throughput: {}", verdict(judged >= least))
                }
                Some(most) => format!("<= {most}: {}", verdict(judged <= most)),
            };
            let spread = format!("{low:.2} .. {high:.2}");
            println!("  {name:36} {best:>9.1} {of_best:>6.2} {middle:>7.2} {spread:>13}  {target}");
        }
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

fn quartiles(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |quarter: usize| values.get(values.len() * quarter / 4).copied().unwrap_or(f64::NAN);
    [at(1), at(2), at(3)]
}
