//! A process of a crew, and how it is told what to do.
#![allow(unsafe_code)] // memory that processes share, and a signal

use super::slow::Slowly;
use crate::scene::{Role, Scene};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::{Duration, Instant};
use support::child::Random;
use support::fork::shared;
use support::record::{PROCESSES, Recorder};
use support::starve;

/// Where the maker and the processes of a crew meet.
pub struct Yard {
    /// Who is ready for the round. They wait for each other, not for the maker, who would take a processor for it.
    ready: AtomicUsize,
    lanes: AtomicUsize,
    pub posts: [Post; PROCESSES],
}

impl Yard {
    pub fn new() -> &'static Self {
        // SAFETY: atomics, which are valid as zeros and as anything else.
        unsafe { shared() }
    }

    /// So many are going to wait for each other.
    pub fn expect(&self, lanes: usize) {
        self.ready.store(0, Relaxed);
        self.lanes.store(lanes, Relaxed);
    }

    /// Whether all of them have come.
    pub fn has_begun(&self) -> bool {
        self.ready.load(SeqCst) >= self.lanes.load(Relaxed)
    }

    /// Between two operations of process `me`: nothing, a moment, somebody else's turn, or somebody else's operation. The last
    /// makes operations meet even where processors are few and wanted by others.
    fn pause(&self, me: usize, random: &mut Random) {
        match random.below(4) {
            0 => std::thread::yield_now(),
            1 => spin(Duration::from_nanos(random.below(1000))),
            2 => {
                let (start, before) = (Instant::now(), self.progress(me));
                while before.is_some() && self.progress(me) == before && start.elapsed() < A_WHILE {
                    std::thread::yield_now();
                }
            }
            _ => {}
        }
    }

    /// Changes when somebody else finishes something. `None`: nobody else is going to.
    fn progress(&self, me: usize) -> Option<u64> {
        let others = self.posts.iter().enumerate().filter(|&(index, _)| index != me);
        let playing = others.filter_map(|(_, post)| post.progress());
        playing.reduce(u64::wrapping_add)
    }
}

/// How long somebody else's operation is waited for. What takes longer waits for somebody itself.
pub const A_WHILE: Duration = Duration::from_micros(300);

/// What the maker and one process tell each other.
pub struct Post {
    /// The last round that the process was asked to play, and its part.
    asked: AtomicU64,
    lane: AtomicUsize,
    object: AtomicUsize,
    mortal: AtomicBool,
    seed: AtomicU64,
    turns: AtomicU64,
    slow: AtomicBool,
    dies_at: AtomicU64,
    /// How many operations it may begin.
    allowed: AtomicU64,
    /// How many it has finished; after the last, more than it will ever be allowed.
    finished: AtomicU64,
    /// How often it was stopped in them.
    stops: AtomicU64,
    /// The last round that it has played to the end.
    played: AtomicU64,
}

impl Post {
    pub fn ask(&self, round: u64, part: Part, allowed: u64) {
        let Part { role: Role { lane, object, mortal }, seed, turns, slowly } = part;
        self.lane.store(lane, Relaxed);
        self.object.store(object, Relaxed);
        self.mortal.store(mortal, Relaxed);
        self.seed.store(seed, Relaxed);
        self.turns.store(turns, Relaxed);
        self.slow.store(slowly.is_some(), Relaxed);
        self.dies_at.store(slowly.map_or(0, |slowly| slowly.dies_at), Relaxed);
        self.stops.store(0, Relaxed);
        self.allowed.store(allowed, Relaxed);
        self.finished.store(0, Relaxed);
        self.asked.store(round, SeqCst);
    }

    fn part(&self) -> Part {
        let (lane, object) = (self.lane.load(Relaxed), self.object.load(Relaxed));
        let role = Role { lane, object, mortal: self.mortal.load(Relaxed) };
        let slowly = Slowly { dies_at: self.dies_at.load(Relaxed) };
        let slowly = self.slow.load(Relaxed).then_some(slowly);
        Part { role, seed: self.seed.load(Relaxed), turns: self.turns.load(Relaxed), slowly }
    }

    /// Whether it still plays the round, if it lives.
    pub fn is_playing(&self, round: u64) -> bool {
        self.asked.load(SeqCst) == round && self.played.load(SeqCst) != round
    }

