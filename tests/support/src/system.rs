//! System calls with which tests make themselves a small, foreign or hostile world.
#![allow(unsafe_code)] // system calls
#![allow(clippy::cast_possible_truncation, reason = "constants of the system's headers")]

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
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

/// The flags of a descriptor.
pub fn descriptor_flags(fd: RawFd) -> libc::c_int {
    // SAFETY: takes integers.
    unsafe { libc::fcntl(fd, libc::F_GETFD) }
}

/// A message of one byte with room for one descriptor.
struct Message {
    byte: [u8; 1],
    control: [u64; 4],
}

impl Message {
    fn with<R>(&mut self, use_it: impl FnOnce(&mut libc::msghdr) -> R) -> R {
        let mut part = libc::iovec { iov_base: self.byte.as_mut_ptr().cast(), iov_len: 1 };
        // SAFETY: zero is a valid header.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        header.msg_control = self.control.as_mut_ptr().cast();
        header.msg_controllen = size_of_val(&self.control);
        use_it(&mut header)
    }
}

/// Sends a descriptor through a socket.
pub fn send_descriptor(socket: &UnixStream, fd: BorrowedFd<'_>) {
    let sent = Message { byte: [0], control: [0; 4] }.with(|header| {
        // SAFETY: a live header.
        let control = unsafe { libc::CMSG_FIRSTHDR(header) };
        // SAFETY: the header has room for a control message.
        let control = unsafe { &mut *control };
        control.cmsg_level = libc::SOL_SOCKET;
        control.cmsg_type = libc::SCM_RIGHTS;
        // SAFETY: arithmetic.
        control.cmsg_len = unsafe { libc::CMSG_LEN(4) } as usize;
        // SAFETY: arithmetic.
        let data = unsafe { libc::CMSG_DATA(control) }.cast::<RawFd>();
        // SAFETY: the room is large enough for one descriptor.
        unsafe { data.write_unaligned(fd.as_raw_fd()) };
        // SAFETY: arithmetic.
        header.msg_controllen = unsafe { libc::CMSG_SPACE(4) } as usize;
        // SAFETY: a live header.
        unsafe { libc::sendmsg(socket.as_raw_fd(), header, 0) }
    });
    assert_eq!(sent, 1, "sendmsg: {}", std::io::Error::last_os_error());
}

/// Receives one.
pub fn receive_descriptor(socket: &UnixStream) -> OwnedFd {
    Message { byte: [0], control: [0; 4] }.with(|header| {
        // SAFETY: a live header.
        let got = unsafe { libc::recvmsg(socket.as_raw_fd(), header, libc::MSG_CMSG_CLOEXEC) };
        assert_eq!(got, 1, "recvmsg: {}", std::io::Error::last_os_error());
        // SAFETY: the kernel has filled in the header.
        let control = unsafe { libc::CMSG_FIRSTHDR(header) };
        assert!(!control.is_null(), "no descriptor came");
        // SAFETY: arithmetic.
        let data = unsafe { libc::CMSG_DATA(control) }.cast::<RawFd>();
        // SAFETY: a control message with one descriptor.
        let fd = unsafe { data.read_unaligned() };
        // SAFETY: it is ours from here on.
        unsafe { OwnedFd::from_raw_fd(fd) }
    })
}

/// Has the kernel refuse system call `number` to this process, with `errno`.
pub fn refuse_system_call(number: libc::c_long, errno: i32) {
    let statement = |code: u32, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf: 0, k };
    let mut program = [
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0), // the call's number
        libc::sock_filter {
            code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
            jt: 0,
            jf: 1,
            k: number as u32,
        },
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | errno as u32),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog { len: 4, filter: program.as_mut_ptr() };
    // SAFETY: takes integers.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, "prctl");
    let mode = libc::SECCOMP_MODE_FILTER;
    // SAFETY: a live program of four statements.
    check(unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const filter) }, "prctl (seccomp)");
}

/// The lock of one byte of `file`, of its open file description: taken (`F_WRLCK`) or let go (`F_UNLCK`).
pub fn lock_byte(file: &File, kind: libc::c_int, byte: u64) -> std::io::Result<()> {
    let lock = byte_range(kind, byte);
    // SAFETY: a live struct.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Whether another open file description has the lock of that byte.
pub fn byte_is_locked(file: &File, byte: u64) -> bool {
    let mut lock = byte_range(libc::F_WRLCK, byte);
    // SAFETY: a live struct for the kernel to fill.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) }, "fcntl");
    i32::from(lock.l_type) != libc::F_UNLCK
}

fn byte_range(kind: libc::c_int, byte: u64) -> libc::flock {
    libc::flock { l_type: kind as i16, l_whence: 0, l_start: byte as i64, l_len: 1, l_pid: 0 }
}

/// Does not die with the parent any more.
pub fn outlive_the_parent() {
    // SAFETY: takes integers.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, 0) }, "prctl");
}

/// SIGKILL.
pub fn kill(pid: u32) {
    // SAFETY: takes integers; a process that the test has started.
    check(unsafe { libc::kill(pid.cast_signed(), libc::SIGKILL) }, "kill");
}

/// The word at `start + at` of memory that somebody else keeps mapped.
pub fn word_at<'a>(start: *mut u8, at: usize) -> &'a std::sync::atomic::AtomicU64 {
    assert_eq!((start.addr() + at) % 8, 0);
    let word = start.wrapping_add(at).cast();
    // SAFETY: the caller's promise that it is mapped; any bytes are an atomic.
    unsafe { &*word }
}
