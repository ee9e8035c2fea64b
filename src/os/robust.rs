//! The thread's robust list: what the kernel does on behalf of a dead thread.
//!
//! The C library registers one list head for each thread. We borrow it: glibc's (or musl's) robust mutexes and our words
//! share one list. When the thread is gone, however it went, the kernel walks it: a word that holds the thread's TID becomes
//! `WAITERS | OWNER_DIED` (WAITERS as it was) and one sleeper is woken; the *pending* word also gets its sleeper woken if it
//! holds no TID at all, which insures a wake that the dead owed or had swallowed (Linux 6.2 and the stable trees with
//! ca16d5bee598; before that only a pending word that is exactly 0).
//!
//! A node is two pointers, `next` at a fixed offset from its word (glibc 32 bytes behind it, musl 28) and `prev` 8 bytes
//! before `next`. For the pending word no node has to exist: the kernel only computes the word's address from it.
#![allow(unsafe_code)] // links nodes of a list that the kernel walks

use super::{AtomicU32, SeqCst, compiler_fence, thread};
use core::marker::PhantomData;
use core::mem::offset_of;
use std::io;

/// `FUTEX_WAITERS`: somebody may sleep on the word.
pub(crate) const WAITERS: u32 = 1 << 31;
/// `FUTEX_OWNER_DIED`: the kernel's mark.
pub(crate) const OWNER_DIED: u32 = 1 << 30;
/// `FUTEX_TID_MASK`.
pub(crate) const TID: u32 = OWNER_DIED - 1;

type Node = *mut usize;

#[repr(C)]
struct Head {
    list: usize,
    futex_offset: isize,
    pending: usize,
}

impl Head {
    fn list(head: *mut Self) -> *mut usize {
        head.wrapping_byte_add(offset_of!(Self, list)).cast()
    }

    fn futex_offset(head: *mut Self) -> *mut isize {
        head.wrapping_byte_add(offset_of!(Self, futex_offset)).cast()
    }

    fn pending(head: *mut Self) -> *mut usize {
        head.wrapping_byte_add(offset_of!(Self, pending)).cast()
    }
}

/// The calling thread's list. Zero: not looked up yet.
#[derive(Clone, Copy)]
pub(crate) struct RobustList {
    head: *mut Head,
    offset: isize,
    tid: u32,
}

impl RobustList {
    /// The calling thread's.
    pub(crate) fn current() -> io::Result<Self> {
        let page = thread::page()?;
        let known = page.list.get();
        if known.tid != 0 {
            return Ok(known);
        }
        let list = Self::look_up()?;
        page.list.set(list);
        Ok(list)
    }

    #[cold]
    fn look_up() -> io::Result<Self> {
        let mut head = registered()?;
        if head.is_null() {
            // musl registers at a thread's first robust mutex.
            prime();
            head = registered()?;
        }
        if head.is_null() {
            return Err(io::Error::other("the C library keeps no robust list for this thread"));
        }
        // SAFETY: the head of a live thread is live.
        let offset = unsafe { Head::futex_offset(head).read() };
        // SAFETY: takes nothing, cannot fail.
        let tid = unsafe { libc::gettid() };
        Ok(Self { head, offset, tid: tid.unsigned_abs() })
    }

    /// The thread as its own pid namespace counts.
    pub(crate) fn tid(self) -> u32 {
        self.tid
    }

    /// From here to the drop of the result the kernel wakes one sleeper of `word` if this thread dies, provided that the
    /// low 30 bits of `word` are 0 or this thread's TID then. Nests: the former word is insured again at the drop.
    pub(crate) fn insure(self, word: &AtomicU32) -> Insured {
        let former = self.pending();
        self.set_pending(self.node(word) as usize);
        Insured { list: self, former, here: PhantomData }
    }

