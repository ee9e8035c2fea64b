//! Views: atomics that lose no addition, and bulk copies that tear no element.

use super::Trial;
use crate::board::{Board, DESKS};
use crate::broken::{Broken, ensure};
use crate::fault::Fault;
use crate::me::{Me, World};
use sabha::view::{DataView, atomics};
use sabha::{AtomicF64, Shared};
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

const HITS: usize = 8;
const PAGE: usize = 96;
/// Of the byte view each desk has so many for itself.
const OWN_BYTES: usize = 16;

pub struct Numbers {
    /// Everybody adds to these,
    hits: Shared<[AtomicU64]>,
    /// and then to its own of these.
    counted: Shared<[AtomicU64]>,
    /// Sealed numbers: see [`seal`].
    page: Shared<[AtomicU64]>,
    /// Whole numbers and their halves.
    floats: Shared<[AtomicF64]>,
    bytes: DataView,
    board: Shared<Board>,
}

impl Numbers {
    pub fn open(world: &World) -> Result<Self, Broken> {
        let region = &world.region;
        Ok(Self {
            hits: region.slice("numbers: hits", HITS)?,
            counted: region.slice("numbers: counted", DESKS)?,
            page: region.slice("numbers: page", PAGE)?,
            floats: region.slice("numbers: floats", HITS)?,
            bytes: DataView::new(region.slice::<AtomicU8>("numbers: bytes", DESKS * OWN_BYTES)?),
            board: world.board.clone(),
        })
    }

    fn add(&self, me: &mut Me<'_>) -> Result<(), Broken> {
        let index = me.pick(HITS);
        if me.has(Fault::Update) {
            let seen = self.hits[index].load(Relaxed);
            me.linger();
            self.hits[index].store(seen + 1, Relaxed);
        } else if me.pick(2) == 0 {
            atomics::add(&self.hits, index, 1)?;
        } else {
            self.hits[index].fetch_add(1, Relaxed);
        }
        if me.has(Fault::Forge) {
            self.hits[index].fetch_add(1, Relaxed);
        }
        self.counted[me.who.desk].fetch_add(1, SeqCst);
        Ok(())
    }

    /// Writes a run of the page, or some of it, or one.
    fn write(&self, me: &mut Me<'_>) -> Result<(), Broken> {
        let (start, sealed) = (me.pick(PAGE), seal(me.random.below(1 << 32)));
        let len = me.pick(PAGE - start) + 1;
        match me.pick(3) {
            0 => self.page.copy_from(start, &vec![sealed; len])?,
            1 => self.page.fill(start..start + len, sealed)?,
            _ => {
                atomics::exchange(&self.page, start, sealed)?;
            }
        }
        Ok(())
    }

    fn read(&self, me: &mut Me<'_>) -> Result<(), Broken> {
        let start = me.pick(PAGE);
        let mut seen = vec![0; me.pick(PAGE - start) + 1];
        self.page.copy_to(start, &mut seen)?;
        seen.extend(self.page.to_vec(start..)?);
        let torn = seen.iter().find(|element| **element != 0 && !is_sealed(**element));
        torn.map_or(Ok(()), |element| Err(Broken::torn(format!("an element is {element:#x}"))))
    }

    fn floats(&self, me: &mut Me<'_>) -> Result<(), Broken> {
        let index = me.pick(HITS);
        let whole = me.random.below(1 << 20) as f64 + 0.5;
        let seen = self.floats[index].swap(whole, SeqCst);
        ensure(seen == 0.0 || seen.fract() == 0.5, || format!("a float is {seen}"))
    }

    /// Numbers at odd places, in our own bytes.
    fn bytes(&self, me: &mut Me<'_>) -> Result<(), Broken> {
        let at = me.who.desk * OWN_BYTES + me.pick(8);
        let value = me.random.below(u64::MAX);
        self.bytes.set_u64_be(at, value)?;
        let seen = self.bytes.get_u64_le(at)?.swap_bytes();
        ensure(seen == value, || format!("bytes are {seen:#x}, were stored as {value:#x}"))
    }

    fn totals(&self) -> (u64, u64) {
        let sum = |numbers: &[AtomicU64]| numbers.iter().map(|number| number.load(SeqCst)).sum();
        let counted = sum(&self.counted); // first: it is behind
        (counted, sum(&self.hits))
    }
}

impl Trial for Numbers {
    fn name(&self) -> &'static str {
        "views, atomics"
    }

    fn step(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        for _ in 0..32 {
            match me.pick(8) {
                0 => self.write(me),
                1 => self.read(me),
                2 => self.floats(me),
                3 => self.bytes(me),
                _ => self.add(me),
            }?;
        }
        me.done(32);
        Ok(())
    }

    fn watch(&self) -> Result<(), Broken> {
        let (counted, hits) = self.totals();
        let lost = counted.saturating_sub(hits);
        if lost > 0 { Err(Broken::lost(format!("{lost} of {counted} additions"))) } else { Ok(()) }
    }

    fn audit(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        self.watch()?;
        self.read(me)?;
        let ((counted, hits), deaths) = (self.totals(), self.board.deaths.load(SeqCst));
        ensure(hits <= counted + deaths, || {
            format!("{counted} additions and {deaths} deaths gave {hits}")
        })
    }

    fn show(&self) -> String {
        format!("counted and hits: {:?}", self.totals())
    }
}

/// A number whose halves fit together.
const fn seal(half: u64) -> u64 {
    half << 32 | (!half & 0xffff_ffff)
}

const fn is_sealed(number: u64) -> bool {
    number == seal(number >> 32)
}
