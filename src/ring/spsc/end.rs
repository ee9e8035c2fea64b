//! What the handles share: the ring's place in this process, and an end while this process owns it.
#![allow(unsafe_code, reason = "makes the one reference to the ring's words")]

use super::protocol::{self, Ends, Line, Refusal, Ring};
use super::slots::Slots;
use super::wait::Patience;
use crate::os::{AtomicU32, Relaxed, fork};
use crate::region::{Extent, Kind, Region, Wanted};
use crate::seat::{MemberId, MemberInfo, PULSE, Policy};
use crate::{Error, Payload, Result, fingerprint};
use core::mem::offset_of;
use core::ptr::NonNull;
use std::sync::Arc;

/// Where the slots begin: behind the lines that are written all the time, on a line of their own.
const SLOTS_AT: usize = 1024;

const _: () = {
    assert!(size_of::<Ring>() == SLOTS_AT && align_of::<Ring>() == ALIGN, "ABI: see protocol.rs");
    assert!(size_of::<Line<AtomicU32>>() == 128);
    assert!(offset_of!(Ring, tail) == 0 && offset_of!(Ring, head) == 128);
    assert!(offset_of!(Ring, ends) == 256);
    assert!(offset_of!(Ends, producer) == 0 && offset_of!(Ends, consumer) == 4);
    assert!(offset_of!(Ends, last) == 8);
    assert!(offset_of!(Ring, to_producer) == 384 && offset_of!(Ring, to_consumer) == 512);
};

/// The alignment of the ring, and the most that an item may ask for.
pub(crate) const ALIGN: usize = 128;

/// The ring as this process has it mapped.
pub(super) struct Place {
    extent: Extent,
    /// Lives as long as `extent`; lent to nobody who outlives this.
    pub(super) ring: &'static Ring,
    pub(super) capacity: u64,
}

impl Place {
    /// Finds the ring `name` for at least `capacity` items of type `T`, or makes it.
    pub(super) fn find<T: Payload>(
        region: &Region,
        name: &str,
        capacity: usize,
        make: bool,
    ) -> Result<(Arc<Self>, Slots<T>)> {
        const {
            assert!(
                size_of::<T>() != 0,
                "an item of no bytes needs no ring: count in an AtomicU64"
            );
            assert!(align_of::<T>() <= ALIGN, "an item may be aligned to 128 bytes at most");
        }
        let (size, align, fingerprint) = (size_of::<T>(), align_of::<T>(), T::FINGERPRINT);
        let (place, first) =
            Self::find_of(region, name, capacity, Item { size, align, fingerprint }, make)?;
        // SAFETY: as many slots of type `T`, as `T` says; mapped as long as the extent is kept.
        let slots = unsafe { Slots::new(first.cast(), place.capacity) };
        Ok((place, slots))
    }

    /// The same for items that only numbers describe, and the address of the first slot.
    pub(super) fn find_of(
        region: &Region,
        name: &str,
        capacity: usize,
        item: Item,
        make: bool,
    ) -> Result<(Arc<Self>, NonNull<u8>)> {
        let (capacity, wanted) = wanted(capacity, item)?;
        let extent = region.extent(name, wanted, make)?;
        // SAFETY: the directory placed `wanted` there, aligned: a ring's words, all atomics, valid as
        // zeros and as anything else. `Place` keeps the extent, and so the mapping, longer than any
        // copy of this reference.
        let ring = unsafe { extent.start.cast::<Ring>().as_ref() };
        // SAFETY: behind the words, inside the extent.
        let first = unsafe { extent.start.add(SLOTS_AT) };
        Ok((Arc::new(Self { extent, ring, capacity }), first))
    }

    /// Whether the owner of an end is gone: the kernel's word. A word that names nobody counts as
    /// gone.
    pub(super) fn is_gone(&self, owner: u32) -> bool {
        MemberId::from_bits(owner).is_none_or(|id| self.extent.region().member_is_gone(id))
    }

