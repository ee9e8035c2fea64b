//! The ring as its users meet it: in one process, between processes, closed, forked, damaged. Who
//! is killed: see `spsc_killed.rs`.
#![allow(unsafe_code, reason = "payloads of every shape, slices in place, inherited handles")]
#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "a test may panic")]

use sabha::ring::spsc::{Consumer, PopError, Producer, PushError, Spsc};
use sabha::sync::{Adaptive, Block, Policy, Spin};
use sabha::{Deadline, Error, Payload, Region, Shareable};
use std::fmt::Debug;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;
use support::assert_refused;
use support::child::{Child, Random, until};
use support::fork::{ends_well, fork};
use zerocopy::FromBytes;

fn region() -> Region {
    Region::anonymous(1 << 20).unwrap()
}

fn ring(region: &Region, capacity: usize) -> Spsc<u64> {
    Spsc::open_or_create(region, "ring", capacity).unwrap()
}

fn ends<T: Payload>(ring: &Spsc<T>) -> (Producer<T>, Consumer<T>) {
    (ring.producer().unwrap(), ring.consumer().unwrap())
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_millis(3))
}

/// Longer than any test should last, shorter than a hang.
fn late() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

// ---- One process ----

#[test]
fn items_come_out_in_order() {
    let ring = ring(&region(), 8);
    let (mut producer, mut consumer) = ends(&ring);
    assert_eq!(consumer.try_pop(), Err(PopError::Empty));
    for item in 0..8 {
        assert_eq!(producer.try_push(item), Ok(()));
    }
    assert_eq!(producer.try_push(8), Err(PushError::Full(8)));
    assert_eq!(ring.len(), 8);
    for item in 0..8 {
        assert_eq!(consumer.try_pop(), Ok(item));
    }
    assert_eq!(consumer.try_pop(), Err(PopError::Empty));
    assert!(ring.is_empty());
}

#[test]
fn each_pop_makes_room_for_one_push() {
    let (mut producer, mut consumer) = ends(&ring(&region(), 4));
    for item in 0..4 {
        producer.try_push(item).unwrap();
    }
    for item in 4..100 {
        assert_eq!(producer.try_push(item), Err(PushError::Full(item)));
        assert_eq!(consumer.try_pop(), Ok(item - 4));
        assert_eq!(producer.try_push(item), Ok(()));
    }
}

#[test]
fn the_ring_is_a_queue_whatever_is_done_to_it() {
    let mut random = Random::new(0x5eed);
    for capacity in [1, 2, 8, 64] {
        let region = region();
        let (mut producer, mut consumer) = ends(&ring(&region, capacity));
        let (mut next, mut queue) = (0, std::collections::VecDeque::new());
        for _ in 0..20_000 {
            if random.below(2) == 0 {
                let room = capacity - queue.len();
                for _ in 0..push_somehow(&mut producer, next, room, &mut random) {
                    queue.push_back(next);
                    next += 1;
                }
            } else {
                for item in pop_somehow(&mut consumer, queue.len(), &mut random) {
                    assert_eq!(Some(item), queue.pop_front());
                }
            }
            assert_eq!((producer.position(), consumer.len()), (next, queue.len()));
            assert_eq!(consumer.position(), next - queue.len() as u64);
        }
    }
}

/// Pushes `next`, `next + 1` … by one of the ways there are; how many, which `room` decides.
fn push_somehow(p: &mut Producer<u64>, next: u64, room: usize, random: &mut Random) -> usize {
    let wanted = random.below(1 + 2 * p.capacity() as u64) as usize;
    let items: Vec<u64> = (next..).take(wanted).collect();
    match random.below(3) {
        0 => {
            let pushed = p.try_push(next).is_ok();
            assert_eq!(pushed, room > 0);
            usize::from(pushed)
        }
        1 => {
            let pushed = p.push_slice(&items);
            assert_eq!(
                pushed,
                if wanted > 0 && room == 0 {
                    Err(PushError::Full(()))
                } else {
                    Ok(wanted.min(room))
                }
            );
            pushed.unwrap_or(0)
        }
        _ => match p.claim(wanted) {
            Err(why) => {
                assert_eq!(why, PushError::Full(()));
                assert!(wanted > room);
                0
            }
            Ok(mut claim) => {
                assert!(wanted <= room && claim.len() == wanted);
                for (i, item) in items.iter().enumerate() {
                    claim.write(i, *item);
                }
                let count = random.below(1 + wanted as u64) as usize;
                claim.commit(count).unwrap();
                count
            }
        },
    }
}