    /// Puts `word` on the list.
    ///
    /// # Safety
    /// The node's place beside `word` (the 8 bytes at `word + 32` or `+ 28` and the 8 before) belongs to this list, which
    /// nobody else writes, and stays mapped until [`unlink`](Self::unlink) or the thread's end. `word` is not on the list.
    pub(crate) unsafe fn link(self, word: &AtomicU32) {
        let node = self.node(word);
        let first = self.first();
        // SAFETY: the caller's promise: the node is ours.
        unsafe { node.write_unaligned(first as usize) };
        // SAFETY: as above.
        unsafe { prev(node).write_unaligned(self.anchor() as usize) };
        compiler_fence(SeqCst);
        // SAFETY: the head of this live thread; the kernel sees the node from here on.
        unsafe { Head::list(self.head).write_volatile(node as usize) };
        compiler_fence(SeqCst);
        // Last, so that a balanced link and unlink in a signal handler leaves nothing stale.
        if first != self.anchor() {
            // SAFETY: `first` is a node of this thread's list.
            unsafe { prev(first).write_unaligned(node as usize) };
        }
        compiler_fence(SeqCst);
    }

    /// Takes `word` off the list again.
    ///
    /// # Safety
    /// It was [`link`](Self::link)ed by this thread.
    pub(crate) unsafe fn unlink(self, word: &AtomicU32) {
        let node = self.node(word);
        // SAFETY: the caller's promise: a linked node.
        let next = unsafe { node.read_unaligned() };
        // SAFETY: as above. Bit 0 marks a priority-inheriting neighbour; it belongs to the pointer in `next`.
        let before = unsafe { prev(node).read_unaligned() };
        compiler_fence(SeqCst);
        // SAFETY: the neighbour before is a node of the list, or its head.
        unsafe { ((before & !1) as Node).write_unaligned(next) };
        let after = (next & !1) as Node;
        if after != self.anchor() {
            // SAFETY: the neighbour behind is a node of the list.
            unsafe { prev(after).write_unaligned(before) };
        }
        compiler_fence(SeqCst);
    }

    fn node(self, word: &AtomicU32) -> Node {
        word.as_ptr().wrapping_byte_offset(self.offset.wrapping_neg()).cast()
    }

    /// The head, seen as the node that ends the ring.
    fn anchor(self) -> Node {
        self.head.cast()
    }

    fn first(self) -> Node {
        // SAFETY: the head of this live thread.
        let first = unsafe { Head::list(self.head).read_volatile() };
        (first & !1) as Node
    }

    fn pending(self) -> usize {
        // SAFETY: the head of this live thread.
        unsafe { Head::pending(self.head).read_volatile() }
    }

    fn set_pending(self, node: usize) {
        compiler_fence(SeqCst); // the thread and the kernel on its behalf: program order is all that counts
        // SAFETY: the head of this live thread.
        unsafe { Head::pending(self.head).write_volatile(node) };
        compiler_fence(SeqCst);
    }
}

fn prev(node: Node) -> Node {
    node.wrapping_sub(1)
}

/// See [`RobustList::insure`].
#[must_use]
pub(crate) struct Insured {
    list: RobustList,
    former: usize,
    here: PhantomData<*const ()>, // the list is this thread's: not Send
}

impl Drop for Insured {
    fn drop(&mut self) {
        self.list.set_pending(self.former);
    }
}

fn registered() -> io::Result<*mut Head> {
    let mut head: *mut Head = core::ptr::null_mut();
    let mut len: usize = 0;
    // SAFETY: two live words for the kernel to fill; 0 means the calling thread.
    let rc = unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut len) };
    match rc {
        0 if len == size_of::<Head>() => Ok(head),
        0 => Err(io::Error::other("the kernel's robust list has another form")),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Locks and unlocks a robust mutex of the C library.
fn prime() {
    let mut attributes = core::mem::MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
    let mut mutex = core::mem::MaybeUninit::<libc::pthread_mutex_t>::uninit();
    let (attributes, mutex) = (attributes.as_mut_ptr(), mutex.as_mut_ptr());
    // SAFETY: memory for attributes, initialised here.
    unsafe { libc::pthread_mutexattr_init(attributes) };
    // SAFETY: initialised above.
    unsafe { libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST) };
    // SAFETY: memory for a mutex, initialised here.
    unsafe { libc::pthread_mutex_init(mutex, attributes) };
    // SAFETY: initialised above; nobody else knows it.
    unsafe { libc::pthread_mutex_lock(mutex) };
    // SAFETY: locked above.
    unsafe { libc::pthread_mutex_unlock(mutex) };
    // SAFETY: unlocked and unknown to others.
    unsafe { libc::pthread_mutex_destroy(mutex) };
    // SAFETY: initialised above.
    unsafe { libc::pthread_mutexattr_destroy(attributes) };
}
