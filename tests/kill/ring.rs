//! `ring::spsc`: whoever is killed, what was pushed is delivered, whole and in order; what was not released comes again; and the
//! ring works from there on.
//!
//! Names of the rows (P1 … K2): the crash table in `src/ring/spsc/protocol.rs`.

use sabha::ring::spsc::{Consumer, PopError, Producer, PushError, Spsc};
use sabha::sync::Block;
use sabha::{Deadline, Region};
use std::time::Duration;
use support::kill::{Scene, Seen, begin, end};

/// Wide, so that a torn one shows.
type Item = [u64; 5];

/// The operation had not happened yet.
const ABSENT: Seen = 0;
/// It had.
const DONE: Seen = 1;

struct World {
    region: Region,
    ring: Spsc<Item>,
}

impl World {
    fn new(capacity: usize) -> Self {
        let region = Region::anonymous(1 << 16).unwrap();
        let ring = Spsc::open_or_create(&region, "ring", capacity).unwrap();
        Self { region, ring }
    }

    fn producer(&self) -> Producer<Item> {
        self.ring.producer().expect("its last owner is dead")
    }

    fn consumer(&self) -> Consumer<Item> {
        self.ring.consumer().expect("its last owner is dead")
    }
}

fn small() -> World {
    World::new(2)
}

/// Items 0 and 1 are in it.
fn full() -> World {
    let world = small();
    world.producer().push_slice(&[[0; 5], [1; 5]]).unwrap();
    world
}

/// Longer than any test should last, shorter than a hang.
fn late() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// The ring works from here on: with new owners of both ends, who agree.
fn works(producer: &mut Producer<Item>, consumer: &mut Consumer<Item>) {
    for _ in 0..=producer.capacity() {
        let at = producer.position();
        assert_eq!((producer.try_push([at; 5]), consumer.try_pop()), (Ok(()), Ok([at; 5])));
    }
}

/// Takes both ends over, drains what is there in order, and goes on: how far the producer had come.
fn drain(world: &World) -> Seen {
    let (mut producer, mut consumer) = (world.producer(), world.consumer());
    let came = producer.position();
    while consumer.position() < came {
        let expected = consumer.position();
        assert_eq!(consumer.try_pop(), Ok([expected; 5]));
    }
    works(&mut producer, &mut consumer);
    Seen::try_from(came).unwrap()
}

/// The same: how far the consumer had come.
fn resume(world: &World) -> Seen {
    let (producer, mut consumer) = (world.producer(), world.consumer());
    let released = consumer.position();
    for expected in released..producer.position() {
        assert_eq!(consumer.try_pop(), Ok([expected; 5]), "released, or it comes again");
    }
    drop((producer, consumer));
    drain(world);
    Seen::try_from(released).unwrap()
}

/// How far it had come may differ; that the ring works does not.
fn usable(_: Seen) -> Seen {
    0
}

/// Item 0 was pushed, and the ring closed or not: both ends believe the same.
fn closed_or_open(world: &World) -> Seen {
    let was_closed = world.ring.is_closed();
    let (mut producer, mut consumer) = (world.producer(), world.consumer());
    assert_eq!(consumer.try_pop(), Ok([0; 5]));
    if was_closed {
        assert_eq!(producer.try_push([1; 5]), Err(PushError::Closed([1; 5])));
        assert_eq!(consumer.try_pop(), Err(PopError::Closed));
        return DONE;
    }
    works(&mut producer, &mut consumer);
    ABSENT
}

/// The victim has the producer's end, and pushes as `push` does.
fn pushing<'a>(push: impl Fn(&mut Producer<Item>) + 'a) -> impl Fn(&World) + 'a {
    move |world| {
        let mut producer = world.producer();
        begin();
        push(&mut producer);
        end();
    }
}

fn popping<'a>(pop: impl Fn(&mut Consumer<Item>) + 'a) -> impl Fn(&World) + 'a {
    move |world| {
        let mut consumer = world.consumer();
        begin();
        pop(&mut consumer);
        end();
    }
}

