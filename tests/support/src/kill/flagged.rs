//! Where ptrace is refused: a process that [steps](crate::step) itself, counts, and stops when it has counted enough.
//!
//! What it cannot do: stop right behind a system call (the trap comes one instruction later), nor tell which instructions
//! others can see.
#![allow(unsafe_code)] // a signal to itself

use super::place::Reached;
use crate::child::{Child, sleeps_on_futex, state};
use crate::fork::Board;
use crate::step;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::{Duration, Instant};

/// See the module.
pub(super) struct Flagged {
    child: Child,
    board: Board,
}

/// What parent and child tell each other.
const COUNTED: usize = 0;
const WANTED: usize = 1;
const PHASE: usize = 2;

const INSIDE: u32 = 1;
const BEHIND: u32 = 2;

/// Of this process, if it steps itself.
static BOARD: OnceLock<Board> = OnceLock::new();

impl Flagged {
    /// Forks; the child runs `work` up to its first marker.
    pub(super) fn begin(work: impl Fn()) -> Self {
        let board = Board::new();
        let child = Child::spawn(|| {
            assert!(BOARD.set(board).is_ok(), "who steps itself forks no others who do");
            work();
        });
        let this = Self { child, board };
        assert!(this.until_stopped(&mut || true), "it never began");
        this
    }

    pub(super) fn pid(&self) -> i32 {
        self.child.pid
    }

    /// Runs to the second marker, or into a sleep from which nobody wakes it: how many instructions there were.
    pub(super) fn count(&mut self, wake: &mut dyn FnMut() -> bool) -> usize {
        self.go(u32::MAX, wake);
        self.board[COUNTED].load(SeqCst) as usize
    }

    /// Runs until it has executed `n` instructions behind the first marker.
    pub(super) fn lead(&mut self, n: usize, wake: &mut dyn FnMut() -> bool) -> Reached {
        let n = u32::try_from(n).expect("fewer than 2^32");
        if n == 0 {
            return Reached::There;
        }
        match self.go(n, wake) {
            false => Reached::Asleep,
            true if self.board[PHASE].load(SeqCst) == BEHIND => Reached::Done,
            true => Reached::There,
        }
    }

    fn go(&mut self, wanted: u32, wake: &mut dyn FnMut() -> bool) -> bool {
        self.board.set(WANTED, wanted);
        self.child.signal(libc::SIGCONT);
        self.until_stopped(wake)
    }

    pub(super) fn kill(self) {
        self.child.kill();
    }

    pub(super) fn run_on(&mut self) -> Option<i32> {
        if state(self.child.pid) == 'T' {
            self.board.set(WANTED, u32::MAX);
            self.child.signal(libc::SIGCONT);
        }
        self.child.try_reap()
    }

    /// Whether it stopped; else it sleeps for good.
    fn until_stopped(&self, wake: &mut dyn FnMut() -> bool) -> bool {
        let start = Instant::now();
        loop {
            match state(self.child.pid) {
                'T' => return true,
                'S' if sleeps_on_futex(self.child.pid) && !wake() => return false,
                _ => assert!(start.elapsed() < Duration::from_secs(20), "neither stops nor sleeps"),
            }
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

/// The marker behind which a process begins to step itself.
pub(super) fn begin() {
    let board = *BOARD.get().expect("this process was forked by `Flagged::begin`");
    board.set(PHASE, INSIDE);
    stand_still();
    step::begin(move || {
        let counted = board[COUNTED].load(Relaxed) + 1;
        board.set(COUNTED, counted);
        if counted == board[WANTED].load(Relaxed) {
            stand_still();
        }
        true
    });
}

/// The marker before which it has ended that.
pub(super) fn end() {
    step::end();
    let board = BOARD.get().expect("the same");
    board.set(PHASE, BEHIND);
    stand_still();
}

fn stand_still() {
    // SAFETY: takes an integer; a process may stop itself.
    unsafe { libc::raise(libc::SIGSTOP) };
}
