//! The region's file: the locks of its bytes, and its size. They stand in the [kernel](crate::kernel).

use crate::alter::here;
use crate::kernel::Kernel;
use crate::process;
use std::io;
use std::sync::Arc;

/// An open file description of the calling process: the one whose locks make it a member, or any other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum File {
    Anchor,
    Other,
}

#[track_caller]
pub(crate) fn try_lock(file: &File, byte: u64) -> io::Result<bool> {
    assert_eq!(*file, File::Anchor, "only an anchor locks");
    here();
    Ok(with_kernel(false, |kernel, me| {
        let locked = kernel.try_lock(byte, me);
        if locked {
            process::ask(|me| me.locked.borrow_mut().push(byte));
        }
        locked
    }))
}

#[track_caller]
pub(crate) fn unlock(_anchor: &File, byte: u64) -> io::Result<()> {
    here();
    with_kernel((), |kernel, _| {
        process::ask(|me| me.locked.borrow_mut().retain(|locked| *locked != byte));
        kernel.unlock(byte);
    });
    Ok(())
}

/// Whether another description has it locked.
#[track_caller]
pub(crate) fn is_locked(file: &File, byte: u64) -> io::Result<bool> {
    here();
    Ok(with_kernel(false, |kernel, me| match kernel.holder_of(byte) {
        0 => false,
        holder => holder != me || *file == File::Other,
    }))
}

/// Makes the file as long as that, at least.
#[track_caller]
pub(crate) fn reserve(_file: &File, offset: u64, len: u64) -> io::Result<()> {
    here();
    with_kernel((), |kernel, _| kernel.reserve(offset + len));
    Ok(())
}

#[track_caller]
pub(crate) fn size(_file: &File) -> io::Result<u64> {
    here();
    Ok(with_kernel(u64::MAX, |kernel, _| kernel.size()))
}

/// The calling process closes its anchor: all that it had locked is free.
#[track_caller]
pub(crate) fn close_anchor() {
    let locked = process::ask(|me| me.locked.borrow().clone()).unwrap_or_default();
    locked.into_iter().for_each(|byte| drop(unlock(&File::Anchor, byte)));
}

/// What the kernel does for the calling process, if that one lives.
fn with_kernel<R>(dead: R, call: impl FnOnce(&Kernel, u32) -> R) -> R {
    if !process::step() {
        return dead;
    }
    let me = process::ask(|me| (Arc::clone(&me.kernel), me.tid()));
    let (kernel, tid) = me.expect("only a process calls the kernel");
    call(&kernel, tid)
}
