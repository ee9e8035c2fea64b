//! What the supervisor and the workers tell each other: the control region.
//!
//! It is a region without a name, which each worker gets as its standard input. All of it are atomics that nobody waits
//! for, so it holds whatever the primitives under torture do, and the supervisor reads it without being held up.
//!
//! A *desk* is a place for a worker. When the worker is killed, the next one sits down at the same desk, as another
//! *incarnation*: [`Who`] names both.

use crate::latency::Histogram;
use sabha::{Deadline, Region, Result, Shareable, Shared};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};
use std::time::Duration;

/// More workers than this are a typing error.
pub const WORKERS_MAX: usize = 64;
/// The desk whose workers only serve the others.
pub const SERVANT: usize = 0;
/// The desk of who checks everything in the end.
pub const AUDITOR: usize = WORKERS_MAX;
/// All desks.
pub const DESKS: usize = WORKERS_MAX + 1;
/// Room for so many trials.
pub const TRIALS_MAX: usize = 16;

/// See the module.
#[derive(Shareable)]
#[repr(C)]
pub struct Board {
    /// A [`Phase`].
    phase: AtomicU32,
    /// The [`Fault`](crate::fault::Fault) that the workers shall have, for tests of the torture itself; 0: none.
    pub fault: AtomicU32,
    /// What all random numbers are made from.
    pub seed: AtomicU64,
    /// How many processes were killed, or are about to be.
    pub deaths: AtomicU64,
    /// From a kill to the next owner of what the killed one held.
    pub latencies: Histogram,
    /// For each trial what was met.
    events: [[AtomicU64; Event::ALL.len()]; TRIALS_MAX],
    /// The first broken promise, in words.
    pub complaint: Complaint,
    /// See the module.
    pub desks: [Desk; DESKS],
}

/// One worker's place.
#[derive(Shareable)]
#[repr(C, align(128))]
pub struct Desk {
    /// Who works here now: counts up. Stored by the supervisor, as the next three.
    pub incarnation: AtomicU64,
    /// The last incarnation that was, or is about to be, killed. (One that leaves by itself says so here.)
    pub doomed: AtomicU64,
    /// The last incarnation that is gone for good: the system has said so.
    pub buried: AtomicU64,
    /// When the doomed one was killed.
    pub killed_at: AtomicU64,
    /// The incarnation that has finished its work. Stored by the worker, as all below.
    pub at_rest: AtomicU64,
    /// Changes whenever something is done: what the watchdog looks at.
    pub progress: AtomicU64,
    /// The trial under way.
    pub trial: AtomicU32,
    /// 1 while the worker is where a kill hurts: inside a lock, between two halves of a change.
    pub inside: AtomicU32,
    /// For each trial the operations of all who worked here.
    pub operations: [AtomicU64; TRIALS_MAX],
}

/// What happens in a trial, besides its operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// Somebody was told that the last owner had died.
    Inherited,
    /// An end of a ring was taken over from a dead owner.
    TakenOver,
    /// An item came again, as it may, since its reader had died.
    Redelivered,
    /// Something that was given away did not arrive.
    Lost,
    /// Something came twice that must not.
    Duplicated,
    /// Half of something was seen, or another promise was broken.
    Torn,
}

impl Event {
    /// All, in order.
    pub const ALL: [Self; 6] = [
        Self::Inherited,
        Self::TakenOver,
        Self::Redelivered,
        Self::Lost,
        Self::Duplicated,
        Self::Torn,
    ];

    /// As tables and programs call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inherited => "inherited",
            Self::TakenOver => "taken over",
            Self::Redelivered => "redelivered",
            Self::Lost => "lost",
            Self::Duplicated => "duplicated",
            Self::Torn => "torn",
        }
    }

    /// Whether it must never happen.
    pub const fn is_defect(self) -> bool {
        matches!(self, Self::Lost | Self::Duplicated | Self::Torn)
    }
}

/// How far the run has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
pub enum Phase {
    /// Everybody works; some are killed.
    Work,
    /// Everybody finishes what is begun, and rests; nobody is killed any more.
    Rest,
    /// Those who serve the others may rest, too.
    AllRest,
    /// Everybody goes home.
    Home,
}

/// A worker: a desk, and which of those who came and went there. As a word it is never 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Who {
    /// Where.
    pub desk: usize,
    /// Counts from 1.
    pub incarnation: u64,
}

