//! A visit to a region that may be damaged, or change meanwhile: the whole public interface once, with whatever it leads to
//! touched from end to end. Everything ends well, or with an error that says why.
//!
//! What has a deadline is given a short one. What takes the directory's lock has none: there a liar may hold the visitor for
//! ever (asleep), so it says before that it is about to.

use sabha::ring::spsc::{Consumer, Producer, Spsc};
use sabha::sync::{LockError, Mutex, SpinLock};
use sabha::{Observer, Region, Shared};
use std::fmt::Display;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A lock of a few words.
pub type Lock = Mutex<[u64; 8]>;

/// Short, and yet long enough to sleep.
const SOON: Duration = Duration::from_millis(1);

/// What a visitor is about to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doing {
    /// Something that has to end.
    Bounded = 1,
    /// Something that takes the directory's lock: it may sleep for ever.
    Locking = 2,
}

/// What came of it.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    /// Calls that did what they should.
    pub done: u32,
    /// Calls that said why not.
    pub refused: u32,
    /// How long the slowest of those took that have a deadline, or need none.
    pub slowest: Duration,
}

/// See the module.
pub struct Visitor<'a> {
    /// Hears what is about to be done.
    pub doing: &'a dyn Fn(Doing),
    /// Of all calls so far.
    pub tally: Tally,
    /// When the last of them returned.
    since: Instant,
}

impl<'a> Visitor<'a> {
    /// Somebody who has not been anywhere.
    pub fn new(doing: &'a dyn Fn(Doing)) -> Self {
        doing(Doing::Bounded);
        Self { doing, tally: Tally::default(), since: Instant::now() }
    }

    fn note<T, E: Display>(&mut self, result: Result<T, E>) -> Option<T> {
        self.tally.slowest = self.tally.slowest.max(self.since.elapsed());
        self.since = Instant::now();
        match &result {
            Ok(_) => self.tally.done += 1,
            Err(why) => {
                assert!(why.to_string().len() > 8, "an error that says nothing");
                self.tally.refused += 1;
            }
        }
        result.ok()
    }

    /// Something that takes the directory's lock.
    fn locking<T, E: Display>(&mut self, call: impl FnOnce() -> Result<T, E>) -> Option<T> {
        (self.doing)(Doing::Locking);
        let result = call();
        (self.doing)(Doing::Bounded);
        self.since = Instant::now();
        self.note(result)
    }

    /// Everything that can be done with the region of this name; `opened` hears of it when it is open.
    pub fn visit(&mut self, name: &str, opened: &mut dyn FnMut(&Region)) {
        if let Some(observer) = self.note(Region::open_read_only(name)) {
            self.observe(&observer);
        }
        if let Some(region) = self.note(Region::open(name)) {
            opened(&region);
            self.look_around(&region);
            self.use_objects(&region);
            self.use_locks(&region);
            self.use_rings(&region);
            self.make_and_remove(&region);
        }
    }

    fn observe(&mut self, observer: &Observer) {
        for info in observer.list() {
            assert!(!format!("{info:?}").is_empty());
        }
        let Some(words) = self.note(observer.slice::<AtomicU64>("words", 64)) else { return };
        let _ = self.note(words.to_vec(..));
        let _ = self.note(words.wait_until(3, 0, SOON));
        let len = words.len();
        let _ = self.note(words.load(len.wrapping_sub(1)));
    }

    /// What asks nobody's leave.
    pub fn look_around(&mut self, region: &Region) {
        assert!(region.list().len() <= 256 && region.members().len() <= 256);
        assert!(region.len() <= region.max_len(), "{region:?}");
        let _ = self.note(region.enter());
        if let Some(member) = self.note(region.member()) {
            assert!(!region.member_is_gone(member), "we are here");
        }
    }

    /// Numbers, waited on and notified.
    pub fn use_objects(&mut self, region: &Region) {
        if let Some(words) = self.locking(|| region.slice::<AtomicU64>("words", 64)) {
            self.use_words(&words);
        }
        if let Some(word) = self.locking(|| region.open_object::<AtomicU32>("word")) {
            let seen = word.load(Relaxed);
            let _ = self.note(region.wait_until(&*word, seen, SOON));
            let _ = self.note(region.store_and_notify(&*word, 7, 1));
            let _ = self.note(region.add_and_notify(&*word, 7, u32::MAX));
        }
        if let Some(log) = self.locking(|| region.growing_slice::<AtomicU64>("log")) {
            let _ = self.note(region.grow(region.len() + 4096));
            touch(log.get());
        }
    }

