//! What the ends of a ring write down, and whether the ring agrees.

use crate::board::{Event, Who};
use crate::broken::{Broken, ensure};
use crate::me::Me;
use sabha::Shareable;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

/// What the ends have done. A word is the business of one end; each `…ing` is stored before a call and cleared after it.
#[derive(Shareable)]
#[repr(C)]
pub struct Ledger {
    /// Who has the producer's end, as a word.
    pub producer: AtomicU64,
    /// Items that were pushed.
    pub pushed: AtomicU64,
    /// Items that are being pushed.
    pub pushing: AtomicU64,
    /// Who has the consumer's end.
    pub consumer: AtomicU64,
    /// Items that were dealt with.
    pub handled: AtomicU64,
    /// Items that are being popped: if the consumer dies, they may be gone with it.
    pub popping: AtomicU64,
    /// Items that are being read in place: if the consumer dies, they may come again although they were dealt with.
    pub reading: AtomicU64,
}

impl Ledger {
    /// The ledger says what the position must be.
    pub fn compare_pushed(&self, position: u64) -> Result<(), Broken> {
        let (pushing, pushed) = self.pushed();
        if position < pushed {
            return Err(Broken::lost(format!("{pushed} items were pushed, {position} are known")));
        }
        ensure(position <= pushed + pushing, || {
            format!("{pushed} items were pushed, {pushing} about to be, {position} are known")
        })?;
        self.pushed.store(position, SeqCst);
        self.pushing.store(0, SeqCst);
        Ok(())
    }

    /// In this order, so that what moves from one to the other meanwhile is not missed.
    fn pushed(&self) -> (u64, u64) {
        (self.pushing.load(SeqCst), self.pushed.load(SeqCst))
    }

    /// The ledger says what the position must be.
    pub fn compare_handled(
        &self,
        position: u64,
        from_dead: bool,
        me: &Me<'_>,
    ) -> Result<(), Broken> {
        let [handled, popping, reading] =
            [&self.handled, &self.popping, &self.reading].map(|word| word.load(SeqCst));
        let again = handled.saturating_sub(position);
        let found = format!("{handled} items were handled, and the next is {position}");
        if position > handled + popping {
            return Err(Broken::lost(found));
        }
        if again > reading || (again > 0 && !from_dead) {
            return Err(Broken::duplicated(found));
        }
        me.note(Event::Redelivered, again);
        self.handled.store(position, SeqCst);
        self.popping.store(0, SeqCst);
        self.reading.store(0, SeqCst);
        Ok(())
    }

    /// Closed, and drained up to `position`: both ends agree what was pushed.
    pub fn closed_at(&self, position: u64) -> Result<(), Broken> {
        let (pushing, pushed) = self.pushed();
        if position < pushed {
            let what = format!("{pushed} items were pushed, closed and drained at {position}");
            return Err(Broken::lost(what));
        }
        ensure(position <= pushed + pushing, || {
            format!("{pushed} items were pushed, {pushing} about to be, closed at {position}")
        })
    }
}

/// Writes us down as the owner of an end that we have just taken. Whether its last owner has died with it.
pub fn sign(owner: &AtomicU64, me: &Me<'_>) -> Result<bool, Broken> {
    let before = Who::from_bits(owner.load(SeqCst));
    if let Some(who) = before {
        ensure(me.board().is_doomed(who), || format!("got the end of {who:?}, who lives"))?;
        me.note(Event::TakenOver, 1);
    }
    owner.store(me.who.to_bits(), SeqCst);
    Ok(before.is_some())
}