support::kill_tests! {
    fn a_push() covers ["Producer::try_push", "Producer::push", "Producer::push_until"] {
        let victim = pushing(|producer| {
            producer.try_push([0; 5]).unwrap();
            producer.push([1; 5]).unwrap();
        });
        Scene::new("spsc.try_push, push", small, victim, drain).run().saw(&[0, 1, 2]);
        let in_vain = pushing(|producer| {
            assert_eq!(producer.push_until([2; 5], Deadline::PASSED), Err(PushError::TimedOut([2; 5])));
        });
        Scene::new("spsc.push_until, in vain", full, in_vain, drain).run().saw(&[2]);
    }

    fn a_push_of_several() covers ["Producer::push_slice"] {
        let victim = pushing(|producer| assert_eq!(producer.push_slice(&[[0; 5], [1; 5]]), Ok(2)));
        Scene::new("spsc.push_slice", small, victim, drain).run().saw(&[0, 2]);
    }

    fn a_claim() covers ["Producer::claim", "Claim::write", "Claim::as_mut_slices", "Claim::commit", "Claim::abort"] {
        let committed = pushing(|producer| {
            producer.claim(1).unwrap().abort();
            let mut claim = producer.claim(2).unwrap();
            (0..2).for_each(|index| claim.write(index, [index as u64; 5]));
            claim.commit(2).unwrap();
        });
        Scene::new("spsc.claim, commit", small, committed, drain).run().saw(&[0, 2]);
    }

    fn a_pop() covers ["Consumer::try_pop", "Consumer::pop", "Consumer::pop_until"] {
        let victim = popping(|consumer| {
            assert_eq!(consumer.try_pop(), Ok([0; 5]));
            assert_eq!(consumer.pop(), Ok([1; 5]));
        });
        Scene::new("spsc.try_pop, pop", full, victim, resume).run().saw(&[0, 1, 2]);
        let in_vain = popping(|consumer| {
            assert_eq!(consumer.pop_until(Deadline::PASSED), Err(PopError::TimedOut));
        });
        Scene::new("spsc.pop_until, in vain", small, in_vain, resume).run().saw(&[0]);
    }

    fn a_pop_of_several() covers ["Consumer::pop_slice"] {
        let victim = popping(|consumer| assert_eq!(consumer.pop_slice(&mut [[0; 5]; 2]), Ok(2)));
        Scene::new("spsc.pop_slice", full, victim, resume).run().saw(&[0, 2]);
    }

    fn a_read_in_place() covers ["Consumer::read", "Chunk::release", "Chunk::get", "Chunk::iter"] {
        let victim = popping(|consumer| {
            let chunk = consumer.read(2).unwrap();
            assert_eq!(chunk.get(0), Some([0; 5]));
            chunk.release(1);
        });
        Scene::new("spsc.read, release", full, victim, resume).run().saw(&[0, 1]);
    }

    fn a_close_by_either_end() covers ["Producer::close", "Consumer::close"] {
        let one = || {
            let world = small();
            world.producer().push([0; 5]).unwrap();
            world
        };
        let producer = pushing(|producer| producer.close().unwrap());
        Scene::new("spsc.producer.close", one, producer, closed_or_open).run().saw(&[ABSENT, DONE]);
        let consumer = popping(|consumer| consumer.close().unwrap());
        Scene::new("spsc.consumer.close", one, consumer, closed_or_open).run().saw(&[ABSENT, DONE]);
    }

    fn an_end_that_is_taken_and_given_back() covers ["Spsc::producer", "Spsc::consumer", "drop Tenure"] {
        let take = |world: &World| {
            world.region.member().unwrap();
            begin();
            let ends = (world.ring.producer().unwrap(), world.ring.consumer().unwrap());
            drop(ends);
            end();
        };
        Scene::new("spsc.producer, consumer, drop", full, take, drain).run().saw(&[2]);
        let over = |world: &World| {
            world.region.member().unwrap();
            begin();
            std::mem::forget(world.ring.producer().unwrap());
            end();
        };
        Scene::new("spsc.producer, again in recovery", full, over, drain).with_recovery(over).run().saw(&[2]);
    }

    fn a_ring_that_is_made() covers ["Spsc::open_or_create", "Spsc::open"] {
        let world = || Region::anonymous(1 << 16).unwrap();
        let victim = |region: &Region| {
            region.enter().unwrap();
            begin();
            std::mem::forget(Spsc::<Item>::open_or_create(region, "ring", 2).unwrap());
            std::mem::forget(Spsc::<Item>::open(region, "ring", 2).unwrap());
            end();
        };
        let survivor = |region: &Region| {
            let was_there = region.list().iter().any(|object| object.name == "ring");
            let ring = Spsc::open_or_create(region, "ring", 2).unwrap();
            assert_eq!(drain(&World { region: region.clone(), ring }), 0);
            if was_there { DONE } else { ABSENT }
        };
        Scene::new("spsc.open_or_create", world, victim, survivor).run().saw(&[ABSENT, DONE]);
    }

    /// P3, P4: the sleeper gets the item, at the latest after a pulse; or it is told that its producer is dead.
    fn a_push_while_the_consumer_sleeps() covers ["Consumer::pop", "Consumer::waiting"] {
        let victim = pushing(|producer| producer.try_push([0; 5]).unwrap());
        let sleeper = |world: &World| {
            let mut consumer = world.consumer().waiting::<Block>();
            let popped = consumer.pop_until(late());
            assert!(matches!(popped, Ok([0, 0, 0, 0, 0]) | Err(PopError::Abandoned)), "{popped:?}");
            assert_eq!(popped.is_ok(), consumer.position() == 1);
        };
        Scene::new("spsc.try_push, one asleep", small, victim, drain).with_sleeper(sleeper).run().saw(&[0, 1]);
    }

    /// C3: the same for room.
    fn a_pop_while_the_producer_sleeps() covers ["Producer::push", "Producer::waiting"] {
        let victim = popping(|consumer| assert_eq!(consumer.try_pop(), Ok([0; 5])));
        let sleeper = |world: &World| {
            let mut producer = world.producer().waiting::<Block>();
            let pushed = producer.push_until([2; 5], late());
            assert!(matches!(pushed, Ok(()) | Err(PushError::Abandoned(_))), "{pushed:?}");
        };
        Scene::new("spsc.try_pop, one asleep", full, victim, resume).with_sleeper(sleeper).run().saw(&[0, 1]);
    }

    /// C1: killed on its way to sleep, asleep, and woken.
    fn a_consumer_that_sleeps() covers ["Consumer::pop"] {
        let victim = |world: &World| {
            let mut consumer = world.consumer().waiting::<Block>();
            begin();
            let _ = consumer.pop();
            end();
        };
        let push = |world: &World| world.producer().push([0; 5]).unwrap();
        Scene::new("spsc.pop, slept and woken", small, victim, resume).with_waker(push).run().saw(&[0, 1]);
    }

    fn both_ends_at_once() covers ["Producer::try_push", "Consumer::try_pop"] {
        let push = pushing(|producer| _ = producer.try_push([2; 5]));
        let pop = popping(|consumer| assert_eq!(consumer.try_pop(), Ok([0; 5])));
        Scene::new("spsc.try_push | spsc.try_pop", full, push, |world| usable(resume(world)))
            .with_contender(pop)
            .run()
            .saw(&[0]);
        let close = popping(|consumer| consumer.close().unwrap());
        let push = pushing(|producer| _ = producer.try_push([0; 5]));
        let agree = |world: &World| {
            let (mut producer, mut consumer) = (world.producer(), world.consumer());
            let came = consumer.try_pop();
            if world.ring.is_closed() {
                assert!(matches!(came, Ok([0, 0, 0, 0, 0]) | Err(PopError::Closed)), "{came:?}");
                assert_eq!(consumer.try_pop(), Err(PopError::Closed));
                assert_eq!(producer.try_push([9; 5]), Err(PushError::Closed([9; 5])));
                return DONE;
            }
            works(&mut producer, &mut consumer);
            ABSENT
        };
        Scene::new("spsc.try_push | spsc.consumer.close", small, push, agree)
            .with_contender(close)
            .run()
            .saw(&[ABSENT, DONE]);
    }
}
