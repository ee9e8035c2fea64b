//! Regions: the handle, and what can be asked of it.

use crate::boundary::{boundary, given};
use crate::failure::Failure;
use crate::status::{SABHA_OK, sabha_status};
use core::mem::MaybeUninit;
use sabha_core::{Error, Observer, Region};
use std::os::fd::AsRawFd;

/// A region of memory that processes share: a handle of this process. Any thread may use it. It is
/// yours until sabha_region_free(); objects of it that are still open keep the memory mapped.
pub struct sabha_region(pub(crate) Land);

pub(crate) enum Land {
    Whole(Region),
    Observed(Observer),
}

impl sabha_region {
    /// The region, if this process may write to it.
    pub(crate) fn whole(&self) -> Result<&Region, Failure> {
        match &self.0 {
            Land::Whole(region) => Ok(region),
            Land::Observed(_) => Err(Error::ReadOnly.into()),
        }
    }

    pub(crate) fn observed(&self) -> Option<&Observer> {
        match &self.0 {
            Land::Whole(_) => None,
            Land::Observed(observer) => Some(observer),
        }
    }
}

/// Gives the handle back; nothing in the region changes. NULL is allowed, as to free(). The process
/// leaves the region when its last handle on it, or on an object of it, is given back.
///
/// Waits: no. Threads: any, when no other uses the handle. Fork: the child has its own copy to give
/// back. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_region_free(region: Option<Box<sabha_region>>) -> sabha_status {
    boundary(|| {
        drop(region);
        Ok(SABHA_OK)
    })
}

/// Takes the region's name away. Who has it open keeps it; the name is free for another. Goes by
/// identity: what somebody has made under the same name since stays. SABHA_E_NO_SUCH_REGION if it has
/// no name (any more).
///
/// Waits: for another process that does the same. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_region_unlink(region: Option<&sabha_region>) -> sabha_status {
    boundary(|| {
        given(region, "region")?.whole()?.unlink()?;
        Ok(SABHA_OK)
    })
}

/// The descriptor of the region's file, to be passed to other processes. It is the region's: do not
/// close it; it is closed on exec, and with the last handle.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_region_fd(
    region: Option<&sabha_region>,
    fd: Option<&mut MaybeUninit<i32>>,
) -> sabha_status {
    boundary(|| {
        let (region, out) = (given(region, "region")?.whole()?, given(fd, "fd")?);
        out.write(region.as_fd().as_raw_fd());
        Ok(SABHA_OK)
    })
}

/// Bytes that objects can use now. Only grows, when any process grows the region.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_region_len(
    region: Option<&sabha_region>,
    len: Option<&mut MaybeUninit<u64>>,
) -> sabha_status {
    boundary(|| {
        let (region, out) = (given(region, "region")?.whole()?, given(len, "len")?);
        out.write(region.len());
        Ok(SABHA_OK)
    })
}

/// How far the region can grow. Fixed when it was made.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_region_max_len(
    region: Option<&sabha_region>,
    len: Option<&mut MaybeUninit<u64>>,
) -> sabha_status {
    boundary(|| {
        let (region, out) = (given(region, "region")?.whole()?, given(len, "len")?);
        out.write(region.max_len());
        Ok(SABHA_OK)
    })
}

/// Grows the region to `len` bytes, rounded up to pages. Nothing moves; new bytes are zero.
/// SABHA_E_SHRINK (it is larger already), SABHA_E_PAST_MAXIMUM, SABHA_E_NO_SPACE.
///
/// Waits: for the filesystem. Threads: any; of several that grow it at the same time each succeeds, or
/// is told that it is larger already. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_region_grow(region: Option<&sabha_region>, len: u64) -> sabha_status {
    boundary(|| {
        given(region, "region")?.whole()?.grow(len)?;
        Ok(SABHA_OK)
    })
}

/// Takes the calling thread's seat now, which its first lock in this region would do (about 20 us). It
/// is given back when the thread ends or the process leaves the region. SABHA_E_SEATS_FULL,
/// SABHA_E_MEMBERS_FULL, SABHA_E_TOO_MANY_REGIONS, SABHA_E_NO_SPACE, SABHA_E_OS.
///
/// Waits: no. Threads: any; the seat is the caller's. Fork: the child's thread takes its own.
/// Killed here: G1, a half-taken seat is taken by the next who looks for one.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_region_enter(region: Option<&sabha_region>) -> sabha_status {
    boundary(|| {
        given(region, "region")?.whole()?.enter()?;
        Ok(SABHA_OK)
    })
}

/// Writes to `id` the 16 bytes that tell this region from every other, whatever its name.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_region_id(
    region: Option<&sabha_region>,
    id: Option<&mut MaybeUninit<[u8; 16]>>,
) -> sabha_status {
    boundary(|| {
        let (region, out) = (given(region, "region")?, given(id, "id")?);
        let id = match &region.0 {
            Land::Whole(region) => region.id(),
            Land::Observed(observer) => observer.id(),
        };
        out.write(id.to_le_bytes());
        Ok(SABHA_OK)
    })
}
