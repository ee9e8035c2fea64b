//! Two processes hit a ball back and forth: asleep between the hits, then spinning.
//!
//! Run: `cargo run --release --example ping_pong`
//! You should see: how long a round trip takes, half of all, 99 % and 99.9 % of them, for both.
//! Proves: a process that sleeps on a number is woken when another changes it, 10 000 times without losing one; what it pays
//! for sleeping; and what it would burn without.

use sabha::{Region, Shared};
use std::env;
use std::error::Error;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::*};
use std::time::{Duration, Instant};

const ROUNDS: u32 = 10_000;
const WARM_UP: u32 = 500;
/// Says that the game is over.
const END: u32 = u32::MAX;
/// The two numbers, on cache lines of their own; the array's length.
const PING: usize = 0;
const PONG: usize = 32;
const LEN: usize = 64;
/// How long one waits for the other before it calls it lost.
const PATIENCE: Duration = Duration::from_secs(5);

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The table, and how the player waits.
struct Player {
    balls: Shared<[AtomicU32]>,
    sleeps: bool,
}

impl Player {
    fn hit(&self, to: usize, ball: u32) -> sabha::Result<()> {
        if self.sleeps {
            self.balls.store_and_notify(to, ball, 1)?; // a kill cannot come between the two
        } else {
            self.balls[to].store(ball, Release);
        }
        Ok(())
    }

    /// Waits for another ball than `last`.
    fn receive(&self, from: usize, last: u32) -> Outcome<u32> {
        let start = Instant::now();
        let mut turns = 0_u32;
        loop {
            let ball = self.balls[from].load(Acquire);
            if ball != last {
                return Ok(ball);
            }
            if self.sleeps {
                let _ = self.balls.wait_until(from, last, PATIENCE)?; // however it ended: look again
            } else {
                std::hint::spin_loop();
            }
            turns = turns.wrapping_add(1);
            let ask = self.sleeps || turns.is_multiple_of(1024); // the time costs as much as many turns
            if ask && start.elapsed() > PATIENCE {
                return Err(format!("the ball after {last} is lost").into());
            }
        }
    }
}

fn answer(player: &Player) -> Outcome<()> {
    let mut ball = 0;
    loop {
        ball = player.receive(PING, ball)?;
        if ball == END {
            return Ok(());
        }
        player.hit(PONG, ball)?;
    }
}

/// All the round trips, shortest first.
fn play(player: &Player) -> Outcome<Vec<Duration>> {
    let mut trips = Vec::new();
    for ball in 1..=WARM_UP + ROUNDS {
        let start = Instant::now();
        player.hit(PING, ball)?;
        if player.receive(PONG, ball - 1)? != ball {
            return Err("another ball came back".into());
        }
        if ball > WARM_UP {
            trips.push(start.elapsed());
        }
    }
    player.hit(PING, END)?;
    trips.sort_unstable();
    Ok(trips)
}

fn main() -> Outcome<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [region, way] = &args[..] {
        let balls = Region::open(region)?.open_slice(way, LEN)?;
        return answer(&Player { balls, sleeps: way == "asleep" });
    }

    let name = format!("sabha-ping-pong-{}", std::process::id());
    let region = Region::create(&name, 1 << 16)?;
    println!("{ROUNDS} round trips between two processes\n");
    println!("  waiting         half      99 %    99.9 %");
    for way in ["asleep", "spinning"] {
        let player = Player { balls: region.slice(way, LEN)?, sleeps: way == "asleep" };
        let mut other = Command::new(env::current_exe()?).args([&name, way]).spawn()?;
        let played = play(&player);
        if played.is_err() {
            let _ = other.kill();
            let _ = region.unlink();
        }
        let trips = played?;
        let status = other.wait()?;
        if !status.success() {
            return Err(format!("the other player: {status}").into());
        }
        let at = |share: f64| trips[(trips.len() as f64 * share) as usize].as_secs_f64() * 1e6;
        let [half, most, nearly_all] = [at(0.5), at(0.99), at(0.999)];
        println!("  {way:9} {half:>7.1} us {most:>6.1} us {nearly_all:>6.1} us");
    }
    region.unlink()?;
    println!("\nproven: {ROUNDS} times there and back, asleep and spinning, and no ball lost");
    Ok(())
}
