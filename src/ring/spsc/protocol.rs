//! One producer, one consumer, slots of one size: whose slot is whose, and how an end is closed.
//!
//! Positions count items for ever; the item of position `p` lives in slot `p mod capacity`. This
//! file moves positions and touches no slot: who asks [`ProducerSide::room`] may write that many
//! slots from `tail` on, and who asks [`ConsumerSide::ready`] may read that many from `head` on.
//! Each side keeps its own position, which nobody else may change, and believes of the other's only
//! what is possible.
//!
//! # Shared bytes                      all zeros = open, empty, both ends free, nobody asleep
//! |  at  | field       | width | stored by          | meaning                                      |
//! |------|-------------|-------|--------------------|----------------------------------------------|
//! |    0 | tail        | u64   | producer           | position of the next item to come            |
//! |  128 | head        | u64   | consumer           | position of the oldest item                  |
//! |  256 | producer    | u32   | by CAS, its owner  | the member that is the producer; 0 = none    |
//! |  260 | consumer    | u32   | by CAS, its owner  | the member that is the consumer; 0 = none    |
//! |  264 | last        | u64   | by CAS from 0      | closed behind position `last - 1`; 0 = open  |
//! |  384 | to_producer | u32   | consumer; producer clears | PARKED: the consumer may sleep on this word; CLOSING: it closes |
//! |  512 | to_consumer | u32   | producer; consumer clears | PARKED: the producer may sleep on this word   |
//! | 1024 | slots       | n × T | by the pairs       | positions head..tail are items               |
//!
//! PARKED may lie with 1 (one needless wake), with 0 for one [pulse](Patience) at most.
//!
//! # States
//! ```text
//! OPEN --producer: last 0→tail+1---------------------------------> CLOSED behind `last`
//! OPEN --consumer: CLOSING--> CLOSING --either: last 0→tail+1------^
//! end: FREE --CAS 0→me--> OWNED --its owner: CAS me→0--> FREE
//!                         OWNED by the dead --CAS dead→me--> OWNED
//! ```
//! # Pairs
//! | name            | this side                                           | that side                                               | gives |
//! |-----------------|-----------------------------------------------------|---------------------------------------------------------|-------|
//! | `item-ready`    | publish: tail store, Release                        | consumer: tail load, Acquire                            | the slots' bytes |
//! | `slot-free`     | release: head store, Release                        | producer: head load, Acquire                            | the slots |
//! | `no-lost-wake`  | publish, release: store, compiler fence, note load  | sleeper: note gets PARKED, barrier everywhere, look again | one of the two sees the other |
//! | `close-exact`   | publish: tail store, compiler fence, note load      | consumer's close: note gets CLOSING, barrier everywhere, tail load | a push is counted, or told that it is not |
//! | `close-drained` | last CAS, Release                                   | last load or failed CAS, Acquire                        | the items before the close |
//! | `handed-over`   | give_back: owner CAS, Release; or the kernel's word that it is dead | take: owner CAS, Acquire                | the position, and all that it stands for |
//!
//! A process that refused barriers pays with a fence of its own after each store
//! ([`Side::vigilant`]).
//!
//! # If a process is killed
//! | just after                   | the region holds             | survivors see                            | set right by |
//! |------------------------------|------------------------------|------------------------------------------|--------------|
//! | E1 end's CAS                 | an end owned by the dead     | `Abandoned`, once it matters             | the next to take the end |
//! | P1 loads                     | nothing new                  | nothing                                  | - |
//! | P2 slot writes (or half)     | bytes outside head..tail     | nothing                                  | the next producer overwrites them |
//! | P3 tail store                | the items, perhaps a sleeper | the items, at the latest after one pulse | the sleeper's bounded sleep |
//! | P4 note cleared, not woken   | a sleeper without a note     | the items, at the latest after one pulse | the same |
//! | C1 PARKED                    | a note of nobody             | one needless wake                        | the waker clears it |
//! | C2 slots read                | head not moved               | the successor gets the items again       | at least once: documented |
//! | C3 head store                | finished; perhaps a sleeper  | room, at the latest after one pulse      | the sleeper's bounded sleep |
//! | K1 CLOSING (consumer's close)| a close without a `last`     | closed: `Closed` for both                | the producer's next look, or the next consumer |
//! | K2 `last` (either's close)   | finished; perhaps a sleeper  | closed, at the latest after one pulse    | the sleeper's bounded sleep |
//!
//! Grade: push G1, pop G1 (at least once), close G1. Progress: try forms are wait-free.
//!
//! * **Wrap**: positions wrap after 2^64 items, never; and differences are wrapping, so it would be
//!   harmless.
//! * **Zombies**: an end changes hands only when the kernel says that its owner is gone, so a
//!   stopped owner that resumes inside P2 or C2 still owns its slots. Never on a timeout.
//! * **Fork**: the handles refuse in a child, see the public face.
//! * **Trust**: capacity is private. A position is accepted if `tail - head <= capacity`
//!   (wrapping), else `Corrupt`: nothing is read or written outside the slots. A lying note costs a
//!   wake or a pulse, a lying `last` items; an owner's word that names nobody counts as dead, and one that is another at
//!   each look is left alone.
//! * **Naive**: close with a flag that push reads first. T1 reads it as open, T2 closes, drains,
//!   says `Closed`, T1 stores its tail: an accepted item that nobody gets. Here T1 looks *after*
//!   its store, and if it sees CLOSING, `last` says whether the item counts.
//! * **Tests**: `tests.rs` beside this file; with real processes `tests/spsc.rs`, and killed ones
//!   `tests/kill/ring.rs` (every row) and `tests/spsc_killed.rs`.

