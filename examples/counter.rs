//! One counter, several processes, four ways to add to it.
//!
//! Run: `cargo run --release --example counter`
//! You should see: a plain counter that lost additions; an atomic, a spinlock and a mutex that lost none; then what waiting
//! for a lock that is held for long costs in processor time.
//! Proves: processes that meet in a region race like threads; the atomic and both locks are right across processes; the
//! spinlock burns processors while it waits, the mutex does not.
//!
//! `counter REGION` uses another region than `sabha-counter`. `counter add REGION WAY TIMES [MICROSECONDS HELD]` is what each
//! process here runs, and how any process, of any language, takes part.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use sabha::sync::{Mutex, Policy, SpinLock};
use sabha::{Region, Shared};
use std::env;
use std::error::Error;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The counters, as every process finds them.
struct Counters {
    plain: Shared<[AtomicU64]>,
    atomic: Shared<[AtomicU64]>,
    spin: Shared<SpinLock<u64>>,
    mutex: Shared<Mutex<u64>>,
}

impl Counters {
    fn find(region: &Region) -> sabha::Result<Self> {
        Ok(Self {
            plain: region.slice("plain", 1)?,
            atomic: region.slice("atomic", 1)?,
            spin: region.object("spin")?,
            mutex: region.object("mutex")?,
        })
    }

    fn add(&self, way: &str, times: u64, held: Duration) -> Outcome<()> {
        match way {
            "plain" => {
                for _ in 0..times {
                    self.plain[0].store(self.plain[0].load(Relaxed) + 1, Relaxed);
                }
            }
            "atomic" => {
                for _ in 0..times {
                    self.atomic[0].fetch_add(1, Relaxed);
                }
            }
            "spin" => add_locked(&self.spin, times, held)?,
            "mutex" => add_locked(&self.mutex, times, held)?,
            _ => return Err(format!("no way to add is called {way:?}").into()),
        }
        Ok(())
    }

    fn total(&self, way: &str) -> sabha::Result<u64> {
        Ok(match way {
            "plain" => self.plain[0].load(Relaxed),
            "atomic" => self.atomic[0].load(Relaxed),
            "spin" => *self.spin.lock_repaired(|_| ())?,
            _ => *self.mutex.lock_repaired(|_| ())?,
        })
    }
}

fn add_locked<P: Policy>(counter: &Mutex<u64, P>, times: u64, held: Duration) -> sabha::Result<()> {
    for _ in 0..times {
        let mut count = counter.lock_repaired(|_| ())?; // one store changes it: it is never half-done
        *count += 1;
        if !held.is_zero() {
            thread::sleep(held); // the holder burns nothing: what is burnt, the waiters burn
        }
    }
    Ok(())
}

/// What several processes are to do together.
#[derive(Clone, Copy)]
struct Job {
    way: &'static str,
    processes: u64,
    times: u64,
    held_us: u64,
}

/// What came of it.
struct Done {
    expected: u64,
    counted: u64,
    wall: Duration,
    burnt: Duration,
}

fn run(name: &str, counters: &Counters, job: Job) -> Outcome<Done> {
    let Job { way, processes, times, held_us } = job;
    let before = counters.total(way)?;
    let (burnt_before, start) = (burnt_by_children()?, Instant::now());
    let mut children = Vec::new();
    for _ in 0..processes {
        let child = Command::new(env::current_exe()?)
            .args(["add", name, way, &times.to_string(), &held_us.to_string()])
            .stdout(Stdio::null())
            .spawn()?;
        children.push(child);
    }
    for mut child in children {
        let status = child.wait()?;
        if !status.success() {
            return Err(format!("a child failed: {status}").into());
        }
    }
    Ok(Done {
        expected: processes * times,
        counted: counters.total(way)?.wrapping_sub(before),
        wall: start.elapsed(),
        burnt: burnt_by_children()?.saturating_sub(burnt_before),
    })
}

fn burnt_by_children() -> Outcome<Duration> {
    let micros = |t: TimeVal| t.tv_sec() * 1_000_000 + t.tv_usec();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let burnt = micros(usage.user_time()) + micros(usage.system_time());
    Ok(Duration::from_micros(u64::try_from(burnt)?))
}

/// Which ways lose additions, and what one costs; whether all came out as they must.
fn race(name: &str, counters: &Counters) -> Outcome<bool> {
    println!("Two processes add to one counter in /dev/shm/{name}.\n");
    println!("  way       expected   counted      lost   ns per addition   processor time");
    let mut right = true;
    for (way, times) in
        [("plain", 60_000_000), ("atomic", 5_000_000), ("spin", 2_000_000), ("mutex", 2_000_000)]
    {
        let mut lost = 0;
        for _attempt in 0..5 {
            let job = Job { way, processes: 2, times, held_us: 0 };
            let Done { expected, counted, wall, burnt } = run(name, counters, job)?;
            lost = expected.saturating_sub(counted);
            let (each, burnt) = (wall.as_secs_f64() * 1e9 / expected as f64, burnt.as_millis());
            println!("  {way:7} {expected:>10} {counted:>9} {lost:>9} {each:>17.1} {burnt:>13} ms");
            if way != "plain" || lost > 0 {
                break;
            }
        }
        match (way, lost) {
            ("plain", 0) => println!("  (five times none was lost, by luck: they never met)"),
            ("plain", _) => {}
            (_, lost) => right &= lost == 0,
        }
    }
    Ok(right)
}

/// What waiting for a lock costs that is held for long; whether the mutex slept. (What the spinlock burns depends on who
/// else wants the processors: it lets them go first.)
fn wait(name: &str, counters: &Counters) -> Outcome<bool> {
    println!("\nFour processes lock 25 times each, and sleep 2 ms inside while the others wait.\n");
    println!("  way       expected   counted     time   processor time");
    let mut slept = false;
    for way in ["spin", "mutex"] {
        let job = Job { way, processes: 4, times: 25, held_us: 2000 };
        let Done { expected, counted, wall, burnt } = run(name, counters, job)?;
        let (wall_ms, burnt_ms) = (wall.as_millis(), burnt.as_millis());
        println!("  {way:7} {expected:>10} {counted:>9} {wall_ms:>5} ms {burnt_ms:>13} ms");
        if counted != expected {
            return Err("additions were lost under a lock".into());
        }
        slept = burnt * 4 < wall; // three wait at a time: three times `wall`, if they all spun
    }
    Ok(slept)
}

fn show(name: &str, region: &Region) -> Outcome<()> {
    let counters = Counters::find(region)?;
    if !race(name, &counters)? {
        return Err("additions were lost that must not be".into());
    }
    if !wait(name, &counters)? {
        return Err("the mutex did not sleep while it waited".into());
    }
    println!(
        "\nproven: plain additions race; atomic, spinlock and mutex lose none; the mutex sleeps"
    );
    Ok(())
}

fn main() -> Outcome<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let name = match words[..] {
        [] => "sabha-counter",
        [name] => name,
        ["add", name, way, times, ref held @ ..] => {
            let held_us = held.first().map_or(Ok(0), |text| text.parse())?;
            let counters = Counters::find(&Region::open(name)?)?;
            counters.add(way, times.parse()?, Duration::from_micros(held_us))?;
            println!("{way}: {}", counters.total(way)?);
            return Ok(());
        }
        _ => {
            let usage = "counter [REGION] | counter add REGION WAY TIMES [MICROSECONDS HELD]";
            return Err(usage.into());
        }
    };
    let region = Region::open_or_create(name, 1 << 16)?;
    let shown = show(name, &region);
    region.unlink()?;
    shown
}
