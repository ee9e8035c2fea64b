//! A history as a picture: one line for each step, its time from left to right.
//!
//! ```text
//!  1  process 0  |------|       Store(7)
//!  2  process 1     |--|        Load(7)
//!  ?  process 1           |--|  Load(0)
//!     process 2  |------------x Store(9)
//! ```
//! In front: the place in the longest order; `?`, what could come next by its times, and cannot with its answer; nothing, what
//! must wait for one of those, or what a death has cut short.

use super::Event;
use std::fmt::{Debug, Write};

/// Columns that the times may take.
const WIDTH: usize = 72;

/// `next`: those of which one would have to come behind `order`.
pub(super) fn draw<S: Debug>(events: &[&Event<S>], order: &[usize], next: &[usize]) -> String {
    let scale = Scale::new(events);
    let mut picture = String::new();
    for (index, event) in events.iter().enumerate() {
        let place = match order.iter().position(|&placed| placed == index) {
            Some(place) => (place + 1).to_string(),
            None if next.contains(&index) => "?".to_owned(),
            None => String::new(),
        };
        let bar = scale.bar(event);
        let _ = writeln!(picture, "{place:>3}  process {}  {bar}  {}", event.process, name(event));
    }
    picture
}

fn name<S: Debug>(event: &Event<S>) -> String {
    match &event.step {
        Some(step) => format!("{step:?}"),
        None => "its death".to_owned(),
    }
}

/// From times to columns: only their order counts.
struct Scale(Vec<u64>);

impl Scale {
    fn new<S>(events: &[&Event<S>]) -> Self {
        let times = events.iter().flat_map(|event| [event.call].into_iter().chain(event.end));
        let mut times: Vec<u64> = times.collect();
        times.sort_unstable();
        times.dedup();
        Self(times)
    }

    fn column(&self, time: u64) -> usize {
        let rank = self.0.partition_point(|&other| other < time);
        rank * WIDTH.min(2 * self.0.len()) / self.0.len().max(1)
    }

    fn bar<S>(&self, event: &Event<S>) -> String {
        let width = WIDTH.min(2 * self.0.len());
        let from = self.column(event.call);
        let (to, last) = match event.end {
            Some(end) => (self.column(end).max(from + 1), '|'),
            None => (width, 'x'),
        };
        let dashes = "-".repeat((to - from).saturating_sub(1));
        let bar = format!("{}|{dashes}{last}", " ".repeat(from));
        format!("{bar:<width$}", width = width + 1)
    }
}
