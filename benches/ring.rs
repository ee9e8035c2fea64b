//! What a message costs from one process to another: a stream of them, and a round trip.
//!
//! Run: `cargo bench --bench ring`. Criterion's figures first; then the ratios of the design's targets, measured in turn. The
//! design's reference for the stream, `rtrb`, is a peer: see `benches/peers`.
#![allow(unsafe_code)] // the plain ring that ours is measured against

mod support;

use criterion::{Criterion, Throughput};
use sabha::Region;
use sabha::ring::spsc::{Consumer, PopError, Producer, PushError, Spsc};
use std::cell::UnsafeCell;
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::time::{Duration, Instant};
use support::reference::InCommon;
use support::{Partner, Ratios, Row, Timed, pin, timed};

/// Slots of each ring, and items of a batch.
const SLOTS: usize = 1024;
const BATCH: usize = 64;

/// Items of 8 bytes and of 64.
type Small = u64;
type Large = [u64; 8];

fn ring<T: sabha::Payload>() -> (Region, Spsc<T>) {
    let region = Region::anonymous(1 << 20).expect("a region");
    let ring = Spsc::open_or_create(&region, "ring", SLOTS).expect("a ring");
    (region, ring)
}

/// A stream from another process, one item at a time.
fn stream<T: sabha::Payload + Default + Copy>() -> Timed<'static> {
    let (_, ring) = ring::<T>();
    let partner = Partner::spawn(|idle| {
        let mut producer = ring.producer().expect("free");
        loop {
            match producer.try_push(black_box(T::default())) {
                Ok(()) => {}
                Err(PushError::Full(_)) => idle.turn(),
                Err(other) => panic!("{other}"),
            }
        }
    });
    let mut consumer = ring.consumer().expect("free");
    let mut pop = timed(move || {
        pop_spinning(&mut consumer);
    });
    Box::new(move |times| partner.during(|| pop(times)))
}

fn pop_spinning<T: sabha::Payload>(consumer: &mut Consumer<T>) -> T {
    loop {
        match consumer.try_pop() {
            Ok(value) => return black_box(value),
            Err(PopError::Empty) => spin_loop(),
            Err(other) => panic!("{other}"),
        }
    }
}

/// The same in batches.
fn stream_in_batches() -> Timed<'static> {
    let (_, ring) = ring::<Small>();
    let partner = Partner::spawn(|idle| {
        let mut producer = ring.producer().expect("free");
        let items: [Small; BATCH] = std::array::from_fn(|i| i as u64);
        let mut pushed = 0;
        loop {
            match producer.push_slice(black_box(&items[pushed..])) {
                Ok(count) => pushed = (pushed + count) % BATCH,
                Err(PushError::Full(())) => idle.turn(),
                Err(other) => panic!("{other}"),
            }
        }
    });
    let mut consumer = ring.consumer().expect("free");
    Box::new(move |times| {
        partner.during(|| {
            let (mut items, mut left) = ([0; BATCH], times);
            let start = Instant::now();
            while left > 0 {
                match consumer.pop_slice(&mut items) {
                    Ok(count) => {
                        black_box(&items); // or the copy is left out
                        left = left.saturating_sub(count as u64);
                    }
                    Err(PopError::Empty) => spin_loop(),
                    Err(other) => panic!("{other}"),
                }
            }
            start.elapsed()
        })
    })
}

/// A round trip through two rings, both sides spinning.
fn round_trip() -> Timed<'static> {
    let ((_, there), (_, back)) = (ring::<Small>(), ring::<Small>());
    let partner = Partner::spawn(|idle| {
        let mut consumer = there.consumer().expect("free");
        let mut producer = back.producer().expect("free");
        loop {
            match consumer.try_pop() {
                Ok(value) => push(&mut producer, value),
                Err(PopError::Empty) => idle.turn(),
                Err(other) => panic!("{other}"),
            }
        }
    });
    let mut producer = there.producer().expect("free");
    let mut consumer = back.consumer().expect("free");
    let mut call = timed(move || {
        push(&mut producer, 7);
        pop_spinning(&mut consumer);
    });
    Box::new(move |times| partner.during(|| call(times)))
}

fn push(producer: &mut Producer<Small>, value: Small) {
    producer.try_push(value).expect("one item at a time");
}

/// The floor of a round trip: two words on two lines, nothing else.
fn bare_round_trip() -> Timed<'static> {
    // SAFETY: zero is a word.
    let ping: InCommon<AtomicU64> = unsafe { InCommon::zeroed() };
    // SAFETY: zero is a word.
    let pong: InCommon<AtomicU64> = unsafe { InCommon::zeroed() };
    let (ping, pong) = (ping.forever(), pong.forever());
    let partner = Partner::spawn(|idle| {
        let mut seen = 0;
        loop {
            match ping.load(Acquire) {
                same if same == seen => idle.turn(),
                next => {
                    pong.store(next, Release);
                    seen = next;
                }
            }
        }
    });
    let mut sent = 0;
    let mut call = timed(move || {
        sent += 1;
        ping.store(sent, Release);
        while pong.load(Acquire) != sent {
            spin_loop();
        }
    });
    Box::new(move |times| partner.during(|| call(times)))
}

