//! Forks, execs and sandboxes: who is who afterwards, and what a child must not keep.

use sabha::sync::{LockError, Mutex};
use sabha::{Error, Region};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;
use support::assert_refused;
use support::child::{Child, until};
use support::fork::{Board, Name, ends_well, fork, sleep_for_ever};
use support::system;

#[test]
fn a_child_is_a_member_of_its_own_and_neither_ends_the_other() {
    let region = Region::anonymous(1 << 16).unwrap();
    let board = Board::new();
    let parents = fork(|| {
        let parent = region.member().unwrap();
        board.set(0, parent.to_bits());
        let first = fork(|| {
            let child = region.member().unwrap();
            assert_ne!(child, parent);
            assert!(!region.member_is_gone(parent) && !region.member_is_gone(child));
            assert_eq!(region.members().iter().filter(|m| m.pid == std::process::id()).count(), 1);
        });
        ends_well(first);
        assert!(!region.member_is_gone(parent), "the child's end was taken for the parent's");
        assert_eq!(region.member().unwrap(), parent);
        let second = fork(|| {
            // Not the parent's child any more when the parent is killed: watched by the test itself.
            system::outlive_the_parent();
            board.set(1, region.member().unwrap().to_bits());
            board.wait(2, 1);
            let gone = |at: usize| {
                let id = sabha::MemberId::from_bits(board[at].load(Relaxed)).unwrap();
                region.member_is_gone(id)
            };
            assert!(gone(0) && !gone(1));
            assert!(region.members().iter().any(|m| m.pid == std::process::id()));
            board.set(3, 1);
        });
        std::mem::forget(second);
        sleep_for_ever();
    });
    board.wait(1, 1);
    parents.kill();
    board.set(2, 1);
    board.wait(3, 1);
    until("the grandchild to leave", || region.members().len() == 1);
}

#[test]
fn a_childs_use_and_closing_of_inherited_handles_is_its_own() {
    let region = Region::anonymous(1 << 16).unwrap();
    let shared = region.object::<AtomicU64>("a").unwrap();
    let seat = region.enter().unwrap();
    let board = Board::new();
    let child = fork(|| {
        region.member().unwrap(); // from here on the inherited handle counts
        board.set(0, 1);
        board.wait(1, 1);
        let (mine, inherited) = (region.clone(), &shared);
        inherited.store(7, Relaxed);
        drop(mine);
        sleep_for_ever();
    });
    board.wait(0, 1);
    assert_eq!(region.enter().unwrap(), seat);
    drop(shared);
    assert_refused!(region.remove("a"), Error::InUse { name, by }
        if name == "a" && by.pid == child.pid.unsigned_abs());
    board.set(1, 1);
    until("the child's store", || region.open_object::<AtomicU64>("a").unwrap().load(Relaxed) == 7);
    child.kill();
    region.remove("a").unwrap();
    assert_eq!(region.object::<AtomicU64>("a").unwrap().load(Relaxed), 0);
}

#[test]
fn a_child_that_closes_all_leaves_the_parent_all() {
    let name = Name::new("child-closes");
    let region = Region::create(&name, 1 << 16).unwrap();
    let mutex = region.object::<Mutex<u64>>("m").unwrap();
    let guard = mutex.lock().unwrap();
    let (ours, its) = (region.clone(), Board::new());
    let mut inherited = Some((region, mutex.clone()));
    let child = fork(|| {
        drop(inherited.take());
        drop(ours.clone());
        let again = Region::open(&name).unwrap();
        assert_eq!(again.id(), ours.id());
        its.set(0, 1);
        let held = again.open_object::<Mutex<u64>>("m").unwrap();
        assert!(matches!(held.try_lock(), Err(LockError::Held { .. })));
    });
    ends_well(child);
    assert_eq!(ours.members().len(), 1);
    drop(guard);
    drop(mutex.lock().unwrap());
    drop(inherited);
}

