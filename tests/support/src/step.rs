//! Running one's own code instruction by instruction, without a tracer: the processor traps behind each instruction, and a
//! signal handler of the same thread is called.
//!
//! Faster than [`trace`](crate::trace), for no other process has to be woken for an instruction, and possible where that is
//! refused; but it sees only itself, and a system call and the instruction behind it as one. The handler interrupts code at any
//! point: a watcher may touch atomics, sleep, stop and die, but not allocate, lock or print.
//!
//! On x86-64. Elsewhere it panics.
#![allow(unsafe_code)] // a signal handler, and a flag of the processor

use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::Once;

/// Called behind each instruction. `false`: no more.
type Watcher<'a> = &'a mut dyn FnMut() -> bool;

thread_local! {
    static WATCHER: Cell<*mut Watcher<'static>> = const { Cell::new(null_mut()) };
}

/// Runs `act`, and calls `watcher` behind each of its instructions until it has enough.
pub fn stepped<R>(act: impl FnOnce() -> R, mut watcher: impl FnMut() -> bool) -> R {
    /// Also when `act` panics.
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            end();
        }
    }
    let mut watcher: Watcher<'_> = &mut watcher;
    install();
    let _end = End;
    WATCHER.set((&raw mut watcher).cast());
    trap::set();
    act()
}

/// Calls `watcher` behind each instruction of this thread from here to [`end`], or until it has enough. It is never freed.
pub fn begin(watcher: impl FnMut() -> bool + 'static) {
    let watcher: Watcher<'static> = Box::leak(Box::new(watcher));
    install();
    WATCHER.set(Box::leak(Box::new(watcher)));
    trap::set();
}

/// Ends what [`begin`] began.
pub fn end() {
    trap::clear();
    WATCHER.set(null_mut());
}

fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: an all-zero action is valid.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = on_trap as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        // SAFETY: a live action, whose handler does what a handler may, if the watcher does.
        let rc = unsafe { libc::sigaction(libc::SIGTRAP, &raw const action, null_mut()) };
        assert_eq!(rc, 0, "sigaction: {}", std::io::Error::last_os_error());
    });
}

extern "C" fn on_trap(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let watcher = WATCHER.get();
    // SAFETY: null, or a watcher that lives until `end`, which has not come: this is its thread, in the midst of `act`.
    let goes_on = match unsafe { watcher.as_mut() } {
        Some(watcher) => watcher(),
        None => false,
    };
    if !goes_on {
        trap::clear_in(context.cast());
    }
}

/// The trap flag.
#[cfg(target_arch = "x86_64")]
mod trap {
    const FLAG: i64 = 0x100;

    /// The processor traps behind the next instruction but one, and on.
    #[inline(always)]
    pub fn set() {
        // SAFETY: changes the trap flag only; the stack is as it was.
        unsafe { core::arch::asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq") };
    }

    #[inline(always)]
    pub fn clear() {
        // SAFETY: as above.
        unsafe { core::arch::asm!("pushfq", "and qword ptr [rsp], ~0x100", "popfq") };
    }

    /// Has the interrupted code go on without the flag.
    pub fn clear_in(context: *mut libc::ucontext_t) {
        // SAFETY: the kernel's, for as long as the handler runs.
        let context = unsafe { &mut *context };
        context.uc_mcontext.gregs[usize::try_from(libc::REG_EFL).expect("an index")] &= !FLAG;
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod trap {
    pub fn set() {
        panic!("there is no stepping by a flag of the processor on {}", std::env::consts::ARCH);
    }

    /// Nothing was set.
    pub fn clear() {}
    pub fn clear_in(_: *mut libc::ucontext_t) {}
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use std::time::{Duration, Instant};

    #[test]
    fn a_watcher_sees_every_store() {
        let word = AtomicU32::new(0);
        let (mut steps, mut seen) = (0, [0; 8]);
        let told = stepped(
            || {
                (1..=5).for_each(|value| word.store(value, Relaxed));
                "told"
            },
            || {
                seen[word.load(Relaxed) as usize] += 1;
                steps += 1;
                true
            },
        );
        assert_eq!(told, "told");
        assert!(seen[1..=5].iter().all(|&count| count > 0) && seen[6..] == [0, 0], "{seen:?}");
        let before = steps;
        word.store(0, Relaxed);
        assert!(before > 5 && steps == before, "no more behind the end");
    }

    #[test]
    fn a_watcher_that_has_enough_is_called_no_more() {
        let mut steps = 0;
        let sum = stepped(
            || (0..1000).map(std::hint::black_box).sum::<u32>(),
            || {
                steps += 1;
                steps < 10
            },
        );
        assert_eq!((steps, sum), (10, 499_500));
    }

    #[test]
    fn a_sleep_is_one_step_and_not_disturbed() {
        let (start, mut longest, mut last) = (Instant::now(), Duration::ZERO, Instant::now());
        stepped(
            || std::thread::sleep(Duration::from_millis(30)),
            || {
                longest = longest.max(last.elapsed());
                last = Instant::now();
                true
            },
        );
        assert!(longest > Duration::from_millis(25) && start.elapsed() > longest);
    }

    #[test]
    fn it_ends_with_a_panic() {
        let mut steps = 0_u32;
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            stepped(
                || std::panic::resume_unwind(Box::new(1)),
                || {
                    steps += 1;
                    true
                },
            );
        }));
        let before = steps;
        assert!(result.is_err() && before > 0);
        assert_eq!(std::hint::black_box(steps), before);
    }
}