/// The same with the word's news on a line of its own, as in any ring: an item, then the index that publishes it.
fn bare_round_trip_of_items() -> Timed<'static> {
    let line = || {
        // SAFETY: zero is a word.
        let word: InCommon<AtomicU64> = unsafe { InCommon::zeroed() };
        word.forever()
    };
    let (ping, ping_item, pong, pong_item) = (line(), line(), line(), line());
    let partner = Partner::spawn(|idle| {
        let mut seen = 0;
        loop {
            match ping.load(Acquire) {
                same if same == seen => idle.turn(),
                next => {
                    pong_item.store(ping_item.load(Relaxed), Relaxed);
                    pong.store(next, Release);
                    seen = next;
                }
            }
        }
    });
    let mut sent = 0;
    let mut call = timed(move || {
        sent += 1;
        ping_item.store(sent, Relaxed);
        ping.store(sent, Release);
        while pong.load(Acquire) != sent {
            spin_loop();
        }
        black_box(pong_item.load(Relaxed));
    });
    Box::new(move |times| partner.during(|| call(times)))
}

/// What a ring costs that does nothing else: two threads, no sleeping, no death, cached indices.
struct Plain<T> {
    tail: Line<AtomicU64>,
    head: Line<AtomicU64>,
    slots: Box<[UnsafeCell<T>]>,
}

#[repr(align(128))]
#[derive(Default)]
struct Line<T>(T);

// SAFETY: a slot is one side's at a time; the indices hand it over.
unsafe impl<T: Send> Sync for Plain<T> {}

/// One side's own index, and the other's as last seen.
#[derive(Default)]
struct Side {
    own: u64,
    other: u64,
}

impl<T: Default + Copy> Plain<T> {
    fn new() -> Self {
        let slots = (0..SLOTS).map(|_| UnsafeCell::new(T::default())).collect();
        Self { tail: Line::default(), head: Line::default(), slots }
    }

    #[inline]
    fn push(&self, side: &mut Side, value: T) -> bool {
        if side.own - side.other == SLOTS as u64 {
            side.other = self.head.0.load(Acquire);
            if side.own - side.other == SLOTS as u64 {
                return false;
            }
        }
        // SAFETY: outside head..tail: the producer's.
        unsafe { *self.slots[side.own as usize % SLOTS].get() = value };
        side.own += 1;
        self.tail.0.store(side.own, Release);
        true
    }

    #[inline]
    fn pop(&self, side: &mut Side) -> Option<T> {
        if side.own == side.other {
            side.other = self.tail.0.load(Acquire);
            if side.own == side.other {
                return None;
            }
        }
        // SAFETY: inside head..tail: the consumer's.
        let value = unsafe { *self.slots[side.own as usize % SLOTS].get() };
        side.own += 1;
        self.head.0.store(side.own, Release);
        Some(value)
    }
}

/// A stream between two threads through the plain ring.
fn plain_stream<T: Default + Copy + Send>() -> Timed<'static> {
    Box::new(|times| {
        let (ring, ready) = (Plain::<T>::new(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                pin(1);
                ready.store(true, Release);
                let mut side = Side::default();
                for _ in 0..times {
                    while !ring.push(&mut side, black_box(T::default())) {
                        spin_loop();
                    }
                }
            });
            while !ready.load(Acquire) {
                spin_loop();
            }
            let mut side = Side::default();
            let mut pop = timed(|| {
                while black_box(ring.pop(&mut side)).is_none() {
                    spin_loop();
                }
            });
            pop(times)
        })
    })
}

type Way = (&'static str, fn() -> Timed<'static>);

const PLAIN: Way = ("plain ring, two threads, 8 bytes", plain_stream::<Small>);
const STREAM: Way = ("sabha, two processes, 8 bytes", stream::<Small>);
const BATCHES: Way = ("the same in batches of 64", stream_in_batches);
const PLAIN_LARGE: Way = ("plain ring, two threads, 64 bytes", plain_stream::<Large>);
const STREAM_LARGE: Way = ("sabha, two processes, 64 bytes", stream::<Large>);
const BARE: Way = ("bare cache lines", bare_round_trip);
const BARE_ITEMS: Way = ("bare lines, item and index", bare_round_trip_of_items);
const ROUND_TRIP: Way = ("sabha, two rings", round_trip);

fn main() {
    pin(0);
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20)
        .configure_from_args();
    let mut group = criterion.benchmark_group("ring stream, one item");
    group.throughput(Throughput::Elements(1));
    for (name, make) in [PLAIN, STREAM, BATCHES, PLAIN_LARGE, STREAM_LARGE] {
        let mut run = make();
        group.bench_function(name, |bencher| bencher.iter_custom(&mut run));
    }
    group.finish();
    let mut group = criterion.benchmark_group("ring round trip");
    for (name, make) in [BARE, BARE_ITEMS, ROUND_TRIP] {
        let mut run = make();
        group.bench_function(name, |bencher| bencher.iter_custom(&mut run));
    }
    group.finish();
    criterion.final_summary();

    let stream = [(PLAIN, None), (STREAM, Some(1.0)), (BATCHES, Some(0.7))];
    table("stream of 8-byte items", 200_000, &stream);
    let large = [(PLAIN_LARGE, None), (STREAM_LARGE, Some(1.0))];
    table("stream of 64-byte items", 100_000, &large);
    table(
        "round trip, both spinning",
        2_000,
        &[(BARE, None), (BARE_ITEMS, None), (ROUND_TRIP, Some(1.2))],
    );
}

fn table(title: &str, times: u64, ways: &[(Way, Option<f64>)]) {
    let row =
        |((name, make), target): (Way, Option<f64>)| -> Row<'static> { (name, target, make()) };
    ways.iter().copied().map(row).fold(Ratios::new(title, times), Ratios::row).print(21);
}
