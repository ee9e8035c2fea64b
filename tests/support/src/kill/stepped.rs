//! A process that runs an operation instruction by instruction: under ptrace, or where that is refused, by its own trap flag.

use super::flagged::{self, Flagged};
use super::place::{Path, Reached};
use crate::fork::{children_say_why, exit};
use crate::trace::{Stop, Traced, marker};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Whether this process is stepped, and by whom: only then are there markers.
static STEPPED: AtomicU8 = AtomicU8::new(BY_NOBODY);
const BY_NOBODY: u8 = 0;
const BY_TRACER: u8 = 1;
const BY_ITSELF: u8 = 2;

/// Where the operation begins. In a process that is not stepped this does nothing.
#[inline(always)]
pub fn begin() {
    match STEPPED.load(Relaxed) {
        BY_TRACER => marker(),
        BY_ITSELF => flagged::begin(),
        _ => {}
    }
}

/// Where it ends.
#[inline(always)]
pub fn end() {
    match STEPPED.load(Relaxed) {
        BY_TRACER => marker(),
        BY_ITSELF => flagged::end(),
        _ => {}
    }
}

/// See the module. Killed and reaped at drop.
pub(super) enum Stepped {
    Traced(Traced),
    Flagged(Flagged),
}

impl Stepped {
    /// Forks; the child runs `work` up to its [`begin`].
    pub(super) fn begin(work: impl Fn()) -> Self {
        children_say_why();
        let marked = |by| {
            STEPPED.store(by, Relaxed);
            if std::panic::catch_unwind(AssertUnwindSafe(&work)).is_err() {
                exit(101); // it must not unwind into the test, whose end would be a good one
            }
        };
        if let Some(mut child) = Traced::try_spawn(|| marked(BY_TRACER)) {
            let mut stop = child.run();
            while stop == Stop::Asleep {
                stop = child.run();
            }
            assert_eq!(stop, Stop::Marker, "it never began");
            return Self::Traced(child);
        }
        Self::Flagged(Flagged::begin(|| marked(BY_ITSELF)))
    }

    pub(super) fn pid(&self) -> i32 {
        match self {
            Self::Traced(child) => child.pid,
            Self::Flagged(child) => child.pid(),
        }
    }

    /// Runs the whole operation, and says how.
    pub(super) fn record(&mut self, wake: &mut dyn FnMut() -> bool) -> Path {
        match self {
            Self::Traced(child) => Path::record(child, wake),
            Self::Flagged(child) => Path::counted(child.count(wake)),
        }
    }

    /// Goes on behind instruction `n` of `path`.
    pub(super) fn lead(
        &mut self,
        path: &Path,
        n: usize,
        wake: &mut dyn FnMut() -> bool,
    ) -> Reached {
        match self {
            Self::Traced(child) => path.lead(child, n, wake),
            Self::Flagged(child) => child.lead(n, wake),
        }
    }

    /// SIGKILL; returns when the process is gone. It executes nothing more.
    pub(super) fn kill(self) {
        match self {
            Self::Traced(child) => child.kill(),
            Self::Flagged(child) => child.kill(),
        }
    }

    /// Runs freely; its exit status, once it has ended.
    pub(super) fn run_on(&mut self) -> Option<i32> {
        match self {
            Self::Traced(child) => child.run_on(),
            Self::Flagged(child) => child.run_on(),
        }
    }
}
