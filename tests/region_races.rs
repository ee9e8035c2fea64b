//! Processes that make, open, grow and unlink one region at the same time, and are killed at it.

use sabha::{Error, Region};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};
use support::child::{Child, Random, until};
use support::fork::{Board, Name, ends_well, fork, sleep_for_ever};
use support::trace::{Stop, Traced};

/// Words of the board: the round that may begin; for each racer the rounds that it has done, and what it found.
const GO: usize = 0;
const DONE: usize = 16;
const FOUND: usize = 32;

#[allow(clippy::cast_possible_truncation, reason = "enough to tell regions apart")]
fn mark(region: &Region) -> u32 {
    region.id() as u32 | 1
}

/// Opens or makes the region of each round, as soon as it may.
fn racer(base: &str, board: Board, me: usize, rounds: u32) -> Child {
    fork(move || {
        for round in board[DONE + me].load(SeqCst)..rounds {
            while board[GO].load(SeqCst) <= round {
                thread::yield_now();
            }
            let name = format!("{base}-{}", round % 4);
            let open = || Region::options().size(4096).seats(4).open_or_create(&name);
            // Whatever went wrong, trying again by name must help.
            let region = open().or_else(|_| open()).unwrap();
            board.set(FOUND + me, mark(&region));
            board.set(DONE + me, round + 1);
        }
    })
}

