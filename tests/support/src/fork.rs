//! Forked children that say why they fail, a board on which processes write to each other, and names that do not outlive
//! their test.
#![allow(unsafe_code)] // anonymous mappings

use super::child::{Child, until};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

/// Longer than anything here takes, however slow the machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Runs `body` in a forked child. If it panics the words go to the true standard error.
pub fn fork(body: impl FnOnce()) -> Child {
    children_say_why();
    Child::spawn(body)
}

/// Has the panics of children that are forked from now on go to the true standard error. Done before any fork: the hook has a
/// lock, which a child would inherit from another thread that panics meanwhile.
pub(crate) fn children_say_why() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let (parent, usual) = (std::process::id(), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |info| {
            if std::process::id() == parent {
                return usual(info);
            }
            let words = format!("in a child: {info}\n");
            // SAFETY: the buffer is live.
            unsafe { libc::write(2, words.as_ptr().cast(), words.len()) };
        }));
    });
}

/// Waits for the child's end, which must be a good one.
#[track_caller]
pub fn ends_well(child: Child) {
    assert_eq!(child.wait_at_most(PATIENCE), Some(0), "the child failed (None: it hung)");
}

/// Stops the child; returns when it stands still.
#[track_caller]
pub fn stop(child: &Child) {
    child.signal(libc::SIGSTOP);
    until("the child to stop", || child.state() == 'T');
}

/// Ends a traced child, which must not unwind into the test, with status 1 unless `good`.
pub fn end_unless(good: bool) {
    if !good {
        exit(1);
    }
}

/// Ends this process, a child, with `status`.
pub fn exit(status: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(status) }
}

/// Sleeps for ever: to be killed.
pub fn sleep_for_ever() -> ! {
    loop {
        std::thread::sleep(PATIENCE);
    }
}

/// Zeros that this process and the children that it forks from now on share, as long as they live.
///
/// # Safety
/// Zeros are a valid `T`, and so is what its methods make of them while another process may be killed in one of them.
#[must_use]
pub unsafe fn shared<T: Sync>() -> &'static T {
    let (access, kind) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
    // SAFETY: new pages anywhere.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), size_of::<T>(), access, kind, -1, 0) };
    assert_ne!(start, libc::MAP_FAILED, "mmap: {}", std::io::Error::last_os_error());
    // SAFETY: enough pages, aligned as pages are, that stay mapped; the caller vouches for zeros.
    unsafe { &*start.cast() }
}

/// Words that a process and its forked children share without any help of the library.
#[derive(Clone, Copy)]
pub struct Board(&'static [AtomicU32; 1024]);

impl Board {
    /// Zeros.
    #[allow(clippy::new_without_default, reason = "maps pages")]
    #[must_use]
    pub fn new() -> Self {
        // SAFETY: atomics, which are valid as zeros and as anything else.
        Self(unsafe { shared() })
    }

    /// Stores.
    pub fn set(self, index: usize, value: u32) {
        self.0[index].store(value, SeqCst);
    }

    /// Sleeps on word `index` while it is `value`, for ever if nobody wakes it.
    pub fn sleep(self, index: usize, value: u32) {
        let none = std::ptr::null::<libc::timespec>();
        // SAFETY: a live word, which the kernel only reads.
        unsafe {
            libc::syscall(libc::SYS_futex, self.0[index].as_ptr(), libc::FUTEX_WAIT, value, none)
        };
    }

    /// Wakes all who sleep on word `index`.
    pub fn wake(self, index: usize) {
        // SAFETY: only the word's address is used.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.0[index].as_ptr(),
                libc::FUTEX_WAKE,
                libc::c_int::MAX,
            )
        };
    }

    /// Waits until word `index` is at least `value`.
    #[track_caller]
    pub fn wait(self, index: usize, value: u32) {
        until("a word of another process", || self.0[index].load(SeqCst) >= value);
    }
}

impl Deref for Board {
    type Target = [AtomicU32; 1024];

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

/// A name for a region that no other test uses; taken away at the end, however the test ends.
pub struct Name {
    name: String,
    maker: u32,
}

impl Name {
    /// Contains `tag`.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let maker = std::process::id();
        let name = format!("sabha-test-{maker}-{}-{tag}", COUNT.fetch_add(1, SeqCst));
        Self { name, maker }
    }

    /// Where the region is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        PathBuf::from("/dev/shm").join(&self.name)
    }

    /// Whether there is anything of that name.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.path().symlink_metadata().is_ok()
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        if self.maker == std::process::id() && std::fs::remove_file(self.path()).is_err() {
            let _ = std::fs::remove_dir(self.path());
        }
    }
}

/// Asserts that `result` is the error `pattern`, and says what it was otherwise.
#[macro_export]
macro_rules! assert_refused {
    ($result:expr, $pattern:pat $(if $guard:expr)? $(,)?) => {
        match $result {
            Err($pattern) $(if $guard)? => {}
            Err(other) => panic!("another error: {other:?}"),
            Ok(_) => panic!("not refused"),
        }
    };
}
