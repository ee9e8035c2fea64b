//! The producer's end of a ring.

use crate::boundary::{boundary, given};
use crate::failure::Failure;
use crate::policy::Policy;
use crate::ring::ProducerEnd;
use crate::status::{SABHA_OK, sabha_status};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use sabha_core::Deadline;
use sabha_core::sync::{Adaptive, Block, Spin};

/// The producer's end of a ring, which this process owns: for one thread at a time. It is yours until
/// sabha_producer_free(). A child of a fork gets SABHA_E_FORKED from all that would change the ring.
pub struct sabha_producer(pub(crate) ProducerEnd);

/// Gives the end back: another process may take it. The ring stays open. NULL is allowed.
///
/// Waits: no. Threads: one. Fork: the child's copy gives nothing back. Killed here: G1.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_producer_free(producer: Option<Box<sabha_producer>>) -> sabha_status {
    boundary(|| {
        drop(producer);
        Ok(SABHA_OK)
    })
}

/// Pushes the item at `item`, of the size that the ring's type has.
///
///   SABHA_E_FULL        no free slot, and the consumer lives or there is none yet
///   SABHA_E_ABANDONED   no free slot, and the consumer's process is gone (asked at times: SABHA_E_FULL
///                       before); trying again helps when a successor has taken its end
///   SABHA_E_CLOSED      either end has closed the ring
///
/// and SABHA_E_CORRUPT, SABHA_E_FORKED. A claim is given up.
///
/// Waits: no. Threads: one. Fork: refuses. Killed here: G1, the item is in the ring, whole, or not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_producer_try_push(
    producer: Option<&mut sabha_producer>,
    item: *const c_void,
) -> sabha_status {
    boundary(|| {
        let producer = given(producer, "producer")?;
        producer.0.check(item, 1)?;
        // SAFETY: the caller's duty.
        unsafe { producer.0.end.push(item.cast(), 1) }?;
        Ok(SABHA_OK)
    })
}

/// The same, waiting for a free slot until CLOCK_MONOTONIC shows `deadline_ns` at the longest:
/// SABHA_E_TIMED_OUT instead of SABHA_E_FULL.
///
/// Waits: for the consumer. Threads: one. Fork: refuses. Killed here: G1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_producer_push_until(
    producer: Option<&mut sabha_producer>,
    item: *const c_void,
    deadline_ns: u64,
) -> sabha_status {
    boundary(|| {
        let producer = given(producer, "producer")?;
        producer.0.check(item, 1)?;
        let until = Deadline::at_ns(deadline_ns);
        match producer.0.policy {
            Policy::Adaptive => producer.0.end.wait::<Adaptive>(until),
            Policy::Block => producer.0.end.wait::<Block>(until),
            Policy::Spin => producer.0.end.wait::<Spin>(until),
        }?;
        // SAFETY: the caller's duty.
        unsafe { producer.0.end.push(item.cast(), 1) }?;
        Ok(SABHA_OK)
    })
}

/// Pushes as many of the `count` items at `items`, in order, as there are free slots, at once, and writes
/// to `pushed` how many. As sabha_producer_try_push(), if there is not even one.
///
/// Waits: no. Threads: one. Fork: refuses. Killed here: G1, all of them are in the ring, or none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_producer_push_some(
    producer: Option<&mut sabha_producer>,
    items: *const c_void,
    count: usize,
    pushed: Option<&mut MaybeUninit<usize>>,
) -> sabha_status {
    boundary(|| {
        let (producer, out) = (given(producer, "producer")?, given(pushed, "pushed")?);
        producer.0.check(items, count)?;
        // SAFETY: the caller's duty.
        out.write(unsafe { producer.0.end.push(items.cast(), count) }?);
        Ok(SABHA_OK)
    })
}

/// Gives the address of the next free slots that lie one behind the other, at most `count`, to be written
/// in place, and writes to `claimed` how many they are: at least one. (The ring's memory ends somewhere:
/// then there are fewer than are free.) They hold old bytes. sabha_producer_commit() pushes them; until then
/// nobody sees them, and the next call of another function that pushes gives them up. Errors as
/// sabha_producer_try_push().
///
/// Waits: no. Threads: one. Fork: refuses. Killed here: G1, nothing has happened.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_producer_claim(
    producer: Option<&mut sabha_producer>,
    count: usize,
    slots: Option<&mut MaybeUninit<*mut c_void>>,
    claimed: Option<&mut MaybeUninit<usize>>,
) -> sabha_status {
    boundary(|| {
        let producer = given(producer, "producer")?;
        let (slots, claimed) = (given(slots, "slots")?, given(claimed, "claimed")?);
        let run = producer.0.end.claim(count)?;
        slots.write(run.start.as_ptr().cast());
        claimed.write(run.len);
        Ok(SABHA_OK)
    })
}

/// Pushes the first `count` of the slots that were claimed, at once, and gives the others up.
/// SABHA_E_INVALID_ARGUMENT if so many were not claimed; SABHA_E_CLOSED, and none of them counts;
/// SABHA_E_FORKED.
///
/// Waits: no. Threads: one. Fork: refuses. Killed here: G1, all of them are in the ring, or none.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_producer_commit(
    producer: Option<&mut sabha_producer>,
    count: usize,
) -> sabha_status {
    boundary(|| match given(producer, "producer")?.0.end.commit(count)? {
        true => Ok(SABHA_OK),
        false => Err(Failure::argument("more slots than were claimed")),
    })
}

/// Closes the ring: no more items, from no producer, ever. The consumer gets those that were pushed, and
/// then SABHA_E_CLOSED. Closing a closed ring changes nothing. SABHA_E_FORKED.
///
/// Waits: no. Threads: one. Fork: refuses. Killed here: G1, the ring is closed, or it is not.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_producer_close(producer: Option<&mut sabha_producer>) -> sabha_status {
    boundary(|| {
        given(producer, "producer")?.0.end.close()?;
        Ok(SABHA_OK)
    })
}

/// How many items were ever pushed, by all producers of this ring. Only this handle changes it.
///
/// Waits: no. Threads: one. Fork: the parent's, as it was. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_producer_position(
    producer: Option<&mut sabha_producer>,
    position: Option<&mut MaybeUninit<u64>>,
) -> sabha_status {
    boundary(|| {
        let (producer, out) = (given(producer, "producer")?, given(position, "position")?);
        out.write(producer.0.end.position());
        Ok(SABHA_OK)
    })
}

/// How many slots are free. Until the next push only the consumer changes it: it grows.
///
/// Waits: no. Threads: one. Fork: the parent's, as it was. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_producer_room(
    producer: Option<&mut sabha_producer>,
    room: Option<&mut MaybeUninit<usize>>,
) -> sabha_status {
    boundary(|| {
        let (producer, out) = (given(producer, "producer")?, given(room, "room")?);
        out.write(producer.0.end.room());
        Ok(SABHA_OK)
    })
}
