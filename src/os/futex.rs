//! The futex: sleeping on a word that processes share. Never the PRIVATE flag, but to have a word compared only.
//!
//! Every wait here may return early; callers look again. Every deadline is absolute, so looking again loses no time.
#![allow(unsafe_code)] // system calls on addresses of live words

use super::clock::Deadline;
use super::{AtomicU32, AtomicU64};
use std::io;

/// How a sleep ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Slept {
    /// Somebody woke the word of this index. Kernel's word: it was taken off that queue and counted.
    Woken(usize),
    /// A word did not hold what was expected, or a signal came. Look again.
    Disturbed,
    /// The deadline passed.
    TimedOut,
}

/// The most words that one thread can sleep on.
pub(crate) const WORDS_MAX: usize = 128;

/// Sleeps while `*word == expected`.
pub(crate) fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> Slept {
    let until = deadline.as_timespec();
    let until = until.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
    // SAFETY: `word` is a live, aligned u32 and `until` null or a live timespec for the whole call; the kernel reads both.
    let rc = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT_BITSET, // the variant whose time-out is absolute and monotonic
            expected,
            until,
            core::ptr::null::<u32>(),
            libc::FUTEX_BITSET_MATCH_ANY,
        )
    };
    if rc == 0 { Slept::Woken(0) } else { refused() }
}

/// One word of a sleep on several: its address and what it must hold.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Watch {
    expected: u64,
    address: u64,
    flags: u32,
    reserved: u32,
}

impl Watch {
    /// Compared, and woken by those who wake the word.
    pub(crate) fn new(word: &AtomicU32, expected: u32) -> Self {
        const FUTEX_32: u32 = 2;
        let address = word.as_ptr().expose_provenance() as u64;
        Self { expected: u64::from(expected), address, flags: FUTEX_32, reserved: 0 }
    }

    /// Compared only, after all that stand before it in the list were queued: its queue is this process's own, and nobody
    /// ever wakes it.
    pub(crate) fn compare(word: &AtomicU32, expected: u32) -> Self {
        const PRIVATE: u32 = 128;
        let shared = Self::new(word, expected);
        Self { flags: shared.flags | PRIVATE, ..shared }
    }

    /// What fills a list behind its end.
    pub(crate) const UNUSED: Self = Self { expected: 0, address: 0, flags: 0, reserved: 0 };
}

/// The halves of a 64-bit word, lowest address first: names of queues and places for the kernel to compare. Nobody loads
/// or stores through them.
pub(crate) fn halves(word: &AtomicU64) -> [&AtomicU32; 2] {
    let halves = core::ptr::from_ref(word).cast::<[AtomicU32; 2]>();
    // SAFETY: the same live bytes, aligned to more than enough; atomics may be changed behind a shared reference.
    unsafe { &*halves }.each_ref()
}

/// Sleeps while every word holds what is expected. The kernel compares and queues them in order; of several that were
/// woken it names the last.
///
/// The words of `watches` must be live until this returns; each `Watch` was made from a reference that the caller holds.
pub(crate) fn wait_any(watches: &[Watch], deadline: Deadline) -> Slept {
    debug_assert!(watches.len() <= WORDS_MAX);
    match waitv(watches, deadline) {
        index @ 0.. => Slept::Woken(usize::try_from(index).unwrap_or(0)),
        _ => refused(),
    }
}

fn waitv(watches: &[Watch], deadline: Deadline) -> libc::c_long {
    let until = deadline.as_timespec();
    let until = until.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
    // SAFETY: `watches` and `until` are live for the call; the kernel reads the words that they name and faults politely.
    unsafe {
        libc::syscall(
            libc::SYS_futex_waitv,
            watches.as_ptr(),
            watches.len(),
            0,
            until,
            libc::CLOCK_MONOTONIC,
        )
    }
}

/// What a wait's errno means.
fn refused() -> Slept {
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::ETIMEDOUT) => Slept::TimedOut,
        // EAGAIN: a word has changed. EINTR: a signal, or the process was stopped and goes on.
        Some(libc::EAGAIN | libc::EINTR) => Slept::Disturbed,
        // ENOMEM: the kernel could not queue several; the caller's loop is the retry.
        // ENOSYS and EPERM were refused at attach (`several_words_work`).
        other => {
            debug_assert_eq!(other, Some(libc::ENOMEM), "anything else is our own bug");
            Slept::Disturbed
        }
    }
}

/// Whether this process may sleep on several words (`futex_waitv`: Linux 5.16; old sandboxes refuse it).
pub(crate) fn several_words_work() -> io::Result<()> {
    let word = AtomicU32::new(1);
    waitv(&[Watch::new(&word, 0)], Deadline::PASSED); // 1 is not 0: returns at once
    match io::Error::last_os_error() {
        e if e.raw_os_error() == Some(libc::EAGAIN) => Ok(()),
        e => Err(e),
    }
}

/// Wakes up to `count` sleepers of `word` in the order of their coming; how many there were.
pub(crate) fn wake(word: &AtomicU32, count: u32) -> u32 {
    if count == 0 {
        return 0; // the kernel would wake one
    }
    // SAFETY: only the word's address is used, as the name of a queue.
    let woken =
        unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, clamp(count)) };
    debug_assert!(woken >= 0, "a live word is a queue");
    u32::try_from(woken).unwrap_or(0)
}

/// Wakes everybody on `queue` and clears bit `bit` of `word`, as one step for every other futex call and for a SIGKILL.
pub(crate) fn wake_all_and_clear_bit(queue: &AtomicU32, word: &AtomicU32, bit: u32) -> u32 {
    const AND_NOT_BIT: u32 = 3 | 8; // 8: the argument is a bit's number
    wake_op(queue, u32::MAX, word, AND_NOT_BIT << 28 | (bit & 31) << 12 | NEVER)
}

/// Wakes up to `count` sleepers of `queue` and adds 2 to `counter`, as one step. `counter` is even at all times.
pub(crate) fn wake_and_add_two(queue: &AtomicU32, count: u32, counter: &AtomicU32) -> u32 {
    const ADD: u32 = 1;
    if count == 0 {
        return 0;
    }
    wake_op(queue, count, counter, ADD << 28 | 2 << 12 | NEVER)
}

/// Wakes everybody on `bell` and adds 1 to its two top bits, as one step. The low 30 bits of `bell` are 0 at all times.
pub(crate) fn wake_all_and_count(bell: &AtomicU32) -> u32 {
    const ADD_BIT: u32 = 1 | 8; // 8: the argument is a bit's number
    wake_op(bell, u32::MAX, bell, ADD_BIT << 28 | 30 << 12 | NEVER)
}

/// The comparison "the old value is 1", which no word of ours ever is at that place: nobody is woken on the second word.
const NEVER: u32 = 1;

fn wake_op(queue: &AtomicU32, count: u32, word: &AtomicU32, operation: u32) -> u32 {
    let none: usize = 0;
    // SAFETY: both words are live; the kernel changes the second atomically, as the operation says.
    let woken = unsafe {
        libc::syscall(
            libc::SYS_futex,
            queue.as_ptr(),
            libc::FUTEX_WAKE_OP,
            clamp(count),
            none,
            word.as_ptr(),
            operation,
        )
    };
    debug_assert!(woken >= 0, "both words are live and writable");
    u32::try_from(woken).unwrap_or(0)
}

/// The kernel's count is signed: 2^32 - 1 would wake one.
fn clamp(count: u32) -> libc::c_int {
    libc::c_int::try_from(count).unwrap_or(libc::c_int::MAX)
}
