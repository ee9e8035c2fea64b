//! What operations cost, without noise: instructions, locked instructions and system calls, counted.
//!
//! A child runs the operation between two breakpoints; its parent steps it from one to the other with ptrace and looks at
//! every instruction before it runs. Counts of instructions hold for release builds only: `cargo test --release`.
#![cfg(target_arch = "x86_64")]
#![allow(unsafe_code)] // fork, a breakpoint, and the C library's mutex for comparison

use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use sabha::Region;
use sabha::sync::{Mutex, SpinLock};
use std::fs::File;
use std::hint::black_box;
use std::mem::ManuallyDrop;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What ran between the two breakpoints.
#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
struct Cost {
    instructions: u32,
    locked: u32,
    syscalls: u32,
}

/// What one instruction is, from its first bytes.
#[derive(PartialEq, Eq, Debug)]
enum Kind {
    Plain,
    /// It has the LOCK prefix, or exchanges with memory, which locks by itself.
    Locked,
    Syscall,
}

fn decode(code: [u8; 16]) -> Kind {
    const PREFIXES: [u8; 10] = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3];
    let is_prefix = |byte: &u8| PREFIXES.contains(byte) || matches!(byte, 0x40..=0x4f);
    let mut rest = code.iter().skip_while(|byte| is_prefix(byte));
    let memory = |modrm: Option<&u8>| modrm.is_some_and(|byte| byte >> 6 != 3);
    match rest.next() {
        Some(0xf0) => Kind::Locked,
        Some(0x86 | 0x87) if memory(rest.next()) => Kind::Locked,
        Some(0x0f) if rest.next() == Some(&0x05) => Kind::Syscall,
        _ => Kind::Plain,
    }
}

#[inline(always)]
fn breakpoint() {
    // SAFETY: stops the traced child; touches nothing.
    unsafe { core::arch::asm!("int3") }
}

/// A child that is stopped at the breakpoint before `operation`, which it runs once before, so that what is done only once
/// is done.
fn child(mut prepare: impl FnMut(), mut operation: impl FnMut()) -> Pid {
    // SAFETY: the child runs this function only, and ends in it.
    match unsafe { fork() }.expect("fork") {
        ForkResult::Parent { child } => {
            assert_eq!(waitpid(child, None), Ok(WaitStatus::Stopped(child, Signal::SIGTRAP)));
            ptrace::setoptions(child, options()).expect("a tracee");
            child
        }
        ForkResult::Child => {
            let ran = catch_unwind(AssertUnwindSafe(|| {
                ptrace::traceme().expect("no other tracer");
                prepare();
                breakpoint();
                operation();
                breakpoint();
            }));
            // SAFETY: ends the child, without the destructors of the test's harness.
            unsafe { libc::_exit(i32::from(ran.is_err())) }
        }
    }
}

fn options() -> ptrace::Options {
    ptrace::Options::PTRACE_O_EXITKILL | ptrace::Options::PTRACE_O_TRACESYSGOOD
}

fn end(child: Pid) {
    ptrace::kill(child).expect("a tracee");
    waitpid(child, None).expect("our child");
}

/// Whether the child stopped at a breakpoint, and not after a step (`TRAP_TRACE`; `TRAP_BRKPT` after a system call).
fn at_breakpoint(child: Pid) -> bool {
    const SI_KERNEL: i32 = 0x80;
    ptrace::getsiginfo(child).expect("stopped").si_code == SI_KERNEL
}

/// Steps through `operation`, after it has run twice.
fn cost(operation: impl Fn()) -> Cost {
    let child = child(
        || {
            operation();
            operation();
        },
        &operation,
    );
    let memory = File::open(format!("/proc/{child}/mem")).expect("readable by its tracer");
    let mut cost = Cost::default();
    loop {
        let at = ptrace::getregs(child).expect("stopped").rip;
        let mut code = [0; 16];
        let _ = memory.read_at(&mut code, at).expect("code"); // less than all at the end of a mapping
        ptrace::step(child, None).expect("stopped");
        let status = waitpid(child, None).expect("our child");
        assert_eq!(status, WaitStatus::Stopped(child, Signal::SIGTRAP));
        if at_breakpoint(child) {
            end(child);
            return cost;
        }
        cost.instructions += 1;
        match decode(code) {
            Kind::Plain => {}
            Kind::Locked => cost.locked += 1,
            Kind::Syscall => cost.syscalls += 1,
        }
    }
}

/// The numbers of the system calls of `operation`, run once and for the first time; and the process that made them, alive
/// and stopped.
fn syscalls(operation: impl FnMut()) -> (Vec<u64>, Pid) {
    let child = child(|| (), operation);
    let mut numbers = Vec::new();
    loop {
        ptrace::syscall(child, None).expect("stopped");
        match waitpid(child, None).expect("our child") {
            WaitStatus::PtraceSyscall(_) => {
                numbers.push(ptrace::getregs(child).expect("stopped").orig_rax);
                ptrace::syscall(child, None).expect("stopped");
                let left = waitpid(child, None);
                assert_eq!(left, Ok(WaitStatus::PtraceSyscall(child)), "and out again");
            }
            WaitStatus::Stopped(_, Signal::SIGTRAP) => return (numbers, child),
            other => panic!("the child did not reach its breakpoint: {other:?}"),
        }
    }
}

