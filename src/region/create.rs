//! Making a region whole before it has a name, and opening what has one.
//!
//! A region is built in a file without a name: reserved, its header written. Then one `linkat` gives it the name, or finds
//! the name taken. Killed anywhere, the maker leaves nothing or everything. Filesystems without unnamed files get a file of
//! a random name instead, which a killed maker leaves behind (nothing else goes by that name).

use super::header::{self, Geometry, HEAP_AT, Header, PREFIX};
use super::{Inner, Observer, Region, RegionOptions};
use crate::os::map::{self, Mapping};
use crate::os::{cpu, file, futex, process};
use crate::seat::member::Members;
use crate::seat::table::Seats;
use crate::seat::{Assembly, Tables};
use crate::{Error, Result};
use core::mem::offset_of;
use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

/// The byte of the file whose lock makes one unlinker at a time.
pub(super) const UNLINK_LOCK: u64 = crate::seat::member::SWEEP_LOCK - 1;

/// How often open-or-create looks again when names come and go under it.
const TRIES: u32 = 1000;

/// What kind of region a file holds, which we have made or examined: its geometry and id; and the file's own data.
type Examined = (Geometry, u128, Metadata);

impl RegionOptions {
    pub(super) fn create_at(&self, path: &Path) -> Result<Region> {
        let directory = path.parent().unwrap_or(Path::new("/"));
        let refused = |e| refused_file("open (O_TMPFILE)", e, path);
        let file = match file::unnamed(directory, self.mode) {
            Err(e) if no_unnamed_files(&e) => return self.create_beside(path),
            made => made.map_err(refused)?,
        };
        let kind = self.build(&file)?;
        publish(file::publish(&file, path), path)?;
        self.attach_as(kind, file, Some(path.to_owned()))
    }

    /// Without unnamed files: builds under a name that nobody knows, then links.
    fn create_beside(&self, path: &Path) -> Result<Region> {
        let random = process::random_id().map_err(|e| Error::os("getrandom", e))?;
        let beside = path.with_file_name(format!(".sabha-{random:032x}"));
        let file = file::fresh(&beside, self.mode).map_err(|e| refused_file("open", e, path))?;
        let built = self.build(&file).and_then(|kind| {
            publish(std::fs::hard_link(&beside, path), path)?;
            Ok(kind)
        });
        let _ = std::fs::remove_file(&beside);
        self.attach_as(built?, file, Some(path.to_owned()))
    }

    pub(super) fn create_anonymous(&self) -> Result<Region> {
        let file = file::anonymous("sabha").map_err(|e| Error::os("memfd_create", e))?;
        let kind = self.build(&file)?;
        self.attach_as(kind, file, None)
    }

    pub(super) fn open_at(&self, path: &Path) -> Result<Region> {
        let file = file::existing(path, true).map_err(|e| refused_file("open", e, path))?;
        self.attach(file, Some(path.to_owned()))
    }

    pub(super) fn open_or_create_at(&self, path: &Path) -> Result<Region> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.open_at(path) {
                Err(Error::NoSuchRegion { .. }) => {}
                opened => return opened,
            }
            match self.create_at(path) {
                Err(Error::AlreadyExists { .. }) if tries < TRIES => {}
                created => return created,
            }
        }
    }

    pub(super) fn observe_at(&self, path: &Path) -> Result<Observer> {
        let file = file::existing(path, false).map_err(|e| refused_file("open", e, path))?;
        let (geometry, id, _) = self.examine(&file)?;
        let mapping = map_file(&file, geometry, false)?;
        Ok(Observer::new(mapping, geometry, id, file))
    }

    fn geometry(&self) -> Result<(Geometry, u64)> {
        let refuse = |what, found, most| Error::OutOfRange { what, found, least: 1, most };
        let pages = |what, bytes: u64| {
            let whole = header::whole_pages(bytes).filter(|_| bytes > 0);
            whole.filter(|b| *b <= header::MAX_LEN).ok_or(refuse(what, bytes, header::MAX_LEN))
        };
        let len = pages("the size", self.size)?;
        let max_len = pages("the maximal size", self.max_size.unwrap_or(len))?;
        if max_len < len {
            return Err(refuse("the size", len, max_len));
        }
        if !(1..=crate::seat::SLOTS_MAX).contains(&self.seats) {
            return Err(refuse(
                "the number of seats",
                self.seats.into(),
                crate::seat::SLOTS_MAX.into(),
            ));
        }
        Ok((Geometry { max_len, seats: self.seats }, len))
    }

    fn build(&self, file: &File) -> Result<Examined> {
        let (geometry, len) = self.geometry()?;
        let wanted = HEAP_AT + len;
        file::reserve(file, 0, wanted)
            .map_err(|e| Error::no_space_or(e, "fallocate (a region)", wanted))?;
        let id = process::random_id().map_err(|e| Error::os("getrandom", e))?;
        file.write_all_at(&geometry.prefix(id, len), 0).map_err(|e| Error::os("pwrite", e))?;
        let metadata = file.metadata().map_err(|e| Error::os("fstat", e))?;
        if metadata.mode() & 0o777 != self.mode {
            file.set_permissions(Permissions::from_mode(self.mode))
                .map_err(|e| Error::os("fchmod", e))?; // the umask took some bits away
        }
        Ok((geometry, id, metadata))
    }

    /// What kind of region the file holds, if it is one that we may trust.
    fn examine(&self, file: &File) -> Result<Examined> {
        let metadata = file.metadata().map_err(|e| Error::os("fstat", e))?;
        let user = process::effective_uid();
        if metadata.uid() != user && !self.trusted.contains(&metadata.uid()) {
            return Err(Error::ForeignOwner { found: metadata.uid(), expected: user });
        }
        let short =
            |found: u64| Error::Corrupt { what: "the file's length", found, expected: HEAP_AT };
        if !metadata.is_file() || metadata.len() < PREFIX as u64 {
            return Err(short(metadata.len()));
        }
        let mut prefix = [0; PREFIX];
        file.read_exact_at(&mut prefix, 0).map_err(|e| Error::os("pread", e))?;
        let (geometry, id, _) = Geometry::check(&prefix, metadata.len())?;
        Ok((geometry, id, metadata))
    }

    /// Opens the region in `file`, unless this process has it open already: then that one.
    pub(super) fn attach(&self, file: File, path: Option<PathBuf>) -> Result<Region> {
        let kind = self.examine(&file)?;
        self.attach_as(kind, file, path)
    }

    fn attach_as(&self, kind: Examined, file: File, path: Option<PathBuf>) -> Result<Region> {
        let (geometry, id, metadata) = kind;
        let key = (metadata.dev(), metadata.ino());
        if let Some(region) = known(key) {
            return Ok(region);
        }
        check_machine()?;
        let mapping = map_file(&file, geometry, true)?;
        let file = Arc::new(file);
        let name = self.own_name();
        let made = Arc::new_cyclic(|inner: &Weak<Inner>| {
            let assembly = Assembly::new(tables(&mapping, geometry), Arc::clone(&file), name);
            let other = assembly.register(key, inner.clone());
            debug_assert!(other.is_none() || known(key).is_some());
            Inner { mapping, geometry, file, assembly, path, id, key }
        });
        // Another thread may have opened it meanwhile; the first in the list serves all.
        let region = known(key).unwrap_or(Region(made));
        region.member()?;
        Ok(region)
    }
}