#[test]
fn a_process_of_many_threads_forks_while_they_use_regions() {
    ends_well(fork(|| {
        let name = Name::new("busy");
        let region = Region::create(&name, 1 << 16).unwrap();
        let stop = AtomicBool::new(false);
        let busy = || !stop.load(Relaxed);
        thread::scope(|scope| {
            scope.spawn(|| {
                while busy() {
                    let _ = Region::anonymous(4096).unwrap().enter().unwrap();
                }
            });
            scope.spawn(|| {
                let mutex = region.object::<Mutex<u64>>("m").unwrap();
                while busy() {
                    *mutex.lock_repaired(|_| ()).unwrap() += 1;
                }
            });
            scope.spawn(|| {
                while busy() {
                    drop(region.object::<AtomicU64>("a").unwrap());
                    let _ = region.remove("a");
                }
            });
            scope.spawn(|| {
                let other = Name::new("busy-other");
                while busy() {
                    let region = Region::open_or_create(&other, 4096).unwrap();
                    region.unlink().unwrap();
                    thread::spawn(move || region.enter().unwrap()).join().unwrap();
                }
            });
            for round in 0..60 {
                let child = fork(|| {
                    assert!(region.members().iter().all(|m| m.pid != std::process::id()));
                    let mutex = region.object::<Mutex<u64>>("m").unwrap();
                    *mutex.lock_repaired(|_| ()).unwrap() += 1;
                    let own = Region::anonymous(4096).unwrap();
                    own.enter().unwrap();
                    drop(own);
                    drop(region.object::<AtomicU64>("b").unwrap());
                    let again = Region::open(&name).unwrap();
                    assert_eq!(again.member().unwrap(), region.member().unwrap());
                });
                let code = child.wait_at_most(Duration::from_secs(5));
                assert_eq!(code, Some(0), "round {round}");
            }
            stop.store(true, Relaxed);
        });
        assert_eq!(region.members().len(), 1);
        region.remove("b").unwrap();
        region.unlink().unwrap();
    }));
}

#[test]
fn a_child_does_not_keep_the_turn_that_a_thread_of_its_parent_had() {
    /// The byte of the file whose lock makes one unlinker at a time.
    const UNLINK_LOCK: u64 = (1 << 60) - 2;
    ends_well(fork(|| {
        let name = Name::new("turn");
        let region = Region::create(&name, 4096).unwrap();
        let file = std::fs::File::options().read(true).write(true).open(name.path()).unwrap();
        system::lock_byte(&file, libc::F_WRLCK, UNLINK_LOCK).unwrap();
        let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let before = descriptors();
        thread::scope(|scope| {
            let unlinker = scope.spawn(|| region.unlink());
            until("the other thread waits for its turn", || descriptors() > before);
            thread::sleep(Duration::from_millis(5));
            let child = fork(|| {
                sleep_for_ever();
            });
            system::lock_byte(&file, libc::F_UNLCK, UNLINK_LOCK).unwrap();
            unlinker.join().unwrap().unwrap();
            until("the turn to be over", || !system::byte_is_locked(&file, UNLINK_LOCK));
            assert_eq!(child.state(), 'S', "the child lives");
        });
    }));
}

