//! What is proved, primitive by primitive.

mod lock;
mod ring;
mod seat;
mod wait;

use crate::process::{Fate, When};

/// Killed before any step once in so many, and late at one look of four.
pub(crate) const fn mortal(odds: u32) -> Fate {
    Fate { killed: When::Sometimes(odds), late: When::Sometimes(4) }
}

fn count(told: &str, what: char) -> usize {
    told.chars().filter(|c| *c == what).count()
}
