//! The file: of any size, with anybody's locks on it.

use crate::adversary::{answer, is_there, rarely};
pub(crate) use std::fs::File;
use std::io;
use std::path::PathBuf;

pub(crate) fn by_descriptor(_: &File) -> PathBuf {
    PathBuf::new()
}

pub(crate) fn size(_: &File) -> io::Result<u64> {
    if rarely() { Err(refused()) } else { Ok(answer(0)) }
}

pub(crate) fn reserve(_: &File, _offset: u64, _len: u64) -> io::Result<()> {
    if rarely() { Err(refused()) } else { Ok(()) }
}

pub(crate) fn try_lock(_: &File, _byte: u64) -> io::Result<bool> {
    if rarely() { Err(refused()) } else { Ok(is_there()) }
}

pub(crate) fn unlock(_: &File, _byte: u64) -> io::Result<()> {
    Ok(())
}

pub(crate) fn is_locked(_: &File, _byte: u64) -> io::Result<bool> {
    if rarely() { Err(refused()) } else { Ok(is_there()) }
}

pub(super) fn refused() -> io::Error {
    io::Error::from_raw_os_error(libc::ENOSPC)
}
