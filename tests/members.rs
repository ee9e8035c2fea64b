//! Who is in a region: processes as members, their threads on seats; in numbers, at the limits, and when they are killed.

use sabha::sync::{LockError, Mutex};
use sabha::{Error, MemberId, Region};
use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use support::assert_refused;
use support::child::{Child, until};
use support::fork::{Board, Name, ends_well, fork, sleep_for_ever};
use support::system;

/// A process that attaches to `region` and stays.
fn visitor(region: &Region, board: Board, at: usize) -> Child {
    board.set(at, 0);
    let child = fork(|| {
        let id = region.member().unwrap();
        board.set(at, id.to_bits());
        sleep_for_ever();
    });
    board.wait(at, 1);
    child
}

fn id_at(board: Board, at: usize) -> MemberId {
    MemberId::from_bits(board[at].load(SeqCst)).unwrap()
}

#[test]
fn a_member_says_who_it_is() {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let started = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse();
    let started: u64 = started.unwrap();
    let long = "é".repeat(50);
    for (given, expected) in [("worker 3", "worker 3"), ("", ""), (&long, &"é".repeat(36))] {
        let region = Region::options().size(4096).member_name(given).anonymous().unwrap();
        let members = region.members();
        assert_eq!(members.len(), 1);
        let us = &members[0];
        assert_eq!((us.pid, us.start_time), (std::process::id(), started));
        assert_eq!((&*us.name, us.id), (expected, region.member().unwrap()));
        assert!(!region.member_is_gone(us.id));
    }
    let region = Region::anonymous(4096).unwrap();
    assert!(region.members()[0].name.starts_with("members-"), "the command's name");
}

#[test]
fn a_killed_member_is_gone_and_its_slot_comes_again_under_another_generation() {
    let region = Region::anonymous(4096).unwrap();
    let board = Board::new();
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let child = visitor(&region, board, 0);
        let id = id_at(board, 0);
        let pids: Vec<u32> = region.members().iter().map(|member| member.pid).collect();
        assert_eq!(pids, [std::process::id(), child.pid.unsigned_abs()]);
        assert!(!region.member_is_gone(id));
        assert!(seen.insert(id), "{id:?} came twice");
        assert_eq!(id.slot(), 1);
        child.kill();
        assert!(region.member_is_gone(id));
        assert_eq!(region.members().len(), 1);
    }
    assert!(seen.iter().all(|id| region.member_is_gone(*id)));
}

#[test]
fn a_stopped_member_is_not_gone() {
    let region = Region::anonymous(4096).unwrap();
    let board = Board::new();
    let child = visitor(&region, board, 0);
    support::fork::stop(&child);
    assert!(!region.member_is_gone(id_at(board, 0)));
    assert_eq!(region.members().len(), 2);
}

#[test]
fn gone_is_final_while_another_comes_to_the_same_slot() {
    let region = Region::anonymous(4096).unwrap();
    let board = Board::new();
    for round in 1..=200 {
        let first = visitor(&region, board, 0);
        let next = fork(|| {
            board.wait(1, round);
            region.member().unwrap();
            board.set(2, round);
            sleep_for_ever();
        });
        let gone = id_at(board, 0);
        first.kill();
        assert!(region.member_is_gone(gone));
        board.set(1, round);
        let mut looks = 0;
        while board[2].load(SeqCst) < round {
            assert!(region.member_is_gone(gone), "back again in round {round}, look {looks}");
            assert!(region.members().iter().all(|member| member.id != gone), "round {round}");
            looks += 1;
        }
        assert!(region.member_is_gone(gone));
        drop(next);
    }
}

