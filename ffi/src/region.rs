//! Regions.

use crate::boundary::{boundary, given, text};
use crate::failure::Failure;
use crate::options::{decode, sabha_region_options};
use crate::status::{SABHA_OK, sabha_status};
use core::ffi::c_char;
use core::mem::MaybeUninit;
use sabha_core::{Error, Observer, Region, RegionOptions};
use std::os::fd::{AsRawFd, BorrowedFd};

/// A region of memory that processes share: a handle of this process. Any thread may use it. It is
/// yours until sabha_region_free(); objects of it that are still open keep the memory mapped.
pub struct sabha_region(Land);

enum Land {
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

/// Where a new handle goes.
type Out<'a> = Option<&'a mut MaybeUninit<Box<sabha_region>>>;

/// Makes or opens as `how` says, and gives the handle out.
unsafe fn opened(
    name: *const c_char,
    options: *const sabha_region_options,
    region: Out<'_>,
    how: impl FnOnce(&RegionOptions, &str) -> sabha_core::Result<Land>,
) -> sabha_status {
    boundary(|| {
        let out = given(region, "region")?;
        // SAFETY: the caller's duty.
        let name = unsafe { text(name, "name") }?;
        // SAFETY: the caller's duty.
        let options = unsafe { decode(options) }?;
        out.write(Box::new(sabha_region(how(&options, name)?)));
        Ok(SABHA_OK)
    })
}

/// Makes the region /dev/shm/`name` and gives a handle on it. `options` may be NULL.
/// SABHA_E_ALREADY_EXISTS, SABHA_E_INVALID_NAME, SABHA_E_NO_SPACE (the bytes are reserved now, so
/// using them cannot fail later), SABHA_E_OUT_OF_RANGE, SABHA_E_OS.
///
/// Waits: for the filesystem. Threads: any. Fork: the child, too. Killed here: G0, the name appears
/// with the whole region behind it, or not at all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_region_create(
    name: *const c_char,
    options: *const sabha_region_options,
    region: Option<&mut MaybeUninit<Box<sabha_region>>>,
) -> sabha_status {
    // SAFETY: the caller's duty.
    unsafe { opened(name, options, region, |how, name| how.create(name).map(Land::Whole)) }
}

/// Opens the region /dev/shm/`name`. Opening one region twice gives two handles on one mapping.
/// SABHA_E_NO_SUCH_REGION, SABHA_E_NOT_A_FILE, SABHA_E_CORRUPT, SABHA_E_FOREIGN_OWNER,
/// SABHA_E_PERMISSION_DENIED, SABHA_E_MEMBERS_FULL, SABHA_E_UNSUPPORTED, SABHA_E_OS.
///
/// Waits: for the filesystem. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_region_open(
    name: *const c_char,
    options: *const sabha_region_options,
    region: Option<&mut MaybeUninit<Box<sabha_region>>>,
) -> sabha_status {
    // SAFETY: the caller's duty.
    unsafe { opened(name, options, region, |how, name| how.open(name).map(Land::Whole)) }
}

/// Opens the region, or makes it: the same line in every process. One that exists keeps its size.
/// Errors as those of both.
///
/// Waits: for the filesystem. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_region_open_or_create(
    name: *const c_char,
    options: *const sabha_region_options,
    region: Option<&mut MaybeUninit<Box<sabha_region>>>,
) -> sabha_status {
    // SAFETY: the caller's duty.
    unsafe { opened(name, options, region, |how, name| how.open_or_create(name).map(Land::Whole)) }
}

/// Opens the region to look and to wait: the processor refuses every write. Its arrays can be loaded,
/// copied from and waited on; all else is SABHA_E_READ_ONLY. Errors as sabha_region_open().
///
/// Waits: for the filesystem. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_region_open_read_only(
    name: *const c_char,
    options: *const sabha_region_options,
    region: Option<&mut MaybeUninit<Box<sabha_region>>>,
) -> sabha_status {
    let observed = |how: &RegionOptions, name: &str| how.open_read_only(name).map(Land::Observed);
    // SAFETY: the caller's duty.
    unsafe { opened(name, options, region, observed) }
}

/// As sabha_region_open_or_create(), in the file `path` of any filesystem that can reserve space.
///
/// Waits: for the filesystem. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_region_open_or_create_file(
    path: *const c_char,
    options: *const sabha_region_options,
    region: Option<&mut MaybeUninit<Box<sabha_region>>>,
) -> sabha_status {
    let at = |how: &RegionOptions, path: &str| how.open_or_create_file(path).map(Land::Whole);
    // SAFETY: the caller's duty.
    unsafe { opened(path, options, region, at) }
}

/// Makes a region without a name, shared by inheritance or by passing its descriptor.
/// SABHA_E_NO_SPACE, SABHA_E_OUT_OF_RANGE, SABHA_E_OS.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_region_anonymous(
    options: *const sabha_region_options,
    region: Option<&mut MaybeUninit<Box<sabha_region>>>,
) -> sabha_status {
    // SAFETY: the caller's duty; a string.
    unsafe { opened(c"".as_ptr(), options, region, |how, _| how.anonymous().map(Land::Whole)) }
}

/// Opens the region behind a descriptor, which was inherited or came through a socket. `fd` stays
/// yours: close it when you like. Errors as sabha_region_open().
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_region_from_fd(
    fd: i32,
    options: *const sabha_region_options,
    region: Option<&mut MaybeUninit<Box<sabha_region>>>,
) -> sabha_status {
    let from_fd = |how: &RegionOptions, _: &str| {
        // SAFETY: the caller keeps it open for this call.
        let fd = (fd >= 0).then(|| unsafe { BorrowedFd::borrow_raw(fd) });
        let own =
            fd.map_or(Err(std::io::ErrorKind::InvalidInput.into()), |fd| fd.try_clone_to_owned());
        let own = own.map_err(|source| Error::Os { call: "fcntl (F_DUPFD_CLOEXEC)", source })?;
        how.open_fd(own).map(Land::Whole)
    };
    // SAFETY: the caller's duty; a string.
    unsafe { opened(c"".as_ptr(), options, region, from_fd) }
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
