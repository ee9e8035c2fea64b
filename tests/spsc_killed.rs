//! The ring when one of its processes is killed at a random moment. (At every instruction: `tests/kill/ring.rs`.)

use sabha::ring::spsc::{Consumer, PopError, Producer, PushError, Spsc};
use sabha::{Deadline, Region, Shared};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;
use support::child::{Child, Random, until};

/// Wide, so that a torn one shows.
type Item = [u64; 5];

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

    fn counter(&self, name: &str) -> Shared<AtomicU64> {
        self.region.object(name).unwrap()
    }

    fn producer(&self) -> Producer<Item> {
        self.ring.producer().expect("its last owner is dead")
    }

    fn consumer(&self) -> Consumer<Item> {
        self.ring.consumer().expect("its last owner is dead")
    }
}

/// Longer than any test should last, shorter than a hang.
fn late() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

/// Kills a child, which no assertion has ended before.
fn killed(child: Child) {
    child.signal(libc::SIGKILL);
    assert_eq!(child.wait(), -libc::SIGKILL);
}

// ---- Abandoned ----

#[test]
fn a_dead_producers_items_come_first_and_then_abandoned() {
    let world = World::new(4);
    let mut consumer = world.consumer();
    let child = Child::spawn(|| {
        let mut producer = world.producer();
        producer.push_slice(&[[1; 5], [2; 5]]).unwrap();
        let mut claim = producer.claim(1).unwrap();
        claim.write(0, [3; 5]); // P2
        std::thread::sleep(Duration::from_secs(60));
    });
    until("two items", || world.ring.len() == 2);
    child.until_asleep();
    killed(child);
    assert_eq!((consumer.pop(), consumer.pop()), (Ok([1; 5]), Ok([2; 5])));
    assert!(consumer.is_abandoned());
    assert_eq!(consumer.pop(), Err(PopError::Abandoned));
    assert_eq!(consumer.pop_until(Deadline::PASSED), Err(PopError::Abandoned));
    assert_eq!(consumer.try_pop(), Err(PopError::Abandoned), "what was learnt stays");
    let mut producer = world.producer();
    assert!(!consumer.is_abandoned());
    assert_eq!(consumer.try_pop(), Err(PopError::Empty), "until a successor comes");
    producer.push([3; 5]).unwrap();
    assert_eq!(consumer.pop(), Ok([3; 5]));
}

#[test]
fn a_dead_consumers_ring_fills_up_and_is_then_abandoned() {
    let world = World::new(2);
    let mut producer = world.producer();
    let child = Child::spawn(|| {
        std::mem::forget(world.consumer());
        world.counter("ready").store(1, SeqCst);
        std::thread::sleep(Duration::from_secs(60));
    });
    until("the child", || world.counter("ready").load(SeqCst) == 1);
    killed(child);
    assert!(producer.is_abandoned());
    assert_eq!((producer.push([1; 5]), producer.push([2; 5])), (Ok(()), Ok(())));
    assert_eq!(producer.push([3; 5]), Err(PushError::Abandoned([3; 5])));
    assert_eq!(producer.try_push([3; 5]), Err(PushError::Abandoned([3; 5])));
    assert_eq!(producer.claim(1).map(drop), Err(PushError::Abandoned(())));
    let mut consumer = world.consumer();
    assert_eq!(producer.try_push([3; 5]), Err(PushError::Full([3; 5])));
    assert_eq!((consumer.pop(), consumer.pop()), (Ok([1; 5]), Ok([2; 5])));
}

#[test]
fn a_polling_consumer_learns_of_the_death() {
    let world = World::new(2);
    let mut consumer = world.consumer();
    let child = Child::spawn(|| {
        world.producer().push([1; 5]).unwrap();
        std::mem::forget(world.producer());
        world.counter("ready").store(1, SeqCst);
        std::thread::sleep(Duration::from_secs(60));
    });
    assert_eq!(consumer.pop(), Ok([1; 5]));
    until("the second producer", || world.counter("ready").load(SeqCst) == 1);
    killed(child);
    let mut polls = 0;
    while consumer.try_pop() == Err(PopError::Empty) {
        std::thread::sleep(Duration::from_micros(100));
        polls += 1;
    }
    assert!(polls < 1000);
    assert_eq!(consumer.try_pop(), Err(PopError::Abandoned));
}

#[test]
fn who_sleeps_when_the_other_is_killed_is_told() {
    let world = World::new(1);
    let mut producer = world.producer();
    producer.push([1; 5]).unwrap();
    let sleeper = Child::spawn(|| {
        let mut consumer = world.consumer();
        for item in 1..3 {
            assert_eq!(consumer.pop(), Ok([item; 5]));
            world.counter("popped").store(item, SeqCst);
        }
        assert_eq!(consumer.pop(), Err(PopError::Abandoned));
    });
    until("the first item to go", || world.counter("popped").load(SeqCst) == 1);
    drop(producer);
    let victim = Child::spawn(|| {
        let mut producer = world.producer();
        producer.push([2; 5]).unwrap();
        std::thread::sleep(Duration::from_secs(60));
    });
    until("the second item to go", || world.counter("popped").load(SeqCst) == 2);
    sleeper.until_asleep();
    killed(victim);
    assert_eq!(sleeper.wait(), 0);
}

