//! What processes do, written down by themselves where their death leaves it: for [`linear`](crate::linear).
//!
//! Each process has a page of its own in memory that all share without any help of the library. It writes there what it is
//! about to do, does it, and writes what it was told. Killed anywhere, its page shows what it had finished, and the one
//! operation that it had begun.
//!
//! # Bytes of an entry                      one process writes them, in this order
//! | field  | meaning                                                               |
//! |--------|-----------------------------------------------------------------------|
//! | op     | what it is going to do                                                |
//! | call   | when; 0: nothing was begun (killed before this store: it never began) |
//! | answer | what it was told                                                      |
//! | end    | when; 0: killed inside                                                |
//!
//! # Time
//! A counter that all share, each look at which is one more. Not the clock of the machine: two processors' looks at that can be
//! equal, and it orders no memory, so that a store may still be on its way when its operation has ended by the clock: an
//! observer who begins later by the clock, and sees nothing, has seen no mistake. What the counter orders, the processes
//! *could know*: who read a higher number has everything before the lower one behind it. The price is a full barrier before
//! and behind each operation. Within them nothing is added, and what orders memory too weakly is the models' to find.
#![allow(unsafe_code)] // entries that one process writes and another reads

use crate::fork::shared;
use crate::linear::Span;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The most processes.
pub const PROCESSES: usize = 8;
/// The most operations of each.
pub const OPERATIONS: usize = 32;

/// The pages of all. `Op` and `Answer` are plain: what they hold means the same in each process.
#[derive(Debug)]
pub struct Recorder<Op: 'static, Answer: 'static>(&'static Book<Op, Answer>);

#[derive(Debug)]
struct Book<Op, Answer> {
    time: AtomicU64,
    pages: [Page<Op, Answer>; PROCESSES],
}

#[derive(Debug)]
#[repr(align(128))]
struct Page<Op, Answer> {
    begun: AtomicUsize,
    entries: [Entry<Op, Answer>; OPERATIONS],
}

#[derive(Debug)]
struct Entry<Op, Answer> {
    call: AtomicU64,
    end: AtomicU64,
    op: Plain<Op>,
    answer: Plain<Answer>,
}

/// Bytes that are a `T` when a number beside them says so.
#[derive(Debug)]
struct Plain<T>(UnsafeCell<MaybeUninit<T>>);

// SAFETY: written by one process before it stores a number, and read by others behind it.
unsafe impl<T: Copy + Send> Sync for Plain<T> {}

impl<T: Copy> Plain<T> {
    fn write(&self, value: T) {
        // SAFETY: in the page of the calling process, and nobody reads it yet.
        unsafe { self.0.get().cast::<T>().write(value) };
    }

    /// # Safety
    /// It was written.
    unsafe fn read(&self) -> T {
        // SAFETY: as the caller says; nobody writes it again before all are asleep.
        unsafe { self.0.get().cast::<T>().read() }
    }
}

/// One operation of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recorded<Op, Answer> {
    /// Whose.
    pub process: usize,
    /// What it did.
    pub op: Op,
    /// When it began.
    pub call: u64,
    /// What it was told, and when. `None`: it was killed before.
    pub answer: Option<(Answer, u64)>,
}

impl<Op: Copy, Answer: Copy> Clone for Recorder<Op, Answer> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Op: Copy, Answer: Copy> Copy for Recorder<Op, Answer> {}

impl<Op: Copy + Send, Answer: Copy + Send> Recorder<Op, Answer> {
    /// Empty pages, which the children that are forked from now on share.
    #[allow(clippy::new_without_default, reason = "maps pages")]
    #[must_use]
    pub fn new() -> Self {
        // SAFETY: atomics, and bytes that need not be anything, until `call` or `end` says that they are.
        Self(unsafe { shared() })
    }

    /// The time: later than all that was recorded before.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.time.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Does `act` as `process`, and writes it down.
    pub fn record(&self, process: usize, op: Op, act: impl FnOnce() -> Answer) -> Answer {
        let page = &self.0.pages[process];
        let index = page.begun.load(Ordering::Relaxed);
        let entry = &page.entries[index];
        page.begun.store(index + 1, Ordering::Relaxed);
        entry.op.write(op);
        entry.call.store(self.now(), Ordering::Release);
        let answer = act();
        entry.answer.write(answer);
        entry.end.store(self.now(), Ordering::Release);
        answer
    }