/// A system call's name, by its number; of those that a region needs.
fn name(number: u64) -> String {
    let names = [
        (libc::SYS_brk, "brk"),
        (libc::SYS_close, "close"),
        (libc::SYS_fallocate, "fallocate"),
        (libc::SYS_fchmod, "fchmod"),
        (libc::SYS_fcntl, "fcntl"),
        (libc::SYS_fstat, "fstat"),
        (libc::SYS_ftruncate, "ftruncate"),
        (libc::SYS_futex, "futex"),
        (libc::SYS_futex_waitv, "futex_waitv"),
        (libc::SYS_get_robust_list, "get_robust_list"),
        (libc::SYS_geteuid, "geteuid"),
        (libc::SYS_getpid, "getpid"),
        (libc::SYS_getrandom, "getrandom"),
        (libc::SYS_gettid, "gettid"),
        (libc::SYS_linkat, "linkat"),
        (libc::SYS_lseek, "lseek"),
        (libc::SYS_madvise, "madvise"),
        (libc::SYS_membarrier, "membarrier"),
        (libc::SYS_mmap, "mmap"),
        (libc::SYS_munmap, "munmap"),
        (libc::SYS_newfstatat, "newfstatat"),
        (libc::SYS_openat, "openat"),
        (libc::SYS_pread64, "pread64"),
        (libc::SYS_pwrite64, "pwrite64"),
        (libc::SYS_read, "read"),
        (libc::SYS_readlink, "readlink"),
        (libc::SYS_sched_getaffinity, "sched_getaffinity"),
        (libc::SYS_statx, "statx"),
        (libc::SYS_uname, "uname"),
        (libc::SYS_write, "write"),
    ];
    let known = names.iter().find(|(known, _)| u64::try_from(*known) == Ok(number));
    known.map_or_else(|| format!("number {number}"), |(_, name)| (*name).to_owned())
}

#[track_caller]
fn at_most(what: &str, found: Cost, most: Cost) {
    println!("{what}: {found:?}, at most {most:?}");
    assert!(found.locked <= most.locked && found.syscalls <= most.syscalls, "{what}: {found:?}");
    if !cfg!(debug_assertions) {
        assert!(found.instructions <= most.instructions, "{what}: {found:?}");
    }
}

#[test]
fn the_counter_counts() {
    let word = AtomicU64::new(0);
    let add = || {
        black_box(&word).fetch_add(1, Relaxed);
        let _ = black_box(&word).swap(7, Relaxed);
        // SAFETY: takes nothing, cannot fail.
        unsafe { libc::syscall(libc::SYS_getppid) };
    };
    let Cost { instructions, locked, syscalls } = cost(add);
    assert_eq!((locked, syscalls), (2, 1));
    assert!((3..1000).contains(&instructions), "{instructions}");
    assert_eq!(decode([0x66, 0xf0, 0x0f, 0xb1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Kind::Locked);
    assert_eq!(decode([0x48, 0x87, 0xc3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Kind::Plain);
    assert_eq!(cost(|| ()), Cost { instructions: cost(|| ()).instructions, ..Cost::default() });
}

#[test]
fn an_uncontended_lock_and_unlock() {
    let most = Cost { instructions: 50, locked: 2, syscalls: 0 };
    let region = Region::anonymous(1 << 16).expect("a region");
    let mutex = region.object::<Mutex<u64>>("mutex").expect("an object");
    at_most("Mutex lock + unlock", cost(|| *black_box(&*mutex).lock().expect("free") += 1), most);
    at_most(
        "Mutex try_lock + unlock",
        cost(|| *black_box(&*mutex).try_lock().expect("free") += 1),
        most,
    );
    let spin = region.object::<SpinLock<u64>>("spin").expect("an object");
    at_most("SpinLock lock + unlock", cost(|| *black_box(&*spin).lock().expect("free") += 1), most);
}

#[test]
fn hello_between_two_processes() {
    // For each of them. With assertions on, the standard library asks whether a descriptor is open before it closes it.
    const MOST: usize = if cfg!(debug_assertions) { 26 } else { 25 };
    let region = format!("sabha-costs-{}", std::process::id());
    let message = || {
        let region = Region::open_or_create(&region, 1 << 16).expect("a region");
        region.object::<AtomicU64>("message").expect("an object")
    };
    // Both end with their handle open: what closing costs is not asked here.
    let (creating, creator) = syscalls(|| ManuallyDrop::new(message()).store(7, Relaxed));
    let (attaching, other) =
        syscalls(|| assert_eq!(ManuallyDrop::new(message()).load(Relaxed), 7, "the message"));
    end(creator);
    end(other);
    Region::open(&region).expect("still there").unlink().expect("still named");

    for (who, calls) in [("create, send", &creating), ("attach, receive", &attaching)] {
        let names: Vec<String> = calls.iter().map(|call| name(*call)).collect();
        println!("{who}: {} system calls: {}", calls.len(), names.join(" "));
    }
    assert!(creating.len() <= MOST && attaching.len() <= MOST);
}
