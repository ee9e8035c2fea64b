//! The checker, checked: by histories whose verdict is plain, and against trying every order there is.

use super::{History, Model, Span};
use crate::child::Random;
use std::collections::VecDeque;
use std::time::Instant;

/// A queue of at most two numbers.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Queue(VecDeque<u64>);

#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// Refused with `false`; nobody was told if `None`.
    Push(u64, Option<bool>),
    /// Of an empty queue: 0.
    Pop(Option<u64>),
}

impl Model for Queue {
    type Step = Step;

    fn after(&self, _process: usize, step: &Step) -> impl IntoIterator<Item = Self> {
        let mut next = self.clone();
        let fits = match *step {
            Step::Push(_, Some(false)) => self.0.len() == 2,
            Step::Push(value, _) => {
                next.0.push_back(value);
                next.0.len() <= 2
            }
            Step::Pop(told) => {
                let value = next.0.pop_front().unwrap_or(0);
                told.is_none_or(|told| told == value)
            }
        };
        fits.then_some(next)
    }
}

fn push(value: u64) -> [Step; 1] {
    [Step::Push(value, Some(true))]
}

fn pop(value: u64) -> [Step; 1] {
    [Step::Pop(Some(value))]
}

/// A number.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Number(u64);

#[derive(Clone, Debug)]
enum Act {
    Store(u64),
    Load(u64),
    Add {
        before: Option<u64>,
    },
    /// Stores any of two.
    Toss(u64, u64),
}

impl Model for Number {
    type Step = Act;

    fn after(&self, _process: usize, act: &Act) -> impl IntoIterator<Item = Self> {
        match *act {
            Act::Store(value) => vec![Self(value)],
            Act::Load(value) if value == self.0 => vec![self.clone()],
            Act::Add { before } if before.is_none_or(|b| b == self.0) => vec![Self(self.0 + 1)],
            Act::Toss(one, other) => vec![Self(one), Self(other)],
            _ => vec![],
        }
    }
}

/// The same, and a death makes it 9.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Mortal(Number);

impl Model for Mortal {
    type Step = Act;

    fn after(&self, process: usize, act: &Act) -> impl IntoIterator<Item = Self> {
        self.0.after(process, act).into_iter().map(Self).collect::<Vec<_>>()
    }

    fn after_death(&self, _process: usize) -> Self {
        Self(Number(9))
    }
}

/// A history of operations of one step each, by processes 0, 1, 2 …
fn one_each<S>(operations: impl IntoIterator<Item = (Span, S)>) -> History<S> {
    let mut history = History::new();
    for (process, (span, step)) in operations.into_iter().enumerate() {
        history.finished(process, span, [step]);
    }
    history
}

#[test]
fn a_stale_read_is_refused() {
    let fresh = [((1, 2), Act::Store(1)), ((3, 4), Act::Load(1))];
    let stale = [((1, 2), Act::Store(1)), ((3, 4), Act::Load(0))];
    let meeting = [((1, 3), Act::Store(1)), ((2, 4), Act::Load(0))];
    assert!(one_each(fresh).check(Number(0)).is_ok());
    assert!(one_each(stale).check(Number(0)).is_err());
    assert!(one_each(meeting).check(Number(0)).is_ok(), "at the same time: either");
}

#[test]
fn two_who_read_after_each_other_may_not_see_the_past() {
    let back = [((1, 9), Act::Store(1)), ((2, 3), Act::Load(1)), ((4, 5), Act::Load(0))];
    assert!(one_each(back).check(Number(0)).is_err(), "new, then old");
    let forth = [((1, 9), Act::Store(1)), ((2, 3), Act::Load(0)), ((4, 5), Act::Load(1))];
    assert!(one_each(forth).check(Number(0)).is_ok());
}

#[test]
fn a_lost_update_is_refused() {
    let add = |span, before| (span, Act::Add { before: Some(before) });
    assert!(one_each([add((1, 3), 0), add((2, 4), 1)]).check(Number(0)).is_ok());
    assert!(one_each([add((1, 3), 0), add((2, 4), 0)]).check(Number(0)).is_err());
}

#[test]
fn a_queue_that_swaps_two_is_refused() {
    let history = |first, second| {
        let mut history = History::new();
        history.finished(0, (1, 2), push(1));
        history.finished(0, (3, 4), push(2));
        history.finished(1, (5, 6), pop(first));
        history.finished(1, (7, 8), pop(second));
        history
    };
    assert!(history(1, 2).check(Queue::default()).is_ok());
    assert!(history(2, 1).check(Queue::default()).is_err());
    assert!(history(1, 1).check(Queue::default()).is_err(), "one twice");
    assert!(history(1, 0).check(Queue::default()).is_err(), "one lost");
}

