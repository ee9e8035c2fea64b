//! Who we are.
#![allow(unsafe_code)] // getpid and friends, getrandom

use std::fs::File;
use std::io::{self, Read};

/// This process, as its own pid namespace counts.
pub(crate) fn pid() -> u32 {
    std::process::id()
}

/// The effective user.
pub(crate) fn effective_uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// When this process was started, in clock ticks since boot (field 22 of `/proc/self/stat`); with the pid it names one
/// process for ever. 0 where `/proc` is not to be read.
pub(crate) fn start_time() -> u64 {
    let mut stat = [0; 1024]; // three times what it takes; to a reader who does not know, it costs six system calls more
    let read = File::open("/proc/self/stat").and_then(|mut file| file.read(&mut stat));
    let stat = String::from_utf8_lossy(stat.get(..read.unwrap_or(0)).unwrap_or_default());
    // The command's name (field 2) may hold anything, so count from its closing parenthesis.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name.split_ascii_whitespace().nth(19).and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// The command's short name.
pub(crate) fn name() -> String {
    let arg = std::env::args_os().next().unwrap_or_default();
    std::path::Path::new(&arg)
        .file_name()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned())
}

/// Sixteen random bytes from the kernel.
pub(crate) fn random_id() -> io::Result<u128> {
    let mut bytes = [0u8; 16];
    // SAFETY: the buffer is as long as said; a request of 16 bytes is never cut short.
    let n = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    if n == 16 { Ok(u128::from_ne_bytes(bytes)) } else { Err(io::Error::last_os_error()) }
}
