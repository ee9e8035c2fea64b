//! Where ptrace is refused: a process that steps itself. The trap flag of its processor has each instruction followed by a
//! SIGTRAP, whose handler counts, and stops the process when it has counted enough.
//!
//! What it cannot do: stop right behind a system call (the trap comes one instruction later), nor tell which instructions
//! others can see.
#![allow(unsafe_code)] // a signal handler, and the processor's flags

use super::place::Reached;
use crate::child::{Child, sleeps_on_futex, state};
use crate::fork::Board;
use std::sync::atomic::AtomicPtr;
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

const BEFORE: u32 = 0;
const INSIDE: u32 = 1;
const BEHIND: u32 = 2;

static BOARD: AtomicPtr<Board> = AtomicPtr::new(std::ptr::null_mut());

impl Flagged {
    /// Forks; the child runs `work` up to its first marker.
    pub(super) fn begin(work: impl Fn()) -> Self {
        let board = Board::new();
        let child = Child::spawn(|| {
            let mut own = board;
            BOARD.store(&raw mut own, SeqCst);
            handle_traps();
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

const TRAP_FLAG: libc::greg_t = 1 << 8;

fn handle_traps() {
    // SAFETY: an all-zero action is valid.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = trapped as extern "C" fn(_, _, _) as usize;
    action.sa_flags = libc::SA_SIGINFO;
    // SAFETY: a live action, whose handler does only what a handler may.
    let done = unsafe { libc::sigaction(libc::SIGTRAP, &raw const action, std::ptr::null_mut()) };
    assert_eq!(done, 0, "sigaction: {}", std::io::Error::last_os_error());
}

extern "C" fn trapped(_: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    const BREAKPOINT: i32 = 0x80;
    // SAFETY: the kernel's, live as long as the handler runs.
    let (info, context) = (unsafe { &*info }, context.cast::<libc::ucontext_t>());
    // SAFETY: stored before the handler was installed; on the stack of a frame that never returns.
    let board = unsafe { &*BOARD.load(Relaxed) };
    // SAFETY: as `info`.
    let flags = unsafe { &mut (*context).uc_mcontext.gregs[libc::REG_EFL as usize] };
    match (info.si_code == BREAKPOINT, board[PHASE].load(Relaxed)) {
        (true, BEFORE) => {
            board.set(PHASE, INSIDE);
            stand_still();
            *flags |= TRAP_FLAG;
        }
        (true, _) => {
            *flags &= !TRAP_FLAG;
            board.set(PHASE, BEHIND);
            stand_still();
        }
        (false, _) => {
            let counted = board[COUNTED].load(Relaxed) + 1;
            board.set(COUNTED, counted);
            if counted == board[WANTED].load(Relaxed) {
                stand_still();
            }
        }
    }
}

fn stand_still() {
    // SAFETY: takes an integer; a process may stop itself.
    unsafe { libc::raise(libc::SIGSTOP) };
}
