//! Segments of the `shared_memory` crate and regions of this one, each used as the other.

use sabha::sync::{LockError, Mutex};
use sabha::{Error, Region};
use shared_memory::{Shmem, ShmemConf};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;
use support::assert_refused;
use support::child::{Child, Random};
use support::fork::{Board, Name, ends_well, fork, sleep_for_ever};
use support::system;

/// Where the heap of a region starts in its file.
const HEAP_AT: u64 = 102_400;
/// The least segment: the tables, one page of objects, one seat.
const LEAST: usize = 102_400 + 2 * 4096;

fn make(name: &Name, bytes: usize) -> Shmem {
    ShmemConf::new().os_id(&**name).size(bytes).create().unwrap()
}

fn open(name: &str) -> Shmem {
    ShmemConf::new().os_id(name).open().unwrap()
}

/// The word of the object `name` of `region`, as `segment` has it mapped.
fn word_in<'a>(segment: &'a Shmem, region: &Region, name: &str) -> &'a AtomicU64 {
    let info = region.list().into_iter().find(|info| info.name == name).unwrap();
    let at = usize::try_from(HEAP_AT + info.offset).unwrap();
    assert!(at + 8 <= segment.len());
    system::word_at(segment.as_ptr(), at)
}

#[test]
fn a_segment_of_theirs_holds_objects_of_ours() {
    let name = Name::new("adopt");
    let segment = make(&name, 1 << 20);
    let region = Region::adopt(&segment).unwrap();
    assert_eq!(region.len(), region.max_len());
    assert!(region.len() > (1 << 19) && region.len() < (1 << 20) - HEAP_AT);
    let ours = region.object::<AtomicU64>("word").unwrap();
    let mutex = region.object::<Mutex<u64>>("m").unwrap();
    ours.store(77, SeqCst);
    assert_eq!(word_in(&segment, &region, "word").fetch_add(1, SeqCst), 77);
    assert_eq!(ours.load(SeqCst), 78);

    let children: Vec<Child> = (0..3)
        .map(|_| {
            fork(|| {
                // As their programs do: by name, through their crate.
                let segment = open(&name);
                let region = Region::adopt(&segment).unwrap();
                let mutex = region.open_object::<Mutex<u64>>("m").unwrap();
                for _ in 0..1_000 {
                    *mutex.lock().unwrap() += 1;
                }
            })
        })
        .collect();
    children.into_iter().for_each(ends_well);
    assert_eq!(*mutex.lock().unwrap(), 3_000);

    // A process that is killed in it is noticed as anywhere.
    let board = Board::new();
    let holder = fork(|| {
        let _guard = mutex.lock().unwrap();
        board.set(0, 1);
        sleep_for_ever();
    });
    board.wait(0, 1);
    holder.kill();
    assert!(matches!(mutex.lock(), Err(LockError::OwnerDied(_))));
    assert_eq!(region.members().len(), 1);

    // The same region by name, and again by the segment.
    assert_eq!(Region::open(&name).unwrap().id(), region.id());
    assert_eq!(Region::adopt(&segment).unwrap().member().unwrap(), region.member().unwrap());
    assert_refused!(region.grow(1 << 21), Error::PastMaximum { .. });
    // The segment goes with its owner, the memory with its last user.
    drop(segment);
    assert!(!name.exists());
    assert_eq!(ours.fetch_add(1, SeqCst), 78);
    region.enter().unwrap();
    assert_refused!(region.unlink(), Error::NoSuchRegion { .. });
}

#[test]
fn a_region_of_ours_is_a_segment_of_theirs() {
    let name = Name::new("lend");
    let region = Region::create(&name, 1 << 16).unwrap();
    let words = region.slice::<AtomicU64>("words", 8).unwrap();
    words[0].store(5, SeqCst);
    ends_well(fork(|| {
        let segment = open(&name);
        let bytes = std::fs::metadata(name.path()).unwrap().len();
        assert_eq!(segment.len() as u64, bytes);
        assert!(!segment.is_owner());
        assert_eq!(word_in(&segment, &region, "words").fetch_add(1, SeqCst), 5);
        // Through their mapping and through ours, in one process.
        let adopted = Region::adopt(&segment).unwrap();
        assert_eq!(adopted.id(), region.id());
        assert_eq!(adopted.open_slice::<AtomicU64>("words", 8).unwrap()[0].load(SeqCst), 6);
    }));
    assert_eq!(words[0].load(SeqCst), 6);
    assert!(name.exists(), "not theirs to unlink");
    assert_eq!(region.members().len(), 1);
}

