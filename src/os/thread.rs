//! One private page for each thread that meets shared memory, wiped by the kernel in every kind of fork: what it says of
//! the thread cannot be believed by a child, not even by one made with a raw `clone`.
#![allow(unsafe_code)] // maps a page and hands out references to it

use super::robust::RobustList;
use super::{AtomicPtr, Relaxed, map};
use core::cell::{Cell, UnsafeCell};
use std::io;

/// Words that the page has left for the floor above.
pub(crate) const ROOM_WORDS: usize = 496;

/// The page. All zeros: nothing known yet.
#[repr(C, align(4096))]
pub(crate) struct ThreadPage {
    /// The thread's robust list, once looked up.
    pub(crate) list: Cell<RobustList>,
    /// What the floor above remembers.
    pub(crate) room: UnsafeCell<[u64; ROOM_WORDS]>,
}
const _: () = assert!(size_of::<ThreadPage>() == 4096);

thread_local! {
    static PAGE: Cell<Option<&'static ThreadPage>> = const { Cell::new(None) };
    static END: End = const { End };
}

/// The calling thread's page, mapped at the first call.
pub(crate) fn page() -> io::Result<&'static ThreadPage> {
    PAGE.with(Cell::get).map_or_else(map_page, Ok)
}

#[cold]
fn map_page() -> io::Result<&'static ThreadPage> {
    // First have the end of the thread noticed; refused when it has already begun.
    END.try_with(|_| ()).map_err(|_| io::Error::other("the thread is ending"))?;
    let start = map::private_pages(1)?;
    map::wipe_on_fork(start, 1)?;
    // SAFETY: a fresh zeroed page of this thread, unmapped only at its end, after which nobody asks; zero is valid.
    let page = unsafe { start.cast::<ThreadPage>().as_ref() };
    PAGE.with(|known| known.set(Some(page)));
    Ok(page)
}

static AT_END: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

/// Has `hook` run with the page's room when a thread with a page ends.
pub(crate) fn at_end(hook: fn(&UnsafeCell<[u64; ROOM_WORDS]>)) {
    AT_END.store(hook as *mut (), Relaxed);
}

struct End;

impl Drop for End {
    fn drop(&mut self) {
        let Some(page) = PAGE.with(Cell::get) else { return };
        let hook = AT_END.load(Relaxed);
        if !hook.is_null() {
            // SAFETY: only `at_end` stores there, and only functions of this type.
            let hook: fn(&UnsafeCell<[u64; ROOM_WORDS]>) = unsafe { core::mem::transmute(hook) };
            hook(&page.room);
        }
        PAGE.with(|known| known.set(None));
        map::unmap_pages(core::ptr::NonNull::from(page).cast(), 1);
    }
}
