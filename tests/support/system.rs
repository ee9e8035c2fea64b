//! System calls with which tests make themselves a small, foreign or hostile world.
#![allow(unsafe_code, dead_code)] // system calls; not every test program uses all of it

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

fn check(done: libc::c_int, call: &str) {
    assert_eq!(done, 0, "{call}: {}; this test needs it", std::io::Error::last_os_error());
}

fn c(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}

/// The effective user.
pub fn user() -> u32 {
    // SAFETY: takes nothing, cannot fail.
    unsafe { libc::geteuid() }
}

/// Whether it is root.
pub fn is_root() -> bool {
    user() == 0
}

/// Becomes another user, for good. Only for root: run these tests as root, there is no other way to be somebody else.
pub fn become_user(user: u32) {
    // SAFETY: no memory is involved.
    check(unsafe { libc::setgroups(0, std::ptr::null()) }, "setgroups");
    // SAFETY: takes integers.
    check(unsafe { libc::setresgid(user, user, user) }, "setresgid");
    // SAFETY: takes integers.
    check(unsafe { libc::setresuid(user, user, user) }, "setresuid");
    // So that `/proc/self` is the new user's.
    // SAFETY: takes integers.
    check(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1) }, "prctl");
}

/// Sets the umask.
pub fn umask(mask: u32) {
    // SAFETY: takes an integer.
    unsafe { libc::umask(mask) };
}

/// Makes a FIFO.
pub fn make_fifo(path: &Path) {
    // SAFETY: a live string.
    check(unsafe { libc::mkfifo(c(path).as_ptr(), 0o600) }, "mkfifo");
}

/// Makes another `/dev/null`.
pub fn make_null_device(path: &Path) {
    // SAFETY: a live string.
    check(unsafe { libc::mknod(c(path).as_ptr(), libc::S_IFCHR | 0o600, 0x103) }, "mknod");
}

/// Has this process see an empty `/dev/shm` of `kib` KiB, which nobody else sees.
pub fn small_dev_shm(kib: u32) {
    own_namespaces(libc::CLONE_NEWNS);
    let (none, tmpfs) = (c"none".as_ptr(), c"tmpfs".as_ptr());
    let private = libc::MS_REC | libc::MS_PRIVATE;
    // SAFETY: live strings.
    let done = unsafe { libc::mount(none, c"/".as_ptr(), none, private, std::ptr::null()) };
    check(done, "mount (private)");
    let options = CString::new(format!("size={kib}k")).unwrap();
    let (place, options) = (c"/dev/shm".as_ptr(), options.as_ptr().cast());
    // SAFETY: live strings.
    check(unsafe { libc::mount(none, place, tmpfs, 0, options) }, "mount (tmpfs)");
}

/// Leaves the namespaces of `kinds` for new ones; who is not root becomes root of a new user namespace for that.
pub fn own_namespaces(kinds: libc::c_int) {
    let kinds = if is_root() { kinds } else { kinds | libc::CLONE_NEWUSER };
    // SAFETY: takes an integer.
    check(unsafe { libc::unshare(kinds) }, "unshare");
}

/// Bytes that are free on the filesystem of `path`, and bytes that are used.
pub fn free_bytes(path: &str) -> (u64, u64) {
    let mut found = core::mem::MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: a live string and a live struct.
    let done = unsafe { libc::statvfs(c(Path::new(path)).as_ptr(), found.as_mut_ptr()) };
    check(done, "statvfs");
    // SAFETY: zeroed, then filled by the kernel.
    let found = unsafe { found.assume_init() };
    (found.f_bfree * found.f_frsize, (found.f_blocks - found.f_bfree) * found.f_frsize)
}

/// Sets the limit of file sizes.
pub fn limit_file_size(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: a live struct.
    check(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, "setrlimit");
}
