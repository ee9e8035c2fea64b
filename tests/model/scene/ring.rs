//! Scenes of the ring: one process pushes numbers, one pops them; either closes; either is killed; another takes over.

use super::{Act, Log, play};
use crate::kernel::{Kernel, Rules};
use crate::model::payload::Payload;
use crate::os::AtomicU32;
use crate::os::clock::Deadline;
use crate::process::{Fate, Process};
use crate::ring::begin_to_close;
use crate::ring::protocol::{ConsumerSide, ProducerSide, Refusal, Ring, give_back, take};
use crate::ring::wait::{Look, Patience};
use crate::seat::PULSE;
use std::sync::Arc;

/// What a process does with an end of the ring. The first two have theirs before others begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// Pushes so many, waiting for room; closes if so told; leaves.
    Produce { items: u64, close: bool },
    /// Pops so many, waiting for them; closes if so told, and pops what is left; leaves.
    Consume { items: u64, close: bool },
    /// Pushes one without waiting, if the end is to be had.
    PushOne,
    /// Pops what is there, if the end is to be had.
    Drain,
    /// A consumer that is killed behind K1, and its heir, one after the other: pops what is there.
    Heir,
    /// Has no end; counts the items.
    Count,
}

/// More than there will be: until the end.
pub(crate) const ALL: u64 = u64::MAX;

/// What a process does and what befalls it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) role: Role,
    pub(crate) fate: Fate,
    /// Whether it agreed to barriers.
    pub(crate) barriers: bool,
}

impl Part {
    pub(crate) const fn new(role: Role) -> Self {
        Self { role, fate: Fate::LIVES, barriers: true }
    }

    pub(crate) const fn with(self, fate: Fate) -> Self {
        Self { fate, ..self }
    }
}

/// Sleeps at once, at most a pulse.
const PATIENCE: Patience = Patience { spins: 0, sleeps: true, pulse: PULSE };

struct Stage {
    ring: Ring,
    slots: Vec<Payload>,
    kernel: Arc<Kernel>,
}

/// Plays `parts`, then has newcomers take over both ends: one pushes, one drains. Of each process: `p` pushed, a digit:
/// popped, the position of the item from 1; `C` closed, `A` abandoned, `b` the end is another's, `n` no room or no item,
/// `#` and the
/// number that it counted, `x` killed.
pub(crate) fn scene(rules: Rules, capacity: usize, parts: &[Part]) -> String {
    let count = parts.len();
    let kernel = Kernel::new(rules, count + 2);
    let slots = (0..capacity).map(|_| Payload::default()).collect();
    let stage = Arc::new(Stage { ring: Ring::default(), slots, kernel });
    let first = parts.iter().enumerate().map(|(index, part)| stage.cast(index, *part)).collect();
    let told = play(first);
    let pushed = play(vec![stage.cast(count, Part::new(Role::PushOne))]);
    let drained = play(vec![stage.cast(count + 1, Part::new(Role::Drain))]);
    format!("{told} {pushed}{drained}")
}

impl Stage {
    fn capacity(&self) -> u64 {
        self.slots.len() as u64
    }

    fn slot(&self, position: u64) -> &Payload {
        &self.slots[usize::try_from(position % self.capacity()).expect("a slot")]
    }

    /// A process with its part.
    fn cast(self: &Arc<Self>, index: usize, part: Part) -> (Process, Act) {
        let mut process = Process::new(index, &self.kernel, part.fate);
        process.barriers = part.barriers;
        let early = matches!(part.role, Role::Produce { .. } | Role::Consume { .. });
        let has_end = early && process.prepare(|| self.take(part.role));
        let stage = Arc::clone(self);
        (process, Box::new(move |log| stage.perform(part, has_end, log)))
    }

    fn end(&self, role: Role) -> &AtomicU32 {
        match role {
            Role::Produce { .. } | Role::PushOne => self.ring.producer(),
            Role::Consume { .. } | Role::Drain | Role::Heir | Role::Count => self.ring.consumer(),
        }
    }

    fn is_gone(&self, owner: u32) -> bool {
        self.kernel.is_gone(owner as usize - 1)
    }

    fn take(&self, role: Role) -> bool {
        take(self.end(role), me(), &|owner| self.is_gone(owner)).is_ok()
    }

    fn perform(&self, part: Part, has_end: bool, log: &Log) {
        if part.role == Role::Count {
            return log.say_all(&format!("#{}", self.ring.len(self.capacity())));
        }
        if !has_end && !self.take(part.role) {
            return log.say('b');
        }
        let (ring, capacity) = (&self.ring, self.capacity());
        let producer = || ProducerSide::attach(ring, capacity, part.barriers).expect("sound");
        let consumer = || ConsumerSide::attach(ring, capacity, part.barriers).expect("sound");
        match part.role {
            Role::Produce { items, close } => self.produce(producer(), items, close, log),
            Role::PushOne => self.push_one(producer(), log),
            Role::Consume { items, close } => self.consume(consumer(), items, close, log),
            Role::Heir => {
                begin_to_close(ring);
                self.drain(consumer(), log);
            }
            Role::Drain | Role::Count => self.drain(consumer(), log),
        }
        give_back(self.end(part.role), me());
    }

    fn produce(&self, mut side: ProducerSide<'_>, items: u64, close: bool, log: &Log) {
        let gone = |owner| self.is_gone(owner);
        for _ in 0..items {
            let ready =
                if side.room() > 0 { Ok(()) } else { side.wait(PATIENCE, Deadline::NEVER, &gone) };
            if let Err(why) = ready.and_then(|()| self.push(&mut side)) {
                return log.say(letter(why));
            }
            log.say('p');
        }
        if close {
            side.close();
        }
    }

    fn push_one(&self, mut side: ProducerSide<'_>, log: &Log) {
        match side.look().and_then(|()| self.push(&mut side)) {
            Ok(()) => log.say('p'),
            Err(why) => log.say(letter(why)),
        }
    }

    fn push(&self, side: &mut ProducerSide<'_>) -> Result<(), Refusal> {
        let position = side.tail();
        self.slot(position).write(position + 1); // P2
        side.publish(1)
    }

    fn consume(&self, mut side: ConsumerSide<'_>, items: u64, close: bool, log: &Log) {
        let gone = |owner| self.is_gone(owner);
        for popped in 0.. {
            if popped == items && close {
                side.close().expect("sound");
            } else if popped == items {
                return;
            }
            if side.ready() == 0
                && let Err(why) = side.wait(PATIENCE, Deadline::NEVER, &gone)
            {
                return log.say(letter(why));
            }
            self.pop(&mut side, log);
        }
    }

    fn drain(&self, mut side: ConsumerSide<'_>, log: &Log) {
        loop {
            match side.look() {
                Ok(()) => self.pop(&mut side, log),
                Err(why) => return log.say(letter(why)),
            }
        }
    }

    fn pop(&self, side: &mut ConsumerSide<'_>, log: &Log) {
        let value = self.slot(side.head()).whole();
        assert_eq!(value, side.head() + 1, "another item than was pushed there");
        log.say_all(&value.to_string());
        side.release(1);
    }
}

fn me() -> u32 {
    crate::process::ask(Process::tid).expect("a process")
}

fn letter(why: Refusal) -> char {
    match why {
        Refusal::NotYet => 'n',
        Refusal::Abandoned => 'A',
        Refusal::Closed => 'C',
        Refusal::TimedOut => 't',
        Refusal::Corrupt | Refusal::Forked => panic!("{why:?}"),
    }
}