fn sleeper() -> Command {
    let mut command = Command::new("/bin/sleep");
    command.arg("1000").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Whether process `pid` has the file open or mapped.
fn knows(pid: u32, path: &std::path::Path) -> bool {
    let inode = std::fs::metadata(path).unwrap().ino();
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mapped = maps.lines().any(|line| {
        line.split_whitespace().nth(4) == Some(&inode.to_string()) && line.contains("/dev/shm")
    });
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().any(|entry| {
        std::fs::metadata(entry.unwrap().path()).is_ok_and(|found| found.ino() == inode)
    });
    mapped || open
}

#[test]
#[allow(clippy::zombie_processes, reason = "its parent is killed")]
fn a_program_that_a_member_starts_keeps_nothing_of_it() {
    let name = Name::new("exec");
    let region = Region::create(&name, 1 << 16).unwrap();
    let board = Board::new();
    let member = fork(|| {
        let mutex = region.object::<Mutex<u64>>("m").unwrap();
        let _guard = mutex.lock().unwrap();
        let started = sleeper().spawn().unwrap();
        board.set(1, region.member().unwrap().to_bits());
        board.set(0, started.id());
        sleep_for_ever();
    });
    board.wait(0, 1);
    let started = board[0].load(Relaxed);
    until("the exec", || {
        std::fs::read_to_string(format!("/proc/{started}/comm")).unwrap().trim() == "sleep"
    });
    assert!(!knows(started, &name.path()));
    assert!(knows(member.pid.unsigned_abs(), &name.path()));
    let id = sabha::MemberId::from_bits(board[1].load(Relaxed)).unwrap();
    assert!(!region.member_is_gone(id));
    member.kill();
    let gone = region.member_is_gone(id);
    let died = matches!(
        region.object::<Mutex<u64>>("m").unwrap().try_lock(),
        Err(LockError::OwnerDied(_))
    );
    let lives = std::fs::metadata(format!("/proc/{started}")).is_ok();
    system::kill(started);
    assert!(gone && died && lives, "{gone} {died} {lives}");
}

#[test]
fn a_member_that_becomes_another_program_is_gone() {
    use std::os::unix::process::CommandExt;
    let region = Region::anonymous(1 << 16).unwrap();
    let board = Board::new();
    let child: Child = fork(|| {
        board.set(1, region.enter().unwrap().to_bits());
        board.set(0, region.member().unwrap().to_bits());
        panic!("{}", sleeper().exec());
    });
    board.wait(0, 1);
    let id = sabha::MemberId::from_bits(board[0].load(Relaxed)).unwrap();
    until("the exec", || region.member_is_gone(id));
    until("the program to sleep", || child.state() == 'S');
    assert_eq!(region.members().len(), 1);
    // Its seat is free at once.
    let seat = thread::scope(|scope| {
        scope
            .spawn(|| {
                region.enter().unwrap();
                region.enter().unwrap()
            })
            .join()
            .unwrap()
    });
    assert_eq!(seat.slot(), sabha::SeatId::from_bits(board[1].load(Relaxed)).unwrap().slot());
}

#[test]
fn where_a_sandbox_refuses_futex_waitv_nothing_is_made_or_opened() {
    let name = Name::new("made-before");
    let region = Region::create(&name, 4096).unwrap();
    for errno in [libc::ENOSYS, libc::EPERM] {
        let unmade = Name::new("sandbox");
        ends_well(fork(|| {
            drop(region.clone());
            system::refuse_system_call(libc::SYS_futex_waitv, errno);
            let unsupported = |result: sabha::Result<Region>| match result {
                Err(Error::Unsupported { what, source }) => {
                    assert!(what.starts_with("futex_waitv"), "{what}");
                    assert_eq!(source.raw_os_error(), Some(errno));
                }
                other => panic!("{other:?}"),
            };
            unsupported(Region::create(&unmade, 4096));
            unsupported(Region::open_or_create(&unmade, 4096));
            unsupported(Region::anonymous(4096));
            Region::open_read_only(&name).unwrap();
        }));
        assert!(!unmade.exists(), "left behind");
        // By a process that had none open before.
        let opener = Name::new("opened-first");
        ends_well(fork(|| {
            let made_by_another = fork(|| drop(Region::create(&opener, 4096).unwrap()));
            ends_well(made_by_another);
            system::refuse_system_call(libc::SYS_futex_waitv, errno);
            assert_refused!(Region::open(&opener), Error::Unsupported { .. });
        }));
        assert_eq!(Region::open(&opener).unwrap().members().len(), 1);
    }
}
