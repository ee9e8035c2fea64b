//! Making a region whole before it has a name, and opening what has one.
//!
//! A region is built in a file without a name: reserved, its header written, opened. Then one `linkat` gives it the name, or
//! finds the name taken. Killed anywhere, the maker leaves nothing or everything. Filesystems without unnamed files get a file of
//! a random name instead, which a killed maker leaves behind (nothing else goes by that name).

use super::header::{self, Geometry, HEAP_AT, Header, PREFIX};
use super::{Inner, Observer, Region, RegionOptions};
use crate::error::other_than_file;
use crate::os::map::{self, Mapping};
use crate::os::{AtomicU32, AtomicU64, file, futex, process};
use crate::seat::MEMBERS;
use crate::seat::assembly::{self, Assembly, Key, Tables};
use crate::seat::member::Members;
use crate::seat::table::Seats;
use crate::{Error, Result};
use core::mem::offset_of;
use core::ptr::NonNull;
use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

/// The byte of the file whose lock makes one unlinker at a time.
pub(super) const UNLINK_LOCK: u64 = crate::seat::member::SWEEP_LOCK - 1;

/// How often open-or-create looks again when names come and go under it.
const TRIES: u32 = 1000;

impl RegionOptions {
    pub(super) fn create_at(&self, path: &Path) -> Result<Region> {
        let directory = path.parent().unwrap_or(Path::new("/"));
        let file = match file::unnamed(directory, self.mode) {
            Err(e) if no_unnamed_files(&e) => return self.create_beside(path, directory),
            made => made.map_err(|e| Error::making(e, "open (O_TMPFILE)", directory))?,
        };
        self.finish(file, path, directory, |file| file::publish(file, path))
    }

    /// Without unnamed files: builds under a name that nobody knows, then links.
    fn create_beside(&self, path: &Path, directory: &Path) -> Result<Region> {
        let random = process::random_id().map_err(|e| Error::os("getrandom", e))?;
        let beside = directory.join(format!(".sabha-{random:032x}"));
        let file = file::fresh(&beside, self.mode)
            .map_err(|e| Error::making(e, "open (O_EXCL)", directory))?;
        let made = self.finish(file, path, directory, |_| std::fs::hard_link(&beside, path));
        let _ = std::fs::remove_file(&beside);
        made
    }

