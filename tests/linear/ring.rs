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

mod model;

pub use model::{End, Items, Ring};

use crate::crew::die;
use crate::scene::{Ready, Role, Scene, Who};
use model::{Moment, SEVERAL};
use sabha::ring::spsc::{Consumer, PopError, Producer, PushError, Spsc};
use sabha::sync::Policy;
use sabha::{Deadline, Error, Region};
use std::cell::Cell;
use std::time::Duration;
use support::child::Random;

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
        let micros = |random: &mut Random| Some(random.below(120));
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
