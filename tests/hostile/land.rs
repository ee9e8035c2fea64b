//! The memory of a region, with nothing around it: no access leads past it without a fault, no word lies outside without a
//! panic, and what is stored where nobody may store is found.
#![allow(unsafe_code)] // maps pages

use crate::names::{MAX_LEN, SEATS};
use crate::region::{HEAP_AT, RING_BYTES, SLOTS_BYTES};
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const PAGE: usize = 4096;
/// As `docs/layout.md` says.
const BYTES: usize = (HEAP_AT + MAX_LEN) as usize + SEATS as usize * PAGE;
/// Behind it, apart, the two pages that a seat is mapped to a second time.
const ALIAS_AT: usize = BYTES + PAGE;
/// What is everywhere at first. Not a word of any use.
const PATTERN: u8 = 0xa5;

/// Where the region begins.
static START: AtomicUsize = AtomicUsize::new(0);

/// Maps it. Once, before all else.
pub(crate) fn make() {
    let whole = ALIAS_AT + 4 * PAGE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: new pages anywhere, not to be touched.
    let fence = unsafe { libc::mmap(null_mut(), whole, libc::PROT_NONE, flags, -1, 0) };
    assert_ne!(fence, libc::MAP_FAILED);
    let start = fence.wrapping_byte_add(PAGE);
    for (at, len) in [(0, BYTES), (ALIAS_AT, 2 * PAGE)] {
        let from = start.wrapping_byte_add(at);
        // SAFETY: pages of those above.
        let opened = unsafe { libc::mprotect(from, len, libc::PROT_READ | libc::PROT_WRITE) };
        assert_eq!(opened, 0);
    }
    // SAFETY: opened above.
    unsafe { start.cast::<u8>().write_bytes(PATTERN, BYTES) };
    START.store(start.expose_provenance(), Relaxed);
}

/// Where the process's own words are, and how many bytes.
static OWN: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

/// Says that `words` are the process's own.
pub(crate) fn own<T>(words: &'static T) {
    OWN[0].store(core::ptr::from_ref(words).addr(), Relaxed);
    OWN[1].store(size_of::<T>(), Relaxed);
}

/// Where in the region something of `len` bytes lies; `None` if it is the process's own. Panics if it is neither.
#[inline]
pub(crate) fn place(address: usize, len: usize) -> Option<usize> {
    let at = address.wrapping_sub(START.load(Relaxed));
    if at <= BYTES - len { Some(at) } else { place_apart(address, at) }
}

#[cold]
fn place_apart(address: usize, at: usize) -> Option<usize> {
    if at.wrapping_sub(ALIAS_AT) < PAGE {
        return Some(at);
    }
    let own = address.wrapping_sub(OWN[0].load(Relaxed)) < OWN[1].load(Relaxed);
    assert!(own || std::thread::panicking(), "outside: {at:#x} of {BYTES:#x} bytes");
    None
}

/// What lies `at` bytes behind the region's start.
pub(crate) fn at<T>(at: u64) -> NonNull<T> {
    let address = START.load(Relaxed) + at as usize;
    assert!(address.is_multiple_of(align_of::<T>()));
    NonNull::new(core::ptr::with_exposed_provenance_mut(address)).expect("made before")
}

/// The pages of a seat that are the occupant's own.
pub(crate) fn alias() -> NonNull<u8> {
    at(ALIAS_AT as u64)
}

/// Whether nothing but the ring's slots was stored to. (The words' stores are forgotten.)
pub(crate) fn is_unharmed() -> bool {
    let slots = (HEAP_AT + MAX_LEN - SLOTS_BYTES) as usize;
    let all = core::ptr::slice_from_raw_parts(at::<u8>(0).as_ptr(), BYTES);
    // SAFETY: mapped by `make`, initialised, and nobody writes now.
    let bytes = unsafe { &*all };
    let untouched = |bytes: &[u8]| bytes.iter().all(|byte| *byte == PATTERN);
    untouched(&bytes[..slots]) && untouched(&bytes[slots + SLOTS_BYTES as usize..])
}

/// Where the ring is: its slots are the last of the heap.
pub(crate) const RING_AT: u64 = HEAP_AT + MAX_LEN - RING_BYTES;
