//! A ring, its two ends, and those who take them over.
//!
//! | operation | steps | which hold if |
//! |---|---|---|
//! | push: done | one | there is room and the ring is open |
//! | push: `Full`, `TimedOut` | one | full and open |
//! | pop: an item | one | it is the oldest |
//! | pop: `Empty`, `TimedOut` | one | empty, and not closed |
//! | either: `Abandoned` | one | full, or empty, and the other end's owner is dead |
//! | either: `Closed` | one | closed, and drained if it is the consumer |
//! | several at once | count, then all at once | they are as many as there was room for, or there were, when they were counted |
//! | room, items, for the one end | one | exact |
//! | items, for a bystander | a look at the head, one at the tail | exact, if the tail had not moved in between |
//! | close by the producer | one | |
//! | close by the consumer | it begins, it is decided | in between the producer may decide, by a push that counts or one that does not |
//! | closed? | one | a close has begun |
//! | take an end: had | taken; a close that a dead one had begun is decided | nobody living has it |
//! | take an end: taken | one | the one that is named has it, and is not dead |
//! | give it back | one | |
//!
//! `Full` and `Empty` are exact, although each end remembers how far the other had come when it last looked: it answers so only
//! after another look. A push that is killed is there or not, a pop that is killed is done or not: its item comes again to the
//! successor then, and that is no second time, since nobody was told of the first.
//!
//! Weaker by design: what a bystander counts (above); `closed?` says that a close has *begun*: the consumer's is decided
//! later, and a push of that time may still count; and while it is being decided, what a bystander counts may include up to
//! [`SEVERAL`] items that are about to be refused.

use crate::crew::die;
use crate::scene::{Ready, Role, Scene, Who};
use sabha::ring::spsc::{Consumer, PopError, Producer, PushError, Spsc};
use sabha::sync::Policy;
use sabha::{Deadline, Error, Region};
use std::cell::Cell;
use std::collections::VecDeque;
use std::time::Duration;
use support::child::Random;
use support::linear::Model;

/// The most items of one operation.
const SEVERAL: usize = 2;

// ---- What it should be ----

/// A ring.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Ring {
    capacity: usize,
    items: VecDeque<u64>,
    /// Items that were ever popped.
    head: usize,
    /// The consumer's close has begun.
    closing: bool,
    closed: bool,
    /// Who owns the ends, dead or alive.
    owners: [Option<usize>; 2],
    dead: Vec<usize>,
    /// The head that a bystander has looked at.
    looks: Vec<(usize, usize)>,
}

/// Which end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Producer,
    Consumer,
}

impl End {
    const fn other(self) -> Self {
        match self {
            Self::Producer => Self::Consumer,
            Self::Consumer => Self::Producer,
        }
    }
}

/// Some items.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Items {
    values: [u64; SEVERAL],
    count: usize,
}

impl Items {
    pub fn new(values: &[u64]) -> Self {
        let mut items = Self { values: [0; SEVERAL], count: values.len() };
        items.values[..values.len()].copy_from_slice(values);
        items
    }

    fn as_slice(&self) -> &[u64] {
        &self.values[..self.count]
    }

    fn first(&self, count: usize) -> Self {
        Self::new(&self.as_slice()[..count])
    }
}

impl std::fmt::Debug for Items {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_slice().fmt(f)
    }
}

/// A moment of an operation.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// So many slots are free, or more if that is all that were asked for.
    Room {
        count: usize,
        wanted: usize,
    },
    /// So many items are there, or more if that is all that were asked for.
    Ready {
        count: usize,
        wanted: usize,
    },
    Push(Items),
    Pop(Items),
    /// Some of the items, or of as many: nobody heard how many.
    PushSome(Items),
    PopSome(usize),
    Full,
    Empty,
    Abandoned(End),
    Closed(End),
    /// All the slots that are free.
    AllRoom(usize),
    /// All the items that are there.
    AllReady(usize),
    LookAtHead,
    LookAtTail(usize),
    Close,
    BeginClose,
    DecideClose,
    IsClosed(bool),
    Take(End),
    Taken(End, Option<usize>),
    GiveBack,
}

impl Model for Ring {
    type Step = Moment;

    fn after(&self, process: usize, moment: &Moment) -> impl IntoIterator<Item = Self> {
        match *moment {
            Moment::PushSome(items) => {
                let some = (1..=items.count).map(|count| Moment::Push(items.first(count)));
                some.filter_map(|push| self.with(process, push)).collect()
            }
            Moment::PopSome(most) => {
                let some = (1..=most.min(self.items.len())).map(|count| {
                    let items: Vec<u64> = self.items.iter().copied().take(count).collect();
                    Moment::Pop(Items::new(&items))
                });
                some.filter_map(|pop| self.with(process, pop)).collect()
            }
            moment => Vec::from_iter(self.with(process, moment)),
        }
    }

