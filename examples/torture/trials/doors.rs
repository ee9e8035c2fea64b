//! Regions by name: opened, made, grown, closed and unlinked by everybody at once; each is whole, and all of this leaves
//! nothing behind.

use super::Trial;
use super::stamp::stamp;
use crate::broken::{Broken, ensure};
use crate::me::{Me, World};
use sabha::{Error, Region, RegionOptions};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

const DOORS: usize = 3;
const PAGE: u64 = 4096;
const PAGES_MAX: u64 = 64;
const MARK: usize = 24;

pub struct Doors {
    /// What their names begin with.
    name: String,
}

impl Doors {
    pub fn open(world: &World) -> Self {
        Self { name: world.name.clone() }
    }

    fn name(&self, door: usize) -> String {
        format!("{}-door-{door}", self.name)
    }

    /// Opens or makes the region, and uses it.
    fn visit(&self, me: &mut Me<'_>, door: usize) -> Result<(), Broken> {
        let region = options().open_or_create(&self.name(door))?;
        use_region(&region, me)
    }

    fn open_only(&self, me: &mut Me<'_>, door: usize) -> Result<(), Broken> {
        match options().open(&self.name(door)) {
            Ok(region) => use_region(&region, me),
            Err(Error::NoSuchRegion { .. }) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    fn create_only(&self, me: &mut Me<'_>, door: usize) -> Result<(), Broken> {
        match options().create(&self.name(door)) {
            Ok(region) => use_region(&region, me),
            Err(Error::AlreadyExists { .. }) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    fn look(&self, door: usize) -> Result<(), Broken> {
        let observer = match Region::open_read_only(&self.name(door)) {
            Err(Error::NoSuchRegion { .. }) => return Ok(()),
            opened => opened?,
        };
        match observer.slice::<AtomicU64>("mark", MARK) {
            Ok(_) | Err(Error::NoSuchObject { .. }) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    fn unlink(&self, door: usize) -> Result<(), Broken> {
        match options().open(&self.name(door)).and_then(|region| region.unlink()) {
            Ok(()) | Err(Error::NoSuchRegion { .. }) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }
}

fn options() -> RegionOptions {
    Region::options().size(4 * PAGE).max_size(PAGES_MAX * PAGE).seats(64)
}

/// What is in each, made in this order.
fn use_region(region: &Region, me: &mut Me<'_>) -> Result<(), Broken> {
    let mark = region.slice::<AtomicU64>("mark", MARK)?;
    stamp(&mark, me.random.below(u64::MAX))?;
    let longest = region.object::<AtomicU64>("longest")?;
    let log = region.growing_slice::<AtomicU64>("log")?;
    let known = longest.load(SeqCst);
    let len = region.len();
    if len < known {
        return Err(Broken::lost(format!("{known} bytes long, and then {len}")));
    }
    let before = log.get().len();
    let wanted = len + PAGE * me.random.below(3);
    match region.grow(wanted) {
        Ok(()) => ensure(region.len() >= wanted, || format!("grown to {wanted}, and is not")),
        Err(Error::Shrink { .. }) => ensure(region.len() > wanted, || "not larger already".into()),
        Err(Error::PastMaximum { maximum, .. }) => {
            ensure(wanted > maximum, || format!("cannot grow to {wanted}, below {maximum}"))
        }
        Err(other) => Err(other.into()),
    }?;
    longest.fetch_max(region.len(), SeqCst);
    let log = log.get();
    ensure(log.len() >= before, || format!("{before} elements, and then {}", log.len()))?;
    // New bytes are zeros; those that somebody was at before hold their own number.
    for (element, index) in log.iter().zip(1..).skip(before.saturating_sub(8)) {
        let found = element.swap(index, SeqCst);
        ensure(found == 0 || found == index, || format!("element {index} is {found:#x}"))?;
    }
    me.linger();
    stamp(&mark, 0) // still the same
}

impl Trial for Doors {
    fn name(&self) -> &'static str {
        "named regions"
    }

    fn share(&self) -> usize {
        3
    }

    fn step(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        let door = me.pick(DOORS);
        match me.pick(8) {
            0 => self.unlink(door),
            1 => self.open_only(me, door),
            2 => self.create_only(me, door),
            3 => self.look(door),
            _ => self.visit(me, door),
        }?;
        me.done(1);
        Ok(())
    }

    fn audit(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        for door in 0..DOORS {
            self.visit(me, door)?;
            let region = options().open(&self.name(door))?;
            let members = region.members().len();
            ensure(members == 1, || format!("{members} members, and only one is there"))?;
            region.unlink()?;
        }
        Ok(())
    }

    fn show(&self) -> String {
        let exists =
            |door: &usize| std::path::Path::new("/dev/shm").join(self.name(*door)).exists();
        format!("doors that exist: {:?}", (0..DOORS).filter(exists).collect::<Vec<_>>())
    }
}