impl Who {
    /// As a word.
    pub const fn to_bits(self) -> u64 {
        self.incarnation << 8 | self.desk as u64
    }

    /// What such a word says; `None` for 0, which is nobody.
    pub const fn from_bits(bits: u64) -> Option<Self> {
        let (desk, incarnation) = ((bits & 0xff) as usize, bits >> 8);
        if incarnation == 0 { None } else { Some(Self { desk, incarnation }) }
    }
}

impl Board {
    /// Finds the board in its region.
    ///
    /// # Errors
    /// Those of [`Region::object`].
    pub fn open(region: &Region) -> Result<Shared<Self>> {
        region.object("board")
    }

    /// How large its region has to be.
    pub const BYTES: u64 = (size_of::<Self>() + 8192) as u64;

    /// How far the run has come.
    pub fn phase(&self) -> Phase {
        match self.phase.load(SeqCst) {
            0 => Phase::Work,
            1 => Phase::Rest,
            2 => Phase::AllRest,
            _ => Phase::Home,
        }
    }

    /// Goes on to the next phase.
    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u32, SeqCst);
    }

    /// The desk of that number.
    pub fn desk(&self, index: usize) -> &Desk {
        self.desks.get(index).unwrap_or(&self.desks[AUDITOR])
    }

    /// Whether that worker was killed or has left, or is about to be or to.
    pub fn is_doomed(&self, who: Who) -> bool {
        self.desk(who.desk).doomed.load(SeqCst) >= who.incarnation
    }

    /// Whether the system has said that that worker is gone.
    pub fn is_buried(&self, who: Who) -> bool {
        self.desk(who.desk).buried.load(SeqCst) >= who.incarnation
    }

    /// How long ago that worker was killed; `None` if it was not, or another was killed at its desk since.
    pub fn killed_for(&self, who: Who) -> Option<Duration> {
        let desk = self.desk(who.desk);
        let killed_at = desk.killed_at.load(SeqCst);
        let ago = now_ns().saturating_sub(killed_at);
        (desk.doomed.load(SeqCst) == who.incarnation && killed_at != 0)
            .then_some(Duration::from_nanos(ago))
    }

    /// Notes that something happened `count` times.
    pub fn note(&self, trial: usize, event: Event, count: u64) {
        if let Some(events) = self.events.get(trial) {
            events[event as usize].fetch_add(count, SeqCst);
        }
    }

    /// How often it happened in that trial.
    pub fn count(&self, trial: usize, event: Event) -> u64 {
        self.events.get(trial).map_or(0, |events| events[event as usize].load(SeqCst))
    }

    /// How often it happened in all trials.
    pub fn sum(&self, event: Event) -> u64 {
        (0..TRIALS_MAX).map(|trial| self.count(trial, event)).sum()
    }

    /// How many promises were broken.
    pub fn defects(&self) -> u64 {
        Event::ALL.into_iter().filter(|event| event.is_defect()).map(|event| self.sum(event)).sum()
    }

    /// Operations of a trial at all desks.
    pub fn operations(&self, trial: usize) -> u64 {
        let at = |desk: &Desk| desk.operations.get(trial).map_or(0, |count| count.load(SeqCst));
        self.desks.iter().map(at).sum()
    }
}

/// Words for whoever reads the report. The first who complains has them.
#[derive(Shareable)]
#[repr(C)]
pub struct Complaint {
    taken: AtomicU32,
    len: AtomicU32,
    text: [AtomicU8; 1000],
}

impl Complaint {
    /// Writes the complaint, unless there is one.
    pub fn write(&self, text: &str) {
        if self.taken.swap(1, SeqCst) != 0 {
            return;
        }
        let bytes = text.as_bytes();
        self.text.iter().zip(bytes).for_each(|(place, byte)| place.store(*byte, SeqCst));
        let len = u32::try_from(bytes.len().min(self.text.len())).unwrap_or(0);
        self.len.store(len, SeqCst);
    }

    /// What it says; `None` if nobody has complained, or was killed before it was whole.
    pub fn read(&self) -> Option<String> {
        let len = self.len.load(SeqCst) as usize;
        let bytes: Vec<u8> = self.text.iter().take(len).map(|byte| byte.load(SeqCst)).collect();
        (len > 0).then(|| String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Nanoseconds of the monotonic clock, which all processes share.
pub fn now_ns() -> u64 {
    Deadline::after(Duration::ZERO).as_ns()
}
