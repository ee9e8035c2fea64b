//! `wait` and `notify` of both widths, `wait_any`, `store_and_notify`, `add_and_notify`: nobody is left asleep on a word
//! that has changed.
//!
//! Who sleeps says so first: on which word, and which value it expects. A word is changed only if somebody sleeps on it,
//! and not again before all who expected the old value have left. So a wake that gets lost is not made good by the next:
//! its sleeper stays, the word stays, and the watchdog finds both.
//!
//! The library has all who wait nearby look again when one of them dies, which could make a lost wake good, too. So there
//! are lines of words where many sleep, and for each desk a line where its worker sleeps alone.

use super::Trial;
use crate::board::{Board, DESKS, Who};
use crate::broken::{Broken, ensure};
use crate::fault::Fault;
use crate::me::{Me, World};
use sabha::view::{Either, wait_any};
use sabha::{Deadline, Shareable, Shared, Wait};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

/// Lines where everybody sleeps.
const SHARED: usize = 4;
/// All lines. As many as there are bells, so that those of up to 28 desks have one of their own.
const LINES: usize = 32;

/// A word of each width, in 64 bytes: what shares a bell.
#[derive(Shareable)]
#[repr(C, align(64))]
struct Line {
    wide: AtomicU64,
    narrow: AtomicU32,
}

/// Where the worker of a desk sleeps.
#[derive(Shareable)]
#[repr(C, align(64))]
struct Bed {
    who: AtomicU64,
    /// The values that it expects.
    wide: AtomicU64,
    narrow: AtomicU32,
    /// On words of which line.
    line: AtomicU32,
    /// On which of them: [`WIDE`], [`NARROW`] or both; 0: it is awake. Stored last.
    words: AtomicU32,
}

const WIDE: u32 = 1;
const NARROW: u32 = 2;

#[derive(Shareable)]
#[repr(C)]
struct Dormitory {
    lines: [Line; LINES],
    beds: [Bed; DESKS],
    /// What all notifies said that they woke, and the waits that said that they were woken.
    notified: AtomicU64,
    woken: AtomicU64,
    /// Waits on two words: what is notified twice at once wakes once.
    doubles: AtomicU64,
}

pub struct Notify {
    dormitory: Shared<Dormitory>,
    board: Shared<Board>,
}

impl Notify {
    pub fn open(world: &World) -> Result<Self, Broken> {
        let dormitory = world.region.object("dormitory")?;
        Ok(Self { dormitory, board: world.board.clone() })
    }

    /// Goes to bed, and sleeps until the word has changed, or for a moment only.
    fn sleep(&self, me: &mut Me<'_>) -> Result<(), Broken> {
        let own = SHARED + me.who.desk % (LINES - SHARED);
        let index = if me.pick(2) == 0 { own } else { me.pick(SHARED) };
        let (line, bed) = (&self.dormitory.lines[index], &self.dormitory.beds[me.who.desk]);
        let (wide, narrow) = (line.wide.load(SeqCst), line.narrow.load(SeqCst));
        let words = 1 + u32::try_from(me.pick(3)).unwrap_or(0);
        bed.words.store(0, SeqCst);
        bed.who.store(me.who.to_bits(), SeqCst);
        bed.wide.store(wide, SeqCst);
        bed.narrow.store(narrow, SeqCst);
        bed.line.store(u32::try_from(index).unwrap_or(0), SeqCst);
        bed.words.store(words, SeqCst);
        let long = if me.pick(4) == 0 { me.random.below(2000) } else { u64::MAX };
        let until = Deadline::after(Duration::from_micros(long));
        let until = if long == u64::MAX { Deadline::NEVER } else { until };
        loop {
            match self.wait(line, words, wide, narrow, until)? {
                Wait::TimedOut => {
                    ensure(until.has_passed(), || "timed out early".into())?;
                    break;
                }
                Wait::NotEqual => {
                    changed(line, words, wide, narrow)?;
                    break;
                }
                Wait::Woken if changed(line, words, wide, narrow).is_ok() => break,
                Wait::Woken => {} // by who had changed it before we read it: has not changed since
            }
        }
        bed.words.store(0, SeqCst);
        me.done(1);
        Ok(())
    }

    fn wait(
        &self,
        line: &Line,
        words: u32,
        wide: u64,
        narrow: u32,
        until: Deadline,
    ) -> Result<Wait, Broken> {
        let region = self.dormitory.region();
        let how = match words {
            WIDE => region.wait_until(&line.wide, wide, until)?,
            NARROW => region.wait_until(&line.narrow, narrow, until)?,
            _ => {
                self.dormitory.doubles.fetch_add(1, SeqCst);
                let both = [region.watch(&line.wide, wide)?, region.watch(&line.narrow, narrow)?];
                match wait_any(&both, until)? {
                    Either::Woken(_) => Wait::Woken,
                    Either::NotEqual(_) => Wait::NotEqual,
                    Either::TimedOut => Wait::TimedOut,
                }
            }
        };
        if how == Wait::Woken {
            self.dormitory.woken.fetch_add(1, SeqCst);
        }
        Ok(how)
    }

