//! Which version a program was compiled for, and which it has met.

#![cfg_attr(not(test), allow(dead_code, reason = "constants for the header"))]

use core::ffi::{CStr, c_char};

/// The version of this header.
pub const SABHA_VERSION_MAJOR: u32 = 0;
/// See SABHA_VERSION_MAJOR.
pub const SABHA_VERSION_MINOR: u32 = 1;
/// See SABHA_VERSION_MAJOR.
pub const SABHA_VERSION_PATCH: u32 = 0;
/// The version of the binary interface: another number means that functions or structs have changed.
pub const SABHA_ABI_VERSION: u32 = 0;

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

/// The version of the library, as "1.2.3". Never NULL; lives as long as the program.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_version() -> *const c_char {
    CStr::from_bytes_until_nul(VERSION.as_bytes()).unwrap_or_default().as_ptr()
}

/// The SABHA_ABI_VERSION of the library that is loaded: compare it with yours.
///
/// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
#[unsafe(no_mangle)]
pub extern "C" fn sabha_abi_version() -> u32 {
    SABHA_ABI_VERSION
}

#[cfg(test)]
#[test]
fn the_header_tells_the_packages_version() {
    let header = format!("{SABHA_VERSION_MAJOR}.{SABHA_VERSION_MINOR}.{SABHA_VERSION_PATCH}");
    assert_eq!(header, env!("CARGO_PKG_VERSION"));
}
