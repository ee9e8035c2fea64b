//! Visits every state that a model can reach, breadth first, and says what is wrong with any of them.
//!
//! A model is parties that take steps, one at a time, in any order. A state is one number, so that millions fit into memory
//! and states that the model calls equal are met once. Breadth first: the trace to a fault is a shortest one.
//!
//! # What is wrong
//! * *Broken*: a step breaks a promise; the model says which.
//! * *Wedged*: a state in which no step must come, though somebody is not at rest. He sleeps for ever.
//! * *Doomed*: a state from which the steps that must come, the pulse among them, never lead to rest.

use std::fmt::Display;

/// What is explored.
pub trait Model {
    type State: Copy;
    /// The name of a step, as a trace prints it.
    type Name: Display;

    fn initial(&self) -> Self::State;
    /// Adds every step that can come next.
    fn steps(&self, from: &Self::State, to: &mut Vec<Step<Self>>);
    /// Whether nobody living waits for anything, and no dead one is still on its way out.
    fn at_rest(&self, state: &Self::State) -> bool;
    /// The number of a state. States that differ only in the names of like parties may have one number.
    fn encode(&self, state: &Self::State) -> u128;
    /// Whether two states differ only in the names of like parties.
    fn are_like(&self, a: &Self::State, b: &Self::State) -> bool {
        self.encode(a) == self.encode(b)
    }
    /// A state of this number.
    fn decode(&self, number: u128) -> Self::State;
}

/// One step out of a state.
pub struct Step<M: Model + ?Sized> {
    pub name: M::Name,
    pub kind: Kind,
    /// Where it leads, or the promise that it breaks.
    pub to: Result<M::State, &'static str>,
}

/// Whether a step has to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It comes sooner or later, unless another makes it needless.
    Must,
    /// A new beginning: may never come.
    May,
    /// A party is killed: may never come.
    Kill,
    /// A sleep ends by itself. As a signal it may never come; as the pulse it must.
    Pulse,
}

/// When an exploration ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Every state was visited, or a promise was broken.
    Complete,
    /// A fault of either kind was found.
    Fault,
}

/// What an exploration found.
pub struct Explored<'m, M: Model> {
    /// What was explored.
    pub model: &'m M,
    known: Known,
    /// From which state each was discovered.
    parents: Vec<u32>,
    /// How many kills were tried.
    pub kills: u64,
    /// The wedged states.
    pub wedged: Vec<u32>,
    /// The first broken promise, and the state whose step breaks it.
    pub broken: Option<(&'static str, u32)>,
}

/// Visits the states of `model`.
pub fn explore<M: Model>(model: &M, until: Until) -> Explored<'_, M> {
    let mut known = Known::new();
    known.add(model.encode(&model.initial()));
    let (parents, wedged) = (vec![0], vec![]);
    let mut found = Explored { model, known, parents, kills: 0, wedged, broken: None };
    let mut steps = Vec::new();
    let mut at = 0;
    while at < found.states() && found.broken.is_none() {
        if until == Until::Fault && !found.wedged.is_empty() {
            break;
        }
        found.visit(at, &mut steps);
        at += 1;
    }
    found
}

impl<M: Model> Explored<'_, M> {
    fn visit(&mut self, index: usize, steps: &mut Vec<Step<M>>) {
        let at = u32::try_from(index).expect("fewer than 2^32 states");
        let state = self.state(at);
        steps.clear();
        self.model.steps(&state, steps);
        if !steps.iter().any(|step| step.kind == Kind::Must) && !self.model.at_rest(&state) {
            self.wedged.push(at);
        }
        for step in &*steps {
            self.kills += u64::from(step.kind == Kind::Kill);
            match &step.to {
                Ok(next) if self.known.add(self.model.encode(next)) => self.parents.push(at),
                Ok(_) => {}
                Err(promise) => self.broken = Some((promise, at)),
            }
        }
    }

    /// How many states there are.
    pub fn states(&self) -> usize {
        self.known.numbers.len()
    }

    /// The state of this index.
    pub fn state(&self, index: u32) -> M::State {
        self.model.decode(self.known.numbers[index as usize])
    }

    /// How many states are doomed. Asks for a complete exploration.
    pub fn doomed(&self) -> usize {
        let states = self.known.numbers.iter().map(|number| self.model.decode(*number));
        let mut saved: Vec<bool> = states.map(|state| self.model.at_rest(&state)).collect();
        let mut left = saved.iter().filter(|saved| !**saved).count();
        let mut steps = Vec::new();
        loop {
            let before = left;
            // Most steps lead to a state that was found later: one pass backwards saves most.
            for index in (0..saved.len()).rev() {
                if !saved[index] && self.is_saved(index, &saved, &mut steps) {
                    saved[index] = true;
                    left -= 1;
                }
            }
            if left == before || left == 0 {
                return left;
            }
        }
    }

    fn is_saved(&self, index: usize, saved: &[bool], steps: &mut Vec<Step<M>>) -> bool {
        let state = self.model.decode(self.known.numbers[index]);
        steps.clear();
        self.model.steps(&state, steps);
        let coming = steps.iter().filter(|step| matches!(step.kind, Kind::Must | Kind::Pulse));
        let mut coming = coming.filter_map(|step| step.to.as_ref().ok());
        coming.any(|next| saved[self.known.index(self.model.encode(next))])
    }

    /// The steps that lead to the state of this index, a shortest way, and the state under the names of the trace.
    fn replay(&self, index: u32) -> (Vec<String>, M::State) {
        let mut way = vec![index];
        while let Some(&last) = way.last().filter(|last| **last != 0) {
            way.push(self.parents[last as usize]);
        }
        let mut state = self.model.initial();
        let ahead = way.iter().rev().skip(1).map(|index| self.state(*index));
        let names = ahead.map(|next| self.follow(&mut state, &next)).collect();
        (names, state)
    }

    /// Takes the step to a state like `ahead`; its name.
    fn follow(&self, state: &mut M::State, ahead: &M::State) -> String {
        let mut steps = Vec::new();
        self.model.steps(state, &mut steps);
        let leads = |step: &Step<M>| step.to.is_ok_and(|next| self.model.are_like(&next, ahead));
        let step = steps.iter().find(|step| leads(step)).expect("a step that was taken before");
        *state = step.to.expect("a state");
        step.name.to_string()
    }

    /// The steps that lead to the state of this index: a shortest way.
    pub fn trace(&self, index: u32) -> Vec<String> {
        self.replay(index).0
    }

    /// The first fault: its name, and a shortest way to it.
    pub fn fault(&self) -> Option<(&'static str, Vec<String>)> {
        let Some((promise, index)) = self.broken else {
            return self.wedged.first().map(|index| (WEDGED, self.trace(*index)));
        };
        let (mut trace, state) = self.replay(index);
        let mut steps = Vec::new();
        self.model.steps(&state, &mut steps);
        let last = steps.iter().find(|step| step.to.is_err_and(|broken| broken == promise));
        trace.extend(last.map(|step| step.name.to_string()));
        Some((promise, trace))
    }
}

