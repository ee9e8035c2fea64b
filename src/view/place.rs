//! Which elements are meant: indices and ranges, checked.

use crate::{Error, Result};
use core::ops::{Bound, Range, RangeBounds};

/// The element of `index`.
#[inline]
pub(super) fn at<A>(elements: &[A], index: usize) -> Result<&A> {
    elements.get(index).ok_or_else(|| refuse("the index", index, elements.len().saturating_sub(1)))
}

/// The `len` elements from `start` on.
pub(super) fn run<A>(elements: &[A], start: usize, len: usize) -> Result<&[A]> {
    part(elements, start..start.saturating_add(len))
}

/// The elements of `range`.
pub(super) fn part<A>(elements: &[A], range: impl RangeBounds<usize>) -> Result<&[A]> {
    let Range { start, end } = absolute(&range, elements.len());
    if end > elements.len() {
        return Err(refuse("the end of the range", end, elements.len()));
    }
    elements.get(start..end).ok_or_else(|| refuse("the start of the range", start, end))
}

fn absolute(range: &impl RangeBounds<usize>, len: usize) -> Range<usize> {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(last) => last.saturating_add(1),
        Bound::Excluded(end) => *end,
        Bound::Unbounded => len,
    };
    start..end
}

fn refuse(what: &'static str, found: usize, most: usize) -> Error {
    Error::OutOfRange { what, found: found as u64, least: 0, most: most as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_range_means_the_same() {
        let five = [0, 1, 2, 3, 4];
        assert_eq!(part(&five, ..).unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(part(&five, 1..3).unwrap(), [1, 2]);
        assert_eq!(part(&five, 1..=3).unwrap(), [1, 2, 3]);
        assert_eq!(part(&five, 5..).unwrap(), [0; 0]);
        assert_eq!(run(&five, 3, 2).unwrap(), [3, 4]);
    }

    #[test]
    fn what_is_outside_is_named() {
        let five = [0; 5];
        let said = |refused: Result<&[i32]>| refused.unwrap_err().to_string();
        assert_eq!(said(part(&five, 2..6)), "the end of the range of 6 is outside 0..=5");
        assert_eq!(said(run(&five, 5, 1)), "the end of the range of 6 is outside 0..=5");
        let far = format!("the end of the range of {} is outside 0..=5", usize::MAX);
        assert_eq!(said(run(&five, 4, usize::MAX)), far);
        assert_eq!(said(part(&five, 0..=usize::MAX)), far);
        #[allow(clippy::reversed_empty_ranges, reason = "it is what is tested")]
        let backwards = 4..2;
        assert_eq!(said(part(&five, backwards)), "the start of the range of 4 is outside 0..=2");
        let index = at(&five, 5).unwrap_err().to_string();
        assert_eq!(index, "the index of 5 is outside 0..=4");
    }
}
