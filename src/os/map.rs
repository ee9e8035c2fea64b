//! Mapping memory.
#![allow(unsafe_code)] // mmap and friends

use core::ptr::NonNull;
use memmap2::{Advice, MmapOptions, MmapRaw};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// The page size that the layout of a region is made for. Kernels with larger pages are refused at attach.
pub(crate) const PAGE: usize = 4096;

/// The kernel's page size.
pub(crate) fn kernel_page() -> usize {
    // SAFETY: asks for a constant.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(0)
}

/// A file's bytes from its start, shared with everybody who maps it. Unmapped at drop.
pub(crate) struct Mapping(MmapRaw);

impl Mapping {
    /// Maps `len` bytes, more than the file may have: only bytes inside the file may be touched.
    pub(crate) fn shared(file: &File, len: usize, writable: bool) -> io::Result<Self> {
        let mut options = MmapOptions::new();
        options.len(len);
        let map = if writable { options.map_raw(file) } else { options.map_raw_read_only(file) }?;
        // A core dump would come before the hand-over of the dead process's locks. Best effort: older kernels refuse.
        let _ = map.advise(Advice::DontDump);
        Ok(Self(map))
    }

    /// The first byte.
    pub(crate) fn start(&self) -> NonNull<u8> {
        NonNull::new(self.0.as_mut_ptr()).unwrap_or(NonNull::dangling())
    }

    /// Bytes mapped.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// `count` fresh zeroed pages of this process.
pub(crate) fn private_pages(count: usize) -> io::Result<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: asks for new pages anywhere; touches no mapping that exists.
    let start = unsafe {
        libc::mmap(
            core::ptr::null_mut(),
            count * PAGE,
            libc::PROT_READ | libc::PROT_WRITE,
            flags,
            -1,
            0,
        )
    };
    mapped(start)
}

/// Two pages side by side: the page of `file` at `offset`, shared, and behind it a private one. A forked child inherits both:
/// the robust list of one made by a raw `clone` leads through the second.
pub(crate) fn shared_page_before_private(file: &File, offset: u64) -> io::Result<NonNull<u8>> {
    let pair = private_pages(2)?;
    let done = map_over(pair, file, offset);
    if done.is_err() {
        unmap_pages(pair, 2);
    }
    done.map(|()| pair)
}

fn map_over(page: NonNull<u8>, file: &File, offset: u64) -> io::Result<()> {
    let offset = libc::off_t::try_from(offset).map_err(io::Error::other)?;
    // SAFETY: replaces the first page of the pair, which the caller has just made and nobody else knows.
    let start = unsafe {
        libc::mmap(
            page.as_ptr().cast(),
            PAGE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_FIXED,
            file.as_raw_fd(),
            offset,
        )
    };
    mapped(start).map(drop)
}

/// Puts a fresh private page in the place of the first of a pair made by [`shared_page_before_private`]: whoever still knows
/// the place, the kernel for one, does nothing any more to what is shared.
pub(crate) fn make_private(page: NonNull<u8>) -> io::Result<()> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    // SAFETY: replaces a page of our own making, of which nobody has a reference that is still used.
    let start = unsafe {
        libc::mmap(page.as_ptr().cast(), PAGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
    };
    mapped(start).map(drop)
}

fn mapped(start: *mut libc::c_void) -> io::Result<NonNull<u8>> {
    match NonNull::new(start.cast()) {
        Some(page) if start != libc::MAP_FAILED => Ok(page),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Has the kernel give a forked child zeros instead of these private pages.
pub(crate) fn wipe_on_fork(start: NonNull<u8>, count: usize) -> io::Result<()> {
    advise(start, count, libc::MADV_WIPEONFORK)
}

fn advise(start: NonNull<u8>, count: usize, advice: libc::c_int) -> io::Result<()> {
    // SAFETY: pages that the caller mapped; the advice changes what a fork does with them, not their bytes.
    let rc = unsafe { libc::madvise(start.as_ptr().cast(), count * PAGE, advice) };
    if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Unmaps pages made by [`private_pages`] or [`shared_page_before_private`], to which nobody holds a reference any more.
pub(crate) fn unmap_pages(start: NonNull<u8>, count: usize) {
    // SAFETY: the caller made them and gives them back.
    let rc = unsafe { libc::munmap(start.as_ptr().cast(), count * PAGE) };
    debug_assert_eq!(rc, 0, "they were mapped");
}
