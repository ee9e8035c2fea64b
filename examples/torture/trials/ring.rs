//! `ring::spsc`: what was pushed arrives, whole, in order, once; or again, if its reader died.
//!
//! The number of an item is its position, so a consumer knows what must come next. What the ring says of itself is not
//! believed: beside each ring stands a *ledger*, where both ends write down what they are about to do and what they have
//! done. Whoever takes an end next compares: everything that was pushed is there, nothing that was handled is, and what
//! the last owner was in the middle of has happened, or not.
//!
//! A ring that is closed and drained makes place for the next: ring and ledger have the number of their *epoch* in their
//! names. Who has both open in an epoch that still runs has the right ones, as only those of past epochs are removed.

use super::Trial;
use crate::board::{Board, Event, Who};
use crate::broken::{Broken, ensure};
use crate::fault::Fault;
use crate::me::{Me, World};
use sabha::ring::spsc::{Consumer, PopError, Producer, PushError, Spsc};
use sabha::sync::{Block, Policy};
use sabha::{Deadline, Error, Region, Shareable, Shared};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use zerocopy::FromBytes;

/// Rings at a time.
const LINES: usize = 2;
const CAPACITY: usize = 32;
/// The most that one call moves.
const RUN: usize = 8;
/// The most that is moved before the end is given back.
const SESSION: u64 = 64;

#[derive(Clone, Copy, PartialEq, Eq, Shareable, FromBytes)]
#[repr(C)]
struct Item {
    position: u64,
    copies: [u64; 6],
}

impl Item {
    fn new(position: u64) -> Self {
        let copies = [1, 2, 3, 4, 5, 6].map(|turn| (!position).rotate_left(turn));
        Self { position, copies }
    }
}

/// What the ends have done. A word is the business of one end; each `…ing` is stored before a call and cleared after it.
#[derive(Shareable)]
#[repr(C)]
struct Ledger {
    /// Who has the producer's end, as a word.
    producer: AtomicU64,
    /// Items that were pushed.
    pushed: AtomicU64,
    /// Items that are being pushed.
    pushing: AtomicU64,
    /// Who has the consumer's end.
    consumer: AtomicU64,
    /// Items that were dealt with.
    handled: AtomicU64,
    /// Items that are being popped: if the consumer dies, they may be gone with it.
    popping: AtomicU64,
    /// Items that are being read in place: if the consumer dies, they may come again although they were dealt with.
    reading: AtomicU64,
}

/// A ring and its ledger, while both are the right ones.
struct Line {
    ring: Spsc<Item>,
    ledger: Shared<Ledger>,
}

pub struct Rings {
    region: Region,
    epochs: Shared<[AtomicU64]>,
    board: Shared<Board>,
}

impl Rings {
    pub fn open(world: &World) -> Result<Self, Broken> {
        let epochs = world.region.slice("ring: epochs", LINES)?;
        Ok(Self { region: world.region.clone(), epochs, board: world.board.clone() })
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
        format!("epochs {epochs:?}, kills {}", self.board.deaths.load(SeqCst))
    }
}

impl Line {
    /// Takes the producer's end, if it is to be had, and pushes for a while.
    fn produce(&self, me: &mut Me<'_>, may_wait: bool) -> Result<(), Broken> {
        let mut producer = match self.ring.producer() {
            Err(Error::Taken { .. }) => return Ok(()),
            taken => taken?,
        };
        sign(&self.ledger.producer, me)?;
        self.compare_pushed(producer.position())?;
        let end = producer.position() + me.random.below(SESSION);
        let mut refused = false;
        while producer.position() < end && !refused && !me.is_called() {
            let before = producer.position();
            let pushed = self.push_some(&mut producer, me, may_wait);
            let now = producer.position();
            match pushed {
                Ok(count) => ensure(now == before + count, || {
                    format!("pushed {count} items at {before}, and the position is {now}")
                })?,
                Err(PushError::TimedOut(())) => {}
                Err(PushError::Closed(()) | PushError::Full(()) | PushError::Abandoned(())) => {
                    refused = true;
                }
                Err(other) => return Err(other.into()),
            }
            self.ledger.pushed.store(now, SeqCst);
            self.ledger.pushing.store(0, SeqCst);
            me.done(now - before);
        }
        if me.pick(200) == 0 {
            me.inside(|_| producer.close())?;
        }
        self.ledger.producer.store(0, SeqCst); // from here on a successor takes nothing over
        Ok(())
    }