#[test]
fn a_stopped_owner_is_not_dead() {
    let world = World::new(2);
    let mut consumer = world.consumer();
    let child = Child::spawn(|| {
        let mut producer = world.producer();
        producer.push([1; 5]).unwrap();
        loop {
            let _ = producer.try_push([2; 5]);
        }
    });
    assert_eq!(consumer.pop(), Ok([1; 5]));
    child.signal(libc::SIGSTOP);
    until("the stop", || child.state() == 'T');
    while consumer.try_pop().is_ok() {}
    assert_eq!(
        consumer.pop_until(Deadline::after(Duration::from_millis(150))),
        Err(PopError::TimedOut)
    );
    assert!(world.ring.producer().is_err());
    child.signal(libc::SIGCONT);
    assert_eq!(consumer.pop_until(late()), Ok([2; 5]), "it goes on");
}

// ---- Killed at random ----

#[test]
fn producers_killed_at_random_lose_and_tear_and_repeat_nothing() {
    let world = World::new(8);
    let pushed = world.counter("pushed");
    let mut consumer = world.consumer();
    let mut random = Random::new(11);
    for round in 0..200 {
        let child = Child::spawn(|| {
            let mut producer = world.producer();
            loop {
                let at = producer.position();
                if round % 2 == 0 {
                    producer.push([at; 5]).unwrap();
                } else if producer.push_slice(&[[at; 5], [at + 1; 5], [at + 2; 5]]).is_err() {
                    std::thread::yield_now();
                }
                pushed.store(producer.position(), SeqCst);
            }
        });
        let end = consumer.position() + random.below(300);
        while consumer.position() < end {
            let expected = consumer.position();
            match consumer.pop() {
                Ok(item) => assert_eq!(item, [expected; 5]),
                Err(why) => assert_eq!(why, PopError::Abandoned, "the child has not begun"),
            }
        }
        killed(child);
        let mut expected = consumer.position();
        while let Ok(item) = consumer.pop() {
            assert_eq!(item, [expected; 5]);
            expected += 1;
        }
        assert_eq!(consumer.pop(), Err(PopError::Abandoned));
        assert!(expected >= pushed.load(SeqCst), "what was pushed came");
    }
    assert!(consumer.position() > 1_000);
}

/// Children consume as `consume` does until they are killed; it says how far it has come.
fn kill_consumers(consume: impl Fn(&mut Consumer<Item>, &AtomicU64)) -> (u64, u64) {
    let world = World::new(8);
    let handled = world.counter("handled");
    let mut producer = world.producer();
    let mut random = Random::new(13);
    let (mut least, mut most) = (0, 0);
    for _ in 0..200 {
        let child = Child::spawn(|| {
            let mut consumer = world.consumer();
            loop {
                consume(&mut consumer, &handled);
            }
        });
        let end = producer.position() + random.below(300);
        while producer.position() < end {
            if let Err(why) = producer.push([producer.position(); 5]) {
                assert!(matches!(why, PushError::Abandoned(_)), "{why}: the child has not begun");
            }
        }
        killed(child);
        let (released, handled) = (world.consumer().position(), handled.load(SeqCst));
        least = least.max(handled.saturating_sub(released));
        most = most.max(released.saturating_sub(handled));
    }
    (least, most)
}

#[test]
fn consumers_killed_at_random_are_succeeded_at_the_head() {
    let (again, missed) = kill_consumers(|consumer, handled| {
        let expected = consumer.position();
        assert_eq!(consumer.pop(), Ok([expected; 5]));
        handled.store(consumer.position(), SeqCst);
    });
    assert_eq!(again, 0, "a pop that returned is not repeated");
    assert!(missed <= 1, "at most the one that was just released");
}

#[test]
fn what_is_read_in_place_comes_again_until_it_is_released() {
    let (again, missed) = kill_consumers(|consumer, handled| {
        let expected = consumer.position();
        let Ok(chunk) = consumer.read(4) else { return std::thread::yield_now() };
        assert!(chunk.iter().zip(expected..).all(|(item, at)| item == [at; 5]));
        handled.store(expected + chunk.len() as u64, SeqCst);
        let count = chunk.len();
        chunk.release(count);
    });
    assert_eq!(missed, 0, "nothing is missed");
    assert!(again <= 4, "at most one chunk comes again");
}

#[test]
fn whoever_is_killed_the_others_go_on() {
    let world = World::new(4);
    let popped = world.counter("popped");
    let mut random = Random::new(17);
    let produce = || {
        let mut producer = world.producer();
        loop {
            while producer.push([producer.position(); 5]).is_ok() {}
        }
    };
    let consume = || {
        let mut consumer = world.consumer();
        loop {
            let expected = consumer.position();
            match consumer.pop() {
                Ok(item) => assert_eq!(item, [expected; 5]),
                Err(why) => assert_eq!(why, PopError::Abandoned),
            }
            popped.store(expected, SeqCst);
        }
    };
    let (mut producer, mut consumer) = (Child::spawn(produce), Child::spawn(consume));
    for _ in 0..100 {
        let before = popped.load(SeqCst);
        until("progress", || popped.load(SeqCst) > before + 20);
        std::thread::sleep(Duration::from_micros(random.below(500)));
        if random.below(2) == 0 {
            std::mem::replace(&mut producer, Child::spawn(|| ())).kill();
            producer = Child::spawn(produce);
        } else {
            std::mem::replace(&mut consumer, Child::spawn(|| ())).kill();
            consumer = Child::spawn(consume);
        }
    }
}
