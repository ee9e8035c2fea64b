//! What can go wrong, said so that the reader knows what was found and what was expected.

use crate::os::{file, process};
use crate::seat::{Holder, MemberInfo};
use std::fs::{File, FileType, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The result of most operations.
pub type Result<T> = core::result::Result<T, Error>;

/// Why an operation was refused. Nothing has been changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name cannot be one: empty, too long, with a slash or a zero byte, or `.` or `..`.
    #[error("{name:?} cannot be a name: {why}")]
    InvalidName {
        /// What was given; its first 64 characters.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no region of that name. Create it, or wait for who does.
    #[error("there is no region {path:?}")]
    NoSuchRegion {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The name is taken. Open what is there, or take another name.
    #[error("{path:?} exists already")]
    AlreadyExists {
        /// What exists.
        path: PathBuf,
    },
    /// The system does not let this process have the file. See its owner and mode.
    #[error("no permission for {path:?} (mode {mode:o}, owner {owner}, we are user {user})")]
    PermissionDenied {
        /// What was asked for.
        path: PathBuf,
        /// Its permission bits; 0 if not even those are to be seen.
        mode: u32,
        /// Its owner; `u32::MAX` if not to be seen.
        owner: u32,
        /// Our effective user.
        user: u32,
    },
    /// Somebody else made the file. It may be a trap: trust its owner explicitly, if you do.
    #[error(
        "the region belongs to user {found}, expected {expected}; see RegionOptions::trust_owner"
    )]
    ForeignOwner {
        /// Its owner.
        found: u32,
        /// Our effective user.
        expected: u32,
    },
    /// What is there is no file. Links are not followed.
    #[error("{path:?} is {found}, not a region")]
    NotAFile {
        /// What was asked for.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// The file is not a region that this version can use, or it was damaged.
    #[error("not a usable region: {what} is {found:#x}, expected {expected:#x}")]
    Corrupt {
        /// Which part of it.
        what: &'static str,
        /// What is there.
        found: u64,
        /// What should be there.
        expected: u64,
    },
    /// Not enough room on the filesystem, or above the process's limit of file sizes.
    #[error("no space for {wanted} bytes ({call}): {source}")]
    NoSpace {
        /// What was being done.
        call: &'static str,
        /// Bytes asked for.
        wanted: u64,
        /// The system's words.
        source: io::Error,
    },
    /// Sizes must be at least one byte, and at most what the address space holds.
    #[error("{what} of {found} is outside {least}..={most}")]
    OutOfRange {
        /// Which number.
        what: &'static str,
        /// What was given.
        found: u64,
        /// The least that is allowed.
        least: u64,
        /// The most that is allowed.
        most: u64,
    },
    /// An address or offset that is no multiple of what its type needs.
    #[error("offset {offset} is not a multiple of {align}")]
    Misaligned {
        /// The offset.
        offset: u64,
        /// The alignment.
        align: u64,
    },
    /// The region cannot grow that far.
    #[error("cannot grow to {wanted} bytes: the maximum is {maximum}")]
    PastMaximum {
        /// Bytes asked for.
        wanted: u64,
        /// What was fixed at creation.
        maximum: u64,
    },
    /// Regions never shrink.
    #[error("cannot shrink from {current} to {wanted} bytes")]
    Shrink {
        /// Bytes asked for.
        wanted: u64,
        /// Bytes it has.
        current: u64,
    },
    /// There is no object of that name.
    #[error("there is no object {name:?}")]
    NoSuchObject {
        /// The name.
        name: String,
    },
    /// The name is that of another kind of object.
    #[error("{name:?} is of another type: found {found}, expected {expected}")]
    OtherType {
        /// The name.
        name: String,
        /// What is there.
        found: Layout,
        /// What was asked for.
        expected: Layout,
    },
    /// No entry of the directory is free. Remove an object, or nest several in one struct.
    #[error("the directory is full: {capacity} objects")]
    DirectoryFull {
        /// How many there can be.
        capacity: u32,
    },
    /// No gap is large enough. Grow the region, or remove an object.
    #[error("the region is full: {wanted} bytes wanted, the largest gap has {largest}")]
    RegionFull {
        /// Bytes wanted.
        wanted: u64,
        /// The largest gap.
        largest: u64,
    },
    /// A process still has the object open.
    #[error("object {name:?} is in use by process {} ({})", .by.pid, .by.name)]
    InUse {
        /// The object.
        name: String,
        /// A process that has it open; it may be this one.
        by: MemberInfo,
    },
    /// One process at a time has it, and a living one does. Wait until it gives it back, or is gone.
    #[error("{what} is taken by process {} ({})", .by.pid, .by.name)]
    Taken {
        /// Which end of what.
        what: &'static str,
        /// The process that has it; it may be this one.
        by: MemberInfo,
    },
    /// A region that was opened for reading only.
    #[error("the region was opened for reading only")]
    ReadOnly,
    /// All seats are taken: one for each thread that locks. Ask for more at creation.
    #[error("no seat is free: {capacity} threads have one")]
    SeatsFull {
        /// How many there are.
        capacity: u32,
    },
    /// Too many processes are attached.
    #[error("no member slot is free: {capacity} processes are attached")]
    MembersFull {
        /// How many there can be.
        capacity: u32,
    },
    /// The calling thread has seats in as many regions as it can.
    #[error("this thread has seats in {capacity} regions already")]
    TooManyRegions {
        /// How many it can have.
        capacity: usize,
    },
    /// The address lies in no region that this process has open.
    #[error("the address lies in no open region")]
    NotInRegion,
    /// A handle that was made before a fork, used by the child. Make a new one.
    #[error("this handle belongs to the parent of the fork")]
    Forked,
    /// The lock is the calling thread's already.
    #[error("deadlock: this thread holds the lock already ({holder})")]
    Deadlock {
        /// The calling thread.
        holder: Holder,
    },
    /// The deadline passed, or nobody could be waited for.
    #[error("the lock is held by {holder}")]
    Held {
        /// Who holds it.
        holder: Holder,
    },
    /// The last owner of the lock was killed, and nobody has repaired the data.
    #[error("the lock's last owner died; its data may be inconsistent")]
    OwnerDied,
    /// The machine lacks something that the library needs.
    #[error("{what} is not to be had here: {source}")]
    Unsupported {
        /// What is missing.
        what: &'static str,
        /// The system's words.
        source: io::Error,
    },
    /// A system call was refused for another reason.
    #[error("{call}: {source}")]
    Os {
        /// The call.
        call: &'static str,
        /// The system's words.
        source: io::Error,
    },
}

/// What an object is: enough to tell two types apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Layout {
    /// Object, array, ring …
    pub kind: &'static str,
    /// Elements.
    pub count: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// The fingerprint of its element's field layout.
    pub fingerprint: u64,
}

