//! What the protocol files refuse with.

use std::io;

#[derive(Debug)]
pub(crate) enum Error {
    Corrupt { what: &'static str, found: u64, expected: u64 },
    NotInRegion,
    SeatsFull { capacity: u32 },
    Os,
}

impl Error {
    pub(crate) fn os(_call: &'static str, _error: io::Error) -> Self {
        Self::Os
    }

    pub(crate) fn no_space_or(_error: io::Error, _call: &'static str, _wanted: u64) -> Self {
        Self::Os
    }
}
