//! The file under a region: making it, reserving its bytes, and the locks by which the kernel says who lives.
#![allow(unsafe_code)] // linkat and the OFD locks

use nix::fcntl::{AtFlags, FallocateFlags, FcntlArg, OFlag, fallocate, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::Mode;
pub(crate) use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// A new file without a name in the filesystem of `directory`. It goes with its last descriptor unless [`publish`]ed.
pub(crate) fn unnamed(directory: &Path, mode: u32) -> io::Result<File> {
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    Ok(nix::fcntl::open(directory, flags, Mode::from_bits_truncate(mode)).map(File::from)?)
}

/// Gives an [`unnamed`] file its name, whole, in one step. `AlreadyExists` if something has it.
pub(crate) fn publish(file: &File, path: &Path) -> io::Result<()> {
    Ok(nix::unistd::linkat(
        nix::fcntl::AT_FDCWD,
        &by_descriptor(file),
        nix::fcntl::AT_FDCWD,
        path,
        AtFlags::AT_SYMLINK_FOLLOW,
    )?)
}

/// A new file under `path`, which must be free, for filesystems without unnamed files.
pub(crate) fn fresh(path: &Path, mode: u32) -> io::Result<File> {
    let flags =
        OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    Ok(nix::fcntl::open(path, flags, Mode::from_bits_truncate(mode)).map(File::from)?)
}

/// A file of memory, without a name, that can grow and never shrink.
pub(crate) fn anonymous(label: &str) -> io::Result<File> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let file = File::from(memfd_create(label, flags)?);
    fcntl(&file, FcntlArg::F_ADD_SEALS(nix::fcntl::SealFlag::F_SEAL_SHRINK))?;
    Ok(file)
}

/// Opens what is there; never follows a link in the last place, never waits for a FIFO's other end.
pub(crate) fn existing(path: &Path, writable: bool) -> io::Result<File> {
    let access = if writable { OFlag::O_RDWR } else { OFlag::O_RDONLY };
    let flags = access | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    Ok(nix::fcntl::open(path, flags, Mode::empty()).map(File::from)?)
}

/// The same file through an open file description of its own.
pub(crate) fn reopen(file: &File) -> io::Result<File> {
    let flags = OFlag::O_RDWR | OFlag::O_CLOEXEC;
    Ok(nix::fcntl::open(&by_descriptor(file), flags, Mode::empty()).map(File::from)?)
}

/// A path to what is open.
pub(crate) fn by_descriptor(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Reserves `len` bytes from `offset` on, zero where new: afterwards touching them cannot fail for lack of space. Makes the
/// file longer where needed, never shorter.
pub(crate) fn reserve(file: &File, offset: u64, len: u64) -> io::Result<()> {
    let end = offset.saturating_add(len);
    if end > size_limit() && end > size(file)? {
        // The kernel would say so with SIGXFSZ, of which processes die.
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    let offset = libc::off_t::try_from(offset).map_err(io::Error::other)?;
    let len = libc::off_t::try_from(len).map_err(io::Error::other)?;
    loop {
        match fallocate(file, FallocateFlags::empty(), offset, len) {
            Err(nix::errno::Errno::EINTR) => {}
            result => return Ok(result?),
        }
    }
}

/// Its length in bytes.
pub(crate) fn size(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.len())
}

/// How large this process may make files.
fn size_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: a live struct for the kernel to fill; left as it is on failure.
    unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) };
    limit.rlim_cur
}

/// Closes the descriptor that a forked child has inherited of `file`, which no thread of it will use or drop.
pub(crate) fn close_inherited(file: &File) {
    let _ = nix::unistd::close(file.as_raw_fd());
}

/// Takes the lock on byte `byte` for this open file description, if it is free. The kernel frees it when the last
/// descriptor of this description is closed, so at the latest when the processes that have it are gone.
pub(crate) fn try_lock(file: &File, byte: u64) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(&one_byte(libc::F_WRLCK, byte))) {
        Ok(_) => Ok(true),
        Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// As [`try_lock`], waiting for it.
pub(crate) fn lock(file: &File, byte: u64) -> io::Result<()> {
    loop {
        match fcntl(file, FcntlArg::F_OFD_SETLKW(&one_byte(libc::F_WRLCK, byte))) {
            Err(nix::errno::Errno::EINTR) => {}
            result => return Ok(result.map(drop)?),
        }
    }
}

/// Lets go of it.
pub(crate) fn unlock(file: &File, byte: u64) -> io::Result<()> {
    Ok(fcntl(file, FcntlArg::F_OFD_SETLK(&one_byte(libc::F_UNLCK, byte))).map(drop)?)
}

/// Whether another open file description than `file`'s holds the lock on `byte`.
pub(crate) fn is_locked(file: &File, byte: u64) -> io::Result<bool> {
    let mut lock = one_byte(libc::F_WRLCK, byte);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}

fn one_byte(kind: libc::c_int, byte: u64) -> libc::flock {
    libc::flock {
        l_type: libc::c_short::try_from(kind).unwrap_or(libc::c_short::MAX),
        l_whence: libc::c_short::try_from(libc::SEEK_SET).unwrap_or(0),
        l_start: libc::off_t::try_from(byte).unwrap_or(libc::off_t::MAX - 1),
        l_len: 1,
        l_pid: 0,
    }
}
