//! Builds the library and C programs that use it.
#![allow(dead_code, reason = "each test uses a part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// What `#include` must find.
pub const INCLUDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include");

/// Where programs are put.
pub const BUILT: &str = env!("CARGO_TARGET_TMPDIR");

/// The library, as a program links it.
pub struct Library {
    pub shared: PathBuf,
    pub archive: PathBuf,
}

/// Cargo does not build the library of a package without an rlib for its tests; so ask it to, in the
/// same target directory, and for where it has put it.
pub static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let target = Path::new(BUILT).parent().unwrap();
    let build = Command::new(env!("CARGO"))
        .args([
            "build",
            "--offline",
            "--profile",
            "test",
            "--lib",
            "--message-format=json-render-diagnostics",
        ])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .arg("--target-dir")
        .arg(target)
        .output()
        .unwrap();
    let messages = String::from_utf8(checked(build).stdout).unwrap();
    // The one message that names files of both endings; paths in JSON need no unescaping here.
    let named = |file: &str| {
        let mut strings = messages.split('"');
        let found = strings.find(|string| string.ends_with(file) && string.starts_with('/'));
        PathBuf::from(found.unwrap_or_else(|| panic!("cargo built no {file}")))
    };
    Library { shared: named("/libsabha.so"), archive: named("/libsabha.a") }
});

/// `output`, if the program went well.
pub fn checked(output: Output) -> Output {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{text}", output.status);
    output
}

/// A compiler that is not in a mood to overlook anything.
pub fn compiler(program: &str, standard: &str) -> Command {
    let mut command = Command::new(std::env::var("CC").unwrap_or_else(|_| program.into()));
    command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", standard, "-I", INCLUDE]);
    command
}

/// The program made of `source`, which is named from this package on; linked with the archive.
pub fn program(source: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let name = source.file_stem().unwrap().to_str().unwrap();
    let program = Path::new(BUILT).join(name);
    let mut cc = compiler("cc", "-std=c11");
    cc.args(["-D_GNU_SOURCE", "-O1", "-g", "-pthread", "-o"]).arg(&program).arg(&source);
    cc.arg(&LIBRARY.archive).args(["-ldl", "-lm"]);
    checked(cc.output().unwrap());
    program
}
