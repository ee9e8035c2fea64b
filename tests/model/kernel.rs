//! The kernel, as far as the protocols lean on it: the queues of sleepers, what it does for the dead, and the word that they
//! are dead.
//!
//! * A word's queue is first come, first served. The bucket's lock is held while a word is compared and its sleeper queued,
//!   and while sleepers are taken off; that of two words while `FUTEX_WAKE_OP` changes and wakes. Each word has a bucket of
//!   its own: the kernel promises no order between the calls on different words.
//! * A sleeper on several words is taken off each queue by itself, and is told of the last that woke it.
//! * The exit walks the robust list, then the pending word: a word that holds the TID becomes `WAITERS | OWNER_DIED`, and
//!   one sleeper is woken; so it is for a pending word without a TID (Linux 6.2; before that only for one that is 0).
//! * A lock of a file's byte is its holder's until that one gives it back or is gone; who finds it free finds what the holder
//!   did. More order is not taken from it, and none from calls on different bytes.
//! * A pulse: sleeps that are bounded by [`PULSE`](crate::seat::PULSE) alone end once after each death, or never. Which of
//!   the two, the model says: a protocol that never needs a pulse is modelled without.
#![allow(unsafe_code)] // words known by their addresses

use crate::barrier::Processors;
use crate::checker::{self, Thread, current, park};
use crate::os::atomic::Change;
use crate::os::futex::Watch;
use crate::os::robust::{OWNER_DIED, TID, WAITERS};
use crate::os::{AtomicU32, Relaxed};
use crate::process::{self, Address, Process};
use core::cell::Cell;
use core::sync::atomic::Ordering::{Acquire, Release};
use core::sync::atomic::{AtomicBool, AtomicU64 as Bits, AtomicUsize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

/// How this kernel is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Whether bounded sleeps end after a death.
    pub(crate) pulse: bool,
    /// Whether barriers are to be had.
    pub(crate) barriers: bool,
    /// Whether only a pending word that is exactly 0 gets its sleeper woken: Linux before 6.2.
    pub(crate) old: bool,
    /// The most deaths of one execution.
    pub(crate) deaths: usize,
}

impl Rules {
    /// A kernel of today, and no pulse.
    pub(crate) const PLAIN: Self =
        Self { pulse: false, barriers: true, old: false, deaths: usize::MAX };
}

/// See the module. Of one execution.
pub(crate) struct Kernel {
    pub(crate) rules: Rules,
    queues: Mutex<BTreeMap<usize, Bucket>>,
    gone: Vec<checker::AtomicU32>,
    locks: [checker::AtomicU32; LOCKS],
    /// Which byte's lock each of them is.
    locked: Mutex<Vec<u64>>,
    /// Bytes of the file. It is a word like any other: a look finds what is known to have been done.
    size: checker::AtomicU64,
    pulse: checker::Mutex<Pulse>,
    deaths: AtomicUsize,
    pub(crate) processors: Processors,
}

/// Bytes of the file that one execution locks.
const LOCKS: usize = 5;

type Bucket = Arc<checker::Mutex<VecDeque<Entry>>>;

struct Entry {
    sleeper: Arc<Sleeper>,
    index: usize,
}

/// A thread in a call that waits. (What it holds changes under the locks of buckets, or of the pulse.)
pub(crate) struct Sleeper {
    thread: Thread,
    /// Whether it is parked, or about to be: loom takes who is told to go on while it waits for a lock to have it.
    parked: AtomicBool,
    /// The words that woke it.
    woken: Bits,
    timed_out: AtomicBool,
}

#[derive(Default)]
struct Pulse {
    deaths: u32,
    asleep: Vec<Arc<Sleeper>>,
}

/// What queueing up came to.
#[derive(PartialEq, Eq)]
pub(crate) enum Queued {
    Done,
    /// The word holds something else.
    Differs,
}

impl Sleeper {
    pub(crate) fn new() -> Arc<Self> {
        let (woken, timed_out) = (Bits::new(0), AtomicBool::new(false));
        Arc::new(Self { thread: current(), parked: AtomicBool::new(false), woken, timed_out })
    }

    fn is_up(&self) -> bool {
        self.woken.load(Relaxed) != 0 || self.timed_out.load(Relaxed)
    }

    fn was_woken_by(&self, index: usize) -> bool {
        self.woken.load(Relaxed) & 1 << index != 0
    }

