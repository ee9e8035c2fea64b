//! The producer's part: all the ways to push.

use super::ledger::sign;
use super::{Item, Line, RUN, SESSION};
use crate::broken::{Broken, ensure};
use crate::fault::Fault;
use crate::me::Me;
use sabha::ring::spsc::{Producer, PushError};
use sabha::{Deadline, Error};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

impl Line {
    /// Takes the producer's end, if it is to be had, and pushes for a while.
    pub fn produce(&self, me: &mut Me<'_>, may_wait: bool) -> Result<(), Broken> {
        let mut producer = match self.ring.producer() {
            Err(Error::Taken { .. }) => return Ok(()),
            taken => taken?,
        };
        sign(&self.ledger.producer, me)?;
        self.ledger.compare_pushed(producer.position())?;
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
