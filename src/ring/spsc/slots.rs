//! The slots as memory. Whose turn it is to touch one is the [protocol](super::protocol)'s
//! business.
#![allow(unsafe_code, reason = "copies items into shared bytes and out of them")]

use core::ptr::NonNull;

/// `mask + 1` slots, a power of two. A place, like a pointer: copying it copies no item.
pub(super) struct Slots<T> {
    first: NonNull<T>,
    mask: u64,
}

impl<T> Clone for Slots<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Slots<T> {}

// SAFETY: the place of slots; the pairs `item-ready` and `slot-free` order who touches them, and items
// that can be sent to another thread pass through.
unsafe impl<T: Send> Send for Slots<T> {}
// SAFETY: as above; nothing is touched through a `&Slots` but by the unsafe methods.
unsafe impl<T: Send> Sync for Slots<T> {}

impl<T> Slots<T> {
    /// # Safety
    /// `first` is the first of `capacity` slots, aligned, that stay mapped as long as they are
    /// touched; `capacity` is a power of two.
    pub(super) unsafe fn new(first: NonNull<T>, capacity: u64) -> Self {
        debug_assert!(capacity.is_power_of_two());
        Self { first, mask: capacity - 1 }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "64-bit machines only")]
    fn index(self, position: u64) -> usize {
        (position & self.mask) as usize
    }

    #[inline]
    fn slot(self, position: u64) -> *mut T {
        self.first.as_ptr().wrapping_add(self.index(position))
    }

    /// The slots of `count` positions, at most the capacity: up to the end of memory, and on from
    /// its start.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "64-bit machines only")]
    pub(super) fn runs(self, position: u64, count: usize) -> [(*mut T, usize); 2] {
        let first = count.min(self.mask as usize + 1 - self.index(position));
        [(self.slot(position), first), (self.first.as_ptr(), count - first)]
    }

    /// # Safety
    /// The slot of `position` is the caller's to write.
    #[inline]
    pub(super) unsafe fn write(self, position: u64, value: T) {
        // SAFETY: an aligned slot inside the ring, the caller's.
        unsafe { self.slot(position).write(value) }
    }

    /// # Safety
    /// The slot of `position` is the caller's to read, and any bytes are a `T`.
    #[inline]
    pub(super) unsafe fn read(self, position: u64) -> T {
        // SAFETY: an aligned slot inside the ring, the caller's.
        unsafe { self.slot(position).read() }
    }

    /// # Safety
    /// As [`write`](Self::write), for `values.len()` positions, at most the capacity.
    #[inline]
    pub(super) unsafe fn copy_in(self, position: u64, values: &[T])
    where
        T: Copy,
    {
        let [(run, len), (rest, rest_len)] = self.runs(position, values.len());
        // SAFETY: `len` slots of the caller's, and as many values.
        unsafe { run.copy_from_nonoverlapping(values.as_ptr(), len) };
        // SAFETY: the other `rest_len`.
        unsafe { rest.copy_from_nonoverlapping(values.as_ptr().wrapping_add(len), rest_len) };
    }

    /// # Safety
    /// As [`read`](Self::read), for `values.len()` positions, at most the capacity.
    #[inline]
    pub(super) unsafe fn copy_out(self, position: u64, values: &mut [T]) {
        let [(run, len), (rest, rest_len)] = self.runs(position, values.len());
        // SAFETY: `len` slots of the caller's, and as much room.
        unsafe { run.copy_to_nonoverlapping(values.as_mut_ptr(), len) };
        // SAFETY: the other `rest_len`.
        unsafe { rest.copy_to_nonoverlapping(values.as_mut_ptr().wrapping_add(len), rest_len) };
    }
}

impl Slots<u8> {
    /// Only a mask: the slots are of another size, and nothing here touches them.
    pub(super) fn untyped(first: NonNull<u8>, capacity: u64) -> Self {
        // SAFETY: `capacity` bytes from the first slot on lie inside the slots, each of which has at least one.
        unsafe { Self::new(first, capacity) }
    }
}