    fn use_words(&mut self, words: &Shared<[AtomicU64]>) {
        touch(words);
        let seen = words[5].load(Relaxed);
        let _ = self.note(words.wait_until(5, seen, SOON));
        let _ = self.note(words.notify(5, u32::MAX));
        let _ = self.note(words.store_and_notify(5, 1, 1));
        let _ = self.note(words.copy_from(0, &[1; 64]));
    }

    /// Locks: one that is free, one whose owner is dead, one that is held.
    pub fn use_locks(&mut self, region: &Region) {
        for name in ["free", "orphan", "held"] {
            if let Some(lock) = self.locking(|| region.object::<Lock>(name)) {
                let tried = lock.try_lock();
                self.use_lock(tried);
                let locked = lock.lock_until(SOON.into());
                self.use_lock(locked);
            }
        }
        if let Some(lock) = self.locking(|| region.object::<SpinLock<[u64; 8]>>("spin")) {
            let locked = lock.lock_until(SOON.into());
            self.use_lock(locked);
        }
    }

    fn use_lock<P: sabha::sync::Policy>(
        &mut self,
        got: Result<Guard<'_, P>, LockError<Guard<'_, P>>>,
    ) {
        let mut guard = match got {
            Err(LockError::OwnerDied(died)) => died.into_guard(),
            other => match self.note(other) {
                Some(guard) => guard,
                None => return,
            },
        };
        *guard = [7; 8];
        guard.mark_consistent();
    }

    /// Rings: one whose ends may be taken, and one that nobody keeps.
    pub fn use_rings(&mut self, region: &Region) {
        for name in ["ring", "pipe"] {
            if let Some(ring) = self.locking(|| Spsc::<u64>::open_or_create(region, name, 16)) {
                assert!(ring.len() <= 16, "{ring:?}");
                let (producer, consumer) = (self.note(ring.producer()), self.note(ring.consumer()));
                producer.into_iter().for_each(|end| self.push(end));
                consumer.into_iter().for_each(|end| self.pop(end));
            }
        }
    }

    fn push(&mut self, mut producer: Producer<u64>) {
        let _ = self.note(producer.try_push(1));
        let _ = self.note(producer.push_slice(&[2; 20]));
        let room = producer.room();
        assert!(room <= 16, "a room of {room}");
        if let Some(mut claim) = self.note(producer.claim(room)) {
            (0..claim.len()).for_each(|index| claim.write(index, 3));
            let len = claim.len();
            let _ = self.note(claim.commit(len));
        }
        let _ = self.note(producer.push_until(4, SOON.into()));
        let _ = (producer.is_abandoned(), producer.is_closed(), producer.position());
    }

    fn pop(&mut self, mut consumer: Consumer<u64>) {
        let _ = self.note(consumer.try_pop());
        let _ = self.note(consumer.pop_slice(&mut [0; 20]));
        if let Some(chunk) = self.note(consumer.read(16)) {
            let len = chunk.iter().count();
            assert!(len <= 16, "a chunk of {len}");
            chunk.release(len / 2);
        }
        let _ = self.note(consumer.pop_until(SOON.into()));
        let _ = (consumer.is_abandoned(), consumer.is_closed());
        assert!(consumer.len() <= 16, "{consumer:?}");
        if self.tally.done.is_multiple_of(8) {
            let _ = self.note(consumer.close());
        }
    }

    /// New objects between the old ones.
    pub fn make_and_remove(&mut self, region: &Region) {
        for (name, len) in [("new", 16), ("newer", 512)] {
            if let Some(array) = self.locking(|| region.slice::<AtomicU64>(name, len)) {
                touch(&array);
            }
        }
        for name in ["words", "ring", "pipe", "new", "newer", "log"] {
            let _ = self.locking(|| region.remove(name));
        }
        let _ = self.note(region.grow(u64::MAX));
    }
}

type Guard<'a, P> = sabha::sync::MutexGuard<'a, [u64; 8], P>;

/// The first elements and the last: on other pages they are not.
fn touch(words: &[AtomicU64]) {
    for word in words.first().into_iter().chain(words.iter().step_by(512)).chain(words.last()) {
        word.fetch_add(1, Relaxed);
    }
}
