//! Objects: found or made, whole and all zeros; opened; removed, but not while somebody alive has them.

use super::Trial;
use super::stamp::stamp;
use crate::broken::{Broken, ensure};
use crate::fault::Fault;
use crate::me::{Me, World};
use sabha::{Error, Region, Shareable, Shared};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};

#[derive(Shareable)]
#[repr(C)]
struct Thing {
    words: [AtomicU64; 40],
}

const NAMES: usize = 6;

pub struct Objects(Region);

impl Objects {
    pub fn open(world: &World) -> Self {
        Self(world.region.clone())
    }

    /// Finds it or makes it, uses it, and lets it go.
    fn make(&self, me: &mut Me<'_>, index: usize) -> Result<(), Broken> {
        if me.pick(2) == 0 {
            let thing = self.0.object::<Thing>(&thing(index))?;
            self.examine(me, &thing.words)
        } else {
            let row: Shared<[AtomicU64]> = self.0.slice(&row(index), row_len(index))?;
            self.examine(me, &row)
        }
    }

    fn examine(&self, me: &mut Me<'_>, words: &[AtomicU64]) -> Result<(), Broken> {
        me.inside(|me| {
            let fresh = me.random.below(u64::MAX);
            if me.has(Fault::Dirty) {
                words[words.len() - 1].store(fresh, SeqCst);
            }
            stamp(words, fresh)?;
            me.linger();
            stamp(words, fresh) // nobody else has these bytes
        })
    }

    fn open_only(&self, me: &mut Me<'_>, index: usize) -> Result<(), Broken> {
        match self.0.open_object::<Thing>(&thing(index)) {
            Ok(thing) => self.examine(me, &thing.words),
            Err(Error::NoSuchObject { .. }) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    fn mistake(&self, index: usize) -> Result<(), Broken> {
        match self.0.open_object::<AtomicU32>(&thing(index)) {
            Err(Error::NoSuchObject { .. } | Error::OtherType { .. }) => Ok(()),
            Err(other) => Err(other.into()),
            Ok(_) => Err(Broken::torn("opened as what it is not")),
        }
    }

    fn remove(&self, name: &str) -> Result<(), Broken> {
        match self.0.remove(name) {
            Ok(()) | Err(Error::NoSuchObject { .. } | Error::InUse { .. }) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// While we have it, nobody removes it.
    fn pin(&self, me: &mut Me<'_>, index: usize) -> Result<(), Broken> {
        let name = thing(index);
        let pinned = self.0.object::<Thing>(&name)?;
        ensure(matches!(self.0.remove(&name), Err(Error::InUse { .. })), || {
            format!("{name} was removed under us")
        })?;
        self.examine(me, &pinned.words)
    }
}

impl Trial for Objects {
    fn name(&self) -> &'static str {
        "objects"
    }

    fn step(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        let index = me.pick(NAMES);
        match me.pick(8) {
            0 => self.open_only(me, index),
            1 => self.mistake(index),
            2 => self.remove(&thing(index)),
            3 => self.remove(&row(index)),
            4 => self.pin(me, index),
            _ => self.make(me, index),
        }?;
        me.done(1);
        Ok(())
    }

    fn audit(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        apart(&self.0)?;
        for index in 0..NAMES {
            self.open_only(me, index)?;
            for name in [thing(index), row(index)] {
                match self.0.remove(&name) {
                    Ok(()) | Err(Error::NoSuchObject { .. }) => {}
                    Err(other) => return Err(other.into()), // InUse: by whom?
                }
            }
        }
        Ok(())
    }

    fn show(&self) -> String {
        let names: Vec<_> = self.0.list().into_iter().map(|object| object.name).collect();
        format!("{} objects: {}", names.len(), names.join(", "))
    }
}

/// No two objects have a byte in common, and all lie in the region.
fn apart(region: &Region) -> Result<(), Broken> {
    let mut extents: Vec<_> =
        region.list().into_iter().map(|o| (o.offset, o.layout.bytes)).collect();
    extents.sort_unstable();
    let end = extents
        .iter()
        .try_fold(0, |end, (offset, bytes)| (*offset >= end).then_some(offset + bytes));
    ensure(end.is_some_and(|end| end <= region.len()), || format!("extents overlap: {extents:?}"))
}

fn thing(index: usize) -> String {
    format!("thing {index}")
}

fn row(index: usize) -> String {
    format!("row {index}")
}

const fn row_len(index: usize) -> usize {
    16 << index
}
