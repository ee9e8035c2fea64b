//! A turn: one at a time among all threads of all processes that have the file, for what no lock in the region can guard.
//!
//! It is the lock of one byte of the file, on an open file description of the turn's own. The kernel ends it when the last
//! descriptor of that description is closed: at the latest with the process. A forked child would inherit one, and with it
//! the turn for as long as it lives; so turns are listed, opened and closed under the lock that is held across forks, and
//! the child closes its copies.
//!
//! If a process is killed: its turns are over. Grade: G0. A stopped process keeps its turn.

use super::assembly::process;
use crate::Error;
use crate::os::clock::Deadline;
use crate::os::file;
use core::time::Duration;
use std::fs::File;
use std::sync::Arc;

/// See the module.
pub(crate) struct Turn(Option<Arc<File>>);

/// Between two looks whether the turn has come.
const STEP: Duration = Duration::from_millis(1);

impl Turn {
    /// Waits for the turn of byte `byte`.
    pub(crate) fn wait(of: &File, byte: u64) -> Result<Self, Error> {
        let turn = Self::announce(of)?;
        let Some(file) = &turn.0 else { return Ok(turn) };
        file::lock(file, byte).map_err(|e| Error::os("fcntl (F_OFD_SETLKW)", e))?;
        Ok(turn)
    }

    /// The same, until `deadline`; `None` if it has not come by then.
    pub(crate) fn wait_until(
        of: &File,
        byte: u64,
        deadline: Deadline,
    ) -> Result<Option<Self>, Error> {
        let turn = Self::announce(of)?;
        let Some(file) = &turn.0 else { return Ok(None) };
        loop {
            if file::try_lock(file, byte).map_err(|e| Error::os("fcntl (F_OFD_SETLK)", e))? {
                return Ok(Some(turn));
            }
            if deadline.has_passed() {
                return Ok(None);
            }
            std::thread::sleep(STEP);
        }
    }

    fn announce(of: &File) -> Result<Self, Error> {
        let mut process = process();
        let file = Arc::new(file::reopen(of).map_err(|e| Error::reopening(e, of))?);
        process.turns.push(Arc::clone(&file));
        Ok(Self(Some(file)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut process = process();
        let Some(file) = self.0.take() else { return };
        process.turns.retain(|known| !Arc::ptr_eq(known, &file));
        drop(file); // under the lock: no fork sees it open and unlisted
    }
}