#[test]
fn full_and_empty_must_have_been_so() {
    let full = |span| (span, Step::Push(3, Some(false)));
    let two = [((1, 2), Step::Push(1, Some(true))), ((3, 4), Step::Push(2, Some(true)))];
    let [one, other] = two.clone();
    assert!(one_each(two.into_iter().chain([full((5, 6))])).check(Queue::default()).is_ok());
    assert!(one_each([one.clone(), full((5, 6))]).check(Queue::default()).is_err());
    assert!(
        one_each([one.clone(), ((3, 6), other.1), full((4, 5))]).check(Queue::default()).is_ok()
    );
    assert!(one_each([one, ((3, 4), Step::Pop(Some(0)))]).check(Queue::default()).is_err());
}

#[test]
fn what_was_killed_has_happened_if_somebody_saw_it() {
    let mut history = History::new();
    history.killed(0, 1, [Step::Push(1, None)]);
    history.finished(1, (5, 6), pop(1));
    assert!(history.check(Queue::default()).is_ok());
    history.finished(1, (7, 8), pop(1));
    assert!(history.check(Queue::default()).is_err(), "not twice");
}

#[test]
fn what_was_killed_has_not_happened_if_nobody_can_have_seen_it() {
    let mut history = History::new();
    history.killed(0, 1, [Step::Push(1, None)]);
    history.death(0, (2, 3));
    history.finished(1, (5, 6), pop(0));
    assert!(history.check(Queue::default()).is_ok());
    history.finished(1, (7, 8), pop(1));
    assert!(history.check(Queue::default()).is_err(), "empty after the death, and then not");
}

#[test]
fn without_a_death_what_was_killed_may_still_come() {
    let mut history = History::new();
    history.killed(0, 1, [Step::Push(1, None)]);
    history.finished(1, (5, 6), pop(0));
    history.finished(1, (7, 8), pop(1));
    assert!(history.check(Queue::default()).is_ok());
}

#[test]
fn nothing_comes_before_its_call_killed_or_not() {
    let mut history = History::new();
    history.finished(1, (1, 2), pop(1));
    history.killed(0, 3, [Step::Push(1, None)]);
    assert!(history.check(Queue::default()).is_err());
}

#[test]
fn a_death_is_a_step_behind_what_the_dead_one_finished() {
    let afterwards = |seen| {
        let mut history = History::new();
        history.finished(0, (1, 5), [Act::Store(3)]);
        history.death(0, (2, 8));
        history.finished(1, (9, 10), [Act::Load(seen)]);
        history.check(Mortal::default())
    };
    assert!(afterwards(9).is_ok());
    assert!(afterwards(3).is_err(), "the store returned: it came first");

    let mut history = History::new();
    history.death(0, (4, 8));
    history.finished(1, (1, 2), [Act::Load(9)]);
    assert!(history.check(Mortal::default()).is_err(), "it lived");
}

#[test]
fn what_a_death_breaks_is_known_when_the_dead_is_gone() {
    let mut history = History::new();
    history.death(0, (2, 5));
    history.finished(1, (3, 4), [Act::Load(0)]);
    assert!(history.check(Mortal::default()).is_ok(), "it was being killed");
    history.finished(1, (6, 7), [Act::Load(0)]);
    assert!(history.check(Mortal::default()).is_err(), "it was gone");
}

#[test]
fn the_steps_of_an_operation_come_in_order_and_others_between_them() {
    let both = |seen: [u64; 2]| {
        let mut history = History::new();
        history.finished(0, (1, 6), [Act::Store(1), Act::Store(2)]);
        history.finished(1, (2, 3), [Act::Load(seen[0])]);
        history.finished(1, (4, 5), [Act::Load(seen[1])]);
        history.check(Number(0))
    };
    assert!(both([0, 1]).is_ok() && both([1, 2]).is_ok() && both([1, 1]).is_ok());
    assert!(both([2, 1]).is_err() && both([1, 0]).is_err());
}

#[test]
fn of_a_killed_operation_the_first_steps_may_have_happened_alone() {
    let both = |seen: u64| {
        let mut history = History::new();
        history.killed(0, 1, [Act::Store(1), Act::Store(2)]);
        history.death(0, (2, 3));
        history.finished(1, (4, 5), [Act::Load(seen)]);
        history.check(Number(0))
    };
    assert!((0..=2).all(|seen| both(seen).is_ok()));
    assert!(both(3).is_err());
}

#[test]
fn every_outcome_of_a_step_is_tried() {
    let toss = |seen| {
        let history = [((1, 2), Act::Toss(3, 4)), ((3, 4), Act::Load(seen))];
        one_each(history).check(Number(0))
    };
    assert!(toss(3).is_ok() && toss(4).is_ok() && toss(0).is_err());
}

