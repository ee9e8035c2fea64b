//! Whether a recorded history is linearizable: whether all that several processes were told can have happened one after the
//! other, each operation at one moment between its call and its return.
//!
//! After Wing and Gong, *Testing and verifying concurrent objects* (1993): try every order that the times allow; with what
//! Lowe, *Testing for linearizability* (2017), adds: a set of operations that has led to the same state before is not tried
//! again. The set is a word of 128 bits, so a history has at most so many steps; keep them short and make many.
//!
//! | in a history | what it says | where it must stand in the order |
//! |---|---|---|
//! | [`finished`](History::finished) | called, and returned an answer | between the two times |
//! | [`killed`](History::killed)     | called, never returned: its process died inside | behind its call and before its process's death, or nowhere |
//! | [`death`](History::death)       | the process was alive then, and gone then | between the two times, behind all that it had finished |
//!
//! A killed operation may have happened or not, and nobody knows its answer; but what has not happened before the death never
//! will. (Aguilera and Frølund call that *strict* linearizability.) A death is a step of the object, too: locks change hands
//! by it.
//!
//! An operation that is not one moment but several, as a sleep that ends, is a list of steps: each takes place at a moment of
//! its own, in order, between the call and the return. A process is one life: its successor has another number.
//!
//! ```
//! use support::linear::{History, Model};
//!
//! /// A number, which is stored, and read.
//! #[derive(Clone, PartialEq, Eq, Hash, Debug)]
//! struct Number(u32);
//!
//! #[derive(Debug)]
//! enum Step {
//!     Store(u32),
//!     Load(u32),
//! }
//!
//! impl Model for Number {
//!     type Step = Step;
//!     fn after(&self, _process: usize, step: &Step) -> impl IntoIterator<Item = Self> {
//!         match *step {
//!             Step::Store(value) => Some(Self(value)),
//!             Step::Load(value) => (self.0 == value).then(|| self.clone()),
//!         }
//!     }
//! }
//!
//! let mut history = History::new();
//! history.finished(0, (1, 4), [Step::Store(7)]);
//! history.finished(1, (2, 3), [Step::Load(0)]); // at the same time: either order
//! assert!(history.check(Number(0)).is_ok());
//! history.finished(1, (5, 6), [Step::Load(0)]); // afterwards: stale
//! assert!(history.check(Number(0)).is_err());
//! ```

mod search;
mod timeline;

#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::Hash;

/// A state of an object, and what it may become.
pub trait Model: Clone + Eq + Hash + fmt::Debug {
    /// One moment of an operation, with the answer that was given for it; if it was killed, without.
    type Step: fmt::Debug;

    /// All that the object can be after `process` has taken `step`: none, if the step could not be taken here, or not with
    /// that answer.
    fn after(&self, process: usize, step: &Self::Step) -> impl IntoIterator<Item = Self>;

    /// What the object is after the death of `process`.
    #[must_use]
    fn after_death(&self, _process: usize) -> Self {
        self.clone()
    }
}

/// When something began and when it had ended. What ended at an earlier time than another thing began came before it.
pub type Span = (u64, u64);

/// What processes did to one object.
#[derive(Clone, Debug)]
pub struct History<S> {
    events: Vec<Event<S>>,
}

/// One entry of the order that is looked for.
#[derive(Clone, Debug)]
struct Event<S> {
    process: usize,
    /// `None`: the death of the process.
    step: Option<S>,
    call: u64,
    /// `None`: the process was killed inside.
    end: Option<u64>,
    /// A later step of the operation whose step is the event before.
    continues: bool,
}

impl<S> Default for History<S> {
    fn default() -> Self {
        Self { events: Vec::new() }
    }
}

impl<S> History<S> {
    /// Nothing has happened.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An operation that returned.
    pub fn finished(&mut self, process: usize, span: Span, steps: impl IntoIterator<Item = S>) {
        assert!(span.0 < span.1, "an operation that returned before it was called: {span:?}");
        self.operation(process, span.0, Some(span.1), steps);
    }

    /// An operation whose process was killed before it returned.
    pub fn killed(&mut self, process: usize, call: u64, steps: impl IntoIterator<Item = S>) {
        self.operation(process, call, None, steps);
    }

    /// The death of a process, which was alive when the span began, and gone when it ended.
    pub fn death(&mut self, process: usize, (alive, gone): Span) {
        let (call, end) = (alive, Some(gone));
        self.events.push(Event { process, step: None, call, end, continues: false });
    }

    /// Steps and deaths.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    fn operation(
        &mut self,
        process: usize,
        call: u64,
        end: Option<u64>,
        steps: impl IntoIterator<Item = S>,
    ) {
        let events = steps.into_iter().enumerate().map(|(index, step)| {
            let step = Some(step);
            Event { process, step, call, end, continues: index > 0 }
        });
        self.events.extend(events);
    }

    /// Looks for an order in which an object that was `initial` would have answered so. How many states it looked at.
    ///
    /// # Errors
    /// There is none. The refusal shows the history, and how far the longest order got.
    pub fn check<M: Model<Step = S>>(&self, initial: M) -> Result<u64, Refusal>
    where
        S: fmt::Debug,
    {
        let mut search = search::Search::new(&self.events, &initial);
        if search.run(initial) {
            return Ok(search.visited);
        }
        let search::Best { order, state } = &search.best;
        let timeline = timeline::draw(&search.events, order, &search.next(order));
        Err(Refusal { placed: order.len(), of: self.len(), state: format!("{state:?}"), timeline })
    }
}

/// There is no order.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Steps in the longest beginning of an order.
    pub placed: usize,
    /// Steps in the history.
    pub of: usize,
    state: String,
    timeline: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { placed, of, state, timeline } = self;
        writeln!(f, "not linearizable: at most {placed} of {of} steps follow each other")?;
        write!(f, "{timeline}behind number {placed} the object is {state}: no answer marked ? fits")
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
