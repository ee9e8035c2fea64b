//! Running a child instruction by instruction, by ptrace. The calls must come from the thread that forked it.
#![allow(unsafe_code)] // ptrace

use crate::child::sleeps_on_futex;
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

/// A traced child. Killed and reaped at drop, or with the test.
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
        Self::try_spawn(work).expect("ptrace is refused here; this test needs it")
    }

    /// The same; `None` if ptrace is refused here.
    pub fn try_spawn(work: impl FnOnce()) -> Option<Self> {
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
        match child.wait_for_stop() {
            Stop::Marker => Some(child),
            Stop::Ended(99) => None,
            other => panic!("a child that has only begun: {other:?}"),
        }
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

    /// Lets it run freely, past all markers, and does not wait: its end, once it has come (exit status, or minus the signal).
    pub fn run_on(&mut self) -> Option<i32> {
        if self.let_go
            && let Some(Stop::Ended(how)) = self.poll()
        {
            return Some(how);
        }
        if !self.let_go {
            self.request(libc::PTRACE_CONT, 0, 0);
            self.let_go = true;
        }
        None
    }

    /// SIGKILL; returns when the process is gone. A stopped process executes nothing more.
    pub fn kill(mut self) {
        self.kill_in_place();
    }

    /// SIGKILL, without waiting for the end.
    pub fn kill_without_reaping(&self) {
        // SAFETY: our own child, not yet reaped.
        unsafe { libc::kill(self.pid, libc::SIGKILL) };
    }

    fn go(&mut self, how: libc::c_uint) -> Stop {
        if !self.let_go {
            self.request(how, 0, 0);
            self.let_go = true;
        }
        self.wait_for_stop()
    }

    fn request(&self, what: libc::c_uint, address: u64, data: u64) -> libc::c_long {
        // SAFETY: our own stopped child; requests that take no memory of ours.
        let done = unsafe { libc::ptrace(what, self.pid, address, data) };
        assert_ne!(done, -1, "ptrace {what}: {}", std::io::Error::last_os_error());
        done
    }

    fn wait_for_stop(&mut self) -> Stop {
        let start = Instant::now();
        loop {
            if let Some(stop) = self.poll() {
                return stop;
            }
            let waited = start.elapsed();
            if waited > Duration::from_micros(300) && sleeps_on_futex(self.pid)
                || waited > Duration::from_millis(1) && self.sleeps()
            {
                std::thread::sleep(Duration::from_micros(200));
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
        crate::child::state(self.pid) == 'S'
    }

    fn kill_in_place(&mut self) {
        if self.ended {
            return;
        }
        self.kill_without_reaping();
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

/// Registers and breakpoints.
#[cfg(target_arch = "x86_64")]
impl Traced {
    /// The registers of the stopped child.
    #[must_use]
    pub fn registers(&self) -> libc::user_regs_struct {
        let mut registers = core::mem::MaybeUninit::<libc::user_regs_struct>::zeroed();
        // SAFETY: our own stopped child; the kernel fills the live struct.
        let done =
            unsafe { libc::ptrace(libc::PTRACE_GETREGS, self.pid, 0, registers.as_mut_ptr()) };
        assert_eq!(done, 0, "ptrace: {}", std::io::Error::last_os_error());
        // SAFETY: zeroed, then filled by the kernel.
        unsafe { registers.assume_init() }
    }

    /// Runs until the instruction at `address` is about to be executed for the `times`-th time from here on. Whenever it
    /// falls asleep, `wake` is asked to have it woken.
    ///
    /// # Errors
    /// Where it stopped instead: at a marker, at its end, or [`Stop::Asleep`] if `wake` says that nobody will.
    pub fn run_to(
        &mut self,
        address: u64,
        times: u32,
        wake: &mut dyn FnMut() -> bool,
    ) -> Result<(), Stop> {
        let code = self.peek(address);
        for turn in 1..=times {
            self.poke(address, code & !0xff | 0xcc);
            let mut stop = self.run();
            while stop == Stop::Asleep && wake() {
                stop = self.run();
            }
            if matches!(stop, Stop::Asleep | Stop::Ended(_)) {
                return Err(stop);
            }
            self.poke(address, code);
            if self.program_counter() != address + 1 {
                return Err(stop);
            }
            self.set_program_counter(address);
            if turn < times {
                match self.step() {
                    Stop::Step => {}
                    other => return Err(other),
                }
            }
        }
        Ok(())
    }

    const PROGRAM_COUNTER: u64 = core::mem::offset_of!(libc::user_regs_struct, rip) as u64;

    /// The address of the next instruction.
    #[must_use]
    pub fn program_counter(&self) -> u64 {
        self.registers().rip
    }

    fn set_program_counter(&self, address: u64) {
        self.request(libc::PTRACE_POKEUSER, Self::PROGRAM_COUNTER, address);
    }

    fn peek(&self, address: u64) -> u64 {
        // SAFETY: reads the child's memory through the kernel, which refuses what is not there.
        unsafe { libc::ptrace(libc::PTRACE_PEEKTEXT, self.pid, address, 0) }.cast_unsigned()
    }

    fn poke(&self, address: u64, code: u64) {
        self.request(libc::PTRACE_POKETEXT, address, code);
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.kill_in_place();
    }
}