impl core::fmt::Display for Layout {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { kind, count, bytes, fingerprint } = self;
        write!(f, "{kind} (count {count}, {bytes} bytes, fingerprint {fingerprint:016x})")
    }
}

impl Error {
    pub(crate) fn os(call: &'static str, source: io::Error) -> Self {
        Self::Os { call, source }
    }

    /// A refused `open` of what is at `path`.
    pub(crate) fn opening(source: io::Error, call: &'static str, path: &Path) -> Self {
        use io::ErrorKind::{NotFound, PermissionDenied, QuotaExceeded, StorageFull};
        let path = path.to_owned();
        if source.kind() == NotFound {
            return Self::NoSuchRegion { path };
        }
        let metadata = std::fs::symlink_metadata(&path).ok();
        if let Some(found) = metadata.as_ref().and_then(|m| other_than_file(m.file_type())) {
            return Self::NotAFile { path, found };
        }
        match source.kind() {
            PermissionDenied => Self::denied(path, metadata),
            StorageFull | QuotaExceeded => Self::no_space_or(source, call, 0),
            _ => Self::os(call, source),
        }
    }

    /// A refused attempt to make something in `directory`.
    pub(crate) fn making(source: io::Error, call: &'static str, directory: &Path) -> Self {
        match source.kind() {
            io::ErrorKind::PermissionDenied => {
                Self::denied(directory.to_owned(), std::fs::metadata(directory).ok())
            }
            _ => Self::no_space_or(source, call, 0),
        }
    }

    /// A refused attempt to open once more what is open already.
    pub(crate) fn reopening(source: io::Error, file: &File) -> Self {
        let path = file::by_descriptor(file);
        match source.kind() {
            io::ErrorKind::PermissionDenied => {
                Self::denied(std::fs::read_link(&path).unwrap_or(path), file.metadata().ok())
            }
            _ => Self::os("open (/proc/self/fd)", source),
        }
    }

    fn denied(path: PathBuf, metadata: Option<Metadata>) -> Self {
        let mode = metadata.as_ref().map_or(0, |m| m.mode() & 0o777);
        let owner = metadata.as_ref().map_or(u32::MAX, Metadata::uid);
        Self::PermissionDenied { path, mode, owner, user: process::effective_uid() }
    }

    /// A refused reservation: for want of space, or for another reason.
    pub(crate) fn no_space_or(source: io::Error, call: &'static str, wanted: u64) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match source.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::NoSpace { call, wanted, source },
            _ => Self::os(call, source),
        }
    }
}

/// What it is, if it is no file.
pub(crate) fn other_than_file(kind: FileType) -> Option<&'static str> {
    match kind {
        _ if kind.is_file() => None,
        _ if kind.is_dir() => Some("a directory"),
        _ if kind.is_symlink() => Some("a symbolic link"),
        _ if kind.is_fifo() => Some("a FIFO"),
        _ if kind.is_socket() => Some("a socket"),
        _ => Some("a device"),
    }
}