    fn after_death(&self, process: usize) -> Self {
        let mut next = self.clone();
        next.dead.push(process);
        next.dead.sort_unstable();
        next
    }
}

impl Ring {
    /// One whose ends have these owners.
    pub fn owned(capacity: usize, producer: usize, consumer: usize) -> Self {
        Self { owners: [Some(producer), Some(consumer)], ..Self::new(capacity) }
    }

    fn new(capacity: usize) -> Self {
        Self {
            capacity,
            items: VecDeque::new(),
            head: 0,
            closing: false,
            closed: false,
            owners: [None; 2],
            dead: vec![],
            looks: vec![],
        }
    }

    fn room(&self) -> usize {
        self.capacity - self.items.len()
    }

    fn owns(&self, process: usize, end: End) -> bool {
        self.owners[end as usize] == Some(process)
    }

    /// The owner of an end, if it lives.
    fn living(&self, end: End) -> Option<usize> {
        self.owners[end as usize].filter(|owner| !self.dead.contains(owner))
    }

    fn is_orphan(&self, end: End) -> bool {
        self.owners[end as usize].is_some() && self.living(end).is_none()
    }

    /// What a producer finds that has no room, a consumer that has no item.
    fn is_stuck(&self, end: End) -> bool {
        match end {
            End::Producer => self.room() == 0 && !self.closed && !self.closing,
            End::Consumer => self.items.is_empty() && !self.closed,
        }
    }

    /// What becomes of it; nothing, if that cannot be.
    fn with(&self, process: usize, moment: Moment) -> Option<Self> {
        let unchanged = |holds: bool| holds.then(|| self.clone());
        let (room, ready) = (self.room(), self.items.len());
        let produces = self.owns(process, End::Producer);
        let consumes = self.owns(process, End::Consumer);
        match moment {
            Moment::Room { count, wanted } => unchanged(produces && room.min(wanted) == count),
            Moment::Ready { count, wanted } => unchanged(consumes && ready.min(wanted) == count),
            Moment::Push(items) if produces => self.pushed(items),
            Moment::Pop(items) if consumes => self.popped(items),
            Moment::Full => unchanged(produces && self.is_stuck(End::Producer)),
            Moment::Empty => unchanged(consumes && self.is_stuck(End::Consumer)),
            Moment::Abandoned(end) => {
                let stuck = self.owns(process, end) && self.is_stuck(end);
                unchanged(stuck && self.is_orphan(end.other()))
            }
            Moment::Closed(End::Producer) if produces && (self.closed || self.closing) => {
                Some(self.decided())
            }
            Moment::Closed(End::Consumer) => unchanged(consumes && self.closed && ready == 0),
            Moment::AllRoom(0) if produces && (self.closed || self.closing) => Some(self.decided()),
            Moment::AllRoom(count) => unchanged(produces && room == count),
            Moment::AllReady(count) => unchanged(consumes && ready == count),
            Moment::Close if produces => Some(self.decided()),
            Moment::BeginClose if consumes => Some(Self { closing: true, ..self.clone() }),
            Moment::DecideClose if consumes || produces => {
                if self.closing {
                    Some(self.decided())
                } else {
                    Some(self.clone())
                }
            }
            Moment::IsClosed(told) => unchanged(told == (self.closing || self.closed)),
            Moment::Take(end) => self.living(end).is_none().then(|| self.taken(process, end)),
            Moment::Taken(end, by) => {
                let owner = self.living(end);
                unchanged(owner.is_some() && (by.is_none() || by == owner))
            }
            Moment::GiveBack if produces || consumes => Some(self.given_back(process)),
            Moment::LookAtHead => Some(self.looked(process)),
            Moment::LookAtTail(count) => self.counted(process, count),
            _ => None,
        }
    }

    fn pushed(&self, items: Items) -> Option<Self> {
        if self.closed || items.count > self.room() {
            return None;
        }
        let mut next = self.clone();
        next.items.extend(items.as_slice());
        next.closed = self.closing; // the producer has decided: behind these
        Some(next)
    }

    fn popped(&self, items: Items) -> Option<Self> {
        let mut next = self.clone();
        let oldest: Vec<u64> = next.items.drain(..items.count.min(self.items.len())).collect();
        next.head += items.count;
        (oldest == items.as_slice()).then_some(next)
    }

