//! Rings: an item is whole, absent, or comes once more; whoever sleeps at the other end gets it or is told; and the ends of the
//! dead can be taken.

use crate::c::*;
use crate::scene;
use std::sync::atomic::Ordering::Relaxed;
use support::kill::{Scene, Seen, begin, end};

const CAPACITY: usize = 4;

/// What a survivor adds to the number of items if the ring is closed.
const CLOSED: Seen = 10;

struct World {
    region: Handle<Region>,
    ring: Handle<Ring>,
    /// How many items were in the ring before.
    before: u64,
}

impl World {
    /// A ring that holds the items 1 to `before`.
    fn holding(before: u64) -> Self {
        let region = Handle::new(|out| sabha_region_anonymous(Some(&Options::SMALL), out));
        let pair = sabha_type_array(sabha_type_of(U64), 2);
        let ring = Handle::new(|out| sabha_ring_open(&region, text(c"ring"), pair, CAPACITY, out));
        let world = Self { region, ring, before };
        let mut producer = world.producer();
        for number in 1..=before {
            sabha_producer_try_push(&mut producer, &item(number)).ok();
        }
        drop(producer);
        world
    }

    #[track_caller]
    fn producer(&self) -> Handle<Producer> {
        Handle::new(|out| sabha_ring_producer(&self.ring, BLOCK, out))
    }

    #[track_caller]
    fn consumer(&self) -> Handle<Consumer> {
        Handle::new(|out| sabha_ring_consumer(&self.ring, BLOCK, out))
    }

    /// The item behind those that were there before.
    fn next(&self) -> Item {
        item(self.before + 1)
    }

    /// Takes both ends, all items, and uses the ring if it is open: the first item, the last one, and whether it is closed.
    fn drain(&self) -> (u64, u64, bool) {
        let mut consumer = self.consumer();
        let mut position = 0;
        sabha_consumer_position(&mut consumer, &mut position).ok();
        let first = position + 1;
        let (last, end) = pop_all(&mut consumer, first);
        if end == Status::CLOSED {
            return (first, last, true);
        }
        let mut producer = self.producer();
        let mut pushed = 0;
        sabha_producer_position(&mut producer, &mut pushed).ok();
        assert_eq!(pushed, last, "an item that is counted and does not come");
        for number in last + 1..=last + CAPACITY as u64 {
            sabha_producer_try_push(&mut producer, &item(number)).ok();
        }
        assert_eq!(pop_all(&mut consumer, last + 1), (last + CAPACITY as u64, Status::EMPTY));
        (first, last, false)
    }

    /// After a producer's death: how many items came behind those from before.
    fn count_pushed(&self) -> Seen {
        let (first, last, closed) = self.drain();
        assert_eq!(first, 1, "an item was lost");
        u8::try_from(last - self.before).unwrap() + if closed { CLOSED } else { 0 }
    }

    /// After a consumer's death: how many items were released.
    fn count_popped(&self) -> Seen {
        let (first, last, closed) = self.drain();
        assert_eq!(last, self.before, "an item was lost");
        u8::try_from(first - 1).unwrap() + if closed { CLOSED } else { 0 }
    }
}

/// An item that shows whether it is whole.
fn item(number: u64) -> Item {
    [number; 2]
}

/// Pops all items, which must be whole and in order from `first` on: the last, and why there are no more.
fn pop_all(consumer: &mut Consumer, first: u64) -> (u64, Status) {
    let mut next = first;
    loop {
        let mut got = [0; 2];
        match sabha_consumer_try_pop(consumer, &mut got) {
            Status::OK => assert_eq!(got, item(next), "torn, or not in order"),
            end @ (Status::EMPTY | Status::ABANDONED | Status::CLOSED) => return (next - 1, end),
            other => panic!("{other:?}: {}", last_error()),
        }
        next += 1;
    }
}

/// A scene in whose midst is one call of the producer.
fn producing<'a>(
    name: &'static str,
    before: u64,
    call: impl Fn(&World, &mut Producer) + 'a,
    survivor: impl Fn(&World) -> Seen + 'a,
) -> Scene<'a, World> {
    let victim = move |world: &World| {
        let mut producer = world.producer();
        begin();
        call(world, &mut producer);
        end();
    };
    scene(name, move || World::holding(before), victim, survivor)
}

/// The same with the consumer.
fn consuming<'a>(
    name: &'static str,
    before: u64,
    call: impl Fn(&World, &mut Consumer) + 'a,
    survivor: impl Fn(&World) -> Seen + 'a,
) -> Scene<'a, World> {
    let victim = move |world: &World| {
        let mut consumer = world.consumer();
        begin();
        call(world, &mut consumer);
        end();
    };
    scene(name, move || World::holding(before), victim, survivor)
}

fn try_push(world: &World, producer: &mut Producer) {
    sabha_producer_try_push(producer, &world.next()).ok();
}

