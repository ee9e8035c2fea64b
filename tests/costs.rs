//! What operations cost, without noise: instructions, locked instructions and system calls, counted.
//!
//! A child runs the operation between two breakpoints; its parent steps it from one to the other and looks at every
//! instruction before it runs. How many instructions there are is asserted of release builds only: `cargo test --release`.
#![cfg(target_arch = "x86_64")]
#![allow(unsafe_code)] // a system call, to test the counter

use nix::sys::ptrace;
use nix::unistd::Pid;
use sabha::sync::{Adaptive, Mutex, Policy, Spin};
use sabha::{Region, Shared};
use std::fs::File;
use std::hint::black_box;
use std::mem::ManuallyDrop;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use support::trace::{Stop, Traced, marker};

/// What ran between two breakpoints.
#[derive(Default, Clone, PartialEq, Eq, Debug)]
struct Cost {
    instructions: u32,
    locked: u32,
    /// The numbers of the system calls.
    calls: Vec<u64>,
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

/// Steps `child` to its next breakpoint.
fn watch(child: &mut Traced) -> Cost {
    let pid = Pid::from_raw(child.pid);
    let memory = File::open(format!("/proc/{pid}/mem")).expect("readable by its tracer");
    let mut cost = Cost::default();
    loop {
        let registers = ptrace::getregs(pid).expect("stopped");
        let mut code = [0; 16];
        let _ = memory.read_at(&mut code, registers.rip).expect("code"); // a mapping may end there
        match child.step() {
            Stop::Step => {}
            Stop::Marker => return cost,
            other => panic!("on the way: {other:?}"),
        }
        cost.instructions += 1;
        match decode(code) {
            Kind::Plain => {}
            Kind::Locked => cost.locked += 1,
            Kind::Syscall => cost.calls.push(registers.rax),
        }
    }
}

/// What the operation costs that `prepare` makes, when it has run before. All in the child: this process uses no region, so
/// that each child is as fresh as a program that has just begun.
fn cost<F: Fn()>(prepare: impl FnOnce() -> F) -> Cost {
    let mut child = Traced::spawn(|| {
        let operation = ManuallyDrop::new(prepare()); // what its end costs is not asked here
        operation();
        operation();
        marker();
        operation();
    });
    assert_eq!(child.run(), Stop::Marker);
    watch(&mut child)
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
        (libc::SYS_prlimit64, "prlimit64"),
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
fn at_most_50_and_2<F: Fn()>(what: &str, prepare: impl FnOnce() -> F) {
    let Cost { instructions, locked, calls } = cost(prepare);
    println!("{what}: {instructions} instructions, {locked} locked, {} system calls", calls.len());
    assert!(locked <= 2 && calls.is_empty());
    assert!(instructions <= 50 || cfg!(debug_assertions));
}

fn lock<P: Policy>() -> Shared<Mutex<u64, P>> {
    Region::anonymous(1 << 16).and_then(|region| region.object("lock")).expect("a lock")
}

#[test]
fn an_uncontended_lock_and_unlock() {
    at_most_50_and_2("Mutex: lock, unlock", || {
        let mutex = lock::<Adaptive>();
        move || *black_box(&*mutex).lock().expect("free") += 1
    });
    at_most_50_and_2("Mutex: try_lock, unlock", || {
        let mutex = lock::<Adaptive>();
        move || *black_box(&*mutex).try_lock().expect("free") += 1
    });
    at_most_50_and_2("SpinLock: lock, unlock", || {
        let spin = lock::<Spin>();
        move || *black_box(&*spin).lock().expect("free") += 1
    });
}

#[test]
fn hello_between_two_processes() {
    // For each of them. With assertions on, the standard library asks whether a descriptor is open before it closes it.
    const MOST: usize = if cfg!(debug_assertions) { 26 } else { 25 };
    let region = format!("sabha-costs-{}", std::process::id());
    let message = || {
        let region = Region::open_or_create(&region, 1 << 16).expect("a region");
        ManuallyDrop::new(region.object::<AtomicU64>("message").expect("an object"))
    };
    let mut creator = Traced::spawn(|| message().store(7, Relaxed));
    let creating = watch(&mut creator).calls;
    let mut other = Traced::spawn(|| assert_eq!(message().load(Relaxed), 7, "the message"));
    let attaching = watch(&mut other).calls;
    Region::open(&region).expect("still there").unlink().expect("still named");

    for (who, calls) in [("create, send", &creating), ("attach, receive", &attaching)] {
        let names: Vec<String> = calls.iter().map(|call| name(*call)).collect();
        println!("{who}: {} system calls: {}", calls.len(), names.join(" "));
    }
    assert!(creating.len() <= MOST && attaching.len() <= MOST);
}

#[test]
fn the_counter_counts() {
    let word = AtomicU64::new(0);
    let Cost { instructions, locked, calls } = cost(|| {
        || {
            black_box(&word).fetch_add(1, Relaxed);
            let _ = black_box(&word).swap(7, Relaxed);
            // SAFETY: takes nothing, cannot fail.
            unsafe { libc::syscall(libc::SYS_getppid) };
        }
    });
    assert_eq!((locked, calls), (2, vec![u64::try_from(libc::SYS_getppid).expect("a number")]));
    assert!((3..1000).contains(&instructions), "{instructions}");
    let kind = |start: &[u8]| {
        decode(core::array::from_fn(|at| start.get(at).copied().unwrap_or_default()))
    };
    assert_eq!(kind(&[0x66, 0xf0, 0x0f, 0xb1]), Kind::Locked, "lock cmpxchg, 16 bits");
    assert_eq!(kind(&[0x48, 0x87, 0x03]), Kind::Locked, "xchg with memory");
    assert_eq!(kind(&[0x48, 0x87, 0xc3]), Kind::Plain, "xchg of registers");
    assert_eq!(kind(&[0x0f, 0x05]), Kind::Syscall);
}