    pub(super) fn is_abandoned(&self, owner: &AtomicU32) -> bool {
        let owner = owner.load(Relaxed);
        owner != 0 && self.is_gone(owner)
    }

    /// What the refusal of a call that takes no item means.
    pub(super) fn error(&self, why: Refusal) -> Error {
        match why {
            Refusal::Forked => Error::Forked,
            _ => Error::Corrupt {
                what: "the distance between a ring's positions",
                found: self.ring.distance(),
                expected: self.capacity,
            },
        }
    }

    fn who(&self, owner: u32) -> Option<MemberInfo> {
        MemberId::from_bits(owner).and_then(|id| self.extent.region().member_info(id))
    }
}

/// What an item is; not empty, and aligned to [`ALIGN`] at most.
#[derive(Clone, Copy)]
pub(crate) struct Item {
    pub(crate) size: usize,
    pub(crate) align: usize,
    pub(crate) fingerprint: u64,
}

/// The capacity, a power of two, and what a ring of it asks of the directory.
fn wanted(capacity: usize, item: Item) -> Result<(u64, Wanted)> {
    let Item { size, align, fingerprint: item } = item;
    let most = 1 << ((isize::MAX.unsigned_abs() - SLOTS_AT) / size).max(1).ilog2();
    if capacity == 0 || capacity > most {
        let (found, most) = (capacity as u64, most as u64);
        return Err(Error::OutOfRange { what: "the ring's capacity", found, least: 1, most });
    }
    let count = capacity.next_power_of_two();
    let bytes = (SLOTS_AT + count * size) as u64;
    let fingerprint = fingerprint("spsc", &[size as u64, align as u64, item]);
    let count = count as u64;
    Ok((count, Wanted { kind: Kind::SPSC, fingerprint, count, bytes, align: ALIGN as u64 }))
}

/// Which end.
#[derive(Clone, Copy)]
pub(super) enum Role {
    Producer,
    Consumer,
}

impl Role {
    fn owner(self, ring: &Ring) -> &AtomicU32 {
        match self {
            Self::Producer => ring.producer(),
            Self::Consumer => ring.consumer(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Producer => "the ring's producer end",
            Self::Consumer => "the ring's consumer end",
        }
    }
}

/// How often somebody may turn out to have an end, and to have left before it could be asked who it is.
const LOOKS: u32 = 10;

/// An end that this process owns. Given back at drop; after a kill, to whom takes it then.
pub(super) struct Tenure {
    pub(super) place: Arc<Place>,
    role: Role,
    me: u32,
    epoch: u32,
}

impl Tenure {
    pub(super) fn take(place: &Arc<Place>, role: Role) -> Result<Self> {
        let me = place.extent.region().member()?.to_bits();
        let owner = role.owner(place.ring);
        let mut last = 0;
        for _ in 0..LOOKS {
            let Err(by) = protocol::take(owner, me, &|owner| place.is_gone(owner)) else {
                return Ok(Self { place: Arc::clone(place), role, me, epoch: fork::epoch() });
            };
            if let Some(by) = place.who(by) {
                return Err(Error::Taken { what: role.name(), by });
            } // else it has left since
            last = by;
        }
        // Or it has not, and its record is damaged.
        let (what, found) = ("the owner of a ring's end", last.into());
        Err(Error::Corrupt { what, found, expected: 0 })
    }

    /// Whether this is a child, and the end its parent's.
    #[inline]
    pub(super) fn is_forked(&self) -> bool {
        fork::epoch() != self.epoch
    }
}

impl Drop for Tenure {
    fn drop(&mut self) {
        if !self.is_forked() {
            protocol::give_back(self.role.owner(self.place.ring), self.me);
        }
    }
}

/// How `P` has the blocking forms wait.
pub(super) fn patience<P: Policy>() -> Patience {
    Patience { spins: P::spins(), sleeps: P::SLEEPS, pulse: PULSE }
}