#[test]
fn sizes_of_segments() {
    for (bytes, len, seats) in [(LEAST, 4096, 1), (LEAST + 4095, 4096, 1), (1 << 20, 831_488, 28)] {
        let name = Name::new("size");
        let segment = make(&name, bytes);
        let region = Region::adopt(&segment).unwrap();
        assert_eq!(region.len(), len);
        let all = std::sync::Barrier::new(seats);
        std::thread::scope(|scope| {
            let sit = || {
                let sat = region.enter();
                all.wait();
                sat.unwrap()
            };
            let sitters: Vec<_> = (0..seats).map(|_| scope.spawn(sit)).collect();
            // A scope waits for the closures, a join for the threads' ends, and so for their seats.
            for sitter in sitters {
                sitter.join().unwrap();
            }
        });
        let words = usize::try_from(len / 8).unwrap();
        let all = region.slice::<AtomicU64>("all", words).unwrap();
        all.iter().for_each(|word| word.store(u64::MAX, Relaxed));
        drop(all);
        // Objects and seats do not meet.
        region.remove("all").unwrap();
        region.enter().unwrap();
    }
    for bytes in [1, 8, 259, 260, 4096, LEAST - 1] {
        let name = Name::new("small");
        let segment = make(&name, bytes);
        let (found, least) = (bytes as u64, LEAST as u64);
        let refused = Region::adopt(&segment);
        assert_refused!(refused, Error::OutOfRange { what: "the segment's size", found: f, least: l, .. }
            if (f, l) == (found, least));
        assert!(
            std::fs::read(name.path()).unwrap().iter().all(|byte| *byte == 0),
            "it was changed"
        );
    }
}

#[test]
fn what_is_refused_leaves_the_segment_as_it_was() {
    let name = Name::new("refused");
    let segment = make(&name, 1 << 18);
    let blank = || std::fs::read(name.path()).unwrap().iter().all(|byte| *byte == 0);
    for seats in [0, 1025, u32::MAX] {
        let refused = Region::options().seats(seats).adopt(&segment);
        assert_refused!(refused, Error::OutOfRange { what: "the number of seats", .. });
        assert!(blank());
    }
    if system::is_root() {
        ends_well(fork(|| {
            std::fs::set_permissions(name.path(), std::fs::Permissions::from_mode(0o666)).unwrap();
            system::become_user(65_534);
            let segment = open(&name);
            let refused = Region::adopt(&segment);
            assert_refused!(refused, Error::ForeignOwner { found: 0, expected: 65_534 });
            assert!(blank(), "another user's segment was written to");
        }));
    }
    let region = Region::options().seats(3).adopt(&segment).unwrap();
    region.enter().unwrap();
    let seats = (std::fs::metadata(name.path()).unwrap().size() - HEAP_AT - region.len()) / 4096;
    assert_eq!(seats, 3);
}

#[test]
fn segments_with_something_in_them_are_not_ours() {
    for at in [0_u64, 8, 64, 128, 259] {
        let name = Name::new("used");
        let segment = make(&name, 1 << 18);
        let file = std::fs::File::options().write(true).open(name.path()).unwrap();
        file.write_all_at(&[1], at).unwrap();
        assert_refused!(Region::adopt(&segment), Error::Corrupt { what: "the magic number", .. });
        let bytes = std::fs::read(name.path()).unwrap();
        assert_eq!(bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>(), 1, "it was changed");
    }
}

#[test]
fn the_name_must_still_be_the_segments() {
    let name = Name::new("renamed");
    let segment = make(&name, 1 << 18);
    std::fs::remove_file(name.path()).unwrap();
    assert_refused!(Region::adopt(&segment), Error::NoSuchRegion { path } if path == name.path());
    let other = Region::create(&name, 1 << 16).unwrap();
    assert_refused!(Region::adopt(&segment), Error::Corrupt { what: "the segment's inode", .. });
    assert_eq!(other.members().len(), 1);
    drop(segment); // unlinks by name, as they do: whatever has it
    assert!(!name.exists());
}

#[test]
fn adopters_that_race_and_are_killed_make_one_region() {
    let mut random = Random::new(11);
    for round in 0..60 {
        let name = Name::new("adopters");
        let segment = make(&name, 1 << 17);
        let board = Board::new();
        let adopters: Vec<Child> = (0..4)
            .map(|me| {
                let segment = &segment;
                fork(move || {
                    board[0].fetch_add(1, SeqCst);
                    board.wait(0, 4);
                    let region = Region::adopt(segment).unwrap();
                    #[allow(
                        clippy::cast_possible_truncation,
                        reason = "enough to tell them apart"
                    )]
                    board.set(8 + me, region.id() as u32 | 1);
                    sleep_for_ever();
                })
            })
            .collect();
        board.wait(0, 4);
        std::thread::sleep(Duration::from_micros(random.below(400)));
        adopters[0].kill_without_reaping();
        adopters[1].kill_without_reaping();
        board.wait(10, 1);
        board.wait(11, 1);
        let region = Region::adopt(&segment).unwrap();
        #[allow(clippy::cast_possible_truncation, reason = "enough to tell them apart")]
        let id = region.id() as u32 | 1;
        let found = (8..12).map(|at| board[at].load(SeqCst)).filter(|found| *found != 0);
        assert!(found.into_iter().all(|found| found == id), "two regions in round {round}");
        drop(adopters);
        assert_eq!(region.members().len(), 1);
        region.object::<AtomicU64>("a").unwrap();
    }
}
