//! Locks.

use crate::boundary::{boundary, given, text};
use crate::failure::Failure;
use crate::policy::Policy;
use crate::region::sabha_region;
use crate::status::{SABHA_E_NOT_OWNER, SABHA_OK, SABHA_OWNER_DIED, sabha_status};
use crate::types::sabha_type;
use core::ffi::{c_char, c_void};
use core::mem::MaybeUninit;
use sabha_core::Deadline;
use sabha_core::raw::{Locked, RawMutex};
use sabha_core::sync::{Adaptive, Block, Spin};

/// A lock around data, for threads of any process: a handle of this process. Any thread may use the
/// handle; the lock is held by a thread. It is yours until sabha_mutex_free().
pub struct sabha_mutex {
    lock: RawMutex,
    policy: Policy,
}

fn status(locked: Locked) -> sabha_status {
    match locked {
        Locked::Clean => SABHA_OK,
        Locked::OwnerDied => SABHA_OWNER_DIED,
    }
}

fn by_owner(is_owner: bool) -> Result<sabha_status, Failure> {
    if is_owner { Ok(SABHA_OK) } else { Err(Failure::Plain(SABHA_E_NOT_OWNER)) }
}

/// Finds the lock `name` around data of type `type`, or makes it: free, the data all zeros. `policy`
/// is SABHA_ADAPTIVE, SABHA_BLOCK or SABHA_SPIN: how this handle waits. The lock is the same for each,
/// and for a Mutex<T> of Rust under the same name. SABHA_E_OTHER_TYPE, SABHA_E_INVALID_NAME,
/// SABHA_E_REGION_FULL, SABHA_E_DIRECTORY_FULL, and those of sabha_region_enter().
///
/// Waits: for others that open or remove objects. Threads: any. Fork: the child, too.
/// Killed here: G1, the object is there, whole, or not at all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_mutex_open(
    region: Option<&sabha_region>,
    name: *const c_char,
    r#type: sabha_type,
    policy: i32,
    mutex: Option<&mut MaybeUninit<Box<sabha_mutex>>>,
) -> sabha_status {
    boundary(|| {
        let (region, out) = (given(region, "region")?.whole()?, given(mutex, "mutex")?);
        // SAFETY: the caller's duty.
        let name = unsafe { text(name, "name") }?;
        let policy = Policy::decode(policy)?;
        let lock = RawMutex::open(region, name, r#type.decode()?)?;
        out.write(Box::new(sabha_mutex { lock, policy }));
        Ok(SABHA_OK)
    })
}

/// Gives the handle back. NULL is allowed. A lock that is held stays held: by this thread, as long as
/// it lives and the process is in the region; then the next to lock is told that its owner died.
///
/// Waits: no. Threads: any, when no other uses the handle. Fork: the child has its own copy to give
/// back. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_mutex_free(mutex: Option<Box<sabha_mutex>>) -> sabha_status {
    boundary(|| {
        drop(mutex);
        Ok(SABHA_OK)
    })
}

/// Locks, waiting as long as it takes; a dead holder is noticed. As sabha_mutex_lock_until() with
/// SABHA_NEVER.
///
/// Waits: for the holder. Threads: any; the lock is the caller's. Fork: the child, too; what the
/// parent holds stays the parent's. Killed here: G2, the next to lock is told.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn sabha_mutex_lock(mutex: Option<&sabha_mutex>) -> sabha_status {
    lock_until(mutex, Deadline::NEVER)
}

/// Locks, waiting until CLOCK_MONOTONIC shows `deadline_ns` at the longest.
///
///   SABHA_OK            you hold it
///   SABHA_OWNER_DIED    you hold it, and the last holder was killed: repair the data, then call
///                       sabha_mutex_mark_consistent()
///   SABHA_E_TIMED_OUT   you do not hold it; sabha_last_holder() says who does
///   SABHA_E_DEADLOCK    this thread holds it already
///
/// and those of sabha_region_enter(). No fairness: a newcomer may overtake.
///
/// Waits: for the holder. Threads: any; the lock is the caller's. Fork: the child, too; what the
/// parent holds stays the parent's. Killed here: G2, the next to lock is told.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn sabha_mutex_lock_until(
    mutex: Option<&sabha_mutex>,
    deadline_ns: u64,
) -> sabha_status {
    lock_until(mutex, Deadline::at_ns(deadline_ns))
}

fn lock_until(mutex: Option<&sabha_mutex>, deadline: Deadline) -> sabha_status {
    boundary(|| {
        let mutex = given(mutex, "mutex")?;
        let locked = match mutex.policy {
            Policy::Adaptive => mutex.lock.lock_until::<Adaptive>(deadline),
            Policy::Block => mutex.lock.lock_until::<Block>(deadline),
            Policy::Spin => mutex.lock.lock_until::<Spin>(deadline),
        };
        Ok(status(locked?))
    })
}

/// Locks if nobody living holds it; else SABHA_E_HELD, and sabha_last_holder() says who does. Otherwise
/// as sabha_mutex_lock_until().
///
/// Waits: no. Threads: any; the lock is the caller's. Fork: the child, too. Killed here: G2.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn sabha_mutex_try_lock(mutex: Option<&sabha_mutex>) -> sabha_status {
    boundary(|| Ok(status(given(mutex, "mutex")?.lock.try_lock()?)))
}

/// Unlocks. SABHA_E_NOT_OWNER, and nothing is changed, if this thread does not hold it; a child of a
/// fork never holds what its parent does.
///
/// Waits: no. Threads: the holder. Fork: see above. Killed here: G2.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_mutex_unlock(mutex: Option<&sabha_mutex>) -> sabha_status {
    boundary(|| by_owner(given(mutex, "mutex")?.lock.unlock()))
}

/// Says that the data is whole again after SABHA_OWNER_DIED. Without it every later holder is told of
/// the death, too. SABHA_E_NOT_OWNER.
///
/// Waits: no. Threads: the holder. Fork: as sabha_mutex_unlock(). Killed here: G2.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_mutex_mark_consistent(mutex: Option<&sabha_mutex>) -> sabha_status {
    boundary(|| by_owner(given(mutex, "mutex")?.lock.mark_consistent()))
}

/// The address of the data that the lock guards. Read and write it while this thread holds the lock,
/// not a moment longer; it stays the same until the handle is given back. SABHA_E_NOT_OWNER.
///
/// Waits: no. Threads: the holder. Fork: as sabha_mutex_unlock(). Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_mutex_data(
    mutex: Option<&sabha_mutex>,
    data: Option<&mut MaybeUninit<*mut c_void>>,
) -> sabha_status {
    boundary(|| {
        let (mutex, out) = (given(mutex, "mutex")?, given(data, "data")?);
        let data = mutex.lock.data().ok_or(Failure::Plain(SABHA_E_NOT_OWNER))?;
        out.write(data.as_ptr().cast());
        Ok(SABHA_OK)
    })
}