/// Pops by one of the ways there are, if `waiting` items wait.
fn pop_somehow(c: &mut Consumer<u64>, waiting: usize, random: &mut Random) -> Vec<u64> {
    let wanted = random.below(1 + 2 * c.capacity() as u64) as usize;
    let mut items = vec![u64::MAX; wanted];
    match random.below(3) {
        0 => {
            let popped = c.try_pop();
            assert_eq!(popped.is_ok(), waiting > 0);
            popped.into_iter().collect()
        }
        1 => {
            let popped = c.pop_slice(&mut items);
            assert_eq!(
                popped,
                if wanted > 0 && waiting == 0 {
                    Err(PopError::Empty)
                } else {
                    Ok(wanted.min(waiting))
                }
            );
            items.truncate(popped.unwrap_or(0));
            items
        }
        _ => {
            let Ok(chunk) = c.read(wanted) else { return Vec::new() };
            assert_eq!(chunk.len(), wanted.min(waiting));
            let count = random.below(1 + chunk.len() as u64) as usize;
            let items = chunk.iter().take(count).collect();
            chunk.release(count);
            items
        }
    }
}

#[test]
fn the_capacity_is_rounded_up_and_part_of_the_type() {
    let region = region();
    for (asked, got) in [(1, 1), (2, 2), (3, 4), (100, 128), (128, 128)] {
        let name = format!("{asked}");
        assert_eq!(Spsc::<u64>::open_or_create(&region, &name, asked).unwrap().capacity(), got);
    }
    assert!(Spsc::<u64>::open(&region, "100", 128).is_ok());
    assert!(matches!(Spsc::<u64>::open(&region, "100", 256), Err(Error::OtherType { .. })));
    assert!(matches!(Spsc::<u32>::open(&region, "100", 128), Err(Error::OtherType { .. })));
    assert!(matches!(Spsc::<i64>::open(&region, "100", 128), Err(Error::OtherType { .. })));
    assert!(matches!(Spsc::<u64>::open(&region, "none", 128), Err(Error::NoSuchObject { .. })));
}

#[test]
fn a_capacity_of_nothing_or_of_everything_is_refused() {
    let region = region();
    for capacity in [0, usize::MAX, usize::MAX / 8, usize::MAX / 16 + 1] {
        let refused = Spsc::<u64>::open_or_create(&region, "ring", capacity);
        assert!(matches!(refused, Err(Error::OutOfRange { .. })), "{refused:?}");
    }
    let refused = Spsc::<u64>::open_or_create(&region, "ring", 1 << 30);
    assert!(matches!(refused, Err(Error::RegionFull { .. })), "{refused:?}");
}

/// One and the same byte, in every shape: so that a torn or shifted item shows.
fn shape<T: Payload + Copy + PartialEq + Debug>(of: impl Fn(u8) -> T) {
    let region = region();
    let (mut producer, mut consumer) = ends(&Spsc::open_or_create(&region, "ring", 5).unwrap());
    for round in 0..50_u8 {
        let items: Vec<T> = (0..5).map(|i| of(round.wrapping_mul(5) + i)).collect();
        assert_eq!(producer.push_slice(&items), Ok(5));
        let chunk = consumer.read(3).unwrap();
        assert_eq!(chunk.iter().collect::<Vec<_>>(), items[..3]);
        chunk.release(3);
        assert_eq!(consumer.try_pop(), Ok(items[3]));
        assert_eq!(consumer.try_pop(), Ok(items[4]));
    }
}

#[derive(Clone, Copy, PartialEq, Debug, FromBytes, Shareable)]
#[repr(C)]
struct Frame {
    line: Line,
    more: [u8; 128],
}

#[derive(Clone, Copy, PartialEq, Debug, FromBytes)]
#[repr(C, align(128))]
struct Line([u8; 128]);

// SAFETY: bytes; aligned, which the derive would keep as well.
unsafe impl Shareable for Line {
    const FINGERPRINT: u64 = <[u8; 128]>::FINGERPRINT;
}

