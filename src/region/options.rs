//! How to make or open a region.

use super::{Observer, Region};
use crate::os::process;
use crate::{Error, Result};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// How to make or open a region: a builder. What only concerns making is ignored by opening, and the other way round.
///
/// ```
/// use sabha::Region;
///
/// let region = Region::options().size(1 << 16).max_size(1 << 20).seats(64).anonymous()?;
/// assert_eq!((region.len(), region.max_len()), (1 << 16, 1 << 20));
/// # Ok::<(), sabha::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RegionOptions {
    pub(super) size: u64,
    pub(super) max_size: Option<u64>,
    pub(super) mode: u32,
    pub(super) seats: u32,
    pub(super) member_name: Option<String>,
    pub(super) trusted: Vec<u32>,
}

impl Default for RegionOptions {
    fn default() -> Self {
        Self {
            size: 1 << 20,
            max_size: None,
            mode: 0o600,
            seats: crate::seat::SLOTS_MAX,
            member_name: None,
            trusted: Vec::new(),
        }
    }
}

/// Where named regions are.
const SHM: &str = "/dev/shm";
/// What Linux allows for one component of a path.
const NAME_MAX: usize = 255;

impl RegionOptions {
    /// Bytes for objects, rounded up to pages; default 1 MiB. The tables add 100 KiB, and each thread that locks 4 KiB.
    pub const fn size(mut self, bytes: u64) -> Self {
        self.size = bytes;
        self
    }

    /// How far the region can grow; default: not at all. Costs address space only.
    pub const fn max_size(mut self, bytes: u64) -> Self {
        self.max_size = Some(bytes);
        self
    }

    /// Permission bits of the file, whatever the umask; default `0o600`: this user only.
    pub const fn mode(mut self, mode: u32) -> Self {
        self.mode = mode & 0o777;
        self
    }

    /// How many threads of all processes can have a seat at a time; default and most: 1024.
    pub const fn seats(mut self, seats: u32) -> Self {
        self.seats = seats;
        self
    }

    /// What this process calls itself to the others (the first 72 bytes count); default: its command's name.
    pub fn member_name(mut self, name: &str) -> Self {
        self.member_name = Some(name.to_owned());
        self
    }

    /// Opens regions of user `uid`, too. By default only our own are opened: a name that anybody can take in `/dev/shm`
    /// proves nothing about who made it.
    pub fn trust_owner(mut self, uid: u32) -> Self {
        self.trusted.push(uid);
        self
    }

    /// Makes `/dev/shm/<name>`. See [`Region::create`].
    ///
    /// # Errors
    /// As there.
    pub fn create(&self, name: &str) -> Result<Region> {
        self.create_at(&named(name)?)
    }

    /// Opens `/dev/shm/<name>`. See [`Region::open`].
    ///
    /// # Errors
    /// As there.
    pub fn open(&self, name: &str) -> Result<Region> {
        self.open_at(&named(name)?)
    }

    /// Opens or makes `/dev/shm/<name>`. See [`Region::open_or_create`].
    ///
    /// # Errors
    /// As there.
    pub fn open_or_create(&self, name: &str) -> Result<Region> {
        self.open_or_create_at(&named(name)?)
    }

    /// Opens `/dev/shm/<name>` to look and to wait. See [`Region::open_read_only`].
    ///
    /// # Errors
    /// As there.
    pub fn open_read_only(&self, name: &str) -> Result<Observer> {
        self.observe_at(&named(name)?)
    }

    /// Makes a region in a file of any filesystem that can reserve space.
    ///
    /// # Errors
    /// As [`Region::create`].
    pub fn create_file(&self, path: impl AsRef<Path>) -> Result<Region> {
        self.create_at(&absolute(path.as_ref())?)
    }

    /// Opens the region in a file.
    ///
    /// # Errors
    /// As [`Region::open`].
    pub fn open_file(&self, path: impl AsRef<Path>) -> Result<Region> {
        self.open_at(&absolute(path.as_ref())?)
    }

    /// Opens the region in a file, or makes it.
    ///
    /// # Errors
    /// As [`Region::open_or_create`].
    pub fn open_or_create_file(&self, path: impl AsRef<Path>) -> Result<Region> {
        self.open_or_create_at(&absolute(path.as_ref())?)
    }

    /// Makes a region without a name. See [`Region::anonymous`].
    ///
    /// # Errors
    /// As there.
    pub fn anonymous(&self) -> Result<Region> {
        self.create_anonymous()
    }

    /// Opens the region behind a descriptor. See [`Region::from_fd`].
    ///
    /// # Errors
    /// As there.
    pub fn open_fd(&self, fd: OwnedFd) -> Result<Region> {
        self.attach(std::fs::File::from(fd), None)
    }

    pub(super) fn own_name(&self) -> String {
        self.member_name.clone().unwrap_or_else(process::name)
    }
}

pub(super) fn named(name: &str) -> Result<PathBuf> {
    check_name(name, NAME_MAX)?;
    Ok(Path::new(SHM).join(name))
}

/// Refuses what cannot be one component of a path of at most `longest` bytes.
pub(super) fn check_name(name: &str, longest: usize) -> Result<()> {
    let why = match name {
        "" => "it is empty",
        "." | ".." => "it means a directory",
        _ if name.len() > longest => "it is too long",
        _ if name.contains('/') => "it has a slash",
        _ if name.contains('\0') => "it has a zero byte",
        _ => return Ok(()),
    };
    Err(Error::InvalidName { name: name.chars().take(64).collect(), why })
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|_| Error::InvalidName {
        name: path.to_string_lossy().chars().take(64).collect(),
        why: "it is no path",
    })
}
