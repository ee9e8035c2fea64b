//! The numbers that functions return.

/// What every function returns. 0 and above: what was asked for is so. Below 0: it is not, and
/// nothing has been changed. Codes may be added: treat an unknown one by its sign.
pub type sabha_status = i32;

/// Done. A lock: you hold it. A wait: you were woken.
pub const SABHA_OK: sabha_status = 0;
/// You hold the lock, and its last holder was killed, or one before whose data nobody has repaired:
/// repair, then sabha_mutex_mark_consistent().
pub const SABHA_OWNER_DIED: sabha_status = 1;
/// The element is not what you expected: no need to wait, or nothing exchanged.
pub const SABHA_NOT_EQUAL: sabha_status = 2;

/// A bug of this library, caught before it reached you. The handle may be of no use any more.
pub const SABHA_E_PANIC: sabha_status = -1;
/// A pointer that must not be is NULL.
pub const SABHA_E_NULL: sabha_status = -2;
/// A code, a flag, a struct_size or a sabha_type that means nothing to this version.
pub const SABHA_E_INVALID_ARGUMENT: sabha_status = -3;
/// Not a name: empty, too long, with a slash, `.` or `..`, or not UTF-8.
pub const SABHA_E_INVALID_NAME: sabha_status = -4;
/// There is no region of that name, or it has lost it.
pub const SABHA_E_NO_SUCH_REGION: sabha_status = -5;
/// The region's name is taken.
pub const SABHA_E_ALREADY_EXISTS: sabha_status = -6;
/// The system does not let this process have the file.
pub const SABHA_E_PERMISSION_DENIED: sabha_status = -7;
/// Another user made the file: see trusted_owners in sabha_region_options.
pub const SABHA_E_FOREIGN_OWNER: sabha_status = -8;
/// What is there is not a region or an object of this version, or it was damaged.
pub const SABHA_E_CORRUPT: sabha_status = -9;
/// No room on the filesystem.
pub const SABHA_E_NO_SPACE: sabha_status = -10;
/// An index, a length or a size outside what is possible.
pub const SABHA_E_OUT_OF_RANGE: sabha_status = -11;
/// An address that is no multiple of what its type needs.
pub const SABHA_E_MISALIGNED: sabha_status = -12;
/// The region cannot grow that far: see max_size in sabha_region_options.
pub const SABHA_E_PAST_MAXIMUM: sabha_status = -13;
/// The region is larger already, and never shrinks.
pub const SABHA_E_SHRINK: sabha_status = -14;
/// There is no object of that name.
pub const SABHA_E_NO_SUCH_OBJECT: sabha_status = -15;
/// The name is another kind of object's, or the handle is another element type's.
pub const SABHA_E_OTHER_TYPE: sabha_status = -16;
/// The region has as many objects as it can have.
pub const SABHA_E_DIRECTORY_FULL: sabha_status = -17;
/// The region has no gap that is large enough: grow it, or remove an object.
pub const SABHA_E_REGION_FULL: sabha_status = -18;
/// A process has the object open: see sabha_last_holder().
pub const SABHA_E_IN_USE: sabha_status = -19;
/// The region was opened for reading only.
pub const SABHA_E_READ_ONLY: sabha_status = -20;
/// As many threads have a seat in the region as it has seats.
pub const SABHA_E_SEATS_FULL: sabha_status = -21;
/// As many processes are attached as the region can have.
pub const SABHA_E_MEMBERS_FULL: sabha_status = -22;
/// This thread has seats in as many regions as it can.
pub const SABHA_E_TOO_MANY_REGIONS: sabha_status = -23;
/// The address lies in no region that this process has open.
pub const SABHA_E_NOT_IN_REGION: sabha_status = -24;
/// The handle is the parent's: a child of a fork makes its own.
pub const SABHA_E_FORKED: sabha_status = -25;
/// This thread holds the lock already.
pub const SABHA_E_DEADLOCK: sabha_status = -26;
/// Somebody living holds the lock: see sabha_last_holder().
pub const SABHA_E_HELD: sabha_status = -27;
/// The deadline passed. A lock: see sabha_last_holder().
pub const SABHA_E_TIMED_OUT: sabha_status = -28;
/// This thread does not hold the lock.
pub const SABHA_E_NOT_OWNER: sabha_status = -29;
/// The machine lacks something that the library needs.
pub const SABHA_E_UNSUPPORTED: sabha_status = -30;
/// The system refused a call for another reason: see sabha_last_error().
pub const SABHA_E_OS: sabha_status = -31;
/// No free slot, and the consumer lives: trying again can help.
pub const SABHA_E_FULL: sabha_status = -32;
/// No item, and the producer lives: trying again can help.
pub const SABHA_E_EMPTY: sabha_status = -33;
/// The ring is closed (and drained, if you are the consumer): no use in trying again.
pub const SABHA_E_CLOSED: sabha_status = -34;
/// The ring is full or empty, and the process at its other end is gone.
pub const SABHA_E_ABANDONED: sabha_status = -35;
/// A living process has this end of the ring: see sabha_last_holder().
pub const SABHA_E_TAKEN: sabha_status = -36;
/// The path is a directory, a link or another thing that is no file.
pub const SABHA_E_NOT_A_FILE: sabha_status = -37;
/// An error that this version of the C interface has no code for: see sabha_last_error().
pub const SABHA_E_OTHER: sabha_status = -100;

