//! Rings from one process to another: the ring, and what its two ends have in common.

use crate::boundary::{boundary, given, text};
use crate::consumer::sabha_consumer;
use crate::failure::Failure;
use crate::policy::Policy;
use crate::producer::sabha_producer;
use crate::region::sabha_region;
use crate::status::{SABHA_OK, sabha_status};
use crate::types::sabha_type;
use core::ffi::c_char;
use core::mem::MaybeUninit;
use sabha_core::raw::{RawConsumer, RawProducer, RawRing};

/// A ring of items of one size, from one producer process to one consumer process: a handle of this
/// process, from which its two ends are taken. Any thread may use it. It is yours until
/// sabha_ring_free().
pub struct sabha_ring {
    ring: RawRing,
    size: usize,
}

/// Finds the ring `name` of items of type `type`, or makes it: open and empty. `capacity` is rounded up
/// to a power of two; every process must name the same, after rounding. In Rust an Spsc<T>.
/// SABHA_E_OTHER_TYPE, SABHA_E_OUT_OF_RANGE (also for items that are aligned to more than 128),
/// SABHA_E_INVALID_NAME, SABHA_E_REGION_FULL, SABHA_E_DIRECTORY_FULL, and those of sabha_region_enter().
///
/// Waits: for others that open or remove objects. Threads: any. Fork: the child, too.
/// Killed here: G1, the ring is there, whole, or not at all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_ring_open(
    region: Option<&sabha_region>,
    name: *const c_char,
    r#type: sabha_type,
    capacity: usize,
    ring: Option<&mut MaybeUninit<Box<sabha_ring>>>,
) -> sabha_status {
    boundary(|| {
        let (region, out) = (given(region, "region")?.whole()?, given(ring, "ring")?);
        // SAFETY: the caller's duty.
        let name = unsafe { text(name, "name") }?;
        let item = r#type.decode()?;
        let ring = RawRing::open(region, name, item, capacity)?;
        let size = usize::try_from(item.size()).unwrap_or(usize::MAX);
        out.write(Box::new(sabha_ring { ring, size }));
        Ok(SABHA_OK)
    })
}

/// Gives the handle back; the ring stays in the region, and its ends stay whose they are. NULL is
/// allowed.
///
/// Waits: no. Threads: any, when no other uses the handle. Fork: the child has its own copy to give
/// back. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_ring_free(ring: Option<Box<sabha_ring>>) -> sabha_status {
    boundary(|| {
        drop(ring);
        Ok(SABHA_OK)
    })
}

/// How many slots the ring has. Never changes.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_ring_capacity(
    ring: Option<&sabha_ring>,
    capacity: Option<&mut MaybeUninit<usize>>,
) -> sabha_status {
    boundary(|| {
        let (ring, out) = (given(ring, "ring")?, given(capacity, "capacity")?);
        out.write(ring.ring.capacity());
        Ok(SABHA_OK)
    })
}

/// How many items are in the ring. Both ends may have changed it on return.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_ring_len(
    ring: Option<&sabha_ring>,
    len: Option<&mut MaybeUninit<usize>>,
) -> sabha_status {
    boundary(|| {
        let (ring, out) = (given(ring, "ring")?, given(len, "len")?);
        out.write(ring.ring.len());
        Ok(SABHA_OK)
    })
}

/// Writes 1 if the ring is closed, which it then is for ever, else 0. It may still hold items.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_ring_is_closed(
    ring: Option<&sabha_ring>,
    closed: Option<&mut MaybeUninit<i32>>,
) -> sabha_status {
    boundary(|| {
        let (ring, out) = (given(ring, "ring")?, given(closed, "closed")?);
        out.write(i32::from(ring.ring.is_closed()));
        Ok(SABHA_OK)
    })
}

/// Takes the producer's end for this process. `policy` (SABHA_ADAPTIVE, SABHA_BLOCK, SABHA_SPIN) says how
/// its blocking calls wait. SABHA_E_TAKEN as long as its owner lives, which may be this process: see
/// sabha_last_holder(). After a kill the next to ask gets it, and goes on behind the last item.
/// SABHA_E_CORRUPT, SABHA_E_MEMBERS_FULL, SABHA_E_OS.
///
/// Waits: no. Threads: any. Fork: the child, too, for itself. Killed here: G1, dead owners are replaced.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_ring_producer(
    ring: Option<&sabha_ring>,
    policy: i32,
    producer: Option<&mut MaybeUninit<Box<sabha_producer>>>,
) -> sabha_status {
    boundary(|| {
        let (ring, out) = (given(ring, "ring")?, given(producer, "producer")?);
        let policy = Policy::decode(policy)?;
        out.write(Box::new(sabha_producer(End {
            end: ring.ring.producer()?,
            size: ring.size,
            policy,
        })));
        Ok(SABHA_OK)
    })
}

/// Takes the consumer's end for this process: as sabha_ring_producer(). After a kill the next to ask gets
/// it, and each item whose slot was not released once more.
///
/// Waits: no. Threads: any. Fork: the child, too, for itself. Killed here: G1, dead owners are replaced.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_ring_consumer(
    ring: Option<&sabha_ring>,
    policy: i32,
    consumer: Option<&mut MaybeUninit<Box<sabha_consumer>>>,
) -> sabha_status {
    boundary(|| {
        let (ring, out) = (given(ring, "ring")?, given(consumer, "consumer")?);
        let policy = Policy::decode(policy)?;
        out.write(Box::new(sabha_consumer(End {
            end: ring.ring.consumer()?,
            size: ring.size,
            policy,
        })));
        Ok(SABHA_OK)
    })
}

/// An end, the size of its items, and how its blocking calls wait.
pub(crate) struct End<E> {
    pub(crate) end: E,
    size: usize,
    pub(crate) policy: Policy,
}

pub(crate) type ProducerEnd = End<RawProducer>;
pub(crate) type ConsumerEnd = End<RawConsumer>;

impl<E> End<E> {
    /// Refuses a pointer that cannot be `count` items; NULL may be none.
    pub(crate) fn check<T>(&self, items: *const T, count: usize) -> Result<(), Failure> {
        if items.is_null() && count > 0 {
            return Err(Failure::Null("items"));
        }
        match count.checked_mul(self.size).and_then(|bytes| isize::try_from(bytes).ok()) {
            Some(_) => Ok(()),
            None => Err(Failure::argument("more items than memory can have")),
        }
    }
}
