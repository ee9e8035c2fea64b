//! The search for an order, deepest first.

use super::{Event, Model};
use std::collections::HashSet;

/// Events as bits.
type Set = u128;

const fn bit(index: usize) -> Set {
    1 << index
}

/// One search.
pub(super) struct Search<'a, M: Model> {
    /// In the order of their calls.
    pub(super) events: Vec<&'a Event<M::Step>>,
    rules: Vec<Rule>,
    /// What must have happened.
    required: Set,
    /// What has been tried: events that were placed, in any order, and the state to which they led.
    tried: HashSet<(Set, M)>,
    order: Vec<usize>,
    /// The longest that was found.
    pub(super) best: Best<M>,
    /// States that were looked at.
    pub(super) visited: u64,
}

/// The beginning of an order, and the state behind it.
pub(super) struct Best<M> {
    pub(super) order: Vec<usize>,
    pub(super) state: M,
}

/// When an event may be placed.
#[derive(Clone, Copy)]
struct Rule {
    /// All of these are placed.
    behind: Set,
    /// None of these is.
    before: Set,
}

impl Rule {
    const fn allows(self, placed: Set) -> bool {
        placed & self.behind == self.behind && placed & self.before == 0
    }
}

impl<'a, M: Model> Search<'a, M> {
    pub(super) fn new(events: &'a [Event<M::Step>], initial: &M) -> Self {
        assert!(events.len() <= Set::BITS as usize, "a history of {} steps", events.len());
        let mut events: Vec<_> = events.iter().collect();
        events.sort_by_key(|event| event.call); // stable: steps of one operation stay together
        let rules = (0..events.len()).map(|index| rule(&events, index)).collect();
        Self {
            required: set(&events, |event| event.end.is_some()),
            rules,
            events,
            tried: HashSet::new(),
            order: Vec::new(),
            best: Best { order: Vec::new(), state: initial.clone() },
            visited: 0,
        }
    }

    /// Whether there is an order.
    pub(super) fn run(&mut self, initial: M) -> bool {
        self.go_on(0, initial)
    }

    fn go_on(&mut self, placed: Set, state: M) -> bool {
        if placed & self.required == self.required {
            return true;
        }
        if !self.tried.insert((placed, state.clone())) {
            return false;
        }
        self.visited += 1;
        self.keep_best(&state);
        for index in 0..self.events.len() {
            if self.may_come(index, placed) {
                self.order.push(index);
                if self.place(placed | bit(index), index, &state) {
                    return true;
                }
                self.order.pop();
            }
        }
        false
    }

    fn may_come(&self, index: usize, placed: Set) -> bool {
        placed & bit(index) == 0 && self.rules[index].allows(placed)
    }

    /// Which events may come behind `order`, by their times.
    pub(super) fn next(&self, order: &[usize]) -> Vec<usize> {
        let placed = order.iter().fold(0, |set, &index| set | bit(index));
        (0..self.events.len()).filter(|&index| self.may_come(index, placed)).collect()
    }

    fn place(&mut self, placed: Set, index: usize, state: &M) -> bool {
        let event = self.events[index];
        match &event.step {
            None => self.go_on(placed, state.after_death(event.process)),
            Some(step) => {
                let mut next = state.after(event.process, step).into_iter();
                next.any(|state| self.go_on(placed, state))
            }
        }
    }

    fn keep_best(&mut self, state: &M) {
        if self.order.len() > self.best.order.len() {
            self.best = Best { order: self.order.clone(), state: state.clone() };
        }
    }
}

fn set<S>(events: &[&Event<S>], belongs: impl Fn(&Event<S>) -> bool) -> Set {
    let bits = events.iter().enumerate().filter(|(_, event)| belongs(event));
    bits.fold(0, |set, (index, _)| set | bit(index))
}

fn rule<S>(events: &[&Event<S>], index: usize) -> Rule {
    let event = events[index];
    let earlier = set(events, |other| other.end.is_some_and(|end| end < event.call));
    let same = if event.continues { bit(index - 1) } else { 0 };
    let own = set(events, |other| other.process == event.process && other.step.is_some());
    let finished = own & set(events, |other| other.end.is_some());
    let death = set(events, |other| other.process == event.process && other.step.is_none());
    match (&event.step, event.end) {
        (None, _) => Rule { behind: earlier | finished, before: 0 },
        (Some(_), None) => Rule { behind: earlier | same, before: death },
        (Some(_), Some(_)) => Rule { behind: earlier | same, before: 0 },
    }
}