    /// The ledger says what the position must be.
    fn compare_pushed(&self, position: u64) -> Result<(), Broken> {
        let (pushing, pushed) = self.pushed();
        if position < pushed {
            return Err(Broken::lost(format!("{pushed} items were pushed, {position} are known")));
        }
        ensure(position <= pushed + pushing, || {
            format!("{pushed} items were pushed, {pushing} about to be, {position} are known")
        })?;
        self.ledger.pushed.store(position, SeqCst);
        self.ledger.pushing.store(0, SeqCst);
        Ok(())
    }

    /// In this order, so that what moves from one to the other meanwhile is not missed.
    fn pushed(&self) -> (u64, u64) {
        (self.ledger.pushing.load(SeqCst), self.ledger.pushed.load(SeqCst))
    }

    /// One call, in one of the ways to push.
    fn push_some(
        &self,
        producer: &mut Producer<Item>,
        me: &mut Me<'_>,
        may_wait: bool,
    ) -> Result<u64, PushError<()>> {
        let at = producer.position();
        let ways = if may_wait { 5 } else { 3 };
        let soon = Deadline::after(Duration::from_millis(1));
        match me.pick(ways) {
            0 => self.pushing(1, || producer.try_push(self.item(me, at))),
            1 => self.push_run(producer, me, at),
            2 => self.push_in_place(producer, me, at),
            3 => self.pushing(1, || producer.push(self.item(me, at))),
            _ => self.pushing(1, || producer.push_until(self.item(me, at), soon)),
        }
    }

    /// The item of that position, or a wrong one, if that is wanted.
    fn item(&self, me: &Me<'_>, at: u64) -> Item {
        let mut item = Item::new(at);
        if me.has(Fault::Repeat) && at % 1000 == 999 {
            item = Item::new(at - 1);
        }
        if me.has(Fault::Tear) && at % 1000 == 999 {
            item.copies[5] = 0;
        }
        item
    }

    fn pushing(
        &self,
        count: u64,
        push: impl FnOnce() -> Result<(), PushError<Item>>,
    ) -> Result<u64, PushError<()>> {
        self.ledger.pushing.store(count, SeqCst);
        push().map(|()| count).map_err(without_item)
    }

    fn push_run(
        &self,
        producer: &mut Producer<Item>,
        me: &mut Me<'_>,
        at: u64,
    ) -> Result<u64, PushError<()>> {
        let items: Vec<_> = (at..at + 1 + me.random.below(RUN as u64)).map(Item::new).collect();
        self.ledger.pushing.store(items.len() as u64, SeqCst);
        producer.push_slice(&items).map(|count| count as u64)
    }

    /// Claims some slots, writes them, and commits some of those.
    fn push_in_place(
        &self,
        producer: &mut Producer<Item>,
        me: &mut Me<'_>,
        at: u64,
    ) -> Result<u64, PushError<()>> {
        let mut claim = producer.claim(1 + me.pick(RUN))?;
        me.inside(|me| {
            let count = me.pick(claim.len() + 1);
            for index in 0..claim.len() {
                claim.write(index, Item::new(at + index as u64));
            }
            me.linger();
            self.ledger.pushing.store(count as u64, SeqCst);
            claim.commit(count).map(|()| count as u64)
        })
    }