    fn decided(&self) -> Self {
        Self { closed: true, ..self.clone() }
    }

    fn taken(&self, process: usize, end: End) -> Self {
        let mut next = self.clone();
        next.owners[end as usize] = Some(process);
        next
    }

    fn given_back(&self, process: usize) -> Self {
        let owners = self.owners.map(|owner| owner.filter(|&owner| owner != process));
        Self { owners, ..self.clone() }
    }

    fn looked(&self, process: usize) -> Self {
        let mut next = self.clone();
        next.looks.push((process, self.head));
        next.looks.sort_unstable();
        next
    }

    fn counted(&self, process: usize, count: usize) -> Option<Self> {
        let mut next = self.clone();
        let look = next.looks.iter().position(|&(who, _)| who == process)?;
        let (_, head) = next.looks.remove(look);
        let exact = self.head + self.items.len() - head;
        let refused_soon = if self.closing && !self.closed { SEVERAL } else { 0 };
        let fits = |extra: usize| (exact + extra).min(self.capacity) == count;
        (0..=refused_soon).any(fits).then_some(next)
    }
}

// ---- What processes do with it ----

/// Wide, so that a torn one shows.
type Item = [u64; 3];

fn item(value: u64) -> Item {
    [value, value.rotate_left(21), !value]
}

/// What nobody pushes.
const TORN: u64 = u64::MAX;

fn value(read: Item) -> u64 {
    if read == item(read[0]) { read[0] } else { TORN }
}

/// The scene: rings of different capacities. One that is closed is closed for ever.
pub struct Rings<P> {
    rings: Vec<Spsc<Item>>,
    next: Cell<usize>,
    policy: std::marker::PhantomData<P>,
}

impl<P: Policy> Rings<P> {
    const RINGS: usize = 200;

    pub fn new() -> Self {
        let region = Region::anonymous(1 << 19).unwrap();
        let ring = |index: usize| {
            let name = format!("ring {index}");
            Spsc::open_or_create(&region, &name, [1, 2, 4][index % 3]).unwrap()
        };
        let rings = (0..Self::RINGS).map(ring).collect();
        Self { rings, next: Cell::new(0), policy: std::marker::PhantomData }
    }
}

pub struct Hand<P: Policy> {
    role: Role,
    grip: Grip<P>,
}

/// What it has of the ring.
enum Grip<P: Policy> {
    Nothing,
    Producer(Producer<Item, P>),
    Consumer(Consumer<Item, P>),
}

#[derive(Clone, Copy, Debug)]
pub enum Op {
    Take(End),
    GiveBack,
    /// Until so many microseconds have passed; `None`: not at all.
    Push(u64, Option<u64>),
    PushSeveral([u64; SEVERAL]),
    Pop(Option<u64>),
    PopSeveral,
    /// Uses items in place, and dies or releases them.
    Use {
        dies: bool,
    },
    /// What is there for that end; `None`: for a bystander.
    Count(Option<End>),
    Close(End),
    IsClosed,
    Die,
}

#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Done,
    Pushed(usize),
    Popped(Items),
    NotYet,
    TimedOut,
    Abandoned,
    Closed,
    Count(usize),
    IsClosed(bool),
    TakenBy(u32),
}

impl<P: Policy> Scene for Rings<P> {
    type Op = Op;
    type Answer = Answer;
    type Model = Ring;
    type Hand<'a> = Hand<P>;

    fn prepare(&self, random: &mut Random, _killed: bool) -> Option<Ready<Ring>> {
        let used = usize::from(random.below(4) == 0);
        let open = |ring: &Spsc<Item>| !ring.is_closed();
        let from = self.next.get() + used;
        let object = from + self.rings.get(from..)?.iter().position(open)?;
        self.next.set(object);
        let ring = &self.rings[object];
        ring.producer().expect("all are dead or have given it back");
        let mut consumer = ring.consumer().expect("all are dead or have given it back");
        while consumer.try_pop().is_ok() {}
        Some(Ready { object, model: Ring::new(ring.capacity()) })
    }

    fn hand(&self, role: Role) -> Hand<P> {
        Hand { role, grip: Grip::Nothing }
    }