    /// All that was recorded, by each process in its order. Those who write are asleep, or dead.
    #[must_use]
    pub fn all(&self) -> Vec<Recorded<Op, Answer>> {
        let of = |process| self.of(process);
        (0..PROCESSES).flat_map(of).collect()
    }

    fn of(&self, process: usize) -> impl Iterator<Item = Recorded<Op, Answer>> {
        let page = &self.0.pages[process];
        let begun = page.begun.load(Ordering::Acquire);
        page.entries[..begun].iter().filter_map(move |entry| read(process, entry))
    }

    /// The time of the last thing that `process` recorded.
    #[must_use]
    pub fn last(&self, process: usize) -> u64 {
        let last = self.of(process).last();
        last.map_or(0, |last| last.answer.map_or(last.call, |(_, end)| end))
    }

    /// Empties all pages. Those who write are asleep, or dead.
    pub fn clear(&self) {
        for page in &self.0.pages {
            let begun = page.begun.swap(0, Ordering::Relaxed);
            for entry in &page.entries[..begun] {
                entry.call.store(0, Ordering::Relaxed);
                entry.end.store(0, Ordering::Relaxed);
            }
        }
        self.0.time.store(0, Ordering::SeqCst);
    }
}

fn read<Op: Copy, Answer: Copy>(
    process: usize,
    entry: &Entry<Op, Answer>,
) -> Option<Recorded<Op, Answer>> {
    let call = entry.call.load(Ordering::Acquire);
    if call == 0 {
        return None;
    }
    // SAFETY: written before `call` was stored.
    let op = unsafe { entry.op.read() };
    let end = entry.end.load(Ordering::Acquire);
    // SAFETY: written before `end` was stored.
    let answer = (end != 0).then(|| (unsafe { entry.answer.read() }, end));
    Some(Recorded { process, op, call, answer })
}

impl<Op, Answer> Recorded<Op, Answer> {
    /// Its time, if it has an end.
    pub fn span(&self) -> Option<Span> {
        self.answer.as_ref().map(|(_, end)| (self.call, *end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::Child;
    use crate::fork::sleep_for_ever;
    use crate::trace::{Stop, Traced};

    fn recorder() -> Recorder<u32, [u64; 2]> {
        Recorder::new()
    }

    #[test]
    fn what_a_child_recorded_is_there_after_it_was_killed_inside() {
        let recorder = recorder();
        assert_eq!(recorder.now(), 1);
        let child = Child::spawn(|| {
            recorder.record(3, 70, || [7, 8]);
            recorder.record(3, 71, || sleep_for_ever());
        });
        crate::child::until("both to begin", || recorder.all().len() == 2);
        child.kill();
        recorder.record(0, 72, || [9, 9]);
        let finished = |process, op, call, answer, end| Recorded {
            process,
            op,
            call,
            answer: Some((answer, end)),
        };
        let killed = Recorded { process: 3, op: 71, call: 4, answer: None };
        let expected = [finished(0, 72, 5, [9, 9], 6), finished(3, 70, 2, [7, 8], 3), killed];
        assert_eq!(recorder.all(), expected);
        assert_eq!([0, 1, 3].map(|process| recorder.last(process)), [6, 0, 4]);
        recorder.clear();
        assert_eq!((recorder.all(), recorder.now()), (vec![], 1));
    }

    /// Killed behind each instruction: nothing, begun, or finished, in this order, and never half an entry.
    #[test]
    fn killed_at_every_instruction_an_entry_is_whole() {
        let recorder = recorder();
        let mut seen = vec![];
        for count in 0.. {
            recorder.clear();
            let mut child = Traced::spawn(|| {
                crate::trace::marker();
                recorder.record(1, 0xabcd, || [u64::MAX, 1]);
                crate::trace::marker();
            });
            assert_eq!(child.run(), Stop::Marker);
            let stop = child.steps(count);
            child.kill();
            let all = recorder.all();
            assert!(all.iter().all(|r| r.op == 0xabcd));
            assert!(all.iter().all(|r| r.answer.is_none_or(|(a, _)| a == [u64::MAX, 1])));
            seen.push(all.first().map(|r| r.answer.is_some()));
            if stop.is_some() {
                break;
            }
        }
        println!("killed behind {} instructions", seen.len());
        assert!(seen.is_sorted(), "{seen:?}");
        seen.dedup();
        assert_eq!(seen, [None, Some(false), Some(true)]);
    }
}
