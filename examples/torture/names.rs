//! What a run has in `/dev/shm`: its region, and others whose names begin like that region's and go on with a dash.

use std::fs;
use std::path::PathBuf;

/// Removes them at drop, whatever has happened.
pub struct Names(String);

impl Names {
    /// Those of the run whose region is called `name`.
    pub fn of(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Those that there are.
    pub fn listed(name: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
        let is_ours = |entry: &fs::DirEntry| {
            let found = entry.file_name().to_string_lossy().into_owned();
            found.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        entries.filter(is_ours).map(|entry| entry.path()).collect()
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        for path in Self::listed(&self.0) {
            let _ = fs::remove_file(path); // at worst it stays
        }
    }
}
