//! Pages around a mapping that nobody may touch: what reaches past it faults.
#![allow(unsafe_code)] // maps pages

use std::ptr::null_mut;

const PAGE: usize = 4096;

/// Two pages without access, and a gap between them.
#[derive(Debug)]
pub struct Guards {
    start: usize,
    len: usize,
    /// Other gaps that the kernel would have preferred: filled.
    filled: Vec<usize>,
}

/// How many gaps are filled at most.
const FILLED: usize = 64;

impl Guards {
    /// A gap for a mapping of `len` bytes, which is to be made next: the kernel takes the first place that fits. `None` if the
    /// address space has none.
    #[must_use]
    pub fn around(len: usize) -> Option<Self> {
        let len = len.checked_next_multiple_of(PAGE)?;
        let start = map(len.checked_add(2 * PAGE)?)?;
        unmap(start + PAGE, len);
        let mut guards = Self { start, len, filled: Vec::new() };
        while guards.filled.len() < FILLED {
            let first = map(len)?;
            if first == start + PAGE {
                unmap(first, len);
                return Some(guards);
            }
            guards.filled.push(first);
        }
        None
    }

    /// Whether the file with this inode number is mapped there, from its start.
    #[must_use]
    pub fn hold(&self, inode: u64) -> bool {
        let between = (self.start + PAGE, self.start + PAGE + self.len);
        mappings_of(inode).any(|found| found == between)
    }
}

impl Drop for Guards {
    fn drop(&mut self) {
        unmap(self.start, PAGE);
        unmap(self.start + PAGE + self.len, PAGE);
        self.filled.iter().for_each(|start| unmap(*start, self.len));
    }
}

/// New pages without access.
fn map(len: usize) -> Option<usize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: new pages anywhere.
    let start = unsafe { libc::mmap(null_mut(), len, libc::PROT_NONE, flags, -1, 0) };
    (start != libc::MAP_FAILED).then_some(start as usize)
}

fn unmap(start: usize, len: usize) {
    // SAFETY: pages that were mapped here, without access.
    unsafe { libc::munmap(start as *mut libc::c_void, len) };
}

/// Where the calling process has the file mapped from its start.
fn mappings_of(inode: u64) -> impl Iterator<Item = (usize, usize)> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("the mappings");
    let lines: Vec<String> = maps.lines().map(str::to_owned).collect();
    lines.into_iter().filter_map(move |line| {
        let mut fields = line.split_ascii_whitespace();
        let (range, _access, offset) = (fields.next()?, fields.next()?, fields.next()?);
        let found: u64 = fields.nth(1)?.parse().ok()?;
        let (start, end) = range.split_once('-')?;
        let address = |text| usize::from_str_radix(text, 16).ok();
        (found == inode && address(offset)? == 0).then_some((address(start)?, address(end)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::Child;
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;

    const LEN: usize = 64 * PAGE;

    #[test]
    fn a_gap_that_would_be_preferred_is_filled() {
        let died = Child::spawn(|| {
            let exact = map(LEN).unwrap();
            let below = map(LEN).unwrap(); // so that there is a gap of just LEN above
            unmap(exact, LEN);
            let guards = Guards::around(LEN).unwrap();
            assert_eq!(map(LEN), Some(guards.start + PAGE), "{guards:?}, below {below:x}");
        })
        .wait();
        assert_eq!(died, 0);
    }

    #[test]
    fn who_reaches_past_the_mapping_dies() {
        let file = File::open("/proc/self/exe").unwrap();
        let inode = file.metadata().unwrap().ino();
        for (at, dies) in [(0, false), (LEN - 1, false), (LEN, true), (usize::MAX, true)] {
            let child = Child::spawn(|| {
                let guards = Guards::around(LEN).unwrap();
                assert!(!guards.hold(inode));
                let fd = file.as_raw_fd();
                let (access, kind) = (libc::PROT_READ, libc::MAP_PRIVATE);
                // SAFETY: new pages anywhere.
                let start = unsafe { libc::mmap(null_mut(), LEN, access, kind, fd, 0) };
                assert!(guards.hold(inode), "somewhere else: {start:?}, {guards:?}");
                // SAFETY: inside; or not, and then it is to fault.
                unsafe { start.cast::<u8>().wrapping_add(at).read_volatile() };
            });
            assert_eq!(child.wait(), if dies { -libc::SIGSEGV } else { 0 }, "at {at}");
        }
    }
}
