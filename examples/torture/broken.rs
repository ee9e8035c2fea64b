//! A promise that the library did not keep.

use crate::board::Event;
use sabha::ring::spsc::{PopError, PushError};
use sabha::sync::LockError;
use std::fmt::Display;

/// Which kind of defect, and in words.
#[derive(Debug)]
pub struct Broken {
    /// [`Event::Lost`], [`Event::Duplicated`] or [`Event::Torn`].
    pub event: Event,
    /// What was found, and what was expected.
    pub what: String,
}

impl Broken {
    /// Something did not arrive.
    pub fn lost(what: impl Into<String>) -> Self {
        Self { event: Event::Lost, what: what.into() }
    }

    /// Something came twice.
    pub fn duplicated(what: impl Into<String>) -> Self {
        Self { event: Event::Duplicated, what: what.into() }
    }

    /// Half of something was seen, or another promise was broken.
    pub fn torn(what: impl Into<String>) -> Self {
        Self { event: Event::Torn, what: what.into() }
    }

    fn refused(why: impl Display) -> Self {
        Self::torn(format!("refused: {why}"))
    }
}

/// Fails with the words, as torn, unless it holds.
pub fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken::torn(what())) }
}

// What a trial does not expect, the library should not have said.

impl From<sabha::Error> for Broken {
    fn from(error: sabha::Error) -> Self {
        Self::refused(error)
    }
}

impl<G> From<LockError<G>> for Broken {
    fn from(error: LockError<G>) -> Self {
        Self::refused(error)
    }
}

impl<T> From<PushError<T>> for Broken {
    fn from(error: PushError<T>) -> Self {
        Self::refused(error)
    }
}

impl From<PopError> for Broken {
    fn from(error: PopError) -> Self {
        Self::refused(error)
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::refused(error)
    }
}

impl From<nix::Error> for Broken {
    fn from(error: nix::Error) -> Self {
        Self::refused(error)
    }
}
