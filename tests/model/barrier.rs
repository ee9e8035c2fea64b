//! `membarrier`: one process has a full fence executed by every process that runs and has agreed to it, at whatever point
//! each has come to.
//!
//! Who asks waits until each of the others has fenced: at its next step, or when it goes to sleep, ends, or asks itself.
//! So the light half of the asymmetric fence is nothing here either, and orders nothing where nobody asks.

use crate::checker::{Thread, current, fence, park};
use crate::os::Relaxed;
use core::sync::atomic::Ordering::SeqCst;
use core::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};

/// One call.
struct Call {
    thread: Thread,
    parked: AtomicBool,
    /// Who has not fenced yet.
    awaited: AtomicUsize,
}

/// A process, as the call sees it.
#[derive(Default)]
struct Processor {
    runs: bool,
    asked: Vec<Arc<Call>>,
}

/// All processes of an execution.
pub(crate) struct Processors(Mutex<Vec<Processor>>);

impl Processors {
    pub(crate) fn new(count: usize) -> Self {
        Self(Mutex::new((0..count).map(|_| Processor::default()).collect()))
    }

    fn of<R>(&self, index: usize, what: impl FnOnce(&mut Processor) -> R) -> R {
        what(&mut self.0.lock().expect("no panic inside")[index])
    }

    /// The process runs from now on, and has agreed.
    pub(crate) fn runs(&self, index: usize) {
        self.of(index, |me| me.runs = true);
        fence(SeqCst);
    }

    /// It does not, until it says that it does.
    pub(crate) fn rests(&self, index: usize) {
        if self.of(index, |me| core::mem::take(&mut me.runs)) {
            fence(SeqCst);
            self.answer(index);
        }
    }

    /// The process is at a step.
    pub(crate) fn pass(&self, index: usize) {
        if self.of(index, |me| !me.asked.is_empty()) {
            fence(SeqCst);
            self.answer(index);
        }
    }

    fn answer(&self, index: usize) {
        for call in self.of(index, |me| core::mem::take(&mut me.asked)) {
            let last = call.awaited.fetch_sub(1, Relaxed) == 1;
            if last && call.parked.load(Relaxed) {
                call.thread.unpark();
            }
        }
    }

    /// Has all others fence who run.
    pub(crate) fn fence_everywhere(&self, index: usize) {
        let ran = self.of(index, |me| me.runs);
        self.rests(index);
        fence(SeqCst);
        let call = Arc::new(Call {
            thread: current(),
            parked: AtomicBool::new(false),
            awaited: AtomicUsize::new(0),
        });
        for processor in self.0.lock().expect("no panic inside").iter_mut().filter(|p| p.runs) {
            processor.asked.push(Arc::clone(&call));
            call.awaited.fetch_add(1, Relaxed);
        }
        call.parked.store(true, Relaxed);
        while call.awaited.load(Relaxed) > 0 {
            park();
        }
        if ran {
            self.runs(index);
        } else {
            fence(SeqCst);
        }
    }
}
