//! What sabha is measured against: the bare futex, and the C library's locks, in memory that processes share.

use std::cell::UnsafeCell;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering::*};

/// A value in anonymous memory that forked children share, alone on its cache lines. Never unmapped.
pub struct InCommon<T: 'static>(&'static Line<T>);

#[repr(C, align(128))]
struct Line<T>(T);

impl<T> InCommon<T> {
    /// A value of all zeros.
    ///
    /// # Safety
    /// All zeros is a valid `T`.
    pub unsafe fn zeroed() -> Self {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_POPULATE;
        let len = size_of::<Line<T>>();
        // SAFETY: asks for new pages anywhere.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), len, protection, flags, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED);
        // SAFETY: fresh zeroed pages, large enough and aligned, never unmapped; the caller says that zero is valid.
        Self(unsafe { &*start.cast::<Line<T>>() })
    }
}

impl<T> InCommon<T> {
    /// It is never unmapped.
    pub fn forever(self) -> &'static T {
        &self.0.0
    }
}

impl<T> Deref for InCommon<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.0
    }
}

/// Sleeps while `*word == expected`. May return early.
pub fn futex_wait(word: &AtomicU32, expected: u32) {
    let forever = std::ptr::null::<libc::timespec>();
    // SAFETY: a live word; the kernel reads it.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, forever) };
}

/// Wakes one sleeper of `word`.
pub fn futex_wake(word: &AtomicU32) {
    // SAFETY: a live word, used as the name of a queue.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}

/// A lock in shared memory.
pub trait Lock {
    /// Locks.
    fn lock(&self);
    /// Unlocks; the caller has locked.
    fn unlock(&self);
}

/// The plain futex lock of three states (free, locked, locked with sleepers), as in the standard library, but shared.
/// Whoever is killed with it takes it along.
pub struct ThreeStates(AtomicU32);

impl Lock for ThreeStates {
    #[inline]
    fn lock(&self) {
        if self.0.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
            self.lock_contended();
        }
    }

    #[inline]
    fn unlock(&self) {
        if self.0.swap(0, Release) == 2 {
            futex_wake(&self.0);
        }
    }
}

impl ThreeStates {
    #[cold]
    fn lock_contended(&self) {
        let mut state = self.spin();
        if state == 0 {
            match self.0.compare_exchange(0, 1, Acquire, Relaxed) {
                Ok(_) => return,
                Err(seen) => state = seen,
            }
        }
        loop {
            if state != 2 && self.0.swap(2, Acquire) == 0 {
                return;
            }
            futex_wait(&self.0, 2);
            state = self.spin();
        }
    }

    fn spin(&self) -> u32 {
        for _ in 0..100 {
            let state = self.0.load(Relaxed);
            if state != 1 {
                return state;
            }
            std::hint::spin_loop();
        }
        self.0.load(Relaxed)
    }
}

/// The C library's mutex, shared between processes.
pub struct Pthread {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
}

// SAFETY: made for threads and processes to share.
unsafe impl Sync for Pthread {}

impl Pthread {
    /// A fresh one in common memory, robust or not.
    pub fn in_common(robust: bool) -> InCommon<Self> {
        // SAFETY: any bytes are memory for a mutex, which is initialised below.
        let mutex = unsafe { InCommon::<Self>::zeroed() };
        let mut attributes = std::mem::MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        let attributes = attributes.as_mut_ptr();
        let kind = if robust { libc::PTHREAD_MUTEX_ROBUST } else { libc::PTHREAD_MUTEX_STALLED };
        // SAFETY: memory for attributes.
        unsafe { libc::pthread_mutexattr_init(attributes) };
        // SAFETY: initialised above.
        unsafe { libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED) };
        // SAFETY: initialised above.
        unsafe { libc::pthread_mutexattr_setrobust(attributes, kind) };
        // SAFETY: memory for a mutex that nobody else knows yet.
        let made = unsafe { libc::pthread_mutex_init(mutex.mutex.get(), attributes) };
        assert_eq!(made, 0);
        mutex
    }
}

impl Lock for Pthread {
    #[inline]
    fn lock(&self) {
        // SAFETY: initialised by `in_common`.
        unsafe { libc::pthread_mutex_lock(self.mutex.get()) };
    }

    #[inline]
    fn unlock(&self) {
        // SAFETY: initialised, and locked by the caller.
        unsafe { libc::pthread_mutex_unlock(self.mutex.get()) };
    }
}