    /// Lets it do one operation more; the number of that.
    pub fn allow_one(&self) -> u64 {
        self.allowed.fetch_add(1, SeqCst) + 1
    }

    /// How many it has finished, if it has not finished all.
    fn progress(&self) -> Option<u64> {
        let (asked, finished) = (self.allowed.load(Relaxed) != 0, self.finished.load(Relaxed));
        (asked && finished != u64::MAX).then_some(finished)
    }

    pub fn allow_all(&self) {
        self.allowed.store(u64::MAX, SeqCst);
    }

    pub fn has_finished(&self, number: u64) -> bool {
        self.finished.load(SeqCst) >= number
    }

    /// Whether it has done all that it may, and wants more.
    pub fn is_waiting(&self) -> bool {
        self.finished.load(SeqCst) == self.allowed.load(SeqCst)
    }

    /// It is stopped: how often by now.
    pub fn stop(&self) -> u64 {
        self.stops.fetch_add(1, Relaxed) + 1
    }

    pub fn stops(&self) -> u64 {
        self.stops.load(Relaxed)
    }
}

/// What one process does in a round.
#[derive(Clone, Copy)]
pub struct Part {
    role: Role,
    seed: u64,
    turns: u64,
    slowly: Option<Slowly>,
}

impl Part {
    /// A random one of at most so many operations, and what is owed then.
    pub fn new(role: Role, turns: u64, random: &mut Random) -> Self {
        Self { role, seed: 1 + random.below(1 << 60), turns: 1 + random.below(turns), slowly: None }
    }

    /// The same, stopped in its operations.
    pub fn slowly(self, how: Slowly) -> Self {
        Self { slowly: Some(how), ..self }
    }

    /// Does it, as process `me`.
    fn play<S: Scene>(
        self,
        scene: &S,
        recorder: Recorder<S::Op, S::Answer>,
        yard: &Yard,
        me: usize,
    ) {
        let (post, mut random) = (&yard.posts[me], Random::new(self.seed));
        let mut hand = scene.hand(self.role);
        let mut finished = 0;
        while let Some(op) = scene.choose(&hand, &mut random, self.turns.saturating_sub(finished)) {
            if post.allowed.load(SeqCst) == u64::MAX {
                yard.pause(me, &mut random);
            }
            wait_politely(|| post.allowed.load(SeqCst) > finished);
            recorder.record(me, op, || {
                let mut answer = None;
                let mut act = || answer = Some(scene.perform(&mut hand, op));
                match self.slowly {
                    Some(slowly) => slowly.run(&mut act, yard, me, &mut random),
                    None => act(),
                }
                answer.expect("it was done")
            });
            finished += 1;
            post.finished.store(finished, SeqCst);
        }
        post.finished.store(u64::MAX, SeqCst);
    }
}

/// A process of the crew, which plays all rounds behind number `last` that it is asked to.
pub fn work<S: Scene>(
    scene: &S,
    recorder: Recorder<S::Op, S::Answer>,
    yard: &Yard,
    me: usize,
    mut last: u64,
) -> ! {
    starve::exact_timers();
    let post = &yard.posts[me];
    loop {
        wait_politely(|| post.asked.load(SeqCst) > last);
        last = post.asked.load(SeqCst);
        let part = post.part();
        yard.ready.fetch_add(1, SeqCst);
        wait_keenly(|| yard.has_begun());
        part.play(scene, recorder, yard, me);
        post.played.store(last, SeqCst);
    }
}

/// Ends the calling process as `kill -9` does.
pub fn die() -> ! {
    // SAFETY: takes integers.
    unsafe { libc::raise(libc::SIGKILL) };
    unreachable!("nobody survives it");
}

pub fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Waits, to go on in the same instant as the others.
fn wait_keenly(done: impl Fn() -> bool) {
    for turn in 0.. {
        if done() {
            return;
        }
        spin_or_yield(turn);
    }
}

/// One turn of a short wait.
pub fn spin_or_yield(turn: u32) {
    if turn < 1000 { std::hint::spin_loop() } else { std::thread::yield_now() }
}

/// Waits, and soon sleeps.
fn wait_politely(done: impl Fn() -> bool) {
    for turn in 0_u32.. {
        match turn {
            _ if done() => return,
            0..100 => std::hint::spin_loop(),
            100..200 => std::thread::yield_now(),
            _ => std::thread::sleep(Duration::from_micros(20)),
        }
    }
}
