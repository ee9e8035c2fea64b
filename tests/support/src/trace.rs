//! Running a child instruction by instruction, by ptrace. The calls must come from the thread that forked it.
#![allow(unsafe_code)] // ptrace

use std::time::{Duration, Instant};

/// Where the traced code stops to be looked at.
#[inline(always)]
pub fn marker() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: traps to the tracer, changes nothing.
    unsafe {
        core::arch::asm!("int3");
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: traps to the tracer, changes nothing.
    unsafe {
        core::arch::asm!("brk #0xf000");
    }
}

/// What a traced process did when it was let go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// One instruction.
    Step,
    /// Came to a marker.
    Marker,
    /// Sleeps in the kernel; it runs on by itself when it is woken, to the end of the system call or the next marker.
    Asleep,
    /// Ended: exit status, or minus the signal.
    Ended(i32),
}

/// A traced child. Killed and reaped at drop.
#[derive(Debug)]
pub struct Traced {
    /// Its process id.
    pub pid: i32,
    ended: bool,
    let_go: bool,
}

impl Traced {
    /// Forks; the child stops at a marker before `work`, and at one behind it.
    pub fn spawn(work: impl FnOnce()) -> Self {
        // SAFETY: the child runs only `work`, whose callers keep it free of what other threads may hold.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0, "fork: {}", std::io::Error::last_os_error());
        if pid == 0 {
            // SAFETY: takes two integers.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            // SAFETY: asks to be traced by the parent; no memory is involved.
            let traced = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
            if traced == 0 {
                marker();
                work();
                marker();
            }
            // SAFETY: ends the process.
            unsafe { libc::_exit(if traced == 0 { 0 } else { 99 }) }
        }
        let mut child = Self { pid, ended: false, let_go: true };
        let first = child.wait_for_stop();
        assert_eq!(first, Stop::Marker, "ptrace is refused here; this test needs it");
        child
    }

    /// Runs one instruction, or a system call to its end.
    pub fn step(&mut self) -> Stop {
        self.go(libc::PTRACE_SINGLESTEP)
    }

    /// Runs to the next marker.
    pub fn run(&mut self) -> Stop {
        self.go(libc::PTRACE_CONT)
    }

    /// Runs `count` instructions at most; where it stopped if earlier.
    pub fn steps(&mut self, count: u64) -> Option<Stop> {
        (0..count).map(|_| self.step()).find(|stop| *stop != Stop::Step)
    }

    /// SIGKILL; returns when the process is gone. A stopped process executes nothing more.
    pub fn kill(mut self) {
        self.kill_in_place();
    }

    fn go(&mut self, how: libc::c_uint) -> Stop {
        if !self.let_go {
            // SAFETY: our own stopped child; no memory of ours is involved.
            let done = unsafe { libc::ptrace(how, self.pid, 0, 0) };
            assert_eq!(done, 0, "ptrace: {}", std::io::Error::last_os_error());
            self.let_go = true;
        }
        self.wait_for_stop()
    }

    fn wait_for_stop(&mut self) -> Stop {
        let start = Instant::now();
        loop {
            if let Some(stop) = self.poll() {
                return stop;
            }
            if start.elapsed() > Duration::from_millis(1) && self.sleeps() {
                std::thread::sleep(Duration::from_millis(1));
                if let Some(stop) = self.poll() {
                    return stop;
                }
                if self.sleeps() {
                    return Stop::Asleep;
                }
            }
            std::thread::yield_now();
        }
    }

    fn poll(&mut self) -> Option<Stop> {
        let mut status = 0;
        // SAFETY: our own child, and a live word.
        let pid = unsafe { libc::waitpid(self.pid, &raw mut status, libc::WNOHANG | libc::__WALL) };
        if pid != self.pid {
            return None;
        }
        self.let_go = false;
        if libc::WIFSTOPPED(status) {
            assert_eq!(libc::WSTOPSIG(status), libc::SIGTRAP, "an unexpected signal");
            return Some(if self.at_marker() { Stop::Marker } else { Stop::Step });
        }
        self.ended = true;
        Some(Stop::Ended(if libc::WIFSIGNALED(status) {
            -libc::WTERMSIG(status)
        } else {
            libc::WEXITSTATUS(status)
        }))
    }

    /// A marker's trap has another code than a single step's, be it over an instruction or over a system call.
    fn at_marker(&self) -> bool {
        const CODE: i32 = if cfg!(target_arch = "x86_64") { 0x80 } else { libc::TRAP_BRKPT };
        let mut info = core::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: our own stopped child; the kernel fills the live struct.
        unsafe { libc::ptrace(libc::PTRACE_GETSIGINFO, self.pid, 0, info.as_mut_ptr()) };
        // SAFETY: zeroed, then filled by the kernel.
        unsafe { info.assume_init() }.si_code == CODE
    }

    fn sleeps(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('S'))
    }

    fn kill_in_place(&mut self) {
        if self.ended {
            return;
        }
        // SAFETY: our own child, not yet reaped.
        unsafe { libc::kill(self.pid, libc::SIGKILL) };
        let mut status = 0;
        // SAFETY: our own child, and a live word.
        while unsafe { libc::waitpid(self.pid, &raw mut status, libc::__WALL) } == self.pid {
            if libc::WIFSIGNALED(status) || libc::WIFEXITED(status) {
                break;
            }
        }
        self.ended = true;
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.kill_in_place();
    }
}
