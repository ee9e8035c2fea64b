//! Closing a region: what its threads had in it is given back, and cannot be taken for something of another region.

use sabha::Region;
use sabha::sync::{LockError, Mutex};
use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc;
use std::thread;
use support::fork::{Board, Name, ends_well, fork};

fn small() -> Region {
    Region::options().size(1 << 16).seats(4).anonymous().unwrap()
}

fn address(region: &Region) -> usize {
    (&raw const *region.object::<AtomicU64>("a").unwrap()).addr()
}

/// Locks in a region that lies where another lay; somebody else must see that lock held.
fn a_lock_in_a_successor_at_the_same_address_holds() {
    let mut same = 0;
    for _ in 0..20 {
        let first = small();
        first.enter().unwrap();
        let before = address(&first);
        drop(first);
        let second = small();
        if address(&second) != before {
            continue;
        }
        same += 1;
        let mutex = second.object::<Mutex<u64>>("m").unwrap();
        let guard = mutex.lock().unwrap();
        thread::scope(|scope| {
            let other = scope.spawn(|| matches!(mutex.try_lock(), Err(LockError::Held { .. })));
            assert!(other.join().unwrap(), "a held lock was not seen as held");
        });
        drop(guard);
    }
    assert!(same > 0, "no region came to lie where another was: the test says nothing");
}

#[test]
fn a_seat_of_a_closed_region_is_not_one_in_its_successor() {
    // In a process of its own: no other test maps anything into the gap.
    ends_well(fork(|| {
        let fresh = thread::spawn(a_lock_in_a_successor_at_the_same_address_holds);
        fresh.join().unwrap();
    }));
}

#[test]
fn nor_in_a_forked_child_of_a_thread_that_had_seats() {
    let parents = small();
    parents.enter().unwrap();
    ends_well(fork(a_lock_in_a_successor_at_the_same_address_holds));
}

#[test]
fn nor_if_another_thread_closed_the_region() {
    ends_well(fork(a_lock_in_a_successor_holds_whoever_closed_the_region));
}

fn a_lock_in_a_successor_holds_whoever_closed_the_region() {
    let (region_to, regions) = mpsc::channel::<Region>();
    let (said, hear) = mpsc::channel::<bool>();
    let sitter = thread::spawn(move || {
        for region in regions {
            region.enter().unwrap();
            let mutex = region.object::<Mutex<u64>>("m").unwrap();
            let guard = mutex.lock().unwrap();
            let held = thread::scope(|scope| {
                let other = scope.spawn(|| matches!(mutex.try_lock(), Err(LockError::Held { .. })));
                other.join().unwrap()
            });
            drop(guard);
            drop(mutex);
            drop(region);
            said.send(held).unwrap();
        }
    });
    let mut addresses = Vec::new();
    for _ in 0..20 {
        let region = small();
        addresses.push(address(&region));
        region_to.send(region.clone()).unwrap();
        assert!(hear.recv().unwrap(), "a held lock was not seen as held");
    }
    drop(region_to);
    sitter.join().unwrap();
    let different: HashSet<usize> = addresses.iter().copied().collect();
    assert!(different.len() < addresses.len(), "no address came again: the test says nothing");
}

#[test]
fn a_seat_in_a_region_that_another_thread_closed_is_free_and_stays_the_next_ones() {
    let name = Name::new("one-seat");
    let board = Board::new();
    // The region has one seat. An idle thread of this process had it when another thread closed the region.
    let other = fork(|| {
        board.wait(0, 1);
        let region = Region::open(&name).unwrap();
        let mutex = region.open_object::<Mutex<u64>>("m").unwrap();
        let guard = mutex.lock().unwrap(); // takes the one seat
        board.set(1, 1);
        board.wait(2, 1);
        drop(guard);
    });
    let region = Region::options().seats(1).size(1 << 16).create(&name).unwrap();
    let its = region.clone();
    let idle = thread::spawn(move || {
        its.object::<Mutex<u64>>("m").unwrap();
        drop(its);
        board.set(3, 1);
        board.wait(4, 1);
        small().enter().unwrap(); // leaves the seats of closed regions
    });
    board.wait(3, 1);
    drop(region);
    board.set(0, 1);
    board.wait(1, 1);
    board.set(4, 1);
    idle.join().unwrap();
    // The lock is the other process's, whatever the idle thread left. Only its owner's seat can show it.
    let region = Region::open(&name).unwrap();
    let members = region.members();
    assert!(members.iter().any(|m| m.pid == other.pid.unsigned_abs()), "{members:?}");
    let full = region.enter();
    assert!(matches!(full, Err(sabha::Error::SeatsFull { capacity: 1 })), "{full:?}");
    board.set(2, 1);
    ends_well(other);
    region.enter().unwrap();
}

#[test]
fn a_lock_that_was_forgotten_is_a_dead_owners_once_the_region_is_closed() {
    let name = Name::new("forgotten");
    for closer_is_the_owner in [true, false] {
        let region = Region::open_or_create(&name, 1 << 16).unwrap();
        let its = region.clone();
        let lock = move || {
            let mutex = its.object::<Mutex<u64>>("m").unwrap();
            let mut guard = match mutex.lock() {
                Ok(guard) => guard,
                Err(LockError::OwnerDied(died)) => died.into_guard(),
                Err(other) => panic!("{other}"),
            };
            guard.mark_consistent();
            *guard = 7;
            std::mem::forget(guard);
        };
        let board = Board::new();
        let idle = if closer_is_the_owner {
            lock();
            drop(lock);
            None
        } else {
            let idle = thread::spawn(move || {
                lock();
                drop(lock);
                board.set(0, 1);
                board.wait(1, 1);
            });
            board.wait(0, 1);
            Some(idle)
        };
        drop(region);
        let region = Region::open(&name).unwrap();
        let mutex = region.open_object::<Mutex<u64>>("m").unwrap();
        let died = mutex.try_lock();
        let Err(LockError::OwnerDied(died)) = died else { panic!("{died:?}") };
        let mut guard = died.into_guard();
        assert_eq!(*guard, 7);
        guard.mark_consistent();
        drop(guard);
        if let Some(idle) = idle {
            board.set(1, 1);
            idle.join().unwrap();
        }
    }
}
