//! The protocol without a process: its decisions, one at a time, and two threads.

use super::protocol::{ConsumerSide, Note, ProducerSide, Refusal, Ring, give_back, take, used};
use super::wait::{Look, Patience};
use crate::os::clock::Deadline;
use crate::os::{AtomicU32, Relaxed, cpu};
use std::cell::Cell;
use std::thread;
use std::time::Duration;

const ALIVE: &dyn Fn(u32) -> bool = &|_| false;
const DEAD: &dyn Fn(u32) -> bool = &|_| true;
const SLEEPY: Patience = Patience { spins: 0, sleeps: true, pulse: Duration::from_millis(100) };
const HASTY: Patience = Patience { spins: 10, sleeps: false, pulse: Duration::from_millis(100) };

fn sides(ring: &Ring, capacity: u64) -> (ProducerSide<'_>, ConsumerSide<'_>) {
    let barriers = cpu::accept_barriers();
    let producer = ProducerSide::attach(ring, capacity, barriers).unwrap();
    (producer, ConsumerSide::attach(ring, capacity, barriers).unwrap())
}

#[test]
fn zeros_are_an_open_empty_ring_that_nobody_has() {
    let ring = Ring::default();
    assert_eq!((ring.len(8), ring.last(), ring.is_closed()), (0, None, false));
    let (producer, mut consumer) = sides(&ring, 8);
    assert_eq!((producer.room(), producer.tail()), (8, 0));
    assert_eq!((consumer.ready(), consumer.head()), (0, 0));
    assert_eq!(consumer.look(), Err(Refusal::NotYet));
    assert_eq!(take(ring.producer(), 1, ALIVE), Ok(()));
}

#[test]
fn used_is_what_lies_between_and_never_more_than_the_capacity() {
    assert_eq!(used(5, 5, 4), Ok(0));
    assert_eq!(used(9, 5, 4), Ok(4));
    assert_eq!(used(10, 5, 4), Err(Refusal::Corrupt));
    assert_eq!(used(4, 5, 4), Err(Refusal::Corrupt));
    assert_eq!(used(1, u64::MAX, 4), Ok(2), "wrapping is harmless");
    assert_eq!(used(u64::MAX, 0, 4), Err(Refusal::Corrupt));
}

#[test]
fn an_end_is_taken_from_nobody_and_from_the_dead_only() {
    let owner = AtomicU32::new(0);
    assert_eq!(take(&owner, 7, ALIVE), Ok(()));
    assert_eq!(take(&owner, 8, ALIVE), Err(7));
    assert_eq!(take(&owner, 7, DEAD), Err(7), "who asks is not dead");
    assert_eq!(take(&owner, 8, DEAD), Ok(()));
    give_back(&owner, 7);
    assert_eq!(owner.load(Relaxed), 8, "only its owner gives it back");
    give_back(&owner, 8);
    assert_eq!(owner.load(Relaxed), 0);
}

#[test]
fn of_two_that_take_over_from_the_dead_one_succeeds() {
    let owner = AtomicU32::new(9);
    let gone = |id| {
        if id == 9 {
            owner.store(5, Relaxed); // the other one, between our look and our CAS
        }
        id == 9
    };
    assert_eq!(take(&owner, 8, &gone), Err(5));
}

#[test]
fn a_full_ring_has_no_room_until_the_consumer_releases() {
    let ring = Ring::default();
    let (mut producer, mut consumer) = sides(&ring, 2);
    assert_eq!((producer.publish(2), producer.room()), (Ok(()), 0));
    assert_eq!(producer.look(), Err(Refusal::NotYet));
    assert_eq!((consumer.look(), consumer.ready()), (Ok(()), 2));
    consumer.release(1);
    assert_eq!((producer.look(), producer.room()), (Ok(()), 1));
}

#[test]
fn positions_far_out_are_like_any_other() {
    let ring = Ring::default();
    ring.tail.0.store(u64::MAX, Relaxed);
    ring.head.0.store(u64::MAX - 1, Relaxed);
    let (mut producer, mut consumer) = sides(&ring, 2);
    assert_eq!((producer.room(), consumer.ready()), (1, 1));
    assert_eq!(producer.publish(1), Ok(()));
    assert_eq!((consumer.look(), consumer.ready()), (Ok(()), 2));
    consumer.release(2);
    assert_eq!((consumer.head(), ring.len(2)), (0, 0));
}

