//! Scenes of a region's length: some grow it, others look.

use super::{Act, Log, play};
use crate::kernel::{Kernel, Rules};
use crate::os::file::{self, File};
use crate::process::{Fate, Process};
use crate::region::length::Length;
use std::sync::Arc;

/// What a process does. The length is 0 at first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// Grows it to so many bytes.
    Grow(u64),
    /// Looks how long it is.
    Look,
}

/// What a process does, and what befalls it.
pub(crate) type Part = (Role, Fate);

/// Plays `parts`; then a newcomer grows it to 1. Of each process: a digit, how long it was then; `x` killed.
pub(crate) fn scene(rules: Rules, parts: &[Part]) -> String {
    let newcomer = parts.len();
    let kernel = Kernel::new(rules, newcomer + 1);
    let length = Arc::new(Length::default());
    let cast = |index: usize, (role, fate): Part| -> (Process, Act) {
        let length = Arc::clone(&length);
        let act: Act = Box::new(move |log| perform(&length, role, log));
        (Process::new(index, &kernel, fate), act)
    };
    let told = play(parts.iter().enumerate().map(|(index, part)| cast(index, *part)).collect());
    told + " " + &play(vec![cast(newcomer, (Role::Grow(1), Fate::LIVES))])
}

fn perform(length: &Length, role: Role, log: &Log) {
    let len = match role {
        Role::Grow(wanted) => {
            file::reserve(&File::Other, 0, wanted).expect("room");
            length.raise(wanted)
        }
        Role::Look => {
            let said = length.said();
            let size = file::size(&File::Other).expect("a size");
            assert!(said <= size, "bytes that are not there");
            said
        }
    };
    log.say(char::from_digit(u32::try_from(len).expect("few"), 10).expect("one digit"));
}
