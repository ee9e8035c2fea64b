//! The consumer's end of a ring.

use crate::boundary::{boundary, given};
use crate::failure::Failure;
use crate::policy::Policy;
use crate::ring::ConsumerEnd;
use crate::status::{SABHA_OK, sabha_status};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use sabha_core::Deadline;
use sabha_core::sync::{Adaptive, Block, Spin};

/// The consumer's end of a ring, which this process owns: for one thread at a time. It is yours until
/// sabha_consumer_free(). A child of a fork gets SABHA_E_FORKED from all that would change the ring.
///
/// An item comes twice only if its consumer was killed before it had released the item's slot: inside the
/// call of a pop, or between sabha_consumer_read() and sabha_consumer_release().
pub struct sabha_consumer(pub(crate) ConsumerEnd);

/// Gives the end back: another process may take it. The ring stays open. NULL is allowed.
///
/// Waits: no. Threads: one. Fork: the child's copy gives nothing back. Killed here: G1.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_consumer_free(consumer: Option<Box<sabha_consumer>>) -> sabha_status {
    boundary(|| {
        drop(consumer);
        Ok(SABHA_OK)
    })
}

/// Takes the oldest item and copies it to `item`, of the size that the ring's type has.
///
///   SABHA_E_EMPTY       no item, and the producer lives or there is none yet
///   SABHA_E_ABANDONED   no item, and the producer's process is gone (asked at times: SABHA_E_EMPTY before);
///                       trying again helps when a successor has taken its end
///   SABHA_E_CLOSED      either end has closed the ring, and all items have been taken
///
/// and SABHA_E_CORRUPT, SABHA_E_FORKED.
///
/// Waits: no. Threads: one. Fork: refuses. Killed here: G1, the successor gets the item, if it was not
/// released.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_consumer_try_pop(
    consumer: Option<&mut sabha_consumer>,
    item: *mut c_void,
) -> sabha_status {
    boundary(|| {
        let consumer = given(consumer, "consumer")?;
        consumer.0.check(item, 1)?;
        // SAFETY: the caller's duty.
        unsafe { consumer.0.end.pop(item.cast(), 1) }?;
        Ok(SABHA_OK)
    })
}

/// The same, waiting for an item until CLOCK_MONOTONIC shows `deadline_ns` at the longest:
/// SABHA_E_TIMED_OUT instead of SABHA_E_EMPTY.
///
/// Waits: for the producer. Threads: one. Fork: refuses. Killed here: G1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_consumer_pop_until(
    consumer: Option<&mut sabha_consumer>,
    item: *mut c_void,
    deadline_ns: u64,
) -> sabha_status {
    boundary(|| {
        let consumer = given(consumer, "consumer")?;
        consumer.0.check(item, 1)?;
        let until = Deadline::at_ns(deadline_ns);
        match consumer.0.policy {
            Policy::Adaptive => consumer.0.end.wait::<Adaptive>(until),
            Policy::Block => consumer.0.end.wait::<Block>(until),
            Policy::Spin => consumer.0.end.wait::<Spin>(until),
        }?;
        // SAFETY: the caller's duty.
        unsafe { consumer.0.end.pop(item.cast(), 1) }?;
        Ok(SABHA_OK)
    })
}

/// Takes as many of the oldest items, in order, as there are, at most `count`, copies them to `items`, and
/// writes to `popped` how many. As sabha_consumer_try_pop(), if there is not even one.
///
/// Waits: no. Threads: one. Fork: refuses. Killed here: G1, the successor gets all of them, or none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_consumer_pop_some(
    consumer: Option<&mut sabha_consumer>,
    items: *mut c_void,
    count: usize,
    popped: Option<&mut MaybeUninit<usize>>,
) -> sabha_status {
    boundary(|| {
        let (consumer, out) = (given(consumer, "consumer")?, given(popped, "popped")?);
        consumer.0.check(items, count)?;
        // SAFETY: the caller's duty.
        out.write(unsafe { consumer.0.end.pop(items.cast(), count) }?);
        Ok(SABHA_OK)
    })
}

/// Gives the address of the oldest items that lie one behind the other, at most `count`, to be used where
/// they are, and writes to `read` how many: at least one. (The ring's memory ends somewhere: then there are
/// fewer than were pushed.) They are yours until sabha_consumer_release(), or the next call of another
/// function that takes items. Errors as sabha_consumer_try_pop().
///
/// Waits: no. Threads: one. Fork: refuses. Killed here: G1, the successor gets them.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_consumer_read(
    consumer: Option<&mut sabha_consumer>,
    count: usize,
    items: Option<&mut MaybeUninit<*const c_void>>,
    read: Option<&mut MaybeUninit<usize>>,
) -> sabha_status {
    boundary(|| {
        let consumer = given(consumer, "consumer")?;
        let (items, read) = (given(items, "items")?, given(read, "read")?);
        let run = consumer.0.end.read(count)?;
        items.write(run.start.as_ptr().cast_const().cast());
        read.write(run.len);
        Ok(SABHA_OK)
    })
}

/// Gives the slots of the first `count` items that were read to the producer, at once; the others come
/// again. SABHA_E_INVALID_ARGUMENT if so many were not read; SABHA_E_FORKED.
///
/// Waits: no. Threads: one. Fork: refuses. Killed here: G1, all of them are released, or none.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_consumer_release(
    consumer: Option<&mut sabha_consumer>,
    count: usize,
) -> sabha_status {
    boundary(|| match given(consumer, "consumer")?.0.end.release(count)? {
        true => Ok(SABHA_OK),
        false => Err(Failure::argument("more items than were read")),
    })
}

/// Closes the ring: no more items, from no producer, ever. Those that were pushed can still be taken; a push
/// at the same time is taken, or refused. Closing a closed ring changes nothing. SABHA_E_FORKED,
/// SABHA_E_CORRUPT.
///
/// Waits: no. Threads: one. Fork: refuses. Killed here: G1, the ring is closed, or it is not.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_consumer_close(consumer: Option<&mut sabha_consumer>) -> sabha_status {
    boundary(|| {
        given(consumer, "consumer")?.0.end.close()?;
        Ok(SABHA_OK)
    })
}

/// How many items were ever released, by all consumers of this ring: the position of the next item, which
/// tells an item that comes again from a new one. Only this handle changes it.
///
/// Waits: no. Threads: one. Fork: the parent's, as it was. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_consumer_position(
    consumer: Option<&mut sabha_consumer>,
    position: Option<&mut MaybeUninit<u64>>,
) -> sabha_status {
    boundary(|| {
        let (consumer, out) = (given(consumer, "consumer")?, given(position, "position")?);
        out.write(consumer.0.end.position());
        Ok(SABHA_OK)
    })
}

/// How many items can be taken. Until the next pop only the producer changes it: it grows.
///
/// Waits: no. Threads: one. Fork: the parent's, as it was. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_consumer_len(
    consumer: Option<&mut sabha_consumer>,
    len: Option<&mut MaybeUninit<usize>>,
) -> sabha_status {
    boundary(|| {
        let (consumer, out) = (given(consumer, "consumer")?, given(len, "len")?);
        out.write(consumer.0.end.len());
        Ok(SABHA_OK)
    })
}