/// The name of a fault that is no broken promise.
pub const WEDGED: &str = "wedged";

/// The numbers that were met: in the order of their discovery, and a table to find them again.
struct Known {
    numbers: Vec<u128>,
    /// Open addressing: 0 is empty, else 1 + an index.
    table: Vec<u32>,
}

impl Known {
    fn new() -> Self {
        Self { numbers: vec![], table: vec![0; 1 << 12] }
    }

    /// Whether it is new.
    fn add(&mut self, number: u128) -> bool {
        let place = self.place(number);
        if self.table[place] != 0 {
            return false;
        }
        self.numbers.push(number);
        self.table[place] = u32::try_from(self.numbers.len()).expect("fewer than 2^32 states");
        if self.numbers.len() * 4 > self.table.len() * 3 {
            self.grow();
        }
        true
    }

    fn index(&self, number: u128) -> usize {
        self.table[self.place(number)] as usize - 1
    }

    /// Where it is in the table, or belongs.
    fn place(&self, number: u128) -> usize {
        let mask = self.table.len() - 1;
        let mut place = scatter(number) & mask;
        while let index @ 1.. = self.table[place] as usize {
            if self.numbers[index - 1] == number {
                break;
            }
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        self.table = vec![0; self.table.len() * 2];
        for index in 0..self.numbers.len() {
            let place = self.place(self.numbers[index]);
            self.table[place] = u32::try_from(index + 1).expect("fewer than 2^32 states");
        }
    }
}

/// A hash: the halves of a number multiplied, each with some bits turned.
fn scatter(number: u128) -> usize {
    let (high, low) = ((number >> 64) as u64, number as u64);
    let product =
        u128::from(low ^ 0x9e37_79b9_7f4a_7c15) * u128::from(high ^ 0xd6e8_feb8_6659_fd93);
    ((product >> 64) as u64 ^ product as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two parties count to 2; `wedge` stops the first at 1, `breaks` forbids that both are at 1.
    struct Counters {
        wedge: bool,
        breaks: bool,
    }

    impl Model for Counters {
        type State = [u8; 2];
        type Name = String;

        fn initial(&self) -> [u8; 2] {
            [0; 2]
        }

        fn steps(&self, from: &[u8; 2], to: &mut Vec<Step<Self>>) {
            for who in 0..2 {
                let mut next = *from;
                next[who] += 1;
                if from[who] == 2 || self.wedge && who == 0 && from[who] == 1 {
                    continue;
                }
                let broken = self.breaks && next == [1, 1];
                let to_state = if broken { Err("both at 1") } else { Ok(next) };
                to.push(Step { name: format!("{who}"), kind: Kind::Must, to: to_state });
            }
        }

        fn at_rest(&self, state: &[u8; 2]) -> bool {
            *state == [2; 2]
        }

        fn encode(&self, state: &[u8; 2]) -> u128 {
            u128::from(state[0]) << 64 | u128::from(state[1])
        }

        fn decode(&self, number: u128) -> [u8; 2] {
            [(number >> 64) as u8, number as u8]
        }
    }

    #[test]
    fn every_state_is_visited_once() {
        let model = Counters { wedge: false, breaks: false };
        let found = explore(&model, Until::Complete);
        assert_eq!((found.states(), found.doomed(), found.fault()), (9, 0, None));
    }

    #[test]
    fn a_wedge_is_found_with_its_shortest_trace() {
        let model = Counters { wedge: true, breaks: false };
        let found = explore(&model, Until::Complete);
        assert_eq!((found.states(), found.wedged.len(), found.doomed()), (6, 1, 6));
        assert_eq!(found.trace(found.wedged[0]), ["0", "1", "1"]);
    }

    #[test]
    fn a_broken_promise_ends_the_exploration() {
        let model = Counters { wedge: false, breaks: true };
        let found = explore(&model, Until::Complete);
        assert!(found.fault().unwrap().0 == "both at 1");
    }

    #[test]
    fn numbers_are_found_again_after_the_table_grew() {
        let mut known = Known::new();
        assert!((0..100_000u128).all(|n| known.add(n << 40)));
        assert!(
            (0..100_000u128).all(|n| !known.add(n << 40) && known.index(n << 40) == n as usize)
        );
    }
}