#[test]
fn a_refusal_shows_when_everything_was_and_where_it_ends() {
    let mut history = History::new();
    history.finished(0, (1, 2), [Act::Store(1)]);
    history.finished(1, (3, 6), [Act::Load(0)]);
    history.killed(2, 4, [Act::Store(7)]);
    history.death(2, (5, 7));
    let refusal = history.check(Number(0)).unwrap_err();
    let expected = "\
not linearizable: at most 3 of 4 steps follow each other
  1  process 0  |-|              Store(1)
  ?  process 1      |-----|      Load(0)
  2  process 2        |-------x  Store(7)
  3  process 2          |---|    its death
behind number 3 the object is Number(7): no answer marked ? fits";
    assert_eq!((refusal.placed, refusal.of, refusal.to_string().as_str()), (3, 4, expected));
}

// ---- Against trying every order ----

/// A random history of `count` operations of three processes on a queue, and of deaths; some answers are right.
fn any_history(random: &mut Random, count: u64) -> History<Step> {
    let mut history = History::new();
    let mut clock = [0; 3];
    for _ in 0..count {
        let process = random.below(3);
        let now: &mut u64 = &mut clock[usize::try_from(process).unwrap()];
        let call = *now + 1 + random.below(4);
        let end = call + 1 + random.below(6);
        *now = end;
        let told = random.below(5) != 0;
        let step = match random.below(2) {
            0 => Step::Push(1 + random.below(2), told.then(|| random.below(4) != 0)),
            _ => Step::Pop(told.then(|| random.below(3))),
        };
        let process = usize::try_from(process).unwrap();
        if told {
            history.finished(process, (call, end), [step]);
        } else {
            // Another life begins.
            clock[process] = call;
            let dead = 3 + history.len();
            history.killed(dead, call, [step]);
            if random.below(2) == 0 {
                history.death(dead, (call + 1, end + 1));
            }
        }
    }
    history
}

/// By the definition alone: whether an order that begins with `order` explains the history.
fn any_order(history: &History<Step>, order: &mut Vec<usize>) -> bool {
    let events = &history.events;
    let complete = (0..events.len()).all(|i| events[i].end.is_none() || order.contains(&i));
    if complete && is_allowed(history, order) && is_possible(history, order) {
        return true;
    }
    (0..events.len()).any(|next| {
        !order.contains(&next) && {
            order.push(next);
            let found = any_order(history, order);
            order.pop();
            found
        }
    })
}

/// Whether nothing in it stands before what had ended when it was called, nor acts behind its own death.
fn is_allowed(history: &History<Step>, order: &[usize]) -> bool {
    order.iter().enumerate().all(|(place, &event)| {
        let event = &history.events[event];
        order[place..].iter().all(|&later| {
            let later = &history.events[later];
            let too_late = later.end.is_some_and(|end| end < event.call);
            let own_death = event.step.is_none() && later.process == event.process;
            !too_late && (!own_death || later.step.is_none())
        })
    })
}

fn is_possible(history: &History<Step>, order: &[usize]) -> bool {
    let mut steps = order.iter().filter_map(|&event| history.events[event].step.as_ref());
    let end =
        steps.try_fold(Queue::default(), |queue, step| queue.after(0, step).into_iter().next());
    end.is_some()
}

#[test]
fn it_agrees_with_trying_every_order() {
    let mut random = Random::new(0x5eed);
    let mut verdicts = [0; 2];
    for _ in 0..3_000 {
        let count = 2 + random.below(4);
        let history = any_history(&mut random, count);
        let found = history.check(Queue::default());
        assert_eq!(found.is_ok(), any_order(&history, &mut Vec::new()), "{history:?}");
        verdicts[usize::from(found.is_ok())] += 1;
    }
    assert!(verdicts.iter().all(|&count| count > 300), "{verdicts:?}");
}

#[test]
fn a_thousand_histories_take_no_time() {
    let mut random = Random::new(7);
    let start = Instant::now();
    let mut visited = 0;
    for _ in 0..1_000 {
        visited += true_history(&mut random, 3, 8).check(Queue::default()).expect("it happened");
    }
    println!("1000 histories of 3 × 8 operations, {visited} states: {:?}", start.elapsed());
}

/// What processes would have been told by a queue, each operation somewhere inside a span that meets others'.
fn true_history(random: &mut Random, processes: usize, count: usize) -> History<Step> {
    let mut history = History::new();
    let mut queue = Queue::default();
    let mut ends = vec![0; processes];
    for turn in 0..processes * count {
        let process = turn % processes;
        let moment = 100 * (turn as u64 + 1);
        let call = (moment - random.below(250).min(moment - 1)).max(ends[process] + 1);
        let step = match random.below(2) {
            0 => Step::Push(1 + random.below(2), Some(queue.0.len() < 2)),
            _ => Step::Pop(Some(queue.0.front().copied().unwrap_or(0))),
        };
        let next = queue.after(process, &step).into_iter().next();
        queue = next.expect("the true answer");
        ends[process] = moment + 1 + random.below(50);
        history.finished(process, (call.min(moment), ends[process]), [step]);
    }
    history
}