fn push_until(world: &World, producer: &mut Producer) {
    sabha_producer_push_until(producer, &world.next(), NEVER).ok();
}

fn try_pop(_: &World, consumer: &mut Consumer) {
    let mut got = [0; 2];
    sabha_consumer_try_pop(consumer, &mut got).ok();
    assert_eq!(got, item(1));
}

fn pop_until(_: &World, consumer: &mut Consumer) {
    let mut got = [0; 2];
    sabha_consumer_pop_until(consumer, &mut got, NEVER).ok();
    assert_eq!(got, item(1));
}

/// Sleeps at the empty ring until it gets an item, or is told that none will come.
fn consume_or_be_told(world: &World) {
    let mut got = [0; 2];
    match sabha_consumer_pop_until(&mut world.consumer(), &mut got, NEVER) {
        Status::OK => assert_eq!(got, world.next()),
        Status::ABANDONED | Status::CLOSED => {}
        other => panic!("{other:?}: {}", last_error()),
    }
}

/// Sleeps at the full ring until its item is in, or it is told that it never will be.
fn produce_or_be_told(world: &World) {
    match sabha_producer_push_until(&mut world.producer(), &world.next(), NEVER) {
        Status::OK | Status::ABANDONED | Status::CLOSED => {}
        other => panic!("{other:?}: {}", last_error()),
    }
}

/// After a consumer's death at which the producer slept: how many items were released. One more may be in the ring.
fn count_popped_with_producer(world: &World) -> Seen {
    let (first, last, closed) = world.drain();
    assert!(last == world.before || last == world.before + 1, "an item was lost");
    assert!(closed || last == world.before || first > 1, "more than fit");
    u8::try_from(first - 1).unwrap() + if closed { CLOSED } else { 0 }
}

/// After a producer's death at which the consumer slept: nothing is left that nobody woke up for.
fn nothing_is_left(world: &World) -> Seen {
    let (first, last, closed) = world.drain();
    assert_eq!(first, last + 1, "the sleeper went away, and there was an item");
    u8::try_from(last).unwrap() + if closed { CLOSED } else { 0 }
}