#[test]
fn ten_thousand_rounds_of_open_or_create_with_makers_killed_make_one_region_each() {
    const ROUNDS: u32 = 10_000;
    const RACERS: usize = 3;
    let (base, board) = (Name::new("race"), Board::new());
    let names: Vec<String> = (0..4).map(|index| format!("{}-{index}", &*base)).collect();
    let mut random = Random::new(7);
    let mut racers: Vec<Child> = (0..RACERS).map(|me| racer(&base, board, me, ROUNDS)).collect();
    let (mut kills, mut done_by_all) = (0, 0);
    for round in 0..ROUNDS {
        board.set(GO, round + 1);
        let mut killed = None;
        if random.below(12) == 0 {
            let pause = Instant::now();
            let us = random.below(150);
            while pause.elapsed() < Duration::from_micros(us) {
                std::hint::spin_loop();
            }
            let victim = usize::try_from(random.below(RACERS as u64)).unwrap();
            racers[victim].kill_without_reaping();
            killed = Some(victim);
            kills += 1;
        }
        let done = |me: usize| board[DONE + me].load(SeqCst) > round;
        let begin = Instant::now();
        while !(0..RACERS).all(|me| done(me) || killed == Some(me)) {
            thread::yield_now();
            assert!(begin.elapsed() < Duration::from_secs(10), "round {round} hangs");
        }
        // The survivors and a newcomer agree on one region, which is whole.
        let name = &names[round as usize % 4];
        let region = Region::options().size(4096).seats(4).open_or_create(name).unwrap();
        let agree = (0..RACERS).filter(|me| killed != Some(*me));
        for me in agree {
            assert_eq!(board[FOUND + me].load(SeqCst), mark(&region), "round {round}");
            done_by_all += 1;
        }
        assert_eq!(region.len(), 4096);
        if let Some(victim) = killed {
            let child = racers.swap_remove(victim);
            child.kill();
            // One that was killed after it had found something found the same.
            if done(victim) {
                assert_eq!(board[FOUND + victim].load(SeqCst), mark(&region), "round {round}");
            }
            region.object::<AtomicU64>("a").unwrap().store(1, Relaxed);
            board.set(DONE + victim, round + 1);
            let again = racer(&base, board, victim, ROUNDS);
            racers.push(again);
            racers.swap(victim, RACERS - 1);
        }
        region.unlink().unwrap();
    }
    racers.into_iter().for_each(ends_well);
    assert!(kills > 500 && done_by_all > 25_000, "{kills} {done_by_all}");
    let left: Vec<String> = std::fs::read_dir("/dev/shm")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(&*base) || name.starts_with(".sabha"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn open_or_create_beside_unlinkers() {
    let name = Name::new("churn");
    let children: Vec<Child> = (0..4)
        .map(|me| {
            let name = &name;
            fork(move || {
                for round in 0..1_500 {
                    let region = Region::options().size(4096).seats(1).open_or_create(name);
                    let region = region.unwrap();
                    if (round + me) % 2 == 0 {
                        match region.unlink() {
                            Ok(()) | Err(Error::NoSuchRegion { .. }) => {}
                            Err(other) => panic!("{other:?}"),
                        }
                    }
                }
            })
        })
        .collect();
    children.into_iter().for_each(ends_well);
}

#[test]
fn of_makers_at_the_same_time_one_succeeds() {
    let (name, board) = (Name::new("makers"), Board::new());
    const ROUNDS: u32 = 500;
    let children: Vec<Child> = (0..3)
        .map(|_| {
            fork(|| {
                for round in 0..ROUNDS {
                    board.wait(GO, round + 1);
                    match Region::options().size(4096).create(&name) {
                        Ok(region) => {
                            board[1].fetch_add(1, SeqCst);
                            std::mem::forget(region);
                        }
                        Err(Error::AlreadyExists { .. }) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                    board[2].fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    for round in 0..ROUNDS {
        board.set(GO, round + 1);
        until("all have tried", || board[2].load(SeqCst) == 3 * (round + 1));
        assert_eq!(board[1].load(SeqCst), round + 1, "regions made in {round} rounds");
        Region::open(&name).unwrap().unlink().unwrap();
    }
    children.into_iter().for_each(ends_well);
}

#[test]
fn a_region_that_is_just_being_grown_can_be_opened() {
    let name = Name::new("growing");
    let region = Region::options().size(4096).max_size(1 << 28).seats(4).create(&name).unwrap();
    drop(region);
    // It grows between any sixteen instructions of the opener.
    let mut opener = Traced::spawn(|| {
        let grown = Region::open(&name).is_ok_and(|region| region.len() > 4096);
        support::fork::end_unless(grown);
    });
    let region = Region::open(&name).unwrap();
    let mut pages = 1;
    let last = loop {
        match opener.steps(16) {
            None => {
                pages += 1;
                region.grow(pages * 4096).unwrap();
            }
            Some(stop) => break stop,
        }
    };
    assert_eq!(last, Stop::Marker, "the opener failed after {pages} pages");
    assert!(pages > 50, "{pages}");
}

#[test]
fn eight_processes_grow_one_region() {
    let region = Region::options().size(4096).max_size(1 << 24).anonymous().unwrap();
    let board = Board::new();
    let children: Vec<Child> = (0..8_u64)
        .map(|me| {
            let region = &region;
            fork(move || {
                let mut random = Random::new(me + 1);
                board[0].fetch_add(1, SeqCst);
                board.wait(0, 8);
                let mut largest = 4096;
                for _ in 0..500 {
                    let wanted = (1 + random.below(4096)) * 4096;
                    let before = region.len();
                    match region.grow(wanted) {
                        Ok(()) => largest = wanted.max(largest),
                        Err(Error::Shrink { wanted: w, current }) => {
                            assert!(w == wanted && current > wanted && current <= 1 << 24);
                        }
                        Err(other) => panic!("{other:?}"),
                    }
                    assert!(region.len() >= before.max(largest));
                }
                board.set(1 + usize::try_from(me).unwrap(), u32::try_from(largest >> 12).unwrap());
            })
        })
        .collect();
    children.into_iter().for_each(ends_well);
    let largest = (1..=8).map(|at| u64::from(board[at].load(SeqCst))).max().unwrap() << 12;
    assert_eq!(region.len(), largest);
    let all = region.slice::<AtomicU64>("all", usize::try_from(largest / 8).unwrap()).unwrap();
    all.iter().for_each(|word| word.store(1, Relaxed)); // all of it is reserved
}

/// Everything that a process can do with the land and the names in it.
fn live(name: &str, random: &mut Random) {
    let options = Region::options().size(1 << 16).max_size(1 << 20).seats(8);
    let region = match random.below(3) {
        0 => options.create(name).or_else(|_| options.open_or_create(name)),
        _ => options.open_or_create(name),
    };
    // Its owner may unlink it between the two.
    let Ok(region) = region else { return };
    for _ in 0..random.below(8) {
        let object = format!("object {}", random.below(5));
        let len = usize::try_from(1 + random.below(600)).unwrap();
        match random.below(6) {
            0 => drop(region.enter().unwrap()),
            1 => drop(region.grow((1 << 16) + random.below(1 << 18)).is_ok()),
            2 => match region.remove(&object) {
                Ok(()) | Err(Error::InUse { .. } | Error::NoSuchObject { .. }) => {}
                Err(other) => panic!("{other:?}"),
            },
            _ => match region.slice::<AtomicU64>(&object, len) {
                Ok(slice) => slice.iter().for_each(|word| word.store(1, Relaxed)),
                Err(Error::OtherType { .. } | Error::RegionFull { .. }) => {}
                Err(other) => panic!("{other:?}"),
            },
        }
    }
    if random.below(10) == 0 {
        let _ = region.unlink();
    }
}

#[test]
fn four_hundred_processes_killed_at_random_leave_a_region_in_which_all_works() {
    let name = Name::new("killed");
    let mut random = Random::new(99);
    let bystander = fork(|| {
        let mut random = Random::new(5);
        loop {
            live(&name, &mut random);
        }
    });
    for round in 0..400 {
        let children = [0, 1].map(|me| {
            let seed = random.below(u64::MAX) + me;
            let name = &name;
            fork(move || {
                let mut random = Random::new(seed);
                loop {
                    live(name, &mut random);
                }
            })
        });
        thread::sleep(Duration::from_micros(300 + random.below(2_500)));
        children.iter().for_each(Child::kill_without_reaping);
        children.into_iter().for_each(Child::kill);
        if round % 10 == 0 {
            let region = Region::options().size(1 << 16).max_size(1 << 20).open_or_create(&name);
            let region = region.unwrap();
            let own = region.slice::<AtomicU64>("survivor's", 64);
            match own {
                Ok(own) => assert!(own.iter().all(|word| word.load(Relaxed) == 0)),
                Err(Error::RegionFull { .. }) => {}
                Err(other) => panic!("round {round}: {other:?}"),
            }
            match region.remove("survivor's") {
                Ok(()) | Err(Error::NoSuchObject { .. }) => {}
                Err(other) => panic!("round {round}: {other:?}"),
            }
            assert!(region.members().len() <= 2, "round {round}");
            drop(region.unlink());
        }
    }
    assert_eq!(bystander.state().to_ascii_uppercase(), bystander.state());
    assert!(matches!(bystander.state(), 'R' | 'S' | 'D'), "the bystander failed");
    drop(bystander);
    let region = Region::options().size(1 << 16).max_size(1 << 20).open_or_create(&name).unwrap();
    for info in region.list() {
        region.remove(&info.name).unwrap(); // no dead process has a handle
    }
    let all = usize::try_from(region.len() / 8).unwrap();
    assert!(region.slice::<AtomicU64>("all", all).unwrap().iter().all(|w| w.load(Relaxed) == 0));
    region.enter().unwrap();
    assert_eq!(region.members().len(), 1);
}

#[test]
fn a_claimers_seat_is_free_again_wherever_it_is_killed() {
    let region = Region::options().size(4096).seats(2).anonymous().unwrap();
    let mut random = Random::new(3);
    region.enter().unwrap();
    for _ in 0..300 {
        let child = fork(|| {
            thread::scope(|scope| {
                loop {
                    scope.spawn(|| region.enter().unwrap()).join().unwrap();
                }
            });
            sleep_for_ever();
        });
        thread::sleep(Duration::from_micros(200 + random.below(1_000)));
        child.kill();
        thread::scope(|scope| scope.spawn(|| region.enter().unwrap()).join().unwrap());
    }
    assert_eq!(region.members().len(), 1);
}