    /// Changes words where the worker of that desk sleeps, if it does, and all who do expect what they hold.
    fn rouse(&self, me: &mut Me<'_>, desk: usize) -> Result<(), Broken> {
        let bed = &self.dormitory.beds[desk];
        let index = bed.line.load(SeqCst) as usize;
        if bed.words.load(SeqCst) == 0 || index >= LINES {
            return Ok(());
        }
        let line = &self.dormitory.lines[index];
        let region = self.dormitory.region();
        let (wide, narrow) = (line.wide.load(SeqCst), line.narrow.load(SeqCst));
        let ways = me.pick(2);
        if self.all_expect(index, WIDE, |bed| bed.wide.load(SeqCst) == wide) {
            // Of a wide word the lower half changes, the upper, or both.
            let delta = [1, 1 << 32, 1 << 32 | 1][me.pick(3)];
            let woken = me.inside(|me| match ways {
                _ if me.has(Fault::Silence) => {
                    line.wide.store(wide.wrapping_add(delta), SeqCst);
                    Ok(0)
                }
                0 => region.store_and_notify(&line.wide, wide.wrapping_add(delta), u32::MAX),
                _ => region.add_and_notify(&line.wide, delta, u32::MAX).map(|(_, woken)| woken),
            })?;
            self.count(me, woken);
        }
        if self.all_expect(index, NARROW, |bed| bed.narrow.load(SeqCst) == narrow) {
            if me.pick(4) == 0 {
                // One is woken for nothing: it finds its word unchanged.
                self.count(me, region.notify(&line.narrow, 1)?);
            }
            let woken = me.inside(|_| match ways {
                0 => region.store_and_notify(&line.narrow, narrow.wrapping_add(1), u32::MAX),
                _ => region.add_and_notify(&line.narrow, 1, u32::MAX).map(|(_, woken)| woken),
            })?;
            self.count(me, woken);
        }
        Ok(())
    }

    fn count(&self, me: &Me<'_>, woken: u32) {
        self.dormitory.notified.fetch_add(woken.into(), SeqCst);
        me.done(1);
    }

    /// Whether somebody alive sleeps on that word, and all who do expect what it holds.
    fn all_expect(&self, line: usize, word: u32, expects: impl Fn(&Bed) -> bool) -> bool {
        let sleeps = |bed: &&Bed| {
            bed.words.load(SeqCst) & word != 0
                && bed.line.load(SeqCst) as usize == line
                && Who::from_bits(bed.who.load(SeqCst))
                    .is_some_and(|who| !self.board.is_doomed(who))
        };
        let mut sleepers = self.dormitory.beds.iter().filter(sleeps).peekable();
        sleepers.peek().is_some() && sleepers.all(expects)
    }
}

/// Whether one of the words has changed.
fn changed(line: &Line, words: u32, wide: u64, narrow: u32) -> Result<(), Broken> {
    let wide_changed = words & WIDE != 0 && line.wide.load(SeqCst) != wide;
    let narrow_changed = words & NARROW != 0 && line.narrow.load(SeqCst) != narrow;
    ensure(wide_changed || narrow_changed, || "woken as not equal, and it is".into())
}

impl Trial for Notify {
    fn name(&self) -> &'static str {
        "wait, notify"
    }

    fn step(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        if me.pick(2) == 0 { self.sleep(me) } else { self.serve(me) }
    }

    fn serve(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        let first = me.pick(DESKS);
        (0..DESKS).try_for_each(|desk| self.rouse(me, (first + desk) % DESKS))
    }

    /// A death can make one notify or wait uncounted on either side: of a notify that woke everybody, as many as there are.
    fn audit(&mut self, _: &mut Me<'_>) -> Result<(), Broken> {
        let Dormitory { notified, woken, doubles, .. } = &*self.dormitory;
        let [notified, woken, doubles] = [notified, woken, doubles].map(|n| n.load(SeqCst));
        let deaths = self.board.deaths.load(SeqCst);
        let counts = format!("{notified} notified, {woken} woken, {doubles} waits on two words");
        ensure(notified <= woken + deaths + doubles, || counts.clone())?;
        ensure(woken <= notified + deaths * DESKS as u64, || counts.clone())
    }

    fn show(&self) -> String {
        let lines = self.dormitory.lines.iter().zip(0..);
        let words = lines.map(|(line, index): (_, u32)| {
            let (wide, narrow) = (line.wide.load(SeqCst), line.narrow.load(SeqCst));
            format!("line {index}: wide {wide:#x} narrow {narrow}")
        });
        let asleep = self.dormitory.beds.iter().filter(|bed| bed.words.load(SeqCst) != 0);
        let asleep = asleep.map(|bed| {
            let [line, words, narrow] =
                [&bed.line, &bed.words, &bed.narrow].map(|w| w.load(SeqCst));
            let (who, wide) = (Who::from_bits(bed.who.load(SeqCst)), bed.wide.load(SeqCst));
            let on = ["", "wide", "narrow", "both"][words as usize % 4];
            format!("{who:?} on {on} of line {line}: expects {wide:#x} and {narrow}")
        });
        words.chain(asleep).collect::<Vec<_>>().join("; ")
    }
}