#[test]
fn two_hundred_and_fifty_six_members() {
    let region = Region::anonymous(4096).unwrap();
    let board = Board::new();
    let mut children: Vec<Child> = (0..255).map(|at| visitor(&region, board, at)).collect();
    let members = region.members();
    let pids: HashSet<u32> = members.iter().map(|member| member.pid).collect();
    let slots: HashSet<u32> = members.iter().map(|member| member.id.slot()).collect();
    assert_eq!((members.len(), pids.len(), slots.len()), (256, 256, 256));

    ends_well(fork(|| {
        assert_refused!(region.member(), Error::MembersFull { capacity: 256 });
        assert_refused!(region.enter(), Error::MembersFull { capacity: 256 });
        let fd = region.as_fd().try_clone_to_owned().unwrap();
        assert_refused!(Region::from_fd(fd), Error::MembersFull { capacity: 256 });
    }));
    let left = id_at(board, 77);
    children.swap_remove(77).kill();
    assert!(region.member_is_gone(left));
    let late = visitor(&region, board, 77);
    assert_eq!(id_at(board, 77).slot(), left.slot());
    assert_ne!(id_at(board, 77), left);
    assert_eq!(region.members().len(), 256);
    drop((late, children));
    assert_eq!(region.members().len(), 1);
}

/// `count` threads on seats of `region`, until the sender is dropped; or what one of them was refused with.
fn seated(region: &Region, count: usize) -> (mpsc::Sender<()>, Vec<thread::JoinHandle<()>>) {
    let (here, come) = mpsc::channel();
    let (stay, leave) = mpsc::channel::<()>();
    let leave = Arc::new(std::sync::Mutex::new(leave));
    let threads = (0..count).map(|_| {
        let (region, here, leave) = (region.clone(), here.clone(), Arc::clone(&leave));
        let body = move || {
            here.send(region.enter()).unwrap();
            let _ = leave.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv();
        };
        thread::Builder::new().stack_size(64 << 10).spawn(body).unwrap()
    });
    let threads: Vec<_> = threads.collect();
    let seats: HashSet<_> = (0..count).map(|_| come.recv().unwrap().unwrap()).collect();
    assert_eq!(seats.len(), count, "a seat was given twice");
    (stay, threads)
}

#[test]
fn one_thousand_and_twenty_five_threads() {
    let name = Name::new("threads");
    let region = Region::create(&name, 4096).unwrap();
    let blocks = || std::fs::metadata(name.path()).unwrap().blocks() * 512;
    let bare = blocks();
    assert!(bare <= 102_400 + 4096, "{bare} bytes for one page of objects");
    region.enter().unwrap();
    assert_eq!(blocks(), bare + 4096, "one thread, one page");

    let (stay, threads) = seated(&region, 1023);
    assert_eq!(blocks(), bare + 1024 * 4096);
    let late = region.clone();
    let (to_late, asked) = mpsc::channel::<()>();
    let (answer, answers) = mpsc::channel();
    let late = thread::spawn(move || {
        for () in asked {
            answer.send(late.enter()).unwrap();
        }
    });
    to_late.send(()).unwrap();
    assert_refused!(answers.recv().unwrap(), Error::SeatsFull { capacity: 1024 });
    stay.send(()).unwrap(); // one leaves
    until("a thread to end", || threads.iter().any(thread::JoinHandle::is_finished));
    to_late.send(()).unwrap();
    let seat = answers.recv().unwrap().unwrap();
    assert_eq!(seat.generation(), 2);
    drop((stay, to_late));
    late.join().unwrap();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(blocks(), bare + 1024 * 4096, "seats keep their pages");
}

#[test]
fn seats_come_back_when_threads_end_and_when_processes_are_killed() {
    let region = Region::options().size(4096).seats(2).anonymous().unwrap();
    region.enter().unwrap();
    let mut seats = HashSet::new();
    for _ in 0..500 {
        let its = region.clone();
        assert!(seats.insert(thread::spawn(move || its.enter().unwrap()).join().unwrap()));
    }
    let board = Board::new();
    for _ in 0..50 {
        board.set(0, 0);
        let child = fork(|| {
            board.set(0, region.enter().unwrap().to_bits());
            sleep_for_ever();
        });
        board.wait(0, 1);
        let its = region.clone();
        let refused = thread::spawn(move || its.enter()).join().unwrap();
        assert_refused!(refused, Error::SeatsFull { capacity: 2 });
        child.kill();
        let its = region.clone();
        assert!(seats.insert(thread::spawn(move || its.enter().unwrap()).join().unwrap()));
    }
    assert!(seats.iter().all(|seat| seat.slot() == 1));
}

