//! Many elements at once.

use super::element::{Element, peek};
use super::place;
use crate::os::Relaxed;
use crate::{Result, Shared};
use core::ops::RangeBounds;

/// Copies that race safely: element by element, relaxed. No element is torn, but it is no snapshot: others may store
/// between two elements, and nothing is said about the order in which stores are seen. Guard the view with a lock, or
/// publish a count with `Release`, where that matters.
impl<A: Element> Shared<[A]> {
    /// Copies the elements from `start` on into `target`, as many as it has.
    ///
    /// ```
    /// use std::sync::atomic::AtomicU16;
    ///
    /// let view = sabha::Region::anonymous(4096)?.slice::<AtomicU16>("samples", 100)?;
    /// view.copy_from(10, &[1, 2, 3])?;
    /// view.fill(13..16, 7)?;
    /// let mut seen = [0; 4];
    /// view.copy_to(11, &mut seen)?;
    /// assert_eq!(seen, [2, 3, 7, 7]);
    /// assert_eq!(view.to_vec(..11)?, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    /// assert!(view.copy_from(98, &[1, 2, 3]).is_err()); // nothing copied
    /// # Ok::<(), sabha::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`OutOfRange`](crate::Error::OutOfRange); then nothing is copied.
    pub fn copy_to(&self, start: usize, target: &mut [A::Value]) -> Result<()> {
        copy_to(place::run(self, start, target.len())?, target);
        Ok(())
    }

    /// Copies `source` to the elements from `start` on.
    ///
    /// # Errors
    /// [`OutOfRange`](crate::Error::OutOfRange); then nothing is copied.
    ///
    /// # If a process is killed here
    /// G0: each element has its old or its new value; the first ones are new.
    pub fn copy_from(&self, start: usize, source: &[A::Value]) -> Result<()> {
        for (element, value) in place::run(self, start, source.len())?.iter().zip(source) {
            element.set(*value, Relaxed);
        }
        Ok(())
    }

    /// Sets the elements of `range` to `value`.
    ///
    /// # Errors
    /// [`OutOfRange`](crate::Error::OutOfRange); then nothing is stored.
    ///
    /// # If a process is killed here
    /// G0: each element has its old or its new value; the first ones are new.
    pub fn fill(&self, range: impl RangeBounds<usize>, value: A::Value) -> Result<()> {
        for element in place::part(self, range)? {
            element.set(value, Relaxed);
        }
        Ok(())
    }

    /// The elements of `range`.
    ///
    /// # Errors
    /// [`OutOfRange`](crate::Error::OutOfRange).
    pub fn to_vec(&self, range: impl RangeBounds<usize>) -> Result<Vec<A::Value>> {
        Ok(place::part(self, range)?.iter().map(peek).collect())
    }
}

pub(super) fn copy_to<A: Element>(elements: &[A], target: &mut [A::Value]) {
    for (place, element) in target.iter_mut().zip(elements) {
        *place = peek(element);
    }
}
