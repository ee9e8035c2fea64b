//! Why a ring refused, with the item that it refused.

use super::protocol::Refusal;
use core::fmt;

/// Why an item was not pushed; here it is again. The ring has not changed.
///
/// `PushError<()>` is the refusal of a call that took no item by value.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushError<T> {
    /// No free slot. The consumer lives, or there is none yet: trying again can help.
    Full(T),
    /// The deadline passed, and there is no free slot.
    TimedOut(T),
    /// The ring is closed: trying again cannot help.
    Closed(T),
    /// No free slot, and the consumer's process is gone: trying again helps when a successor takes
    /// its end.
    Abandoned(T),
    /// The ring's words are damaged: a position is where it cannot be.
    Corrupt(T),
    /// The handle is that of the parent of this forked process. Take an end of its own.
    Forked(T),
}

impl<T> PushError<T> {
    /// The item that was refused.
    pub fn into_value(self) -> T {
        match self {
            Self::Full(value) | Self::TimedOut(value) | Self::Closed(value) => value,
            Self::Abandoned(value) | Self::Corrupt(value) | Self::Forked(value) => value,
        }
    }

    pub(super) fn new(why: Refusal, value: T) -> Self {
        match why {
            Refusal::NotYet => Self::Full(value),
            Refusal::TimedOut => Self::TimedOut(value),
            Refusal::Closed => Self::Closed(value),
            Refusal::Abandoned => Self::Abandoned(value),
            Refusal::Corrupt => Self::Corrupt(value),
            Refusal::Forked => Self::Forked(value),
        }
    }

    const fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Full(_) => ("Full", "the ring is full"),
            Self::TimedOut(_) => ("TimedOut", "the ring is full, and the deadline has passed"),
            Self::Closed(_) => ("Closed", "the ring is closed"),
            Self::Abandoned(_) => ("Abandoned", "the ring is full, and its consumer is gone"),
            Self::Corrupt(_) => ("Corrupt", "the ring is damaged"),
            Self::Forked(_) => ("Forked", "this end of the ring belongs to the parent of the fork"),
        }
    }
}

/// Without the item, which need not be `Debug`.
impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(..)", self.words().0)
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().1)
    }
}

impl<T> std::error::Error for PushError<T> {}

/// Why there is no item.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PopError {
    /// No item. The producer lives, or there is none yet: trying again can help.
    #[error("the ring is empty")]
    Empty,
    /// The deadline passed, and there is no item.
    #[error("the ring is empty, and the deadline has passed")]
    TimedOut,
    /// The ring is closed, and all that was pushed has been popped: nothing more will come.
    #[error("the ring is closed and drained")]
    Closed,
    /// No item, and the producer's process is gone: trying again helps when a successor takes its
    /// end.
    #[error("the ring is empty, and its producer is gone")]
    Abandoned,
    /// The ring's words are damaged: a position is where it cannot be.
    #[error("the ring is damaged")]
    Corrupt,
    /// The handle is that of the parent of this forked process. Take an end of its own.
    #[error("this end of the ring belongs to the parent of the fork")]
    Forked,
}

impl From<Refusal> for PopError {
    fn from(why: Refusal) -> Self {
        match why {
            Refusal::NotYet => Self::Empty,
            Refusal::TimedOut => Self::TimedOut,
            Refusal::Closed => Self::Closed,
            Refusal::Abandoned => Self::Abandoned,
            Refusal::Corrupt => Self::Corrupt,
            Refusal::Forked => Self::Forked,
        }
    }
}