use super::wait::{Look, Peer, order_everywhere, wake};
use crate::os::{Acquire, AtomicU32, AtomicU64, Relaxed, Release, SeqCst, compiler_fence, fence};

/// The bytes before the slots.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Ring {
    pub(super) tail: Line<AtomicU64>,
    pub(super) head: Line<AtomicU64>,
    pub(super) ends: Line<Ends>,
    pub(super) to_producer: Line<AtomicU32>,
    pub(super) to_consumer: Line<AtomicU32>,
    spare: [Line<AtomicU64>; 3],
}

/// A value with cache lines of its own: 128 bytes, as the adjacent-line prefetcher counts.
#[derive(Default)]
#[repr(C, align(128))]
pub(crate) struct Line<T>(pub(super) T);

/// Read-mostly: written when an end changes hands, and at the close.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Ends {
    pub(super) producer: AtomicU32,
    pub(super) consumer: AtomicU32,
    pub(super) last: AtomicU64,
}

/// What one end has to tell the other, who reads it after each of its own stores.
#[derive(Clone, Copy)]
pub(super) struct Note(pub(super) u32);

impl Note {
    pub(super) const PARKED: u32 = 1;
    pub(super) const CLOSING: u32 = 2;

    pub(super) const fn is_parked(self) -> bool {
        self.0 & Self::PARKED != 0
    }

    pub(super) const fn is_closing(self) -> bool {
        self.0 & Self::CLOSING != 0
    }
}

/// Why a side can do nothing just now, or ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// Full, or empty.
    NotYet,
    /// Full, or empty, and the owner of the other end is dead.
    Abandoned,
    /// The ring is closed, and drained if we are the consumer.
    Closed,
    /// The deadline has passed.
    TimedOut,
    /// A word of the ring holds what no run of the protocol can have written.
    Corrupt,
    /// The handle was inherited by a fork.
    Forked,
}

/// Items between the positions, if a ring of that capacity can hold them.
pub(super) const fn used(tail: u64, head: u64, capacity: u64) -> Result<u64, Refusal> {
    match tail.wrapping_sub(head) {
        used if used <= capacity => Ok(used),
        _ => Err(Refusal::Corrupt),
    }
}

/// Races for an end that are lost in a row until it is left alone: nobody loses so many to peers
/// that keep to the protocol.
const RACES: u32 = 100;

/// Makes `me` the owner of an end that is free, or whose owner is `gone`; else names who has it, or
/// had it last.
pub(crate) fn take(owner: &AtomicU32, me: u32, gone: &dyn Fn(u32) -> bool) -> Result<(), u32> {
    let mut seen = owner.load(Relaxed);
    for _ in 0..RACES {
        if seen == me || (seen != 0 && !gone(seen)) {
            return Err(seen);
        }
        match owner.compare_exchange(seen, me, Acquire, Relaxed) {
            Ok(_) => return Ok(()), // E1, pair: handed-over
            Err(now) => seen = now, // somebody was faster, and has a word of their own
        }
    }
    Err(seen)
}

/// Frees an end that is `me`'s.
pub(crate) fn give_back(owner: &AtomicU32, me: u32) {
    // Only its owner changes a living owner's word: refused means that there is nothing to give.
    let _ = owner.compare_exchange(me, 0, Release, Relaxed); // pair: handed-over
}

impl Ring {
    pub(crate) fn producer(&self) -> &AtomicU32 {
        &self.ends.0.producer
    }

    pub(crate) fn consumer(&self) -> &AtomicU32 {
        &self.ends.0.consumer
    }

    /// The position behind which the ring is closed.
    pub(crate) fn last(&self) -> Option<u64> {
        self.ends.0.last.load(Acquire).checked_sub(1) // pair: close-drained
    }

