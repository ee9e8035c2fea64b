//! How to make or open a region: what a struct of C says.

use crate::boundary::{text, values};
use crate::failure::Failure;
use core::ffi::c_char;
use core::mem::MaybeUninit;
use sabha_core::{Region, RegionOptions};

/// How to make or open a region. Start from SABHA_REGION_OPTIONS_INIT and set what you need; a field
/// of 0 or NULL means the default. What only concerns making is ignored by opening.
#[repr(C)]
pub struct sabha_region_options {
    /// sizeof(sabha_region_options), as the caller was compiled: new fields will come at the end.
    pub struct_size: u32,
    /// Permission bits of the file, whatever the umask; 0: 0600, this user only.
    pub mode: u32,
    /// Bytes for objects; 0: 1 MiB.
    pub size: u64,
    /// How far the region can grow; 0: not at all. Costs address space only.
    pub max_size: u64,
    /// How many threads of all processes can have a seat at a time; 0: 1024, the most.
    pub seats: u32,
    /// How many there are in trusted_owners.
    pub trusted_count: u32,
    /// User ids: regions of these users are opened, too. By default only this user's own are: a name
    /// that anybody can take proves nothing about who made it.
    pub trusted_owners: *const u32,
    /// What this process calls itself to the others; NULL: its command's name.
    pub member_name: *const c_char,
}

/// The size of the struct's first version.
const FIRST: usize = 48;
const _: () = assert!(size_of::<sabha_region_options>() == FIRST, "raise nothing but the struct");

/// What `options` says, or the defaults if it is NULL.
///
/// # Safety
/// `options` is NULL or the start of `struct_size` bytes; what it points to is there, too.
pub(crate) unsafe fn decode(
    options: *const sabha_region_options,
) -> Result<RegionOptions, Failure> {
    let mut decoded = Region::options();
    if options.is_null() {
        return Ok(decoded);
    }
    // SAFETY: the caller's duty.
    let given = unsafe { fields(options) }?;
    if given.mode != 0 {
        decoded = decoded.mode(given.mode);
    }
    if given.size != 0 {
        decoded = decoded.size(given.size);
    }
    if given.max_size != 0 {
        decoded = decoded.max_size(given.max_size);
    }
    if given.seats != 0 {
        decoded = decoded.seats(given.seats);
    }
    if !given.member_name.is_null() {
        // SAFETY: the caller's duty.
        decoded = decoded.member_name(unsafe { text(given.member_name, "member_name") }?);
    }
    let count = given.trusted_count as usize;
    // SAFETY: the caller's duty.
    for uid in unsafe { values(given.trusted_owners, count, "trusted_owners") }? {
        decoded = decoded.trust_owner(*uid);
    }
    Ok(decoded)
}

/// The fields that this version knows; those that a shorter struct does not have are 0. A longer struct
/// asks for something that this version cannot do, unless what follows is 0.
unsafe fn fields(options: *const sabha_region_options) -> Result<sabha_region_options, Failure> {
    const KNOWN: usize = size_of::<sabha_region_options>();
    if !options.is_aligned() {
        return Err(Failure::argument("`options` is misaligned"));
    }
    const { assert!(core::mem::offset_of!(sabha_region_options, struct_size) == 0) };
    // SAFETY: the caller's duty: at least `struct_size`, the first field, is there.
    let size = unsafe { options.cast::<u32>().read() } as usize;
    if !(FIRST..=4096).contains(&size) {
        return Err(Failure::argument(&format!(
            "struct_size {size} is that of no version: use SABHA_REGION_OPTIONS_INIT"
        )));
    }
    // SAFETY: the caller's duty: `struct_size` bytes are there, padding initialised or never looked at.
    let bytes = unsafe { values(options.cast::<u8>(), size, "options") }?;
    if bytes.get(KNOWN..).unwrap_or_default().iter().any(|byte| *byte != 0) {
        return Err(Failure::argument("`options` asks for what only a newer version can do"));
    }
    let mut fields = MaybeUninit::<sabha_region_options>::zeroed();
    // SAFETY: both are at least that long, and apart.
    unsafe {
        core::ptr::copy_nonoverlapping(bytes.as_ptr(), fields.as_mut_ptr().cast(), size.min(KNOWN));
    };
    // SAFETY: integers and pointers, each valid as any bytes.
    Ok(unsafe { fields.assume_init() })
}