    fn choose(&self, hand: &Hand<P>, random: &mut Random, left: u64) -> Option<Op> {
        if left == 0 {
            return (!matches!(hand.grip, Grip::Nothing)).then_some(Op::GiveBack);
        }
        let dies = hand.role.dies_now(random, left);
        match hand.grip {
            Grip::Consumer(_) if dies && random.below(2) == 0 => return Some(Op::Use { dies }),
            _ if dies => return Some(Op::Die),
            _ => {}
        }
        let number = |random: &mut Random| 1 + random.below(1 << 20);
        let micros = |random: &mut Random| Some(random.below(200));
        Some(match (&hand.grip, random.below(20)) {
            (Grip::Nothing, at) => bystander(hand.role.lane, at),
            (Grip::Producer(_), 0..8) => Op::Push(number(random), None),
            (Grip::Producer(_), 8..12) => Op::Push(number(random), micros(random)),
            (Grip::Producer(_), 12..16) => Op::PushSeveral([number(random), number(random)]),
            (Grip::Producer(_), 19) => Op::Close(End::Producer),
            (Grip::Consumer(_), 0..7) => Op::Pop(None),
            (Grip::Consumer(_), 7..11) => Op::Pop(micros(random)),
            (Grip::Consumer(_), 11..13) => Op::PopSeveral,
            (Grip::Consumer(_), 13..16) => Op::Use { dies: false },
            (Grip::Consumer(_), 19) if random.below(2) == 0 => Op::Close(End::Consumer),
            (Grip::Producer(_), 16) => Op::Count(Some(End::Producer)),
            (Grip::Consumer(_), 16) => Op::Count(Some(End::Consumer)),
            (_, 17) => Op::IsClosed,
            _ => Op::GiveBack,
        })
    }

    fn perform(&self, hand: &mut Hand<P>, op: Op) -> Answer {
        let ring = &self.rings[hand.role.object];
        match (op, &mut hand.grip) {
            (Op::Take(End::Producer), grip) => had(ring.producer(), |producer| {
                *grip = Grip::Producer(producer.waiting());
            }),
            (Op::Take(End::Consumer), grip) => had(ring.consumer(), |consumer| {
                *grip = Grip::Consumer(consumer.waiting());
            }),
            (Op::GiveBack, grip) => {
                *grip = Grip::Nothing;
                Answer::Done
            }
            (Op::Die, _) => die(),
            (op, Grip::Nothing) => match op {
                Op::Count(_) => Answer::Count(ring.len()),
                _ => Answer::IsClosed(ring.is_closed()),
            },
            (op, Grip::Producer(producer)) => produce(producer, op),
            (op, Grip::Consumer(consumer)) => consume(consumer, op),
        }
    }

    fn steps(&self, op: Op, answer: Option<Answer>, who: &Who) -> Vec<Moment> {
        steps(op, answer, who)
    }
}

/// The steps of an operation on a ring.
pub fn steps(op: Op, answer: Option<Answer>, who: &Who) -> Vec<Moment> {
    let Some(answer) = answer else { return effects(op) };
    let producing = matches!(op, Op::Push(..) | Op::PushSeveral(_));
    let end = if producing { End::Producer } else { End::Consumer };
    let stuck = if producing { Moment::Full } else { Moment::Empty };
    match (op, answer) {
        (Op::Push(value, _), Answer::Done) => vec![Moment::Push(Items::new(&[value]))],
        (Op::PushSeveral(values), Answer::Pushed(count)) => {
            let pushed = Moment::Push(Items::new(&values[..count]));
            vec![Moment::Room { count, wanted: SEVERAL }, pushed]
        }
        (Op::Pop(_), Answer::Popped(items)) => vec![Moment::Pop(items)],
        (_, Answer::Popped(items)) => {
            let ready = Moment::Ready { count: items.count, wanted: SEVERAL };
            vec![ready, Moment::Pop(items)]
        }
        (_, Answer::NotYet | Answer::TimedOut) => vec![stuck],
        (_, Answer::Abandoned) => vec![Moment::Abandoned(end)],
        (_, Answer::Closed) => vec![Moment::Closed(end)],
        (_, Answer::IsClosed(told)) => vec![Moment::IsClosed(told)],
        (Op::Take(end), Answer::TakenBy(pid)) => vec![Moment::Taken(end, who.named(pid))],
        (Op::Count(end), Answer::Count(count)) => match end {
            Some(End::Producer) => vec![Moment::AllRoom(count)],
            Some(End::Consumer) => vec![Moment::AllReady(count)],
            None => vec![Moment::LookAtHead, Moment::LookAtTail(count)],
        },
        (op, _) => effects(op),
    }
}