    /// Makes `file` a region that this process has open; then gives it its name. In this order, since what is refused after
    /// it had the name would leave it behind.
    fn finish(
        &self,
        file: File,
        path: &Path,
        directory: &Path,
        link: impl FnOnce(&File) -> io::Result<()>,
    ) -> Result<Region> {
        let built = self.build(&file)?;
        let region = self.attach_as(built, file, Some(path))?;
        link(&region.0.file).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => Error::AlreadyExists { path: path.to_owned() },
            _ => Error::making(e, "link", directory),
        })?;
        Ok(region)
    }

    pub(super) fn create_anonymous(&self) -> Result<Region> {
        let file = file::anonymous("sabha").map_err(|e| Error::os("memfd_create", e))?;
        let built = self.build(&file)?;
        self.attach_as(built, file, None)
    }

    pub(super) fn open_at(&self, path: &Path) -> Result<Region> {
        let file = file::existing(path, true).map_err(|e| Error::opening(e, "open", path))?;
        self.attach(file, Some(path))
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
        let file = file::existing(path, false).map_err(|e| Error::opening(e, "open", path))?;
        let Examined { geometry, key, .. } = self.examine(&file, Some(path))?;
        let mapping = map_file(&file, geometry, false)?;
        Ok(Observer::new(mapping, geometry, key.id, file))
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
        self.check_seats()?;
        Ok((Geometry { max_len, seats: self.seats }, len))
    }

    pub(super) fn check_seats(&self) -> Result<()> {
        let (found, most) = (self.seats.into(), crate::seat::SLOTS_MAX.into());
        let refused = Error::OutOfRange { what: "the number of seats", found, least: 1, most };
        if (1..=most).contains(&found) { Ok(()) } else { Err(refused) }
    }

    /// Makes a region of an empty file: what [`examine`](Self::examine) would find in it.
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
        let key = Key { device: metadata.dev(), inode: metadata.ino(), id };
        Ok(Examined { geometry, key, len })
    }

    /// Whether it is a file, of somebody whom we may trust.
    pub(super) fn trusted_file(&self, file: &File, path: Option<&Path>) -> Result<Metadata> {
        let metadata = file.metadata().map_err(|e| Error::os("fstat", e))?;
        if let Some(found) = other_than_file(metadata.file_type()) {
            let path = path.map_or_else(|| file::by_descriptor(file), Path::to_owned);
            return Err(Error::NotAFile { path, found });
        }
        let user = process::effective_uid();
        if metadata.uid() != user && !self.trusted.contains(&metadata.uid()) {
            return Err(Error::ForeignOwner { found: metadata.uid(), expected: user });
        }
        Ok(metadata)
    }

    /// What kind of region the file holds, if it is one that we may trust.
    fn examine(&self, file: &File, path: Option<&Path>) -> Result<Examined> {
        let metadata = self.trusted_file(file, path)?;
        if metadata.len() < PREFIX as u64 {
            return Err(Error::Corrupt {
                what: "the file's length",
                found: metadata.len(),
                expected: HEAP_AT,
            });
        }
        let mut prefix = [0; PREFIX];
        file.read_exact_at(&mut prefix, 0).map_err(|e| Error::os("pread", e))?;
        // Somebody may be growing it. The file is made longer first, then the header says so: the other way round here.
        let now = file::size(file).map_err(|e| Error::os("fstat", e))?;
        let (geometry, id, len) = Geometry::check(&prefix, now)?;
        let key = Key { device: metadata.dev(), inode: metadata.ino(), id };
        Ok(Examined { geometry, key, len })
    }

    /// Opens the region in `file`, unless this process has it open already: then that one.
    pub(super) fn attach(&self, file: File, path: Option<&Path>) -> Result<Region> {
        let examined = self.examine(&file, path)?;
        self.attach_as(examined, file, path)
    }

    fn attach_as(&self, examined: Examined, file: File, path: Option<&Path>) -> Result<Region> {
        let Examined { geometry, key, len } = examined;
        let inner = assembly::open_once(key, || {
            check_machine()?;
            let mapping = map_file(&file, geometry, true)?;
            let file = Arc::new(file);
            let tables = tables(&mapping, geometry, &file);
            let assembly = Assembly::new(tables, Arc::clone(&file), self.own_name());
            let known_len = AtomicU64::new(len);
            let inner = Inner { mapping, geometry, file, assembly, key, known_len };
            Ok((Arc::clone(&inner.assembly), Arc::new(inner)))
        })?;
        let region = Region(inner, path.map(Arc::from));
        region.member()?;
        Ok(region)
    }
}

/// What kind of region a file holds.
struct Examined {
    geometry: Geometry,
    key: Key,
    len: u64,
}

fn tables(mapping: &Mapping, geometry: Geometry, file: &Arc<File>) -> Tables {
    let at = |offset: u64| {
        mapping.start().map_addr(|start| start.saturating_add(usize::try_from(offset).unwrap_or(0)))
    };
    let seats = Seats {
        first: at(geometry.seats_at()).cast(),
        words: at(offset_of!(Header, seats) as u64).cast(),
        capacity: geometry.seats,
        known: AtomicU32::new(0),
        offset: geometry.seats_at(),
        file: Arc::clone(file),
    };
    let first = at(geometry.members_at()).cast();
    let members = Members(NonNull::slice_from_raw_parts(first, MEMBERS as usize));
    Tables { base: mapping.start().addr().get(), len: mapping.len(), seats, members }
}

fn map_file(file: &File, geometry: Geometry, writable: bool) -> Result<Mapping> {
    let len = usize::try_from(geometry.mapped()).map_err(|_| Error::Corrupt {
        what: "the maximal length",
        found: geometry.max_len,
        expected: header::MAX_LEN,
    })?;
    Mapping::shared(file, len, writable).map_err(|e| match e.kind() {
        io::ErrorKind::PermissionDenied => Error::ReadOnly, // the descriptor was opened so
        _ => Error::os("mmap", e),
    })
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
    futex::several_words_work().map_err(|source| Error::Unsupported {
        what: "futex_waitv (Linux 5.16, not forbidden by a sandbox)",
        source,
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
