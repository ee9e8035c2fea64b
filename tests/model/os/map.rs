//! Mappings. The model's file begins at address 0: where a page is in the file, it is in the memory of each process.
#![allow(unsafe_code)] // pages known by their addresses

use super::file::File;
use crate::seat::page::SeatPage;
use core::ptr::NonNull;
use std::io;

pub(crate) const PAGE: usize = size_of::<SeatPage>();

/// The page itself: a second mapping of it shares its words.
pub(crate) fn shared_page_before_private(_file: &File, offset: u64) -> io::Result<NonNull<u8>> {
    let address = usize::try_from(offset).expect("an address");
    let page = core::ptr::with_exposed_provenance_mut(address);
    NonNull::new(page).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

pub(crate) fn make_private(_page: NonNull<u8>) -> io::Result<()> {
    Ok(())
}

pub(crate) fn unmap_pages(_start: NonNull<u8>, _pages: usize) {}
