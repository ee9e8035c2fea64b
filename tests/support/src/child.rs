//! Child processes that really run, and really die.
#![allow(unsafe_code)] // fork and kill

use std::time::{Duration, Instant};

/// A forked child. Killed and reaped at drop.
#[derive(Debug)]
pub struct Child {
    /// Its process id.
    pub pid: i32,
    reaped: bool,
}

impl Child {
    /// Forks; the child runs `work` and ends without running anything else of the test. It dies with the test.
    pub fn spawn(work: impl FnOnce()) -> Self {
        // SAFETY: the child runs only `work`, whose callers keep it free of what other threads may hold.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0, "fork: {}", std::io::Error::last_os_error());
        if pid == 0 {
            // SAFETY: takes two integers.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            let code = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
                Ok(()) => 0,
                Err(_) => 101,
            };
            // SAFETY: ends the process.
            unsafe { libc::_exit(code) }
        }
        Self { pid, reaped: false }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: i32) {
        // SAFETY: our own child, not yet reaped.
        unsafe { libc::kill(self.pid, signal) };
    }

    /// SIGKILL, without waiting for the end.
    pub fn kill_without_reaping(&self) {
        self.signal(libc::SIGKILL);
    }

    /// SIGKILL; returns when the process is gone.
    pub fn kill(mut self) {
        self.kill_without_reaping();
        self.reap();
    }

    /// Waits for its end: its exit status, or minus the signal that ended it.
    pub fn wait(mut self) -> i32 {
        self.reap()
    }

    /// The same, at most `limit`; `None` if it is stuck, which it then is no more.
    pub fn wait_at_most(mut self, limit: Duration) -> Option<i32> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if let Some(code) = self.try_reap() {
                return Some(code);
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        None
    }

    /// Its [state].
    #[must_use]
    pub fn state(&self) -> char {
        state(self.pid)
    }

    /// Waits until it sleeps in the kernel.
    pub fn until_asleep(&self) {
        until("the child to sleep", || self.state() == 'S');
        std::thread::sleep(Duration::from_millis(2));
        until("the child to sleep", || self.state() == 'S');
    }

    /// Its end, if it has come: its exit status, or minus the signal that ended it.
    pub fn try_reap(&mut self) -> Option<i32> {
        let mut status = 0;
        // SAFETY: our own child, and a live word.
        let pid = unsafe { libc::waitpid(self.pid, &raw mut status, libc::WNOHANG) };
        (pid == self.pid).then(|| {
            self.reaped = true;
            code(status)
        })
    }

    fn reap(&mut self) -> i32 {
        let mut status = 0;
        // SAFETY: our own child, and a live word.
        let pid = unsafe { libc::waitpid(self.pid, &raw mut status, 0) };
        assert_eq!(pid, self.pid, "waitpid: {}", std::io::Error::last_os_error());
        self.reaped = true;
        code(status)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill_without_reaping();
            self.reap();
        }
    }
}

/// The state of a process's first thread as `/proc` tells: `S` asleep, `R` running, `T` stopped …
#[must_use]
pub fn state(pid: i32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.trim_start().chars().next().unwrap_or('?')
}

/// How many threads a process has.
#[must_use]
pub fn threads(pid: i32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

/// What a process's first thread asks of the kernel, if it is in a system call and does not run: the call's number and
/// arguments.
#[must_use]
pub fn system_call(pid: i32) -> Option<[u64; 7]> {
    let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).ok()?;
    let mut words = call.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?; // "running" is no number
    let mut found = [number; 7];
    for place in &mut found[1..] {
        *place = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some(found)
}

/// Whether the system call of this number sleeps on futexes.
#[must_use]
pub fn is_futex(number: u64) -> bool {
    [libc::SYS_futex, libc::SYS_futex_waitv].map(libc::c_long::cast_unsigned).contains(&number)
}

/// Whether a process's first thread sleeps on futexes.
#[must_use]
pub fn sleeps_on_futex(pid: i32) -> bool {
    system_call(pid).is_some_and(|[number, ..]| is_futex(number)) && state(pid) == 'S'
}

fn code(status: i32) -> i32 {
    if libc::WIFSIGNALED(status) { -libc::WTERMSIG(status) } else { libc::WEXITSTATUS(status) }
}

/// Waits until `done`, for 20 s at the longest.
pub fn until(what: &str, done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < end, "waited 20 s for {what}");
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// A small generator of random numbers: the same seed, the same test.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Seeded by a number other than 0.
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// The next number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