#[test]
fn a_position_that_cannot_be_is_refused_and_not_believed() {
    let ring = Ring::default();
    ring.tail.0.store(100, Relaxed);
    ring.head.0.store(100, Relaxed);
    let (mut producer, mut consumer) = sides(&ring, 4);
    for lie in [99, 105, 0, u64::MAX, 1 << 63] {
        ring.tail.0.store(lie, Relaxed);
        assert_eq!((consumer.look(), consumer.ready()), (Err(Refusal::Corrupt), 0));
        ring.tail.0.store(100, Relaxed);
        let lie = 200 - lie.min(200);
        ring.head.0.store(lie, Relaxed);
        assert_eq!((producer.look(), producer.room()), (Err(Refusal::Corrupt), 4));
        assert!(ProducerSide::attach(&ring, 4, true).is_err());
        ring.head.0.store(100, Relaxed);
    }
    assert_eq!(consumer.look(), Err(Refusal::NotYet), "a lie that is taken back does no harm");
}

#[test]
fn a_last_that_cannot_be_is_refused() {
    let ring = Ring::default();
    let (_, mut consumer) = sides(&ring, 4);
    ring.ends.0.last.store(77, Relaxed);
    assert_eq!((consumer.look(), consumer.ready()), (Err(Refusal::Corrupt), 0));
    assert!(ConsumerSide::attach(&ring, 4, true).is_err());
    assert!(ring.len(4) <= 4);
}

#[test]
fn a_producer_that_closes_leaves_all_its_items() {
    let ring = Ring::default();
    let (mut producer, mut consumer) = sides(&ring, 4);
    assert_eq!(producer.publish(3), Ok(()));
    producer.close();
    assert_eq!((producer.look(), producer.room()), (Err(Refusal::Closed), 0));
    assert_eq!((consumer.look(), consumer.ready()), (Ok(()), 3));
    consumer.release(3);
    assert_eq!(consumer.look(), Err(Refusal::Closed));
    assert_eq!(ring.last(), Some(3));
}

#[test]
fn a_consumer_that_closes_gets_what_was_pushed_and_the_next_push_is_refused() {
    let ring = Ring::default();
    let (mut producer, mut consumer) = sides(&ring, 4);
    assert_eq!(producer.publish(1), Ok(()));
    assert_eq!(consumer.close(), Ok(()));
    assert_eq!(producer.room(), 3, "it has not looked");
    assert_eq!(producer.publish(1), Err(Refusal::Closed));
    assert_eq!((producer.tail(), producer.room()), (1, 0));
    assert_eq!((consumer.look(), consumer.ready()), (Ok(()), 1));
    consumer.release(1);
    assert_eq!(consumer.look(), Err(Refusal::Closed));
    assert_eq!(ring.len(4), 0, "the refused item does not count");
}

#[test]
fn killed_at_k1_the_producers_push_decides_and_counts() {
    let ring = Ring::default();
    let (mut producer, mut consumer) = sides(&ring, 4);
    ring.to_producer.0.fetch_or(Note::CLOSING, Relaxed); // and no more
    assert_eq!(producer.publish(1), Ok(()));
    assert_eq!((ring.last(), producer.room()), (Some(1), 0));
    assert_eq!(producer.look(), Err(Refusal::Closed));
    assert_eq!((consumer.look(), consumer.ready()), (Ok(()), 1));
}

#[test]
fn killed_at_k1_the_next_consumer_decides() {
    let ring = Ring::default();
    let (mut producer, _) = sides(&ring, 4);
    assert_eq!(producer.publish(2), Ok(()));
    ring.to_producer.0.fetch_or(Note::CLOSING, Relaxed);
    let mut consumer = ConsumerSide::attach(&ring, 4, true).unwrap();
    assert_eq!((ring.last(), consumer.ready()), (Some(2), 2));
    assert_eq!(producer.publish(1), Err(Refusal::Closed));
    consumer.release(2);
    assert_eq!(consumer.look(), Err(Refusal::Closed));
}

#[test]
fn a_closed_ring_stays_closed_for_every_successor() {
    let ring = Ring::default();
    let (mut producer, mut consumer) = sides(&ring, 4);
    assert_eq!(consumer.close(), Ok(()));
    assert_eq!(producer.publish(1), Err(Refusal::Closed));
    let (mut producer, mut consumer) = sides(&ring, 4);
    assert_eq!((producer.tail(), producer.room()), (0, 0), "the refused item does not count");
    assert_eq!(producer.look(), Err(Refusal::Closed));
    assert_eq!(consumer.look(), Err(Refusal::Closed));
}

#[test]
fn both_may_close() {
    let ring = Ring::default();
    let (mut producer, mut consumer) = sides(&ring, 4);
    assert_eq!(producer.publish(2), Ok(()));
    producer.close();
    assert_eq!(consumer.close(), Ok(()));
    producer.close();
    assert_eq!((ring.last(), consumer.ready()), (Some(2), 2));
}