    /// Whether a close has begun: then it is certain.
    pub(crate) fn is_closed(&self) -> bool {
        Note(self.to_producer.0.load(Relaxed)).is_closing() || self.last().is_some()
    }

    /// Items for a bystander, who may be late: never more than there is room for.
    pub(crate) fn len(&self, capacity: u64) -> u64 {
        // Head first, so that tail is not behind it.
        let head = self.head.0.load(Acquire); // pair: slot-free
        let tail = self.tail.0.load(Relaxed);
        self.last().unwrap_or(tail).wrapping_sub(head).min(capacity)
    }

    /// What lies between the positions, believed or not.
    pub(crate) fn distance(&self) -> u64 {
        self.tail.0.load(Relaxed).wrapping_sub(self.head.0.load(Relaxed))
    }

    /// Closes behind position `at`, unless that is decided; where it is.
    fn decide(&self, at: u64) -> u64 {
        // K2, pair: close-drained
        match self.ends.0.last.compare_exchange(0, at.wrapping_add(1), Release, Acquire) {
            Ok(_) => at,
            Err(decided) => decided.wrapping_sub(1),
        }
    }
}

/// What both sides have.
pub(crate) struct Side<'r> {
    ring: &'r Ring,
    capacity: u64,
    /// 1 in a process that refused barriers: it fences and looks after each store. Else 0.
    vigilant: u32,
    closed: bool,
    /// The word that names the other end's owner.
    pub(super) other: &'r AtomicU32,
    /// The word that the other end reads after each of its stores.
    pub(super) note: &'r AtomicU32,
    pub(super) peer: Peer,
}

impl<'r> Side<'r> {
    fn new(
        ring: &'r Ring,
        capacity: u64,
        barriers: bool,
        other: &'r AtomicU32,
        note: &'r AtomicU32,
    ) -> Self {
        let vigilant = u32::from(!barriers);
        Self { ring, capacity, vigilant, closed: false, other, note, peer: Peer::default() }
    }
}

/// The producer's private half.
pub(crate) struct ProducerSide<'r> {
    side: Side<'r>,
    tail: u64,
    /// Positions before it may be written: the last accepted head, one capacity on.
    limit: u64,
}

impl<'r> ProducerSide<'r> {
    /// Goes on where the last producer stopped. `barriers`: whether this process accepted barriers.
    pub(crate) fn attach(ring: &'r Ring, capacity: u64, barriers: bool) -> Result<Self, Refusal> {
        let tail = ring.tail.0.load(Relaxed); // ours since `take`
        let side = Side::new(ring, capacity, barriers, ring.consumer(), &ring.to_consumer.0);
        let mut this = Self { side, tail, limit: tail };
        if ring.is_closed() {
            this.tail = this.settle();
            this.limit = this.tail;
        } else {
            this.see_head()?;
        }
        Ok(this)
    }

    /// The position of the next item.
    #[inline]
    pub(crate) fn tail(&self) -> u64 {
        self.tail
    }

    /// Slots that may be written from `tail` on; at least, see [`look`](Self::look).
    #[inline]
    pub(crate) fn room(&self) -> u64 {
        self.limit.wrapping_sub(self.tail)
    }

    fn see_head(&mut self) -> Result<(), Refusal> {
        let head = self.side.ring.head.0.load(Acquire); // pair: slot-free
        used(self.tail, head, self.side.capacity)?;
        self.limit = head.wrapping_add(self.side.capacity);
        Ok(())
    }

    /// Makes items of the next `count` slots. Refused if the consumer has closed before that.
    #[inline]
    pub(crate) fn publish(&mut self, count: u64) -> Result<(), Refusal> {
        if self.publish_quietly(count) { Ok(()) } else { self.attend(count) }
    }