#[test]
fn items_of_any_size_and_alignment() {
    shape(|byte| byte);
    shape(|byte| [byte; 3]);
    shape(|byte| [u32::from(byte); 5]);
    shape(|byte| [byte; 4099]);
    shape(|byte| Frame { line: Line([byte; 128]), more: [byte; 128] });
}

#[test]
fn a_claim_that_is_dropped_never_was() {
    let (mut producer, mut consumer) = ends(&ring(&region(), 4));
    let mut claim = producer.claim(4).unwrap();
    claim.write(0, 77);
    drop(claim);
    producer.claim(2).unwrap().abort();
    assert_eq!(consumer.try_pop(), Err(PopError::Empty));
    assert_eq!(producer.position(), 0);
    assert!(producer.claim(5).is_err(), "never so many");
    assert_eq!(producer.claim(0).unwrap().commit(0), Ok(()));
}

#[test]
fn a_chunk_that_is_dropped_comes_again() {
    let (mut producer, mut consumer) = ends(&ring(&region(), 4));
    producer.push_slice(&[1, 2, 3]).unwrap();
    drop(consumer.read(2).unwrap());
    let chunk = consumer.read(2).unwrap();
    assert_eq!((chunk.get(0), chunk.get(1), chunk.get(2)), (Some(1), Some(2), None));
    chunk.release(1);
    assert_eq!(consumer.read(9).unwrap().iter().collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn slices_in_place_go_round_the_end() {
    let (mut producer, mut consumer) = ends(&ring(&region(), 4));
    producer.push_slice(&[0, 1, 2]).unwrap();
    consumer.pop_slice(&mut [0; 3]).unwrap();
    let mut claim = producer.claim(3).unwrap();
    // SAFETY: nobody else has the region.
    let (run, rest) = unsafe { claim.as_mut_slices() };
    assert_eq!((run.len(), rest.len()), (1, 2));
    for (slot, item) in run.iter_mut().chain(rest).zip([3, 4, 5]) {
        slot.write(item);
    }
    claim.commit(3).unwrap();
    let chunk = consumer.read(3).unwrap();
    // SAFETY: nobody else has the region.
    assert_eq!(unsafe { chunk.as_slices() }, (&[3][..], &[4, 5][..]));
}

#[test]
#[should_panic(expected = "slot 2 of 2 that were claimed")]
fn a_claim_is_not_written_behind_its_end() {
    let (mut producer, _consumer) = ends(&ring(&region(), 4));
    producer.claim(2).unwrap().write(2, 0);
}

#[test]
#[should_panic(expected = "commit of 3 slots of 2 that were claimed")]
fn no_more_is_committed_than_was_claimed() {
    let (mut producer, _consumer) = ends(&ring(&region(), 4));
    let _ = producer.claim(2).unwrap().commit(3);
}

#[test]
#[should_panic(expected = "release of 2 items of 1")]
fn no_more_is_released_than_was_read() {
    let (mut producer, mut consumer) = ends(&ring(&region(), 4));
    producer.try_push(1).unwrap();
    consumer.read(4).unwrap().release(2);
}

#[test]
fn handles_may_move_between_threads() {
    fn sends<T: Send>(value: T) -> T {
        value
    }
    fn shares<T: Send + Sync + Clone>(_: &T) {}
    let ring = ring(&region(), 16);
    shares(&ring);
    let (producer, mut consumer) = ends(&ring);
    let mut producer = sends(producer).waiting::<Block>();
    std::thread::scope(|scope| {
        let pushing =
            scope.spawn(move || (0..10_000).for_each(|item| producer.push(item).unwrap()));
        (0..10_000).for_each(|item| assert_eq!(consumer.pop(), Ok(item)));
        pushing.join().unwrap();
    });
}

#[test]
fn errors_say_what_happened_and_give_the_item_back() {
    assert_eq!(PushError::Full(7).into_value(), 7);
    assert_eq!(
        format!("{:?}: {}", PushError::Closed([0; 9]), PushError::Closed(())),
        "Closed(..): the ring is closed"
    );
    assert_eq!(PopError::Closed.to_string(), "the ring is closed and drained");
    let boxed: Box<dyn std::error::Error + Send + Sync> = PushError::Abandoned(1).into();
    assert_eq!(boxed.to_string(), "the ring is full, and its consumer is gone");
}

// ---- Whose end ----

fn taken<T: Debug>(refused: Result<T, Error>) -> u32 {
    match refused {
        Err(Error::Taken { by, .. }) => by.pid,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_end_has_one_owner_in_this_process() {
    let ring = ring(&region(), 4);
    let (producer, consumer) = ends(&ring);
    assert_eq!(taken(ring.producer()), std::process::id());
    assert_eq!(taken(ring.clone().consumer()), std::process::id());
    drop((producer, consumer));
    drop(ends(&ring));
}

#[test]
fn an_end_has_one_owner_in_all_processes() {
    let region = region();
    let ring = ring(&region, 4);
    let ready = region.object::<AtomicU64>("ready").unwrap();
    let child = Child::spawn(|| {
        let _ends = ends(&ring);
        ready.store(1, SeqCst);
        until("the parent", || ready.load(SeqCst) == 2);
    });
    until("the child", || ready.load(SeqCst) == 1);
    assert_eq!(taken(ring.producer()), child.pid as u32);
    assert_eq!(taken(ring.consumer()), child.pid as u32);
    ready.store(2, SeqCst);
    assert_eq!(child.wait(), 0);
    drop(ends(&ring));
}

#[test]
fn an_end_whose_owner_cannot_be_described_is_refused_not_waited_for() {
    let region = region();
    let ring = ring(&region, 4);
    let (producer, _consumer) = ends(&ring);
    let record = 4096 + u64::from(region.member().unwrap().slot()) * 128;
    File::from(region.as_fd().try_clone_to_owned().unwrap())
        .write_all_at(&[0xff; 4], record + 16)
        .unwrap(); // its word that it is complete
    ends_well(fork(|| {
        let refused = ring.producer();
        assert_refused!(refused, Error::Corrupt { what: "the owner of a ring's end", .. });
    }));
    drop(producer);
    ring.producer().unwrap();
}

#[test]
fn an_end_that_was_given_back_goes_on_where_it_was() {
    let ring = ring(&region(), 4);
    for round in 0..10 {
        ring.producer().unwrap().push_slice(&[round, 100 + round]).unwrap();
        let mut consumer = ring.consumer().unwrap();
        assert_eq!((consumer.position(), consumer.len()), (2 * round, 2));
        assert_eq!((consumer.try_pop(), consumer.try_pop()), (Ok(round), Ok(100 + round)));
    }
}

#[test]
fn an_end_that_nobody_has_is_not_abandoned() {
    let ring = ring(&region(), 2);
    let mut consumer = ring.consumer().unwrap();
    assert_eq!(consumer.try_pop(), Err(PopError::Empty));
    assert_eq!(consumer.pop_until(soon()), Err(PopError::TimedOut));
    assert!(!consumer.is_abandoned());
    drop(consumer);
    let mut producer = ring.producer().unwrap();
    producer.push_slice(&[1, 2]).unwrap();
    assert_eq!(producer.try_push(3), Err(PushError::Full(3)));
    assert_eq!(producer.push_until(3, soon()), Err(PushError::TimedOut(3)));
    assert_eq!(producer.push_until(3, Deadline::PASSED), Err(PushError::TimedOut(3)));
    assert!(!producer.is_abandoned());
}

/// The copy of a handle that a child gets by the fork, as a value. Its parent keeps the other.
fn inherited<T>(handle: &T) -> T {
    // SAFETY: called in a forked child, which uses this one and leaves the original alone.
    unsafe { std::ptr::read(handle) }
}

#[test]
fn inherited_ends_refuse_and_are_not_given_back_by_the_child() {
    let region = region();
    let ring = ring(&region, 4);
    let (mut producer, mut consumer) = ends(&ring);
    producer.push_slice(&[1, 2]).unwrap();
    let child = Child::spawn(|| {
        let (mut p, mut c) = (inherited(&producer), inherited(&consumer));
        assert_eq!(p.try_push(9), Err(PushError::Forked(9)));
        assert_eq!(p.push(9), Err(PushError::Forked(9)));
        assert_eq!(p.push_slice(&[9]), Err(PushError::Forked(())));
        assert_eq!(p.claim(1).map(drop), Err(PushError::Forked(())));
        assert!(matches!(p.close(), Err(Error::Forked)));
        assert_eq!(c.try_pop(), Err(PopError::Forked));
        assert_eq!(c.pop(), Err(PopError::Forked));
        assert_eq!(c.pop_slice(&mut [0]), Err(PopError::Forked));
        assert_eq!(c.read(1).map(drop), Err(PopError::Forked));
        assert!(matches!(c.close(), Err(Error::Forked)));
        drop((p, c));
        assert!(matches!(ring.producer(), Err(Error::Taken { .. })), "the parent's still");
        assert!(matches!(ring.consumer(), Err(Error::Taken { .. })), "the parent's still");
    });
    assert_eq!(child.wait(), 0);
    assert_eq!((producer.try_push(3), consumer.try_pop()), (Ok(()), Ok(1)));
    assert_eq!((ring.len(), ring.is_closed()), (2, false));
}

#[test]
fn inherited_claims_and_chunks_are_empty() {
    let region = region();
    let (mut producer, mut consumer) = ends(&ring(&region, 4));
    producer.push_slice(&[1, 2]).unwrap();
    let mut claim = producer.claim(2).unwrap();
    let chunk = consumer.read(2).unwrap();
    claim.write(0, 3);
    let child = Child::spawn(|| {
        let (claim, chunk) = (inherited(&claim), inherited(&chunk));
        assert_eq!((claim.len(), chunk.len(), chunk.get(0)), (0, 0, None));
        assert_eq!(claim.commit(1), Err(PushError::Forked(())));
        chunk.release(1);
    });
    assert_eq!(child.wait(), 0);
    assert_eq!(claim.commit(1), Ok(()));
    assert_eq!(chunk.iter().collect::<Vec<_>>(), [1, 2]);
    assert_eq!((producer.position(), consumer.position()), (3, 0));
}

// ---- Two processes ----

/// A child pushes the numbers below `items`, as `push` does from a position on; they arrive in
/// order.
fn stream<P: Policy>(
    capacity: usize,
    items: u64,
    push: impl Fn(&mut Producer<u64, P>, u64),
    pop: impl Fn(&mut Consumer<u64, P>, u64),
) {
    let region = region();
    let ring = ring(&region, capacity);
    let mut consumer = ring.consumer().unwrap().waiting::<P>();
    let child = Child::spawn(|| {
        let mut producer = ring.producer().unwrap().waiting::<P>();
        while producer.position() < items {
            push(&mut producer, items);
        }
        producer.close().unwrap();
    });
    while consumer.position() < items {
        pop(&mut consumer, items);
    }
    assert_eq!(consumer.pop(), Err(PopError::Closed));
    assert_eq!(child.wait(), 0);
}

fn push_one<P: Policy>(producer: &mut Producer<u64, P>, _: u64) {
    producer.push(producer.position()).unwrap();
}

fn pop_one<P: Policy>(consumer: &mut Consumer<u64, P>, _: u64) {
    let expected = consumer.position();
    assert_eq!(consumer.pop(), Ok(expected));
}

#[test]
fn a_million_items_arrive_in_order() {
    stream::<Adaptive>(1024, 1_000_000, push_one, pop_one);
}

#[test]
fn a_ring_of_one_slot_is_a_ring() {
    stream::<Adaptive>(1, 20_000, push_one, pop_one);
}

#[test]
fn each_policy_gets_every_item() {
    stream::<Block>(4, 20_000, push_one, pop_one);
    stream::<Spin>(4, 20_000, push_one, pop_one);
}

#[test]
fn a_million_items_arrive_in_batches_round_the_end() {
    stream::<Adaptive>(
        128,
        1_000_000,
        |producer, items| {
            let next = producer.position();
            let batch: Vec<u64> = (next..items).take(48).collect();
            if producer.push_slice(&batch) == Err(PushError::Full(())) {
                producer.push(next).unwrap();
            }
        },
        |consumer, _| {
            let (expected, mut batch) = (consumer.position(), [0; 37]);
            match consumer.pop_slice(&mut batch) {
                Ok(count) => {
                    assert!(batch.iter().take(count).copied().eq((expected..).take(count)))
                }
                Err(_) => assert_eq!(consumer.pop(), Ok(expected)),
            }
        },
    );
}

#[test]
fn a_million_items_arrive_in_place() {
    stream::<Adaptive>(
        128,
        1_000_000,
        |producer, items| {
            let next = producer.position();
            let count = producer.room().min((items - next) as usize);
            if count == 0 {
                return producer.push(next).unwrap();
            }
            let mut claim = producer.claim(count).unwrap();
            (0..count).for_each(|i| claim.write(i, next + i as u64));
            claim.commit(count).unwrap();
        },
        |consumer, _| {
            let expected = consumer.position();
            let Ok(chunk) = consumer.read(100) else {
                return assert_eq!(consumer.pop(), Ok(expected));
            };
            let count = chunk.len();
            assert!(chunk.iter().eq((expected..).take(count)));
            chunk.release(count);
        },
    );
}

#[test]
fn two_that_sleep_wake_each_other_each_time() {
    // A wake that is lost costs a pulse of 100 ms: two thousand of them would not end in a minute.
    let region = region();
    let there = Spsc::<u64>::open_or_create(&region, "there", 1).unwrap();
    let back = Spsc::<u64>::open_or_create(&region, "back", 1).unwrap();
    let child = Child::spawn(|| {
        let mut calls = there.consumer().unwrap().waiting::<Block>();
        let mut answers = back.producer().unwrap().waiting::<Block>();
        while let Ok(call) = calls.pop() {
            answers.push(call + 1).unwrap();
        }
    });
    let mut calls = there.producer().unwrap().waiting::<Block>();
    let mut answers = back.consumer().unwrap().waiting::<Block>();
    for call in 0..2_000 {
        assert_eq!(calls.push_until(call, late()), Ok(()));
        assert_eq!(answers.pop_until(late()), Ok(call + 1));
    }
    calls.close().unwrap();
    assert_eq!(child.wait(), 0);
}

#[test]
fn a_sleeping_producer_wakes_when_there_is_room() {
    let region = region();
    let ring = ring(&region, 2);
    let mut consumer = ring.consumer().unwrap();
    let child = Child::spawn(|| {
        let mut producer = ring.producer().unwrap().waiting::<Block>();
        (0..4).for_each(|item| producer.push(item).unwrap());
    });
    until("a full ring", || ring.len() == 2);
    child.until_asleep();
    for item in 0..4 {
        assert_eq!(consumer.pop_until(late()), Ok(item));
    }
    assert_eq!(child.wait(), 0);
}

// ---- Closing ----

/// Where nobody can order the producer's stores, what it has pushed by now must have had the time to be seen.
#[test]
fn without_barriers_a_consumer_closes_only_after_a_while() {
    ends_well(fork(|| {
        support::system::refuse_system_call(libc::SYS_membarrier, libc::EPERM);
        let ring = ring(&region(), 4);
        let (_producer, mut consumer) = ends(&ring);
        let start = std::time::Instant::now();
        consumer.close().unwrap();
        assert!(start.elapsed() >= Duration::from_millis(1));
        assert!(ring.is_closed());
    }));
}

#[test]
fn a_closed_ring_is_drained_and_then_closed_for_ever() {
    let ring = ring(&region(), 4);
    let (mut producer, mut consumer) = ends(&ring);
    producer.push_slice(&[1, 2]).unwrap();
    producer.close().unwrap();
    producer.close().unwrap();
    assert_eq!(producer.try_push(3), Err(PushError::Closed(3)));
    assert_eq!(producer.push(3), Err(PushError::Closed(3)));
    assert_eq!(producer.push_slice(&[3]), Err(PushError::Closed(())));
    drop(producer);
    assert_eq!(ring.producer().unwrap().try_push(3), Err(PushError::Closed(3)));
    assert_eq!((consumer.try_pop(), consumer.pop()), (Ok(1), Ok(2)));
    assert_eq!(
        (consumer.try_pop(), consumer.pop()),
        (Err(PopError::Closed), Err(PopError::Closed))
    );
    drop(consumer);
    assert_eq!(ring.consumer().unwrap().pop(), Err(PopError::Closed));
    assert!(ring.is_closed());
}

#[test]
fn a_consumer_closes_behind_what_was_pushed() {
    let ring = ring(&region(), 4);
    let (mut producer, mut consumer) = ends(&ring);
    producer.push_slice(&[1, 2]).unwrap();
    let mut claim = producer.claim(1).unwrap();
    consumer.close().unwrap();
    claim.write(0, 3);
    assert_eq!(claim.commit(1), Err(PushError::Closed(())));
    assert_eq!(producer.push(3), Err(PushError::Closed(3)));
    assert_eq!((producer.position(), ring.len()), (2, 2));
    assert_eq!((consumer.pop(), consumer.pop()), (Ok(1), Ok(2)));
    assert_eq!(consumer.pop(), Err(PopError::Closed));
}

#[test]
fn a_push_that_races_the_consumers_close_gets_its_item_back() {
    let ring = ring(&region(), 4);
    let (mut producer, mut consumer) = ends(&ring);
    consumer.close().unwrap();
    // The producer has room, and has not looked.
    assert_eq!(producer.try_push(0x1234_5678_9abc), Err(PushError::Closed(0x1234_5678_9abc)));
}

/// A child pushes until it is refused, and says how many items it was promised; the parent closes.
fn close_while_pushed(capacity: usize, before: u64) {
    let region = region();
    let ring = ring(&region, capacity);
    let promised = region.object::<AtomicU64>("promised").unwrap();
    let mut consumer = ring.consumer().unwrap();
    let child = Child::spawn(|| {
        let mut producer = ring.producer().unwrap();
        while producer.push(producer.position()).is_ok() {}
        promised.store(producer.position(), SeqCst);
    });
    for item in 0..before {
        assert_eq!(consumer.pop(), Ok(item));
    }
    consumer.close().unwrap();
    while let Ok(item) = consumer.pop() {
        assert_eq!(item + 1, consumer.position());
    }
    assert_eq!(consumer.pop(), Err(PopError::Closed));
    assert_eq!(child.wait(), 0);
    assert_eq!(consumer.position(), promised.load(SeqCst), "accepted is delivered, refused is not");
}

#[test]
fn a_close_among_pushes_is_exact() {
    for round in 0..200 {
        close_while_pushed(64, round * 7);
        close_while_pushed(1, round % 5);
    }
}

#[test]
fn a_close_wakes_the_sleepers() {
    for producer_closes in [true, false] {
        let region = region();
        let ring = ring(&region, 1);
        let (mut producer, mut consumer) = ends(&ring);
        producer.push(0).unwrap();
        let child = if producer_closes {
            drop(consumer);
            let child = Child::spawn(|| {
                let mut consumer = ring.consumer().unwrap();
                assert_eq!((consumer.pop(), consumer.pop()), (Ok(0), Err(PopError::Closed)));
            });
            child.until_asleep();
            producer.close().unwrap();
            child
        } else {
            drop(producer);
            let child = Child::spawn(|| {
                let mut producer = ring.producer().unwrap();
                assert_eq!(producer.push(1), Err(PushError::Closed(1)));
            });
            child.until_asleep();
            consumer.close().unwrap();
            child
        };
        assert_eq!(child.wait(), 0);
    }
}

// ---- Damage ----

/// The bytes of the ring in the region's file.
struct Bytes(std::fs::File, u64);

impl Bytes {
    fn of(region: &Region) -> Self {
        const HEAP_AT: u64 = 102_400;
        let file = region.as_fd().try_clone_to_owned().unwrap().into();
        Self(file, HEAP_AT + region.list().iter().find(|o| o.name == "ring").unwrap().offset)
    }

    fn put(&self, at: u64, word: u64) {
        self.0.write_all_at(&word.to_ne_bytes(), self.1 + at).unwrap();
    }
}

const TAIL: u64 = 0;
const HEAD: u64 = 128;
const PRODUCER: u64 = 256; // and the consumer, four bytes on
const LAST: u64 = 264;

const LIES: [u64; 5] = [1_000_000, 9, u64::MAX, u64::MAX / 2, 1 << 63];

#[test]
fn an_impossible_head_is_refused() {
    let region = region();
    let (mut producer, mut consumer) = ends(&ring(&region, 4));
    producer.push_slice(&[0; 4]).unwrap();
    for lie in LIES {
        Bytes::of(&region).put(HEAD, lie);
        assert_eq!(producer.try_push(1), Err(PushError::Corrupt(1)), "{lie:#x}");
        assert_eq!(producer.push(1), Err(PushError::Corrupt(1)), "{lie:#x}");
        assert_eq!(producer.claim(1).map(drop), Err(PushError::Corrupt(())), "{lie:#x}");
    }
    consumer.pop_slice(&mut [0; 4]).unwrap(); // stores its own
    assert_eq!((producer.try_push(7), consumer.try_pop()), (Ok(()), Ok(7)), "and it goes on");
}

#[test]
fn an_impossible_tail_is_refused() {
    let region = region();
    let ring = ring(&region, 4);
    let (mut producer, mut consumer) = ends(&ring);
    for lie in LIES {
        Bytes::of(&region).put(TAIL, lie);
        assert_eq!(consumer.try_pop(), Err(PopError::Corrupt), "{lie:#x}");
        assert_eq!(consumer.pop(), Err(PopError::Corrupt), "{lie:#x}");
        assert_eq!(consumer.read(1).map(drop), Err(PopError::Corrupt), "{lie:#x}");
        assert!(ring.len() <= 4);
    }
    assert_eq!((producer.try_push(7), consumer.try_pop()), (Ok(()), Ok(7)), "and it goes on");
}

#[test]
fn nobody_takes_an_end_of_a_damaged_ring() {
    let region = region();
    let ring = ring(&region, 4);
    let bytes = Bytes::of(&region);
    bytes.put(TAIL, 77);
    assert!(matches!(ring.producer(), Err(Error::Corrupt { found: 77, expected: 4, .. })));
    assert!(matches!(ring.consumer(), Err(Error::Corrupt { found: 77, expected: 4, .. })));
    bytes.put(TAIL, 0);
    drop(ends(&ring)); // the refused gave their ends back
}

#[test]
fn an_owner_that_is_no_name_is_replaced() {
    let region = region();
    let ring = ring(&region, 4);
    for garbage in [1, u64::MAX, 0x1234_5678_9abc_def0, 0x2000_0001_3fff_ffff] {
        Bytes::of(&region).put(PRODUCER, garbage);
        drop(ends(&ring));
    }
}

#[test]
fn no_bytes_whatsoever_do_harm() {
    let mut random = Random::new(42);
    let region = region();
    let ring = ring(&region, 8);
    let bytes = Bytes::of(&region);
    for _ in 0..3_000 {
        for at in [TAIL, HEAD, PRODUCER, LAST, 384, 512] {
            let word = [0, 1, 7, 8, 9, u64::MAX, random.below(1 << 20), random.below(u64::MAX)];
            bytes.put(at, word[random.below(8) as usize]);
        }
        if let Ok(mut producer) = ring.producer() {
            let _ = (producer.try_push(1), producer.push_slice(&[2; 20]), producer.room());
            let _ =
                (producer.push_until(3, Deadline::PASSED), producer.claim(3).map(|c| c.commit(2)));
            let _ = (producer.is_abandoned(), producer.position(), producer.close());
        }
        if let Ok(mut consumer) = ring.consumer() {
            let _ = (consumer.try_pop(), consumer.pop_slice(&mut [0; 20]), consumer.len());
            let _ = (consumer.pop_until(Deadline::PASSED), consumer.read(3).map(|c| c.release(1)));
            let _ = (consumer.is_abandoned(), consumer.position(), consumer.close());
        }
        assert!(ring.len() <= 8);
    }
}

#[test]
fn a_live_scribbler_does_no_harm() {
    let region = region();
    let ring = ring(&region, 8);
    let (mut producer, mut consumer) = ends(&ring);
    let child = Child::spawn(|| {
        let (mut random, bytes) = (Random::new(7), Bytes::of(&region));
        loop {
            bytes.put([TAIL, HEAD][random.below(2) as usize], random.below(16));
        }
    });
    for item in 0..20_000 {
        let _ = (
            producer.try_push(item),
            consumer.try_pop(),
            consumer.read(8).map(|chunk| chunk.iter().count()),
        );
    }
    child.kill();
}