#[test]
fn the_dead_are_drained_first() {
    let ring = Ring::default();
    ring.producer().store(9, Relaxed);
    let (mut producer, mut consumer) = sides(&ring, 4);
    // It pushes after our look, then dies: what we learn of its death, we learn after its push.
    let producer = Cell::new(Some(&mut producer));
    let dies = |_| producer.take().is_none_or(|p| p.publish(1).is_ok());
    assert_eq!(consumer.look(), Err(Refusal::NotYet));
    assert_eq!(consumer.doubt(Refusal::NotYet, &dies), Ok(()));
    consumer.release(1);
    assert_eq!(
        consumer.doubt(Refusal::NotYet, ALIVE),
        Err(Refusal::Abandoned),
        "no need to ask again"
    );
    assert_eq!(consumer.wait(SLEEPY, Deadline::NEVER, ALIVE), Err(Refusal::Abandoned));
}

#[test]
fn an_end_that_nobody_has_is_not_dead() {
    let ring = Ring::default();
    let (_, mut consumer) = sides(&ring, 4);
    assert_eq!(consumer.doubt(Refusal::NotYet, DEAD), Err(Refusal::NotYet));
    let soon = Deadline::after(Duration::from_millis(2));
    assert_eq!(consumer.wait(SLEEPY, soon, DEAD), Err(Refusal::TimedOut));
    assert_eq!(consumer.wait(HASTY, Deadline::PASSED, DEAD), Err(Refusal::TimedOut));
}

#[test]
fn a_successor_of_the_dead_is_worth_waiting_for() {
    let ring = Ring::default();
    ring.producer().store(9, Relaxed);
    let (_, mut consumer) = sides(&ring, 4);
    assert_eq!(consumer.doubt(Refusal::NotYet, DEAD), Err(Refusal::Abandoned));
    ring.producer().store(10, Relaxed);
    assert_eq!(consumer.doubt(Refusal::NotYet, ALIVE), Err(Refusal::NotYet));
}

#[test]
fn a_note_of_a_dead_sleeper_is_cleared_by_one_push() {
    let ring = Ring::default();
    let (mut producer, _) = sides(&ring, 4);
    ring.to_producer.0.store(Note::PARKED, Relaxed);
    assert_eq!(producer.publish(1), Ok(()));
    assert_eq!(ring.to_producer.0.load(Relaxed), 0);
}

#[test]
fn a_sleeper_takes_its_note_along() {
    let ring = Ring::default();
    let (mut producer, mut consumer) = sides(&ring, 1);
    assert_eq!(producer.publish(1), Ok(()));
    let soon = Deadline::after(Duration::from_millis(2));
    assert_eq!(producer.wait(SLEEPY, soon, ALIVE), Err(Refusal::TimedOut));
    assert_eq!(ring.to_consumer.0.load(Relaxed), 0);
    assert_eq!((consumer.look(), consumer.ready()), (Ok(()), 1));
}

/// Every item passes a ring of `capacity` in order, with sides that wait as `patience` says.
fn stream(capacity: u64, patience: Patience, barriers: bool) {
    const ITEMS: u64 = 20_000;
    let ring = Ring::default();
    thread::scope(|scope| {
        let producing = scope.spawn(|| {
            let mut producer = ProducerSide::attach(&ring, capacity, barriers).unwrap();
            while producer.tail() < ITEMS {
                producer.wait(patience, Deadline::NEVER, ALIVE).unwrap();
                producer.publish(1).unwrap();
            }
            producer.close();
        });
        let mut consumer = ConsumerSide::attach(&ring, capacity, barriers).unwrap();
        while consumer.wait(patience, Deadline::NEVER, ALIVE).is_ok() {
            consumer.release(consumer.ready());
        }
        assert_eq!(consumer.head(), ITEMS);
        producing.join().unwrap();
    });
}

#[test]
fn two_threads_never_lose_an_item_or_each_other() {
    let barriers = cpu::accept_barriers();
    for patience in [SLEEPY, Patience { spins: 50, ..SLEEPY }, HASTY] {
        stream(1, patience, barriers);
        stream(64, patience, barriers);
    }
}

#[test]
fn a_process_that_refused_barriers_pays_itself() {
    stream(1, SLEEPY, false);
}

#[test]
fn a_push_races_a_close_and_each_side_believes_the_same() {
    let barriers = cpu::accept_barriers();
    for _ in 0..2_000 {
        let ring = Ring::default();
        let mut consumer = ConsumerSide::attach(&ring, 64, barriers).unwrap();
        let mut producer = ProducerSide::attach(&ring, 64, barriers).unwrap();
        let pushed = thread::scope(|scope| {
            let pushing = scope.spawn(|| {
                while producer.room() != 0 && producer.publish(1).is_ok() {}
                producer.tail()
            });
            consumer.close().unwrap();
            pushing.join().unwrap()
        });
        assert_eq!(consumer.ready(), pushed, "what was accepted is what is delivered");
        assert_eq!(ring.last(), Some(pushed));
    }
}