support::kill_tests! {
    fn a_try_push() covers ["sabha_producer_try_push"] {
        producing("c: try_push", 2, try_push, World::count_pushed).run().saw(&[0, 1]);
    }

    fn a_push() covers ["sabha_producer_push_until"] {
        producing("c: push_until", 2, push_until, World::count_pushed).run().saw(&[0, 1]);
    }

    fn a_push_of_two() covers ["sabha_producer_push_some"] {
        let two = |_: &World, producer: &mut Producer| {
            assert_eq!(push_some(producer, &[item(3), item(4)]), Ok(2));
        };
        producing("c: push_some", 2, two, World::count_pushed).run().saw(&[0, 2]);
    }

    fn a_claim_of_two() covers ["sabha_producer_claim", "sabha_producer_commit"] {
        let two = |_: &World, producer: &mut Producer| {
            let slots = claim(producer, 2);
            for (slot, number) in slots.iter().zip(3..) {
                slot.iter().for_each(|word| word.store(number, Relaxed));
            }
            assert_eq!(slots.len(), 2);
            sabha_producer_commit(producer, 2).ok();
        };
        producing("c: claim, commit", 2, two, World::count_pushed).run().saw(&[0, 2]);
    }

    fn a_producer_that_closes() covers ["sabha_producer_close"] {
        let close = |_: &World, producer: &mut Producer| sabha_producer_close(producer).ok();
        producing("c: producer_close", 2, close, World::count_pushed).run().saw(&[0, CLOSED]);
    }

    fn a_producer_that_comes_and_goes() covers ["sabha_ring_producer", "sabha_producer_free"] {
        let come_and_go = |world: &World| {
            begin();
            drop(world.producer());
            end();
        };
        let world = || World::holding(2);
        scene("c: ring_producer, free", world, come_and_go, World::count_pushed)
            .run()
            .saw(&[0]);
    }

    fn a_push_to_a_sleeper() covers ["sabha_producer_try_push"] {
        let scene = producing("c: try_push, one asleep", 0, try_push, nothing_is_left);
        scene.with_sleeper(consume_or_be_told).run().saw(&[0, 1]);
    }

    fn a_producer_that_closes_before_a_sleeper() covers ["sabha_producer_close"] {
        let close = |_: &World, producer: &mut Producer| sabha_producer_close(producer).ok();
        let scene = producing("c: producer_close, one asleep", 0, close, nothing_is_left);
        scene.with_sleeper(consume_or_be_told).run().saw(&[0, CLOSED]);
    }

    fn a_producer_that_sleeps_and_is_woken() covers ["sabha_producer_push_until"] {
        let make_room = |world: &World| try_pop(world, &mut world.consumer());
        // The waker has popped one, if there was one.
        let survivor = |world: &World| {
            let (first, last, _) = world.drain();
            assert!(first == 1 || first == 2, "an item was lost");
            assert!(first == 2 || last == world.before, "more than fit");
            u8::try_from(last - world.before).unwrap()
        };
        let full = CAPACITY as u64;
        let scene = producing("c: push_until, slept and woken", full, push_until, survivor);
        scene.with_waker(make_room).run().saw(&[0, 1]);
    }

    fn a_push_in_the_midst_of_a_pop() covers ["sabha_producer_try_push", "sabha_consumer_try_pop"] {
        let pop = |world: &World| {
            let mut consumer = world.consumer();
            begin();
            try_pop(world, &mut consumer);
            end();
        };
        let survivor = |world: &World| {
            let (first, last, _) = world.drain();
            assert!(first == 1 || first == 2, "an item was lost");
            u8::try_from(last - world.before).unwrap()
        };
        let scene = producing("c: try_push | try_pop", 2, try_push, survivor);
        scene.with_contender(pop).run().saw(&[0, 1]);
    }

    fn a_try_pop() covers ["sabha_consumer_try_pop"] {
        consuming("c: try_pop", 3, try_pop, World::count_popped).run().saw(&[0, 1]);
    }

    fn a_pop() covers ["sabha_consumer_pop_until"] {
        consuming("c: pop_until", 3, pop_until, World::count_popped).run().saw(&[0, 1]);
    }

    fn a_pop_of_two() covers ["sabha_consumer_pop_some"] {
        let two = |_: &World, consumer: &mut Consumer| {
            let mut got = [[0; 2]; 2];
            assert_eq!(pop_some(consumer, &mut got), Ok(2));
            assert_eq!(got, [item(1), item(2)]);
        };
        consuming("c: pop_some", 3, two, World::count_popped).run().saw(&[0, 2]);
    }

    fn a_read_of_two() covers ["sabha_consumer_read", "sabha_consumer_release"] {
        let two = |_: &World, consumer: &mut Consumer| {
            let items = read(consumer, 2);
            assert_eq!(items.len(), 2);
            for (got, number) in items.iter().zip(1..) {
                assert!(got.iter().all(|word| word.load(Relaxed) == number));
            }
            sabha_consumer_release(consumer, 2).ok();
        };
        consuming("c: read, release", 3, two, World::count_popped).run().saw(&[0, 2]);
    }

    fn a_consumer_that_closes() covers ["sabha_consumer_close"] {
        let close = |_: &World, consumer: &mut Consumer| sabha_consumer_close(consumer).ok();
        consuming("c: consumer_close", 2, close, World::count_popped).run().saw(&[0, CLOSED]);
    }

    fn a_consumer_that_comes_and_goes() covers ["sabha_ring_consumer", "sabha_consumer_free"] {
        let come_and_go = |world: &World| {
            begin();
            drop(world.consumer());
            end();
        };
        let world = || World::holding(2);
        scene("c: ring_consumer, free", world, come_and_go, World::count_popped)
            .run()
            .saw(&[0]);
    }

    fn a_pop_before_a_sleeper() covers ["sabha_consumer_try_pop"] {
        let full = CAPACITY as u64;
        let scene = consuming("c: try_pop, one asleep", full, try_pop, count_popped_with_producer);
        scene.with_sleeper(produce_or_be_told).run().saw(&[0, 1]);
    }

    fn a_consumer_that_closes_before_a_sleeper() covers ["sabha_consumer_close"] {
        let close = |_: &World, consumer: &mut Consumer| sabha_consumer_close(consumer).ok();
        let (name, full) = ("c: consumer_close, one asleep", CAPACITY as u64);
        let scene = consuming(name, full, close, count_popped_with_producer);
        scene.with_sleeper(produce_or_be_told).run().saw(&[0, CLOSED]);
    }

    fn a_consumer_that_sleeps_and_is_woken() covers ["sabha_consumer_pop_until"] {
        let fill = |world: &World| try_push(world, &mut world.producer());
        // The waker has pushed one, if the victim came to sleep.
        let survivor = |world: &World| {
            let (first, last, _) = world.drain();
            assert!(last <= 1 && first <= last + 1, "an item was lost");
            u8::try_from(first - 1).unwrap()
        };
        let scene = consuming("c: pop_until, slept and woken", 0, pop_until, survivor);
        scene.with_waker(fill).run().saw(&[0, 1]);
    }

    fn a_handle_that_is_given_back() covers ["sabha_ring_free"] {
        let give_back = |world: &World| {
            let pair = sabha_type_array(sabha_type_of(U64), 2);
            let ring = Handle::new(|out| {
                sabha_ring_open(&world.region, text(c"ring"), pair, CAPACITY, out)
            });
            begin();
            drop(ring);
            end();
        };
        let world = || World::holding(2);
        scene("c: ring_free", world, give_back, World::count_pushed).run().saw(&[0]);
    }
}
