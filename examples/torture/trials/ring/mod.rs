//! `ring::spsc`: what was pushed arrives, whole, in order, once; or again, if its reader died.
//!
//! The number of an item is its position, so a consumer knows what must come next. What the ring says of itself is not
//! believed: beside each ring stands a *ledger*, where both ends write down what they are about to do and what they have
//! done. Whoever takes an end next compares: everything that was pushed is there, nothing that was handled is, and what
//! the last owner was in the middle of has happened, or not.
//!
//! A ring that is closed and drained makes place for the next: ring and ledger have the number of their *epoch* in their
//! names. Who has both open in an epoch that still runs has the right ones, as only those of past epochs are removed.

mod consume;
mod item;
mod ledger;
mod produce;

use super::Trial;
use crate::autopsy;
use crate::broken::{Broken, ensure};
use crate::me::{Me, World};
use item::{Item, examine};
use ledger::{Ledger, sign};
use sabha::ring::spsc::{PopError, Spsc};
use sabha::{Error, Region, Shared};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

/// Rings at a time.
const LINES: usize = 2;
const CAPACITY: usize = 32;
/// The most that one call moves.
const RUN: usize = 8;
/// The most that is moved before the end is given back.
const SESSION: u64 = 64;

/// A ring and its ledger, while both are the right ones.
struct Line {
    ring: Spsc<Item>,
    ledger: Shared<Ledger>,
}

pub struct Rings {
    region: Region,
    epochs: Shared<[AtomicU64]>,
}

impl Rings {
    pub fn open(world: &World) -> Result<Self, Broken> {
        let epochs = world.region.slice("ring: epochs", LINES)?;
        Ok(Self { region: world.region.clone(), epochs })
    }

    /// `None`: its epoch ended meanwhile.
    fn line(&self, index: usize, epoch: u64) -> Result<Option<Line>, Broken> {
        let line = Line {
            ring: Spsc::open_or_create(&self.region, &ring_name(index, epoch), CAPACITY)?,
            ledger: self.region.object(&ledger_name(index, epoch))?,
        };
        Ok((self.epochs[index].load(SeqCst) == epoch).then_some(line))
    }

    fn visit(&self, me: &mut Me<'_>, may_wait: bool) -> Result<(), Broken> {
        let index = me.pick(LINES);
        let epoch = self.epochs[index].load(SeqCst);
        let Some(line) = self.line(index, epoch)? else { return self.tidy(index) };
        let closed = if me.pick(2) == 0 {
            line.produce(me, may_wait)?;
            false
        } else {
            line.consume(me, may_wait)?
        };
        drop(line);
        if closed {
            // Fails if somebody else has found it out before.
            let _ = self.epochs[index].compare_exchange(epoch, epoch + 1, SeqCst, SeqCst);
            self.tidy(index)?;
        }
        Ok(())
    }

    /// Removes what is left of past epochs, as far as nobody has it open.
    fn tidy(&self, index: usize) -> Result<(), Broken> {
        let epoch = self.epochs[index].load(SeqCst);
        for object in self.region.list() {
            let of = epoch_of(&object.name, index);
            if of.is_some_and(|of| of < epoch) {
                match self.region.remove(&object.name) {
                    Ok(()) | Err(Error::NoSuchObject { .. } | Error::InUse { .. }) => {}
                    Err(other) => return Err(other.into()),
                }
            }
        }
        Ok(())
    }
}

fn ring_name(line: usize, epoch: u64) -> String {
    format!("ring {line} {epoch}")
}

fn ledger_name(line: usize, epoch: u64) -> String {
    format!("ledger {line} {epoch}")
}

/// The epoch in the name of a ring or ledger of that line.
fn epoch_of(name: &str, line: usize) -> Option<u64> {
    let (kind, rest) = name.split_once(' ')?;
    let (found, epoch) = rest.split_once(' ')?;
    let fits = matches!(kind, "ring" | "ledger") && found.parse() == Ok(line);
    epoch.parse().ok().filter(|_| fits)
}

impl Trial for Rings {
    fn name(&self) -> &'static str {
        "ring::spsc"
    }

    fn step(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        self.visit(me, true)
    }

    fn serve(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        self.visit(me, false)
    }

    fn audit(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        for index in 0..LINES {
            let epoch = self.epochs[index].load(SeqCst);
            let line = self.line(index, epoch)?.ok_or(Broken::torn("an epoch has changed"))?;
            line.settle(me)?;
            drop(line);
            self.epochs[index].store(epoch + 1, SeqCst);
            self.tidy(index)?;
        }
        let left: Vec<_> = self.region.list().into_iter().map(|object| object.name).collect();
        let left: Vec<_> =
            left.iter().filter(|name| (0..LINES).any(|i| epoch_of(name, i).is_some())).collect();
        ensure(left.is_empty(), || format!("in use by nobody, and yet: {left:?}"))
    }

    fn show(&self) -> String {
        let epochs: Vec<_> = self.epochs.iter().map(|epoch| epoch.load(SeqCst)).collect();
        let mut lines = vec![format!("epochs {epochs:?}")];
        for object in self.region.list() {
            if (0..LINES).any(|line| epoch_of(&object.name, line).is_some()) {
                lines.push(autopsy::dump(&self.region, &object));
            }
        }
        lines.join("\n")
    }
}

impl Line {
    /// Nobody else is there: drains the ring, has it work once more, and closes it.
    fn settle(&self, me: &Me<'_>) -> Result<(), Broken> {
        let (mut producer, mut consumer) = (self.ring.producer()?, self.ring.consumer()?);
        sign(&self.ledger.producer, me)?;
        let from_dead = sign(&self.ledger.consumer, me)?;
        self.ledger.compare_pushed(producer.position())?;
        self.ledger.compare_handled(consumer.position(), from_dead, me)?;
        let mut expected = consumer.position();
        while let Ok(item) = consumer.try_pop() {
            examine(&item, expected)?;
            expected += 1;
        }
        if !consumer.is_closed() {
            let end = producer.position();
            ensure(expected == end, || format!("drained at {expected}, pushed up to {end}"))?;
            producer.try_push(Item::new(end))?;
            examine(&consumer.try_pop()?, end)?;
            producer.close()?;
            expected += 1;
        }
        self.ledger.pushed.store(expected, SeqCst);
        let last = consumer.try_pop().map(|item| item.position);
        ensure(last == Err(PopError::Closed), || format!("closed and drained, then {last:?}"))
    }
}
