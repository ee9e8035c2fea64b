//! Why a function refused: its code now, the whole story for who asks this thread for it.

use crate::boundary::{boundary, given, quietly};
use crate::status::*;
use core::cell::RefCell;
use core::ffi::c_char;
use core::mem::MaybeUninit;
use sabha_core::ring::spsc::{PopError, PushError};
use sabha_core::sync::LockError;
use sabha_core::{Error, Holder, MemberInfo};

/// A refusal. Its text is made only when somebody asks for it: a full ring costs no formatting.
pub(crate) enum Failure {
    /// The code says it all.
    Plain(sabha_status),
    /// The pointer of this name is NULL.
    Null(&'static str),
    /// The code, and words on it.
    Because(sabha_status, String),
    Core(Error),
    Lock(LockError<()>),
    Push(PushError<()>),
    Pop(PopError),
}

impl From<PushError<()>> for Failure {
    fn from(error: PushError<()>) -> Self {
        Self::Push(error)
    }
}

impl From<PopError> for Failure {
    fn from(error: PopError) -> Self {
        Self::Pop(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl From<LockError<()>> for Failure {
    fn from(error: LockError<()>) -> Self {
        Self::Lock(error)
    }
}

thread_local! {
    static LAST: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

impl Failure {
    pub(crate) fn argument(why: &str) -> Self {
        Self::Because(SABHA_E_INVALID_ARGUMENT, why.to_owned())
    }

    /// Keeps the failure for `sabha_last_error`; its code.
    pub(crate) fn remember(self) -> sabha_status {
        let code = self.code();
        // Refused only while the thread ends: then nobody asks.
        let _ = LAST.try_with(|last| last.replace(Some(self)));
        code
    }

    fn code(&self) -> sabha_status {
        match self {
            Self::Plain(code) | Self::Because(code, _) => *code,
            Self::Null(_) => SABHA_E_NULL,
            Self::Core(error) => code_of(error),
            Self::Lock(error) => match error {
                LockError::OwnerDied(_) => SABHA_OWNER_DIED,
                LockError::Deadlock { .. } => SABHA_E_DEADLOCK,
                LockError::TimedOut { .. } => SABHA_E_TIMED_OUT,
                LockError::Held { .. } => SABHA_E_HELD,
                LockError::Seat(error) => code_of(error),
                _ => SABHA_E_OTHER,
            },
            Self::Push(error) => match error {
                PushError::Full(()) => SABHA_E_FULL,
                PushError::TimedOut(()) => SABHA_E_TIMED_OUT,
                PushError::Closed(()) => SABHA_E_CLOSED,
                PushError::Abandoned(()) => SABHA_E_ABANDONED,
                PushError::Corrupt(()) => SABHA_E_CORRUPT,
                PushError::Forked(()) => SABHA_E_FORKED,
                _ => SABHA_E_OTHER,
            },
            Self::Pop(error) => match error {
                PopError::Empty => SABHA_E_EMPTY,
                PopError::TimedOut => SABHA_E_TIMED_OUT,
                PopError::Closed => SABHA_E_CLOSED,
                PopError::Abandoned => SABHA_E_ABANDONED,
                PopError::Corrupt => SABHA_E_CORRUPT,
                PopError::Forked => SABHA_E_FORKED,
                _ => SABHA_E_OTHER,
            },
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Plain(code) => describe(*code).to_string_lossy().into_owned(),
            Self::Null(name) => format!("the argument `{name}` is NULL"),
            Self::Because(_, why) => why.clone(),
            Self::Core(error) => error.to_string(),
            Self::Lock(error) => error.to_string(),
            Self::Push(error) => error.to_string(),
            Self::Pop(error) => error.to_string(),
        }
    }

    fn holder(&self) -> Option<sabha_holder> {
        match self {
            Self::Core(Error::Deadlock { holder } | Error::Held { holder })
            | Self::Lock(
                LockError::Deadlock { holder }
                | LockError::TimedOut { holder }
                | LockError::Held { holder },
            ) => Some(holder.into()),
            Self::Core(Error::InUse { by, .. } | Error::Taken { by, .. }) => Some(by.into()),
            _ => None,
        }
    }
}

fn code_of(error: &Error) -> sabha_status {
    match error {
        Error::InvalidName { .. } => SABHA_E_INVALID_NAME,
        Error::NoSuchRegion { .. } => SABHA_E_NO_SUCH_REGION,
        Error::AlreadyExists { .. } => SABHA_E_ALREADY_EXISTS,
        Error::PermissionDenied { .. } => SABHA_E_PERMISSION_DENIED,
        Error::ForeignOwner { .. } => SABHA_E_FOREIGN_OWNER,
        Error::NotAFile { .. } => SABHA_E_NOT_A_FILE,
        Error::Corrupt { .. } => SABHA_E_CORRUPT,
        Error::NoSpace { .. } => SABHA_E_NO_SPACE,
        Error::OutOfRange { .. } => SABHA_E_OUT_OF_RANGE,
        Error::Misaligned { .. } => SABHA_E_MISALIGNED,
        Error::PastMaximum { .. } => SABHA_E_PAST_MAXIMUM,
        Error::Shrink { .. } => SABHA_E_SHRINK,
        Error::NoSuchObject { .. } => SABHA_E_NO_SUCH_OBJECT,
        Error::OtherType { .. } => SABHA_E_OTHER_TYPE,
        Error::DirectoryFull { .. } => SABHA_E_DIRECTORY_FULL,
        Error::RegionFull { .. } => SABHA_E_REGION_FULL,
        Error::InUse { .. } => SABHA_E_IN_USE,
        Error::Taken { .. } => SABHA_E_TAKEN,
        Error::ReadOnly => SABHA_E_READ_ONLY,
        Error::SeatsFull { .. } => SABHA_E_SEATS_FULL,
        Error::MembersFull { .. } => SABHA_E_MEMBERS_FULL,
        Error::TooManyRegions { .. } => SABHA_E_TOO_MANY_REGIONS,
        Error::NotInRegion => SABHA_E_NOT_IN_REGION,
        Error::Forked => SABHA_E_FORKED,
        Error::Deadlock { .. } => SABHA_E_DEADLOCK,
        Error::Held { .. } => SABHA_E_HELD,
        Error::OwnerDied => SABHA_OWNER_DIED,
        Error::Unsupported { .. } => SABHA_E_UNSUPPORTED,
        Error::Os { .. } => SABHA_E_OS,
        _ => SABHA_E_OTHER,
    }
}

/// Bytes of a name in the structs below, with the NUL that ends it.
pub(crate) const NAME: usize = 80;

/// Who holds a lock, has an object open, or has the end of a ring: what the region's tables said
/// when they were asked. It may have let go, or died, since.
#[repr(C)]
pub struct sabha_holder {
    /// Its process, as its own pid namespace counts; 0: unknown.
    pub pid: u32,
    /// Its thread; 0: unknown, or no thread's.
    pub tid: u32,
    /// The seat that a lock names; 0: none.
    pub seat: u32,
    /// The process as a member of the region; 0: unknown.
    pub member: u32,
    /// What the process calls itself, NUL-terminated.
    pub name: [c_char; 80],
    /// 0.
    pub reserved: [u64; 4],
}

impl Default for sabha_holder {
    fn default() -> Self {
        Self { pid: 0, tid: 0, seat: 0, member: 0, name: [0; NAME], reserved: [0; 4] }
    }
}

impl From<&Holder> for sabha_holder {
    fn from(holder: &Holder) -> Self {
        Self {
            pid: holder.pid,
            tid: holder.tid,
            seat: holder.seat.to_bits(),
            member: holder.member.map_or(0, |member| member.to_bits()),
            name: chars::<NAME>(&holder.name),
            ..Self::default()
        }
    }
}

impl From<&MemberInfo> for sabha_holder {
    fn from(info: &MemberInfo) -> Self {
        let (pid, member, name) = (info.pid, info.id.to_bits(), chars::<NAME>(&info.name));
        Self { pid, member, name, ..Self::default() }
    }
}

/// `text` as C has it: cut between two characters if it must be, and ended by a NUL.
pub(crate) fn chars<const N: usize>(text: &str) -> [c_char; N] {
    let cut = text.floor_char_boundary(N - 1);
    let bytes = text.bytes().take(cut).chain(core::iter::repeat(0));
    let mut out = [0; N];
    for (place, byte) in out.iter_mut().zip(bytes) {
        *place = byte as c_char;
    }
    out
}

/// Writes what the last failure in this thread was to `buffer`, which has room for `size` bytes: one
/// line of UTF-8 with the names and numbers that the code cannot tell, cut if need be and ended by a
/// NUL. Returns the bytes that the whole line has without the NUL, like snprintf(); 0: no failure yet.
/// A success leaves the last failure as it is. `buffer` may be NULL if `size` is 0.
///
/// Waits: no. Threads: any; each has its own. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_last_error(buffer: *mut c_char, size: usize) -> usize {
    quietly(0, || {
        let text = LAST.try_with(|last| last.borrow().as_ref().map(Failure::text));
        let text = text.ok().flatten().unwrap_or_default();
        if !buffer.is_null() && size > 0 {
            let cut = text.floor_char_boundary(size - 1);
            // SAFETY: the caller of the C function answers for `size` bytes; `cut` is less.
            unsafe { core::ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast(), cut) };
            // SAFETY: as above.
            unsafe { buffer.wrapping_add(cut).write(0) };
        }
        text.len()
    })
}

/// Writes to `holder` who was in the way, if the last failure in this thread was SABHA_E_HELD,
/// SABHA_E_TIMED_OUT of a lock, SABHA_E_DEADLOCK, SABHA_E_IN_USE or SABHA_E_TAKEN; else all zeros.
///
/// Waits: no. Threads: any; each has its own. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_last_holder(
    holder: Option<&mut MaybeUninit<sabha_holder>>,
) -> sabha_status {
    boundary(|| {
        let out = given(holder, "holder")?;
        let found = LAST.try_with(|last| last.borrow().as_ref().and_then(Failure::holder));
        out.write(found.ok().flatten().unwrap_or_default());
        Ok(SABHA_OK)
    })
}