fn known(key: (u64, u64)) -> Option<Region> {
    crate::seat::assembly::open_region(key)?.downcast::<Inner>().ok().map(Region)
}

fn tables(mapping: &Mapping, geometry: Geometry) -> Tables {
    let at = |offset: u64| {
        mapping.start().map_addr(|start| start.saturating_add(usize::try_from(offset).unwrap_or(0)))
    };
    let seats = Seats {
        first: at(geometry.seats_at()).cast(),
        words: at(offset_of!(Header, seats) as u64).cast(),
        capacity: geometry.seats,
        offset: geometry.seats_at(),
    };
    let members = Members(at(geometry.members_at()).cast());
    Tables { base: mapping.start().addr().get(), len: mapping.len(), seats, members }
}

fn map_file(file: &File, geometry: Geometry, writable: bool) -> Result<Mapping> {
    let len = usize::try_from(geometry.mapped()).map_err(|_| Error::Corrupt {
        what: "the maximal length",
        found: geometry.max_len,
        expected: header::MAX_LEN,
    })?;
    Mapping::shared(file, len, writable).map_err(|e| Error::os("mmap", e))
}

fn check_machine() -> Result<()> {
    let page = map::kernel_page();
    if page != map::PAGE {
        return Err(Error::Corrupt {
            what: "the kernel's page size",
            found: page as u64,
            expected: map::PAGE as u64,
        });
    }
    cpu::accept_barriers();
    futex::several_words_work().map_err(|source| Error::Unsupported {
        what: "futex_waitv (Linux 5.16, not forbidden by a sandbox)",
        source,
    })
}

fn publish(linked: io::Result<()>, path: &Path) -> Result<()> {
    linked.map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => Error::AlreadyExists { path: path.to_owned() },
        _ => refused_file("link", e, path),
    })
}

/// Whether the filesystem or the kernel has no `O_TMPFILE`.
fn no_unnamed_files(e: &io::Error) -> bool {
    matches!(
        e.raw_os_error(),
        Some(libc_errno::EOPNOTSUPP | libc_errno::EISDIR | libc_errno::EINVAL)
    )
}

/// The three ways in which `open` says that it does not know `O_TMPFILE`.
mod libc_errno {
    pub(super) const EISDIR: i32 = 21;
    pub(super) const EINVAL: i32 = 22;
    pub(super) const EOPNOTSUPP: i32 = 95;
}

fn refused_file(call: &'static str, e: io::Error, path: &Path) -> Error {
    match e.kind() {
        io::ErrorKind::NotFound => Error::NoSuchRegion { path: path.to_owned() },
        io::ErrorKind::PermissionDenied => {
            let metadata = std::fs::symlink_metadata(path).ok();
            Error::PermissionDenied {
                path: path.to_owned(),
                mode: metadata.as_ref().map_or(0, |m| m.mode() & 0o777),
                owner: metadata.as_ref().map_or(u32::MAX, Metadata::uid),
                user: process::effective_uid(),
            }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::no_space_or(e, call, 0),
        _ => Error::os(call, e),
    }
}
