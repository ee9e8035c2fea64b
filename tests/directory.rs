//! The objects of a region: found, made, filled up, removed and made anew.

use sabha::{Error, Region, Shareable};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::thread;
use std::time::Duration;
use support::assert_refused;
use support::child::Child;
use support::fork::{Board, Name, ends_well, fork, sleep_for_ever};
use support::trace::{Stop, Traced};

const KIB: usize = 128; // u64s

#[derive(Shareable)]
#[repr(C, align(4096))]
struct Page([AtomicU64; 512]);

#[test]
fn names_of_objects() {
    let region = Region::anonymous(1 << 16).unwrap();
    let long = "n".repeat(209);
    let longer = "n".repeat(65 * 1024);
    let wrong = [
        ("", "it is empty"),
        (".", "it means a directory"),
        ("..", "it means a directory"),
        ("a/b", "it has a slash"),
        ("a\0", "it has a zero byte"),
        (&long, "it is too long"),
        (&longer, "it is too long"),
    ];
    for (given, expected) in wrong {
        let calls = [
            region.object::<AtomicU64>(given).err(),
            region.open_object::<AtomicU64>(given).err(),
            region.slice::<AtomicU64>(given, 2).err(),
            region.open_slice::<AtomicU64>(given, 2).err(),
            region.growing_slice::<AtomicU64>(given).err(),
            region.remove(given).err(),
        ];
        for error in calls {
            assert!(matches!(error, Some(Error::InvalidName { why, .. }) if why == expected));
        }
    }
    assert!(region.list().is_empty());
    // Names that are prefixes of each other, and as long as they can be, in any script.
    let most = "n".repeat(208);
    let names = ["n", "nn", &most, &most[1..], "größe", "名前", "a b\n", " "];
    let objects: Vec<_> =
        names.iter().map(|name| region.object::<AtomicU64>(name).unwrap()).collect();
    for (value, object) in objects.iter().enumerate() {
        object.store(value as u64, Relaxed);
    }
    for (value, name) in names.iter().enumerate() {
        assert_eq!(region.open_object::<AtomicU64>(name).unwrap().load(Relaxed), value as u64);
    }
    let listed: HashSet<String> = region.list().into_iter().map(|info| info.name).collect();
    assert_eq!(listed, names.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn two_hundred_and_fifty_six_objects() {
    let region = Region::anonymous(1 << 16).unwrap();
    for index in 0..256 {
        region.object::<AtomicU64>(&index.to_string()).unwrap().store(index, Relaxed);
    }
    assert_refused!(region.object::<AtomicU64>("more"), Error::DirectoryFull { capacity: 256 });
    assert_refused!(region.slice::<AtomicU64>("more", 2), Error::DirectoryFull { .. });
    region.object::<AtomicU64>("255").unwrap();
    region.remove("77").unwrap();
    assert_refused!(region.remove("77"), Error::NoSuchObject { name } if name == "77");
    assert_eq!(region.object::<AtomicU64>("more").unwrap().load(Relaxed), 0);
    let list = region.list();
    let offsets: HashSet<u64> = list.iter().map(|info| info.offset).collect();
    assert_eq!((list.len(), offsets.len()), (256, 256));
    for index in (0..256).filter(|index| *index != 77) {
        let object = region.open_object::<AtomicU64>(&index.to_string()).unwrap();
        assert_eq!(object.load(Relaxed), index);
    }
}

#[test]
fn space_is_found_in_gaps_and_comes_back_zeroed() {
    let region = Region::anonymous(64 << 10).unwrap();
    let dirty = |name: &str, kib: usize| {
        let slice = region.slice::<AtomicU64>(name, kib * KIB).unwrap();
        assert!(slice.iter().all(|word| word.load(Relaxed) == 0), "{name} is not zero");
        slice.iter().for_each(|word| word.store(u64::MAX, Relaxed));
    };
    for (name, kib) in [("a", 16), ("b", 16), ("c", 16), ("d", 16)] {
        dirty(name, kib);
    }
    assert_refused!(region.object::<AtomicU64>("e"), Error::RegionFull { wanted: 8, largest: 0 });
    region.remove("b").unwrap();
    assert_refused!(
        region.slice::<AtomicU64>("e", 17 * KIB),
        Error::RegionFull { wanted: 17_408, largest: 16_384 }
    );
    dirty("e", 8);
    dirty("f", 8);
    region.remove("c").unwrap();
    region.remove("f").unwrap();
    dirty("g", 24); // over what were two
    for name in ["a", "d", "e", "g"] {
        region.remove(name).unwrap();
    }
    assert!(region.list().is_empty());
    dirty("all", 64);
}

#[test]
fn alignments_are_kept_and_nobody_shares_a_line() {
    let region = Region::anonymous(64 << 10).unwrap();
    for round in 0..6 {
        region.object::<AtomicU32>(&format!("small {round}")).unwrap();
        let page = region.object::<Page>(&format!("page {round}")).unwrap();
        assert_eq!((&raw const *page).addr() % 4096, 0);
        assert!(page.0.iter().all(|word| word.load(Relaxed) == 0));
    }
    let mut used: Vec<(u64, u64)> =
        region.list().iter().map(|info| (info.offset, info.offset + info.layout.bytes)).collect();
    used.sort_unstable();
    assert!(used.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{used:?}");
    assert!(used.iter().all(|(start, _)| start % 128 == 0), "{used:?}");
}

#[test]
fn an_object_with_a_handle_anywhere_cannot_be_removed() {
    let region = Region::anonymous(1 << 16).unwrap();
    let board = Board::new();
    let ours = region.slice::<AtomicU64>("s", 8).unwrap();
    let in_use = |pid: u32| match region.remove("s") {
        Err(error @ Error::InUse { .. }) => {
            assert!(error.to_string().contains(&pid.to_string()), "{error}");
            let Error::InUse { name, by } = error else { unreachable!() };
            assert_eq!((&*name, by.pid), ("s", pid));
        }
        other => panic!("{other:?}"),
    };
    let us = std::process::id();
    in_use(us);
    let (clone, part) = (ours.clone(), ours.subview(2..4).unwrap());
    drop(ours);
    in_use(us);
    drop(clone);
    in_use(us);
    drop(part);
    let again = region.open_slice::<AtomicU64>("s", 8).unwrap();
    let twice = region.open_slice::<AtomicU64>("s", 8).unwrap();
    drop(again);
    in_use(us);
    twice[0].store(7, Relaxed);

    // Another process's handle, which dies with it.
    let child = fork(|| {
        let its = region.open_slice::<AtomicU64>("s", 8).unwrap();
        board.set(0, 1);
        board.wait(1, 1);
        drop(its);
        board.set(0, 2);
        let its = region.open_slice::<AtomicU64>("s", 8).unwrap();
        board.set(0, 3);
        std::mem::forget(its);
        sleep_for_ever();
    });
    board.wait(0, 1);
    drop(twice);
    in_use(child.pid.unsigned_abs());
    board.set(1, 1);
    board.wait(0, 3);
    in_use(child.pid.unsigned_abs());
    support::fork::stop(&child);
    in_use(child.pid.unsigned_abs()); // stopped is not dead
    child.kill();
    region.remove("s").unwrap();
    assert_refused!(region.open_slice::<AtomicU64>("s", 8), Error::NoSuchObject { .. });
    assert_eq!(region.slice::<AtomicU64>("s", 8).unwrap()[0].load(Relaxed), 0);
}

#[test]
fn what_grows_takes_the_end_and_follows_the_length() {
    let options = Region::options().size(8192).max_size(1 << 20);
    let region = options.anonymous().unwrap();
    region.object::<AtomicU64>("before").unwrap();
    let log = region.growing_slice::<AtomicU64>("log").unwrap();
    assert_eq!(log.get().len(), (8192 - 128) / 8);
    assert_refused!(region.object::<AtomicU64>("after"), Error::RegionFull { largest: 0, .. });
    let early = log.get();
    let view = log.view();
    ends_well(fork(|| {
        region.grow(1 << 19).unwrap();
        let log = region.growing_slice::<AtomicU64>("log").unwrap();
        log.get().last().unwrap().store(5, Relaxed);
    }));
    assert_eq!(log.get().len(), ((1 << 19) - 128) / 8);
    assert_eq!(log.get().last().unwrap().load(Relaxed), 5);
    assert_eq!((early.len(), view.len()), (1008, 1008));
    assert_eq!(early.as_ptr(), log.get().as_ptr());
    assert_refused!(region.growing_slice::<AtomicU32>("log"), Error::OtherType { .. });
    assert_refused!(region.slice::<AtomicU64>("log", 1008), Error::OtherType { .. });
    // Gone, its bytes are zero for the next, and room for others.
    log.get().iter().for_each(|word| word.store(1, Relaxed));
    assert_refused!(region.remove("log"), Error::InUse { .. });
    drop(log);
    assert_refused!(region.remove("log"), Error::InUse { .. }); // the view
    drop(view);
    region.remove("log").unwrap();
    let all = region.slice::<AtomicU64>("all", ((1 << 19) - 128) / 8).unwrap();
    assert!(all.iter().all(|word| word.load(Relaxed) == 0));
    region.grow(1 << 20).unwrap();
    let rest = region.growing_slice::<AtomicU64>("rest").unwrap();
    assert_eq!(rest.get().len(), (1 << 19) / 8);
    assert!(rest.get().iter().all(|word| word.load(Relaxed) == 0));
}

#[test]
fn eight_processes_make_the_same_objects_at_the_same_time() {
    const OBJECTS: usize = 60;
    let region = Region::anonymous(1 << 18).unwrap();
    let board = Board::new();
    let children: Vec<Child> = (0..8)
        .map(|mine| {
            let (region, board) = (&region, board);
            fork(move || {
                board[0].fetch_add(1, SeqCst);
                board.wait(0, 8);
                for step in 0..OBJECTS {
                    let index = (step * 7 + mine * 11) % OBJECTS;
                    let name = format!("object {index}");
                    let slice = region.slice::<AtomicU64>(&name, index + 1).unwrap();
                    slice.iter().for_each(|word| _ = word.fetch_add(1, Relaxed));
                }
            })
        })
        .collect();
    children.into_iter().for_each(ends_well);
    assert_eq!(region.list().len(), OBJECTS);
    for index in 0..OBJECTS {
        let slice = region.open_slice::<AtomicU64>(&format!("object {index}"), index + 1).unwrap();
        assert!(slice.iter().all(|word| word.load(Relaxed) == 8), "object {index}");
    }
}

#[test]
fn the_list_is_true_of_some_moment_while_others_change_it() {
    let name = Name::new("list");
    let region = Region::create(&name, 1 << 16).unwrap();
    region.object::<AtomicU64>("stays").unwrap();
    let observer = Region::open_read_only(&name).unwrap();
    let changer = fork(|| {
        for round in 0_usize.. {
            // One entry and place, taken in turn by things that differ in every field.
            let (name, len) = [("short", 3), ("a much, much longer name", 700)][round % 2];
            if round % 2 == 0 {
                region.slice::<AtomicU32>(name, len).unwrap();
            } else {
                region.slice::<AtomicU64>(name, len).unwrap();
            }
            region.remove(name).unwrap();
        }
    });
    let mut seen = [0; 2];
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while (seen[0] < 200 || seen[1] < 200) && std::time::Instant::now() < end {
        for list in [region.list(), observer.list()] {
            assert!(list.iter().any(|info| info.name == "stays"));
            for info in list {
                let (bytes, count) = (info.layout.bytes, info.layout.count);
                match &*info.name {
                    "stays" => assert_eq!((bytes, count), (8, 1)),
                    "short" => assert_eq!((bytes, count, info.offset), (12, 3, 128)),
                    "a much, much longer name" => {
                        assert_eq!((bytes, count, info.offset), (5600, 700, 128));
                    }
                    other => panic!("{other:?} was never there: {info:?}"),
                }
                seen[0] += usize::from(info.name == "short");
                seen[1] += usize::from(info.name.starts_with("a much"));
            }
        }
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
    drop(changer);
}

#[test]
fn threads_that_make_and_remove_one_object_never_see_anothers_bytes() {
    let region = Region::anonymous(1 << 16).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for mine in 1..=3_u64 {
            let (region, stop) = (&region, &stop);
            scope.spawn(move || {
                let name = format!("{mine}");
                for _ in 0..3_000 {
                    if stop.load(Relaxed) {
                        break;
                    }
                    let slice = region.slice::<AtomicU64>(&name, 300).unwrap();
                    let clean = slice.iter().all(|word| word.load(Relaxed) == 0);
                    stop.fetch_or(!clean, Relaxed);
                    assert!(clean, "bytes of another, or of a former life");
                    slice.iter().for_each(|word| word.store(mine, Relaxed));
                    assert!(slice.iter().all(|word| word.load(Relaxed) == mine));
                    drop(slice);
                    region.remove(&name).unwrap();
                }
            });
        }
    });
    assert!(region.list().is_empty());
}

/// Where the owner of the directory's lock is named.
const LOCK_AT: u64 = 192;

#[test]
fn a_stopped_holder_of_the_directory_is_waited_for_and_a_killed_one_is_not() {
    let name = Name::new("holder");
    let region = Region::create(&name, 1 << 16).unwrap();
    let file = std::fs::File::open(name.path()).unwrap();
    let locked = || {
        let mut word = [0; 4];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut word, LOCK_AT).unwrap();
        u32::from_ne_bytes(word) & 0x3fff_ffff != 0
    };
    let board = Board::new();
    for kill in [false, true] {
        let object = if kill { "killed" } else { "stopped" };
        let mut holder = Traced::spawn(|| drop(region.object::<AtomicU64>(object)));
        while !locked() {
            assert!(matches!(holder.step(), Stop::Step), "it ended without the lock");
        }
        board.set(0, 0);
        let waiter = fork(|| {
            region.enter().unwrap();
            board.set(0, 1);
            region.object::<AtomicU64>("other").unwrap();
            board.set(0, 2);
        });
        board.wait(0, 1);
        thread::sleep(Duration::from_millis(250)); // more than two pulses
        assert_eq!(board[0].load(SeqCst), 1, "the stopped holder's lock was taken away");
        assert!(locked());
        if kill {
            holder.kill();
        } else {
            assert_eq!(holder.run(), Stop::Marker);
        }
        ends_well(waiter);
        region.remove("other").unwrap();
        assert_eq!(region.list().len(), 1, "killed before it made anything");
    }
}
