//! What is in a region, and who.

use crate::array::code_of;
use crate::boundary::{boundary, given, text, values_mut};
use crate::failure::{NAME, chars};
use crate::region::sabha_region;
use crate::status::{SABHA_OK, sabha_status};
use core::ffi::c_char;
use core::mem::MaybeUninit;
use sabha_core::{MemberInfo, ObjectInfo};

/// An object, as the region's directory describes it.
#[repr(C)]
pub struct sabha_object_info {
    /// Its name, NUL-terminated.
    pub name: [c_char; 216],
    /// What it is, in English: "array", "object", …
    pub kind: [c_char; 32],
    /// The code of an array's element type, SABHA_I8 to SABHA_F64; 0: not such an array.
    pub code: i32,
    /// 0.
    pub reserved: i32,
    /// Elements.
    pub count: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// Where it is, from the start of the region's heap.
    pub offset: u64,
    /// Of the element type: see sabha_type.
    pub fingerprint: u64,
}

impl From<&ObjectInfo> for sabha_object_info {
    fn from(info: &ObjectInfo) -> Self {
        let ObjectInfo { name, layout, offset, .. } = info;
        let is_array = layout.kind == "array";
        Self {
            name: chars(name),
            kind: chars(layout.kind),
            code: if is_array { code_of(layout.fingerprint) } else { 0 },
            reserved: 0,
            count: layout.count,
            bytes: layout.bytes,
            offset: *offset,
            fingerprint: layout.fingerprint,
        }
    }
}

/// An attached process, as it described itself.
#[repr(C)]
pub struct sabha_member_info {
    /// Its number in the region; never 0.
    pub member: u32,
    /// Its process, as its own pid namespace counts.
    pub pid: u32,
    /// When it was started, in clock ticks since boot; 0: unknown.
    pub start_time: u64,
    /// What it calls itself, NUL-terminated.
    pub name: [c_char; 80],
}

impl From<&MemberInfo> for sabha_member_info {
    fn from(info: &MemberInfo) -> Self {
        let MemberInfo { id, pid, start_time, name, .. } = info;
        let (member, name) = (id.to_bits(), chars::<NAME>(name));
        Self { member, pid: *pid, start_time: *start_time, name }
    }
}

/// Writes as many of `found` as there is room for, and how many there are.
unsafe fn give<'a, F, T: From<&'a F>>(
    found: &'a [F],
    to: *mut MaybeUninit<T>,
    room: usize,
    name: &'static str,
    count: &mut MaybeUninit<usize>,
) -> Result<sabha_status, crate::failure::Failure> {
    // SAFETY: the caller's duty.
    let places = unsafe { values_mut(to, room, name) }?;
    for (place, info) in places.iter_mut().zip(found) {
        place.write(info.into());
    }
    count.write(found.len());
    Ok(SABHA_OK)
}

/// Writes the first `room` objects of the region to `objects`, and to `count` how many there are.
/// `objects` may be NULL if `room` is 0; a region has 256 at most. Others may have changed it on return.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_region_objects(
    region: Option<&sabha_region>,
    objects: *mut MaybeUninit<sabha_object_info>,
    room: usize,
    count: Option<&mut MaybeUninit<usize>>,
) -> sabha_status {
    boundary(|| {
        let (region, count) = (given(region, "region")?, given(count, "count")?);
        let found = match region.observed() {
            Some(observer) => observer.list(),
            None => region.whole()?.list(),
        };
        // SAFETY: the caller's duty.
        unsafe { give(&found, objects, room, "objects", count) }
    })
}

/// Writes the first `room` processes that are attached to `members`, and to `count` how many there are.
/// `members` may be NULL if `room` is 0; a region has 256 at most. Some may be gone on return.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_region_members(
    region: Option<&sabha_region>,
    members: *mut MaybeUninit<sabha_member_info>,
    room: usize,
    count: Option<&mut MaybeUninit<usize>>,
) -> sabha_status {
    boundary(|| {
        let (region, count) = (given(region, "region")?.whole()?, given(count, "count")?);
        // SAFETY: the caller's duty.
        unsafe { give(&region.members(), members, room, "members", count) }
    })
}

/// Withdraws the object `name`; its place can be used again. SABHA_E_NO_SUCH_OBJECT; SABHA_E_IN_USE as
/// long as a living process, this one too, has a handle on it: see sabha_last_holder().
///
/// Waits: for others that open or remove objects. Threads: any. Fork: the child, too.
/// Killed here: G1, the object is there or not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sabha_region_remove(
    region: Option<&sabha_region>,
    name: *const c_char,
) -> sabha_status {
    boundary(|| {
        let region = given(region, "region")?.whole()?;
        // SAFETY: the caller's duty.
        region.remove(unsafe { text(name, "name") }?)?;
        Ok(SABHA_OK)
    })
}
