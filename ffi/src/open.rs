//! Regions: made and opened.

use crate::boundary::{boundary, given, text};
use crate::options::{decode, sabha_region_options};
use crate::region::{Land, sabha_region};
use crate::status::{SABHA_OK, sabha_status};
use core::ffi::c_char;
use core::mem::MaybeUninit;
use sabha_core::{Error, RegionOptions};
use std::os::fd::BorrowedFd;

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