/// What an operation changes if it succeeds, or was killed.
fn effects(op: Op) -> Vec<Moment> {
    match op {
        Op::Take(end) => vec![Moment::Take(end), Moment::DecideClose],
        Op::GiveBack => vec![Moment::GiveBack],
        Op::Push(value, _) => vec![Moment::Push(Items::new(&[value]))],
        Op::PushSeveral(values) => vec![Moment::PushSome(Items::new(&values))],
        Op::Pop(_) => vec![Moment::PopSome(1)],
        Op::PopSeveral | Op::Use { dies: false } => vec![Moment::PopSome(SEVERAL)],
        Op::Close(End::Producer) => vec![Moment::Close],
        Op::Close(End::Consumer) => vec![Moment::BeginClose, Moment::DecideClose],
        Op::Use { dies: true } | Op::Count(_) | Op::IsClosed | Op::Die => vec![],
    }
}

/// What a process does that has no end, which depends on its lane.
fn bystander(lane: usize, dice: u64) -> Op {
    match (lane, dice) {
        (0, 0..17) => Op::Take(End::Producer),
        (1, 0..17) => Op::Take(End::Consumer),
        (_, 0..3) => Op::Take(End::Producer),
        (_, 3..6) => Op::Take(End::Consumer),
        (_, 19) => Op::IsClosed,
        _ => Op::Count(None),
    }
}

fn had<T>(end: sabha::Result<T>, keep: impl FnOnce(T)) -> Answer {
    match end {
        Ok(end) => {
            keep(end);
            Answer::Done
        }
        Err(Error::Taken { by, .. }) => Answer::TakenBy(by.pid),
        Err(other) => panic!("{other}"),
    }
}

fn deadline(micros: u64) -> Deadline {
    Deadline::after(Duration::from_micros(micros))
}

fn produce<P: Policy>(producer: &mut Producer<Item, P>, op: Op) -> Answer {
    let refused = |pushed, refusal: PushError<()>| match refusal {
        PushError::Full(()) => Answer::NotYet,
        PushError::TimedOut(()) => Answer::TimedOut,
        PushError::Closed(()) => Answer::Closed,
        PushError::Abandoned(()) => Answer::Abandoned,
        other => panic!("{other} after {pushed:?}"),
    };
    match op {
        Op::Push(value, until) => {
            let pushed = match until {
                None => producer.try_push(item(value)),
                Some(micros) => producer.push_until(item(value), deadline(micros)),
            };
            match pushed {
                Ok(()) => Answer::Done,
                Err(refusal) => refused(value, returned(refusal, item(value))),
            }
        }
        Op::PushSeveral(values) => match producer.push_slice(&values.map(item)) {
            Ok(count) => Answer::Pushed(count),
            Err(refusal) => refused(values[0], refusal),
        },
        Op::Count(_) => Answer::Count(producer.room()),
        Op::IsClosed => Answer::IsClosed(producer.is_closed()),
        _ => {
            producer.close().expect("not forked");
            Answer::Done
        }
    }
}

/// The refusal alone; its item must be the one that was to be pushed.
fn returned(refusal: PushError<Item>, pushed: Item) -> PushError<()> {
    assert_eq!(refusal.into_value(), pushed);
    match refusal {
        PushError::Full(_) => PushError::Full(()),
        PushError::TimedOut(_) => PushError::TimedOut(()),
        PushError::Closed(_) => PushError::Closed(()),
        PushError::Abandoned(_) => PushError::Abandoned(()),
        other => panic!("{other}"),
    }
}

fn consume<P: Policy>(consumer: &mut Consumer<Item, P>, op: Op) -> Answer {
    let popped = match op {
        Op::Pop(None) => consumer.try_pop().map(|item| Items::new(&[value(item)])),
        Op::Pop(Some(micros)) => {
            consumer.pop_until(deadline(micros)).map(|item| Items::new(&[value(item)]))
        }
        Op::PopSeveral => {
            let mut items = [[0; 3]; SEVERAL];
            consumer.pop_slice(&mut items).map(|count| Items::new(&items.map(value)[..count]))
        }
        Op::Use { dies } => consumer.read(SEVERAL).map(|chunk| {
            let values: Vec<u64> = chunk.iter().map(value).collect();
            if dies {
                die();
            }
            chunk.release(values.len());
            Items::new(&values)
        }),
        Op::Count(_) => return Answer::Count(consumer.len()),
        Op::IsClosed => return Answer::IsClosed(consumer.is_closed()),
        _ => {
            consumer.close().expect("neither forked nor damaged");
            return Answer::Done;
        }
    };
    match popped {
        Ok(items) => Answer::Popped(items),
        Err(PopError::Empty) => Answer::NotYet,
        Err(PopError::TimedOut) => Answer::TimedOut,
        Err(PopError::Closed) => Answer::Closed,
        Err(PopError::Abandoned) => Answer::Abandoned,
        Err(other) => panic!("{other}"),
    }
}