/// A few words on `code`, for a log. Never NULL; the text lives as long as the program.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_strerror(code: sabha_status) -> *const core::ffi::c_char {
    describe(code).as_ptr()
}

pub(crate) fn describe(code: sabha_status) -> &'static core::ffi::CStr {
    match code {
        SABHA_OK => c"done",
        SABHA_OWNER_DIED => c"locked; the last holder died",
        SABHA_NOT_EQUAL => c"the element is not what was expected",
        SABHA_E_PANIC => c"a bug in the library",
        SABHA_E_NULL => c"a pointer is NULL",
        SABHA_E_INVALID_ARGUMENT => c"an argument means nothing to this version",
        SABHA_E_INVALID_NAME => c"not a name",
        SABHA_E_NO_SUCH_REGION => c"there is no such region",
        SABHA_E_ALREADY_EXISTS => c"the region exists already",
        SABHA_E_PERMISSION_DENIED => c"permission denied",
        SABHA_E_FOREIGN_OWNER => c"another user made the region",
        SABHA_E_CORRUPT => c"damaged, or not of this version",
        SABHA_E_NO_SPACE => c"no space on the filesystem",
        SABHA_E_OUT_OF_RANGE => c"out of range",
        SABHA_E_MISALIGNED => c"misaligned",
        SABHA_E_PAST_MAXIMUM => c"past the region's maximal size",
        SABHA_E_SHRINK => c"the region never shrinks",
        SABHA_E_NO_SUCH_OBJECT => c"there is no such object",
        SABHA_E_OTHER_TYPE => c"an object of another type",
        SABHA_E_DIRECTORY_FULL => c"the directory is full",
        SABHA_E_REGION_FULL => c"the region is full",
        SABHA_E_IN_USE => c"the object is in use",
        SABHA_E_READ_ONLY => c"opened for reading only",
        SABHA_E_SEATS_FULL => c"no seat is free",
        SABHA_E_MEMBERS_FULL => c"no member slot is free",
        SABHA_E_TOO_MANY_REGIONS => c"this thread has seats in too many regions",
        SABHA_E_NOT_IN_REGION => c"not in an open region",
        SABHA_E_FORKED => c"the handle is the parent's",
        SABHA_E_DEADLOCK => c"deadlock: this thread holds the lock already",
        SABHA_E_HELD => c"the lock is held",
        SABHA_E_TIMED_OUT => c"timed out",
        SABHA_E_NOT_OWNER => c"this thread does not hold the lock",
        SABHA_E_UNSUPPORTED => c"the machine lacks something",
        SABHA_E_OS => c"a system call was refused",
        SABHA_E_FULL => c"the ring is full",
        SABHA_E_EMPTY => c"the ring is empty",
        SABHA_E_CLOSED => c"the ring is closed",
        SABHA_E_ABANDONED => c"the process at the other end is gone",
        SABHA_E_TAKEN => c"this end of the ring is taken",
        SABHA_E_NOT_A_FILE => c"not a file",
        SABHA_E_OTHER => c"another error",
        _ => c"no status of this version",
    }
}
