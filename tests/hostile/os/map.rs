//! Mappings: all that there is to map is [there](crate::land) already.

use super::file::refused;
use crate::adversary::rarely;
use crate::land;
use core::ptr::NonNull;
use std::fs::File;
use std::io;

pub(crate) const PAGE: usize = 4096;

pub(crate) fn shared_page_before_private(_: &File, _offset: u64) -> io::Result<NonNull<u8>> {
    if rarely() { Err(refused()) } else { Ok(land::alias()) }
}

pub(crate) fn make_private(page: NonNull<u8>) -> io::Result<()> {
    assert_eq!(page, land::alias(), "not a seat");
    if rarely() { Err(refused()) } else { Ok(()) }
}

pub(crate) fn unmap_pages(_: NonNull<u8>, _count: usize) {}