    /// Takes the consumer's end, if it is to be had, and consumes for a while. `true`: it is closed and drained.
    fn consume(&self, me: &mut Me<'_>, may_wait: bool) -> Result<bool, Broken> {
        let consumer = match self.ring.consumer() {
            Err(Error::Taken { .. }) => return Ok(false),
            taken => taken?,
        };
        let from_dead = sign(&self.ledger.consumer, me)?;
        self.compare_handled(consumer.position(), from_dead, me)?;
        let (way, closes) = (me.pick(2), me.pick(200) == 0);
        let closed = if way == 0 {
            self.drain(consumer, me, may_wait, closes)
        } else {
            self.drain(consumer.waiting::<Block>(), me, may_wait, closes)
        }?;
        Ok(closed)
    }

    fn drain<P: Policy>(
        &self,
        mut consumer: Consumer<Item, P>,
        me: &mut Me<'_>,
        may_wait: bool,
        closes: bool,
    ) -> Result<bool, Broken> {
        let mut expected = consumer.position();
        let end = expected + me.random.below(SESSION);
        let mut closed = false;
        while expected < end && !closed && !me.is_called() {
            if me.has(Fault::Lose) && me.pick(100) == 0 {
                let _ = consumer.try_pop();
            }
            match self.pop_some(&mut consumer, expected, me, may_wait)? {
                Ok(count) => {
                    expected += count;
                    me.done(count);
                }
                Err(PopError::Closed) => closed = true,
                Err(PopError::Empty | PopError::Abandoned) => break,
                Err(PopError::TimedOut) => {}
                Err(other) => return Err(other.into()),
            }
            let position = consumer.position();
            ensure(position == expected, || format!("position {position}, not {expected}"))?;
        }
        if closed {
            self.closed_at(expected)?;
        }
        if closes {
            me.inside(|_| consumer.close())?;
        }
        self.ledger.consumer.store(0, SeqCst); // from here on a successor takes nothing over
        Ok(closed)
    }

    /// The ledger says what the position must be.
    fn compare_handled(&self, position: u64, from_dead: bool, me: &Me<'_>) -> Result<(), Broken> {
        let ledger = &self.ledger;
        let [handled, popping, reading] =
            [&ledger.handled, &ledger.popping, &ledger.reading].map(|word| word.load(SeqCst));
        let again = handled.saturating_sub(position);
        let found = format!("{handled} items were handled, and the next is {position}");
        if position > handled + popping {
            return Err(Broken::lost(found));
        }
        if again > reading || (again > 0 && !from_dead) {
            return Err(Broken::duplicated(found));
        }
        me.note(Event::Redelivered, again);
        ledger.handled.store(position, SeqCst);
        ledger.popping.store(0, SeqCst);
        ledger.reading.store(0, SeqCst);
        Ok(())
    }

    /// One call, in one of the ways to pop, and a look at what came.
    fn pop_some<P: Policy>(
        &self,
        consumer: &mut Consumer<Item, P>,
        expected: u64,
        me: &mut Me<'_>,
        may_wait: bool,
    ) -> Result<Result<u64, PopError>, Broken> {
        let ways = if may_wait { 5 } else { 3 };
        let soon = Deadline::after(Duration::from_millis(1));
        let popped = match me.pick(ways) {
            0 => return self.read_in_place(consumer, expected, me),
            1 => self.pop_run(consumer, expected)?,
            2 => self.popping(1, expected, || consumer.try_pop())?,
            3 => self.popping(1, expected, || consumer.pop())?,
            _ => self.popping(1, expected, || consumer.pop_until(soon))?,
        };
        Ok(popped)
    }

    fn popping(
        &self,
        count: u64,
        expected: u64,
        pop: impl FnOnce() -> Result<Item, PopError>,
    ) -> Result<Result<u64, PopError>, Broken> {
        self.ledger.popping.store(count, SeqCst);
        let popped = pop();
        if let Ok(item) = &popped {
            examine(item, expected)?;
            self.ledger.handled.store(expected + 1, SeqCst);
        }
        self.ledger.popping.store(0, SeqCst);
        Ok(popped.map(|_| 1))
    }

