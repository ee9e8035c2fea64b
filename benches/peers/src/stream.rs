//! A stream from one producer to one consumer: `rtrb` between two threads, sabha's ring between two processes.

use crate::support::{Partner, Ratios, Timed, pin, timed};
use sabha::Region;
use sabha::ring::spsc::{PopError, PushError, Spsc};
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::time::{Duration, Instant};

const SLOTS: usize = 1024;
const BATCH: usize = 64;

/// The tables of the design's targets.
pub fn print() {
    Ratios::new("stream of 8-byte items", 200_000)
        .row(("rtrb, two threads", None, rtrb_stream()))
        .row(("sabha, two processes", Some(1.0), sabha_stream()))
        .row(("rtrb, in batches of 64", None, rtrb_batches()))
        .row(("sabha, in batches of 64", Some(0.7), sabha_batches()))
        .print(25);
    Ratios::new("stream of 8-byte items in batches of 64", 200_000)
        .row(("rtrb, two threads", None, rtrb_batches()))
        .row(("sabha, two processes", None, sabha_batches()))
        .print(25);
}

/// Has a thread on processor 1 run `produce` while this one times `consume`.
fn between_threads(produce: impl FnOnce() + Send, consume: impl FnOnce()) -> Duration {
    let ready = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pin(1);
            ready.store(true, Release);
            produce();
        });
        while !ready.load(Acquire) {
            spin_loop();
        }
        let start = Instant::now();
        consume();
        start.elapsed()
    })
}

fn rtrb_stream() -> Timed<'static> {
    Box::new(|times| {
        let (mut producer, mut consumer) = rtrb::RingBuffer::<u64>::new(SLOTS);
        let produce = move || {
            for item in 0..times {
                while producer.push(black_box(item)).is_err() {
                    spin_loop();
                }
            }
        };
        between_threads(produce, || {
            for _ in 0..times {
                while black_box(consumer.pop()).is_err() {
                    spin_loop();
                }
            }
        })
    })
}

fn rtrb_batches() -> Timed<'static> {
    Box::new(|times| {
        let (mut producer, mut consumer) = rtrb::RingBuffer::<u64>::new(SLOTS);
        let batches = times / BATCH as u64;
        let produce = move || {
            for _ in 0..batches {
                let chunk = loop {
                    match producer.write_chunk_uninit(BATCH) {
                        Ok(chunk) => break chunk,
                        Err(_) => spin_loop(),
                    }
                };
                chunk.fill_from_iter(black_box([7; BATCH]));
            }
        };
        between_threads(produce, || {
            let mut items = [0; BATCH];
            for _ in 0..batches {
                let chunk = loop {
                    match consumer.read_chunk(BATCH) {
                        Ok(chunk) => break chunk,
                        Err(_) => spin_loop(),
                    }
                };
                let (first, second) = chunk.as_slices();
                items[..first.len()].copy_from_slice(first);
                items[first.len()..].copy_from_slice(second);
                chunk.commit_all();
                black_box(&items);
            }
        })
    })
}

fn ring() -> Spsc<u64> {
    let region = Region::anonymous(1 << 20).expect("a region");
    Spsc::open_or_create(&region, "ring", SLOTS).expect("a ring")
}

fn sabha_stream() -> Timed<'static> {
    let ring = ring();
    let partner = Partner::spawn(|idle| {
        let mut producer = ring.producer().expect("free");
        loop {
            match producer.try_push(black_box(7)) {
                Ok(()) => {}
                Err(PushError::Full(_)) => idle.turn(),
                Err(other) => panic!("{other}"),
            }
        }
    });
    let mut consumer = ring.consumer().expect("free");
    let mut pop = timed(move || {
        loop {
            match black_box(consumer.try_pop()) {
                Ok(_) => break,
                Err(PopError::Empty) => spin_loop(),
                Err(other) => panic!("{other}"),
            }
        }
    });
    Box::new(move |times| partner.during(|| pop(times)))
}

fn sabha_batches() -> Timed<'static> {
    let ring = ring();
    let partner = Partner::spawn(|idle| {
        let mut producer = ring.producer().expect("free");
        loop {
            match producer.push_slice(black_box(&[7; BATCH])) {
                Ok(_) => {}
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
                        black_box(&items);
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