#[test]
fn a_thread_sits_in_ninety_nine_regions_and_is_told_at_the_next() {
    thread::spawn(|| {
        let make = || Region::options().size(4096).seats(1).anonymous().unwrap();
        let mut regions: Vec<Region> = (0..99).map(|_| make()).collect();
        for region in &regions {
            region.enter().unwrap();
        }
        let more = make();
        assert_refused!(more.enter(), Error::TooManyRegions { capacity: 99 });
        regions.pop();
        more.enter().unwrap();
        for region in &regions {
            assert_refused!(
                thread::scope(|scope| scope.spawn(|| region.enter()).join().unwrap()),
                Error::SeatsFull { capacity: 1 }
            );
        }
    })
    .join()
    .unwrap();
}

/// A process that is number 1 of a pid namespace of its own, and so is its thread.
fn in_own_pid_namespace(body: impl FnOnce()) -> Child {
    fork(|| {
        system::own_namespaces(libc::CLONE_NEWPID);
        let first = fork(|| {
            assert_eq!(std::process::id(), 1);
            body();
        });
        assert_eq!(first.wait(), 0);
    })
}

#[test]
fn namespaces_with_equal_thread_ids_count_under_one_lock() {
    const ROUNDS: u64 = 20_000;
    let region = Region::anonymous(1 << 16).unwrap();
    let mutex = region.object::<Mutex<u64>>("m").unwrap();
    let (board, processes) = (Board::new(), 3);
    let children: Vec<Child> = (0..processes)
        .map(|_| {
            in_own_pid_namespace(|| {
                region.enter().unwrap();
                board[0].fetch_add(1, SeqCst);
                board.wait(0, processes);
                for _ in 0..ROUNDS {
                    *mutex.lock().unwrap() += 1; // never a false death, never a false deadlock
                }
            })
        })
        .collect();
    children.into_iter().for_each(ends_well);
    assert_eq!(*mutex.lock().unwrap(), u64::from(processes) * ROUNDS);
}

#[test]
fn in_a_namespace_too_a_holder_is_alive_until_it_is_killed() {
    let region = Region::anonymous(1 << 16).unwrap();
    let mutex = region.object::<Mutex<u64>>("m").unwrap();
    let board = Board::new();
    let holder = in_own_pid_namespace(|| {
        let _guard = mutex.lock().unwrap();
        board.set(0, 1);
        sleep_for_ever();
    });
    board.wait(0, 1);
    let asker = in_own_pid_namespace(|| {
        // The same thread id and process id, another thread.
        match mutex.lock_until(Duration::from_millis(250).into()) {
            Err(LockError::TimedOut { holder }) => assert_eq!((holder.pid, holder.tid), (1, 1)),
            other => panic!("{other:?}"),
        }
        assert_eq!(region.members().iter().filter(|member| member.pid == 1).count(), 2);
        board.set(1, 1);
        let died = mutex.lock();
        assert!(matches!(died, Err(LockError::OwnerDied(_))), "{died:?}");
    });
    board.wait(1, 1);
    holder.kill(); // and with it, by PDEATHSIG, the namespace's first process
    ends_well(asker);
}

#[test]
fn threads_that_open_one_region_at_the_same_time_have_one_mapping_and_one_membership() {
    ends_well(fork(|| {
        let name = Name::new("at-once");
        Region::create(&name, 4096).unwrap().object::<AtomicU64>("a").unwrap();
        let arrived = AtomicU64::new(0);
        for round in 0..500 {
            let open = || {
                arrived.fetch_add(1, SeqCst);
                while arrived.load(SeqCst) < 2 * (round + 1) {
                    std::hint::spin_loop();
                }
                Region::open(&name).unwrap()
            };
            let found: Vec<Region> = thread::scope(|scope| {
                let other = scope.spawn(open);
                vec![open(), other.join().unwrap()]
            });
            let members: HashSet<_> = found.iter().map(|r| r.member().unwrap()).collect();
            let places: HashSet<usize> = found
                .iter()
                .map(|r| (&raw const *r.object::<AtomicU64>("a").unwrap()).addr())
                .collect();
            assert_eq!((members.len(), places.len()), (1, 1), "round {round}");
            assert_eq!(found[0].members().len(), 1, "round {round}");
        }
        std::fs::remove_file(name.path()).unwrap();
    }));
}
