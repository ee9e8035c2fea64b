//! `membarrier`: one process has a full fence executed by every process that runs and has agreed to it, at whatever point
//! each has come to.
//!
//! Who asks waits until each of the others has fenced: at its next step, or when it goes to sleep, ends, or asks itself.
//! So the light half of the asymmetric fence is nothing here either, and orders nothing where nobody asks.

use crate::checker::{Thread, Touch, current, fence, park};
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
pub(crate) struct Processors {
    all: Mutex<Vec<Processor>>,
    /// Each at its steps: to loom, these and who asks for a fence are of one another's business.
    steps: Vec<Touch>,
    /// loom takes fences for the business of their own threads; they have an order.
    fences: Touch,
}

impl Processors {
    pub(crate) fn new(count: usize) -> Self {
        let all = Mutex::new((0..count).map(|_| Processor::default()).collect());
        let steps = (0..count).map(|_| Touch::default()).collect();
        Self { all, steps, fences: Touch::default() }
    }

    fn of<R>(&self, index: usize, what: impl FnOnce(&mut Processor) -> R) -> R {
        what(&mut self.all.lock().expect("no panic inside")[index])
    }

    /// A full fence of the calling thread.
    pub(crate) fn fence(&self) {
        self.fences.touch();
        fence(SeqCst);
    }

    /// The process runs from now on, and has agreed.
    pub(crate) fn runs(&self, index: usize) {
        self.of(index, |me| me.runs = true);
        self.fence();
    }

    /// It does not, until it says that it does.
    pub(crate) fn rests(&self, index: usize) {
        while self.of(index, |me| me.runs) {
            let calls = self.of(index, |me| core::mem::take(&mut me.asked));
            self.fence();
            answer(calls);
            self.of(index, |me| me.runs = !me.asked.is_empty());
        }
    }

    /// The process is at a step.
    pub(crate) fn pass(&self, index: usize) {
        if self.of(index, |me| me.runs) {
            self.steps[index].touch();
        }
        let calls = self.of(index, |me| core::mem::take(&mut me.asked));
        if !calls.is_empty() {
            self.fence();
            answer(calls);
        }
    }

    /// Has all others fence who run.
    pub(crate) fn fence_everywhere(&self, index: usize) {
        let ran = self.of(index, |me| me.runs);
        self.rests(index);
        self.fence();
        let call = Arc::new(Call {
            thread: current(),
            parked: AtomicBool::new(false),
            awaited: AtomicUsize::new(0),
        });
        for (other, step) in self.steps.iter().enumerate() {
            if self.of(other, |other| other.runs) {
                step.touch();
            }
            self.of(other, |other| {
                if other.runs {
                    other.asked.push(Arc::clone(&call));
                    call.awaited.fetch_add(1, Relaxed);
                }
            });
        }
        call.parked.store(true, Relaxed);
        while call.awaited.load(Relaxed) > 0 {
            park();
        }
        if ran {
            self.runs(index);
        } else {
            self.fence();
        }
    }
}

/// Their callee has fenced since they asked.
fn answer(calls: Vec<Arc<Call>>) {
    for call in calls {
        let last = call.awaited.fetch_sub(1, Relaxed) == 1;
        if last && call.parked.load(Relaxed) {
            call.thread.unpark();
        }
    }
}
