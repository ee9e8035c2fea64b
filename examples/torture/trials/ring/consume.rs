//! The consumer's part: all the ways to pop.

use super::item::examine;
use super::ledger::sign;
use super::{Item, Line, RUN, SESSION};
use crate::broken::{Broken, ensure};
use crate::fault::Fault;
use crate::me::Me;
use sabha::ring::spsc::{Consumer, PopError};
use sabha::sync::{Block, Policy};
use sabha::{Deadline, Error};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// What a call brought: so many items, or the ring's refusal; or a broken promise.
type Popped = Result<Result<u64, PopError>, Broken>;

impl Line {
    /// Takes the consumer's end, if it is to be had, and consumes for a while. `true`: it is closed and drained.
    pub fn consume(&self, me: &mut Me<'_>, may_wait: bool) -> Result<bool, Broken> {
        let consumer = match self.ring.consumer() {
            Err(Error::Taken { .. }) => return Ok(false),
            taken => taken?,
        };
        let from_dead = sign(&self.ledger.consumer, me)?;
        self.ledger.compare_handled(consumer.position(), from_dead, me)?;
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
            self.ledger.closed_at(expected)?;
        }
        if closes {
            me.inside(|_| consumer.close())?;
        }
        self.ledger.consumer.store(0, SeqCst); // from here on a successor takes nothing over
        Ok(closed)
    }

    /// One call, in one of the ways to pop, and a look at what came.
    fn pop_some<P: Policy>(
        &self,
        consumer: &mut Consumer<Item, P>,
        expected: u64,
        me: &mut Me<'_>,
        may_wait: bool,
    ) -> Popped {
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
    ) -> Popped {
        self.ledger.popping.store(count, SeqCst);
        let popped = pop();
        if let Ok(item) = &popped {
            examine(item, expected)?;
            self.ledger.handled.store(expected + 1, SeqCst);
        }
        self.ledger.popping.store(0, SeqCst);
        Ok(popped.map(|_| 1))
    }

    fn pop_run<P: Policy>(&self, consumer: &mut Consumer<Item, P>, expected: u64) -> Popped {
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
    ) -> Popped {
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
}
