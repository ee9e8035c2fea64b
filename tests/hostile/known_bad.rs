//! Protocols that are known to be bad: what many would write. The driver must catch each, or it proves nothing.
#![allow(unsafe_code)] // what they do wrong

use crate::adversary::{let_wait, some_end};
use crate::driver::{Operation, alone, drive};
use crate::land;
use crate::names::{CAPACITY, MAX_LEN, OTHER};
use crate::os::clock::Deadline;
use crate::os::futex::{self, Slept};
use crate::os::{AcqRel, Acquire, AtomicU32, AtomicU64, Relaxed, Release, cpu};
use crate::region::{HEAP_AT, world};
use crate::seat::page::SeatPage;
use support::figures::{Figure, record};
use support::fork::fork;

/// Runs until it must have been caught.
const RUNS: u64 = 20_000;

fn word32() -> &'static AtomicU32 {
    world().word(0)
}

fn tail() -> &'static AtomicU64 {
    world().word(1)
}

fn head() -> &'static AtomicU64 {
    world().word(2)
}

/// A ring that believes that the tail is not behind the head.
fn plain_difference() {
    let used = tail().load(Acquire) - head().load(Relaxed);
    if used < CAPACITY {
        tail().store(used + 1, Release);
    }
}

/// A ring whose producer believes its own position, because nobody else stores it.
fn unmasked_index() {
    let position = tail().load(Relaxed);
    let used = position.wrapping_sub(head().load(Acquire));
    if used < CAPACITY {
        let slots = land::at::<u64>(land::RING_AT + 1024).as_ptr();
        // SAFETY: none: this is the bug.
        unsafe { slots.wrapping_add(position as usize).write_volatile(7) };
        tail().store(position.wrapping_add(1), Release);
    }
}

/// A lock that tries until it succeeds.
fn endless_exchange() {
    let mut seen = word32().load(Relaxed);
    while let Err(now) = word32().compare_exchange(seen, seen | 1, AcqRel, Relaxed) {
        seen = now;
    }
}

/// A reader that checks a length, and then reads it again.
fn fetched_twice() {
    let record = [0u8; 64];
    if tail().load(Acquire) <= 64 {
        let bytes = &record[..tail().load(Relaxed) as usize];
        assert!(bytes.iter().all(|byte| *byte == 0));
    }
}

/// A wait that leaves the deadline to the kernel alone.
fn deadline_unseen() {
    let deadline = some_end().map_or(Deadline::NEVER, Deadline::at_ns);
    while word32().load(Acquire) == 0 {
        if futex::wait(word32(), 0, deadline) == Slept::TimedOut {
            return;
        }
    }
}

/// A lock that waits, as it may, and lets nobody else run meanwhile.
fn restless() {
    let_wait();
    while word32().load(Acquire) != 0 {}
}

/// A lock that believes in the seat which its word names.
fn seat_believed() {
    let owner = word32().load(Relaxed);
    let slot = owner & 1023;
    let seats = land::at::<SeatPage>(HEAP_AT + MAX_LEN).as_ptr();
    // SAFETY: none: this is the bug. (Nothing is touched: words know where they must lie.)
    let seat = unsafe { &*seats.wrapping_add(slot as usize) };
    seat.waiting_on.load(Relaxed);
}

/// A directory that adds up what it read.
fn sum_believed() {
    let (offset, bytes) = (tail().load(Acquire), head().load(Relaxed));
    if offset + bytes <= MAX_LEN {
        head().store(offset, Release);
    }
}

/// A close that waits for what its peer must do next.
fn peer_awaited() {
    tail().store(u64::from(OTHER.to_bits()), Release);
    while head().load(Acquire) != u64::from(OTHER.to_bits()) {
        cpu::pause();
    }
}

const BAD: &[(Operation, &str)] = &[
    (bad("a plain difference", plain_difference), "overflow"),
    (bad("an endless exchange", endless_exchange), "endless loop"),
    (bad("fetched twice", fetched_twice), "out of range"),
    (bad("a deadline that nobody sees", deadline_unseen), "endless loop"),
    (bad("a wait without a rest", restless), "endless loop"),
    (bad("a seat that is believed", seat_believed), "outside"),
    (bad("a sum that is believed", sum_believed), "overflow"),
    (bad("a peer that is awaited", peer_awaited), "endless loop"),
];

const fn bad(name: &'static str, act: fn()) -> Operation {
    Operation { name, share: 1, fuel: 20_000, act }
}

#[test]
fn the_known_bad_are_caught() {
    let _alone = alone();
    for (operation, expected) in BAD {
        let found = drive(core::slice::from_ref(operation), 0..RUNS, |_| {}).findings;
        let what = found.first().map_or("nothing", |finding| &finding.what);
        assert!(what.contains(expected), "{}: {what}", operation.name);
    }
    // What is stored anywhere ends a process, or is found afterwards.
    let stray = fork(|| {
        let found = drive(&[bad("an unmasked index", unmasked_index)], 0..RUNS, |_| {}).findings;
        assert!(found.iter().any(|finding| finding.what.contains("outside")), "{found:?}");
    });
    let ended = stray.wait();
    assert!([0, -libc::SIGSEGV, -libc::SIGBUS].contains(&ended), "not caught: {ended}");
    let caught = BAD.len() as u64 + 1;
    record("hostile: known-bad variants", &[(Figure::KnownBadCaught, caught)]);
}