    /// [`publish`](Self::publish), for callers that have their own way to [`attend`](Self::attend) to a
    /// note: `false` says that there is one.
    #[inline]
    pub(crate) fn publish_quietly(&mut self, count: u64) -> bool {
        let ring = self.side.ring;
        self.tail = self.tail.wrapping_add(count);
        ring.tail.0.store(self.tail, Release); // P3, pair: item-ready
        compiler_fence(SeqCst); // pair: no-lost-wake, close-exact
        ring.to_producer.0.load(Relaxed) | self.side.vigilant == 0
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn attend(&mut self, count: u64) -> Result<(), Refusal> {
        fence(SeqCst); // pair: no-lost-wake, close-exact: our half, where nobody else can pay it
        let note = Note(self.side.ring.to_producer.0.load(Relaxed));
        if note.is_parked() {
            wake(&self.side.ring.to_producer.0); // P4
        }
        // The consumer closes behind a tail that it saw: with these items, or without.
        if !note.is_closing() || self.settle() == self.tail {
            return Ok(());
        }
        self.tail = self.tail.wrapping_sub(count);
        self.limit = self.tail;
        Err(Refusal::Closed)
    }

    /// Closes behind the last item, unless the consumer has closed; the position.
    #[cold]
    fn settle(&mut self) -> u64 {
        self.side.closed = true;
        self.limit = self.tail;
        self.side.ring.decide(self.tail)
    }

    /// No more items. The consumer gets all that were published.
    pub(crate) fn close(&mut self) {
        self.settle();
        fence(SeqCst); // pair: no-lost-wake
        if Note(self.side.ring.to_producer.0.load(Relaxed)).is_parked() {
            wake(&self.side.ring.to_producer.0);
        }
    }
}

impl<'r> Look<'r> for ProducerSide<'r> {
    /// Looks how far the consumer has come. `Ok` if there is any room.
    fn look(&mut self) -> Result<(), Refusal> {
        if !self.side.closed && Note(self.side.ring.to_producer.0.load(Relaxed)).is_closing() {
            self.settle();
        }
        if self.side.closed {
            return Err(Refusal::Closed);
        }
        self.see_head()?;
        if self.room() == 0 { Err(Refusal::NotYet) } else { Ok(()) }
    }

    fn side(&mut self) -> &mut Side<'r> {
        &mut self.side
    }
}

/// The consumer's private half.
pub(crate) struct ConsumerSide<'r> {
    side: Side<'r>,
    head: u64,
    /// Positions before it may be read: the last accepted tail.
    limit: u64,
}

impl<'r> ConsumerSide<'r> {
    /// Goes on where the last consumer stopped. `barriers`: whether this process accepted barriers.
    pub(crate) fn attach(ring: &'r Ring, capacity: u64, barriers: bool) -> Result<Self, Refusal> {
        let head = ring.head.0.load(Relaxed); // ours since `take`
        let side = Side::new(ring, capacity, barriers, ring.producer(), &ring.to_producer.0);
        let mut this = Self { side, head, limit: head };
        if ring.is_closed() {
            this.settle()?; // perhaps our predecessor was killed at K1
        } else {
            this.see_tail(ring.tail.0.load(Acquire))?; // pair: item-ready
        }
        Ok(this)
    }

    /// The position of the next item to read.
    #[inline]
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// Items that may be read from `head` on; at least, see [`look`](Self::look).
    #[inline]
    pub(crate) fn ready(&self) -> u64 {
        self.limit.wrapping_sub(self.head)
    }

    fn see_tail(&mut self, tail: u64) -> Result<(), Refusal> {
        used(tail, self.head, self.side.capacity)?;
        self.limit = tail;
        Ok(())
    }

    /// Gives the first `count` slots back.
    #[inline]
    pub(crate) fn release(&mut self, count: u64) {
        let ring = self.side.ring;
        self.head = self.head.wrapping_add(count);
        ring.head.0.store(self.head, Release); // C3, pair: slot-free
        compiler_fence(SeqCst); // pair: no-lost-wake
        if ring.to_consumer.0.load(Relaxed) | self.side.vigilant != 0 {
            self.attend();
        }
    }

    #[cold]
    #[inline(never)]
    fn attend(&self) {
        fence(SeqCst); // pair: no-lost-wake: our half, where nobody else can pay it
        if Note(self.side.ring.to_consumer.0.load(Relaxed)).is_parked() {
            wake(&self.side.ring.to_consumer.0);
        }
    }

    /// No more items than those published by now: each push is counted or refused.
    pub(crate) fn close(&mut self) -> Result<(), Refusal> {
        self.side.ring.to_producer.0.fetch_or(Note::CLOSING, Relaxed); // K1
        let settled = self.settle();
        self.attend();
        settled
    }

    fn settle(&mut self) -> Result<(), Refusal> {
        order_everywhere(); // pair: close-exact
        let tail = self.side.ring.tail.0.load(Acquire); // pair: item-ready
        let seen = self.see_tail(tail);
        let last = self.side.ring.decide(self.limit);
        seen?;
        self.see_tail(last)?;
        self.side.closed = true;
        Ok(())
    }
}

impl<'r> Look<'r> for ConsumerSide<'r> {
    /// Looks how far the producer has come. `Ok` if there is any item.
    fn look(&mut self) -> Result<(), Refusal> {
        if !self.side.closed {
            self.see_tail(self.side.ring.tail.0.load(Acquire))?; // pair: item-ready
            if self.ready() != 0 {
                return Ok(());
            }
            let last = self.side.ring.last().ok_or(Refusal::NotYet)?;
            self.see_tail(last)?;
            self.side.closed = true;
        }
        if self.ready() == 0 { Err(Refusal::Closed) } else { Ok(()) }
    }

    fn side(&mut self) -> &mut Side<'r> {
        &mut self.side
    }
}
