//! Which files are counted, and which are passed over and why.

use std::cmp::Reverse;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A NUL byte this early makes a file binary.
const LOOK_BYTES: u64 = 8 << 10;

/// A text to count.
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// Its length when it was found. What is appended later is not counted.
    pub len: u64,
}

/// The result of a walk.
#[derive(Default)]
pub struct Found {
    /// Texts, in the order of their paths; a path that was given twice is there twice.
    pub files: Vec<File>,
    /// Files with a NUL byte in the first 8 KiB.
    pub binary: u64,
    /// Symbolic links below a directory; they are not followed, so there are no loops.
    pub links: u64,
    /// Pipes, sockets and devices.
    pub special: u64,
    /// One sentence for each file or directory that could not be read.
    pub unreadable: Vec<String>,
}

/// Finds the files under `paths`; `own_text_only` leaves out what a repository hides: names that
/// begin with a dot, and directories that are marked as a cache.
///
/// # Errors
/// A path does not exist; nothing has been read then.
pub fn find(paths: &[PathBuf], own_text_only: bool) -> Result<Found, String> {
    paths.iter().try_for_each(|path| exists(path))?;
    let mut found = Found::default();
    let mut ahead: Vec<PathBuf> = paths.iter().rev().cloned().collect();
    while let Some(path) = ahead.pop() {
        if let Err(error) = found.visit(&path, own_text_only, &mut ahead) {
            let sentence = format!("{}: {error}", path.display());
            found.unreadable.push(sentence);
        }
    }
    Ok(found)
}

/// A path that may not be looked at exists; it will be reported as unreadable.
fn exists(path: &Path) -> Result<(), String> {
    match fs::metadata(path) {
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => {
            Err(format!("{}: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

impl Found {
    /// Follows a link: one that the user named, as links below a directory do not get here.
    fn visit(
        &mut self,
        path: &Path,
        own_text_only: bool,
        ahead: &mut Vec<PathBuf>,
    ) -> io::Result<()> {
        let kind = fs::metadata(path)?.file_type();
        if kind.is_dir() {
            if !(own_text_only && path.join("CACHEDIR.TAG").exists()) {
                self.enter(path, own_text_only, ahead)?;
            }
        } else if kind.is_file() {
            self.look_into(path)?;
        } else {
            self.special += 1;
        }
        Ok(())
    }

    fn enter(
        &mut self,
        directory: &Path,
        own_text_only: bool,
        ahead: &mut Vec<PathBuf>,
    ) -> io::Result<()> {
        let mut entries = fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(|entry| Reverse(entry.file_name())); // the first one is popped first
        for entry in entries {
            if entry.file_type()?.is_symlink() {
                self.links += 1;
            } else if !(own_text_only && entry.file_name().as_bytes().starts_with(b".")) {
                ahead.push(entry.path());
            }
        }
        Ok(())
    }

    fn look_into(&mut self, path: &Path) -> io::Result<()> {
        let file = fs::File::open(path)?;
        let len = file.metadata()?.len();
        let mut start = Vec::new();
        file.take(LOOK_BYTES).read_to_end(&mut start)?;
        if start.contains(&0) {
            self.binary += 1;
        } else {
            let path = path.to_owned();
            self.files.push(File { path, len });
        }
        Ok(())
    }
}
