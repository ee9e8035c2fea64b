//! What a ring should be. Which answer holds when: see the table of [`ring`](super).

use std::collections::VecDeque;
use support::linear::Model;

/// The most items of one operation.
pub const SEVERAL: usize = 2;

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
    pub count: usize,
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

    /// An empty one that nobody owns.
    pub fn new(capacity: usize) -> Self {
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
