//! What the protocol files refuse with.

use std::io;

#[derive(Debug)]
pub(crate) enum Error {
    Corrupt { what: &'static str, found: u64, expected: u64 },
    NotInRegion,
    Os,
}

impl Error {
    pub(crate) fn os(_call: &'static str, _error: io::Error) -> Self {
        Self::Os
    }
}