    fn last_woken(&self) -> Option<usize> {
        self.woken.load(Relaxed).checked_ilog2().map(|index| index as usize)
    }

    fn wake(&self, index: usize) {
        self.woken.fetch_or(1 << index, Relaxed);
        self.go_on();
    }

    fn time_out(&self) {
        self.timed_out.store(true, Relaxed);
        self.go_on();
    }

    fn go_on(&self) {
        if self.parked.load(Relaxed) {
            self.thread.unpark();
        }
    }

    fn park(&self) {
        self.parked.store(true, Relaxed);
        while !self.is_up() {
            park();
        }
        self.parked.store(false, Relaxed);
    }
}

impl Kernel {
    /// A kernel for `processes` processes.
    pub(crate) fn new(rules: Rules, processes: usize) -> Arc<Self> {
        Arc::new(Self {
            rules,
            queues: Mutex::default(),
            gone: (0..processes).map(|_| checker::AtomicU32::new(0)).collect(),
            locks: core::array::from_fn(|_| checker::AtomicU32::new(0)),
            locked: Mutex::default(),
            size: checker::AtomicU64::new(0),
            pulse: checker::Mutex::new(Pulse::default()),
            deaths: AtomicUsize::new(0),
            processors: Processors::new(processes),
        })
    }

    fn bucket(&self, word: *const AtomicU32) -> Bucket {
        let mut queues = self.queues.lock().expect("no panic inside");
        Arc::clone(
            queues
                .entry(word.addr())
                .or_insert_with(|| Arc::new(checker::Mutex::new(VecDeque::new()))),
        )
    }

    /// Compares a word, and queues the sleeper on it.
    pub(crate) fn queue_up(&self, sleeper: &Arc<Sleeper>, index: usize, watch: &Watch) -> Queued {
        if watch.word.is_null() {
            return Queued::Done;
        }
        // SAFETY: the words of a model live as long as its processes.
        let word = unsafe { &*watch.word };
        if !watch.queued {
            let same = word.kernel_load() == watch.expected;
            return if same { Queued::Done } else { Queued::Differs };
        }
        let bucket = self.bucket(word);
        let mut queue = bucket.lock().expect("no panic inside");
        if word.kernel_load() != watch.expected {
            return Queued::Differs;
        }
        queue.push_back(Entry { sleeper: Arc::clone(sleeper), index });
        Queued::Done
    }

    /// Takes the sleeper off all queues; the last word that woke it.
    pub(crate) fn leave(&self, sleeper: &Arc<Sleeper>, watches: &[Watch]) -> Option<usize> {
        let queued = watches.iter().enumerate().filter(|(_, watch)| watch.queued);
        for (_, watch) in queued.filter(|(index, _)| !sleeper.was_woken_by(*index)) {
            let bucket = self.bucket(watch.word);
            let mut queue = bucket.lock().expect("no panic inside");
            queue.retain(|entry| !Arc::ptr_eq(&entry.sleeper, sleeper));
        }
        sleeper.last_woken()
    }

    /// Until it is woken, or its pulse beats.
    pub(crate) fn sleep(&self, sleeper: &Arc<Sleeper>, bounded: bool) {
        tally(|tally| tally.sleeps += 1);
        if bounded && self.rules.pulse && self.has_beaten(sleeper) {
            return;
        }
        process::rest();
        sleeper.park();
        process::run();
        if sleeper.timed_out.load(Relaxed) {
            self.has_beaten(sleeper);
        }
    }

    /// Whether there was a death since the calling process's pulse beat last; else it will be told of the next.
    fn has_beaten(&self, sleeper: &Arc<Sleeper>) -> bool {
        let mut pulse = self.pulse.lock().expect("no panic inside");
        let known = process::ask(|me| me.beats.replace(pulse.deaths));
        let news = known != Some(pulse.deaths);
        if !news {
            pulse.asleep.push(Arc::clone(sleeper));
        }
        news
    }

    pub(crate) fn wake(&self, word: *const AtomicU32, count: u32) -> u32 {
        let bucket = self.bucket(word);
        let mut queue = bucket.lock().expect("no panic inside");
        take_off(&mut queue, count)
    }

