//! The steps of the execution under way, for who wants to know how it came to fail.

use crate::process::{self, Process};
use core::cell::RefCell;
use core::panic::Location;

std::thread_local! {
    static STEPS: RefCell<Vec<(u32, &'static Location<'static>)>> = const { RefCell::new(Vec::new()) };
}

/// A new execution begins.
pub(crate) fn begin() {
    STEPS.with_borrow_mut(Vec::clear);
}

/// The calling process is about to take the step that stands there.
pub(super) fn note(place: &'static Location<'static>) {
    let who = process::ask(Process::tid).unwrap_or(0);
    STEPS.with_borrow_mut(|steps| steps.push((who, place)));
}

/// The steps so far, a line each: the process, and the source. A checker may have run others in between.
pub(crate) fn tell() -> String {
    let line = |(who, place): &(u32, &Location<'_>)| {
        let source = std::fs::read_to_string(place.file()).unwrap_or_default();
        let text =
            source.lines().nth(place.line() as usize - 1).unwrap_or_default().trim().to_owned();
        let file = place.file().rsplit('/').next().unwrap_or_default();
        format!("process {who}  {file}:{}  {text}\n", place.line())
    };
    STEPS.with_borrow(|steps| steps.iter().map(line).collect())
}