    fn pop_run<P: Policy>(
        &self,
        consumer: &mut Consumer<Item, P>,
        expected: u64,
    ) -> Result<Result<u64, PopError>, Broken> {
        let mut items = [Item::new(0); RUN];
        self.ledger.popping.store(RUN as u64, SeqCst);
        let popped = consumer.pop_slice(&mut items).map(|count| count as u64);
        if let Ok(count) = popped {
            items.iter().zip(expected..expected + count).try_for_each(|(i, at)| examine(i, at))?;
            self.ledger.handled.store(expected + count, SeqCst);
        }
        self.ledger.popping.store(0, SeqCst);
        Ok(popped)
    }

    /// Reads some items where they lie, and releases some of those.
    fn read_in_place<P: Policy>(
        &self,
        consumer: &mut Consumer<Item, P>,
        expected: u64,
        me: &mut Me<'_>,
    ) -> Result<Result<u64, PopError>, Broken> {
        let chunk = match consumer.read(1 + me.pick(RUN)) {
            Ok(chunk) => chunk,
            Err(why) => return Ok(Err(why)),
        };
        me.inside(|me| {
            chunk.iter().zip(expected..).try_for_each(|(item, at)| examine(&item, at))?;
            let count = me.pick(chunk.len() + 1);
            self.ledger.reading.store(count as u64, SeqCst);
            self.ledger.handled.store(expected + count as u64, SeqCst);
            me.linger();
            chunk.release(count);
            self.ledger.reading.store(0, SeqCst);
            Ok(Ok(count as u64))
        })
    }

    /// Closed, and drained up to `position`: both ends agree what was pushed.
    fn closed_at(&self, position: u64) -> Result<(), Broken> {
        let (pushing, pushed) = self.pushed();
        if position < pushed {
            let what = format!("{pushed} items were pushed, closed and drained at {position}");
            return Err(Broken::lost(what));
        }
        ensure(position <= pushed + pushing, || {
            format!("{pushed} items were pushed, {pushing} about to be, closed at {position}")
        })
    }

    /// Nobody else is there: drains the ring, has it work once more, and closes it.
    fn settle(&self, me: &Me<'_>) -> Result<(), Broken> {
        let (mut producer, mut consumer) = (self.ring.producer()?, self.ring.consumer()?);
        sign(&self.ledger.producer, me)?;
        let from_dead = sign(&self.ledger.consumer, me)?;
        self.compare_pushed(producer.position())?;
        self.compare_handled(consumer.position(), from_dead, me)?;
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

/// Writes us down as the owner of an end that we have just taken. Whether its last owner has died with it.
fn sign(owner: &AtomicU64, me: &Me<'_>) -> Result<bool, Broken> {
    let before = Who::from_bits(owner.load(SeqCst));
    if let Some(who) = before {
        ensure(me.board().is_doomed(who), || format!("got the end of {who:?}, who lives"))?;
        me.note(Event::TakenOver, 1);
    }
    owner.store(me.who.to_bits(), SeqCst);
    Ok(before.is_some())
}

/// Whether it is the item of that position, whole.
fn examine(item: &Item, position: u64) -> Result<(), Broken> {
    let found = item.position;
    if *item == Item::new(position) {
        return Ok(());
    }
    if *item != Item::new(found) {
        return Err(Broken::torn(format!(
            "half an item at {position}: {found}, {:x?}",
            item.copies
        )));
    }
    let what = format!("item {found} at position {position}");
    Err(if found < position { Broken::duplicated(what) } else { Broken::lost(what) })
}

fn without_item(refused: PushError<Item>) -> PushError<()> {
    match refused {
        PushError::Full(_) => PushError::Full(()),
        PushError::TimedOut(_) => PushError::TimedOut(()),
        PushError::Closed(_) => PushError::Closed(()),
        PushError::Abandoned(_) => PushError::Abandoned(()),
        PushError::Forked(_) => PushError::Forked(()),
        _ => PushError::Corrupt(()),
    }
}