    /// Changes `word` and wakes on `queue`, as one step for every other call.
    pub(crate) fn wake_op(
        &self,
        queue: &AtomicU32,
        count: u32,
        word: &AtomicU32,
        change: Change<u32>,
    ) -> u32 {
        let [here, there] = [queue, word].map(core::ptr::from_ref);
        let (first, second) = (self.bucket(here.min(there)), self.bucket(here.max(there)));
        let mut first = first.lock().expect("no panic inside");
        let mut second = (here != there).then(|| second.lock().expect("no panic inside"));
        word.kernel_apply(change);
        let queue = if here <= there { &mut first } else { second.as_mut().expect("two words") };
        take_off(queue, count)
    }

    /// Whether the process of this index is gone: the kernel's word.
    pub(crate) fn is_gone(&self, index: usize) -> bool {
        process::step() && self.gone[index].load(Acquire) != 0
    }

    /// The holder of the lock on a byte of the file; 0: nobody.
    fn lock_of(&self, byte: u64) -> &checker::AtomicU32 {
        let mut locked = self.locked.lock().expect("no panic inside");
        let known = locked.iter().position(|known| *known == byte);
        &self.locks[known.unwrap_or_else(|| {
            locked.push(byte);
            locked.len() - 1
        })]
    }

    /// Locks a byte for `holder`, if it is free.
    pub(crate) fn try_lock(&self, byte: u64, holder: u32) -> bool {
        self.lock_of(byte).compare_exchange(0, holder, Acquire, Relaxed).is_ok()
    }

    pub(crate) fn unlock(&self, byte: u64) {
        self.lock_of(byte).swap(0, Release);
    }

    /// Who has it locked now: who asks takes the kernel's own lock, so nothing older is to be seen.
    pub(crate) fn holder_of(&self, byte: u64) -> u32 {
        self.lock_of(byte).fetch_add(0, Acquire)
    }

    pub(crate) fn reserve(&self, bytes: u64) {
        self.size.fetch_max(bytes, Relaxed);
    }

    pub(crate) fn size(&self) -> u64 {
        self.size.load(Relaxed)
    }

    /// Whether one more may die; then it does.
    pub(crate) fn may_kill(&self) -> bool {
        let more = |deaths| (deaths < self.rules.deaths).then_some(deaths + 1);
        self.deaths.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    /// The end of a process that was killed.
    pub(crate) fn exit(&self, process: &Process) {
        self.processors.rests(process.index);
        let pending = process.pending.get();
        let list = process.list.take();
        list.into_iter().filter(|word| Some(*word) != pending).for_each(|word| {
            self.handle_death(process.tid(), word, false);
        });
        if let Some(word) = pending {
            self.handle_death(process.tid(), word, true);
        }
        process.locked.take().into_iter().for_each(|byte| self.unlock(byte));
        self.gone[process.index].store(1, Release);
        if self.rules.pulse {
            self.beat();
        }
    }

    /// `handle_futex_death`.
    fn handle_death(&self, tid: u32, Address(address): Address, pending: bool) {
        // SAFETY: the words of a model live as long as its processes.
        let word = unsafe { &*address };
        let mut seen = word.kernel_load();
        loop {
            let ownerless = if self.rules.old { seen == 0 } else { seen & TID == 0 };
            if pending && ownerless {
                self.wake(address, 1);
                return;
            }
            if seen & TID != tid {
                return;
            }
            match word.kernel_swap_if(seen, seen & WAITERS | OWNER_DIED) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        if seen & WAITERS != 0 {
            self.wake(address, 1);
        }
    }

    fn beat(&self) {
        let mut pulse = self.pulse.lock().expect("no panic inside");
        pulse.deaths += 1;
        pulse.asleep.drain(..).for_each(|sleeper| sleeper.time_out());
    }
}

fn take_off(queue: &mut VecDeque<Entry>, count: u32) -> u32 {
    let count = queue.len().min(count as usize);
    queue.drain(..count).for_each(|entry| entry.sleeper.wake(entry.index));
    u32::try_from(count).expect("few sleepers")
}

/// What the executions of a test came to. (A checker runs all threads of a model on the one thread that runs the test.)
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Tally {
    pub(crate) deaths: u64,
    pub(crate) sleeps: u64,
}

std::thread_local! {
    static TALLY: Cell<Tally> = const { Cell::new(Tally { deaths: 0, sleeps: 0 }) };
}

/// Changes the tally; what it is then.
pub(crate) fn tally(change: impl FnOnce(&mut Tally)) -> Tally {
    let mut tally = TALLY.get();
    change(&mut tally);
    TALLY.set(tally);
    tally
}
