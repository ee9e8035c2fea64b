//! Regions as their users meet them: made, opened, passed on, grown, unlinked and closed.

use sabha::sync::Mutex;
use sabha::{Error, Region};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use support::assert_refused;
use support::fork::{Board, Name, ends_well, fork};
use support::system;

fn address(region: &Region) -> usize {
    (&raw const *region.object::<AtomicU64>("address").unwrap()).addr()
}

#[test]
fn processes_meet_by_name() {
    let name = Name::new("meet");
    let region = Region::create(&name, 1 << 16).unwrap();
    let hits = region.object::<AtomicU64>("hits").unwrap();
    let children: Vec<_> = (0..4)
        .map(|_| {
            fork(|| {
                let region = Region::open_or_create(&name, 1).unwrap();
                let hits = region.open_object::<AtomicU64>("hits").unwrap();
                hits.fetch_add(1, Relaxed);
            })
        })
        .collect();
    children.into_iter().for_each(ends_well);
    assert_eq!((hits.load(Relaxed), region.members().len()), (4, 1));
}

#[test]
fn one_region_is_one_mapping_however_it_is_opened() {
    let name = Name::new("one");
    let region = Region::create(&name, 1 << 16).unwrap();
    let fd = region.as_fd().try_clone_to_owned().unwrap();
    let again = [
        Region::open(&name).unwrap(),
        Region::open_or_create(&name, 4096).unwrap(),
        Region::from_fd(fd).unwrap(),
        Region::options().open_file(name.path()).unwrap(),
        region.object::<AtomicU64>("address").unwrap().region().clone(),
    ];
    for other in &again {
        assert_eq!((other.id(), address(other)), (region.id(), address(&region)));
        assert_eq!(other.member().unwrap(), region.member().unwrap());
    }
    assert_eq!(region.members().len(), 1);
    // An observer beside it maps for itself, and is no member.
    let observer = Region::open_read_only(&name).unwrap();
    assert_eq!((observer.id(), region.members().len()), (region.id(), 1));
    drop((region, again));
    assert_eq!(observer.list().len(), 1);
    // A thread that locks by one handle and then by another waits for itself: the library says so.
    let (one, two) = (Region::open(&name).unwrap(), Region::open(&name).unwrap());
    let (one, two) =
        (one.object::<Mutex<u64>>("m").unwrap(), two.object::<Mutex<u64>>("m").unwrap());
    let guard = one.lock().unwrap();
    assert!(matches!(two.lock(), Err(sabha::sync::LockError::Deadlock { .. })));
    drop(guard);
}

#[test]
fn a_region_first_had_by_descriptor_can_be_unlinked_by_who_opened_it_by_name() {
    let name = Name::new("two-ways");
    drop(Region::create(&name, 4096).unwrap());
    let file = std::fs::File::options().read(true).write(true).open(name.path()).unwrap();
    let by_descriptor = Region::from_fd(file.into()).unwrap();
    let by_name = Region::open(&name).unwrap();
    assert_refused!(by_descriptor.unlink(), Error::NoSuchRegion { .. });
    assert!(name.exists());
    by_name.unlink().unwrap();
    assert!(!name.exists());
    assert_refused!(by_name.unlink(), Error::NoSuchRegion { path } if path == name.path());
}

#[test]
fn unlinking_goes_by_identity() {
    let name = Name::new("identity");
    let old = Region::create(&name, 4096).unwrap();
    std::fs::remove_file(name.path()).unwrap();
    assert_refused!(old.unlink(), Error::NoSuchRegion { .. });
    let new = Region::create(&name, 4096).unwrap();
    assert_ne!(old.id(), new.id());
    assert_refused!(old.unlink(), Error::NoSuchRegion { .. });
    ends_well(fork(|| assert_refused!(old.unlink(), Error::NoSuchRegion { .. })));
    assert!(name.exists(), "another's region was unlinked");
    assert_eq!(Region::open(&name).unwrap().id(), new.id());
    // The old one goes on without its name, in other processes, too.
    let a = old.object::<AtomicU64>("a").unwrap();
    ends_well(fork(|| {
        old.open_object::<AtomicU64>("a").unwrap().fetch_add(5, Relaxed);
    }));
    assert_eq!(a.load(Relaxed), 5);
    ends_well(fork(|| Region::open(&name).unwrap().unlink().unwrap()));
    assert!(!name.exists());
    assert_refused!(new.unlink(), Error::NoSuchRegion { .. });
    assert_refused!(Region::open(&name), Error::NoSuchRegion { .. });
    // A link, a directory, another file under the name are another's, too.
    std::os::unix::fs::symlink("/dev/null", name.path()).unwrap();
    assert_refused!(new.unlink(), Error::NoSuchRegion { .. });
    assert!(name.exists());
}

#[test]
fn of_many_that_unlink_one_succeeds() {
    for _ in 0..50 {
        let name = Name::new("once");
        let region = Region::create(&name, 4096).unwrap();
        let unlinked: Vec<bool> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| region.unlink().is_ok())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(unlinked.iter().filter(|done| **done).count(), 1);
    }
}

#[test]
fn an_anonymous_region_goes_to_a_forked_child() {
    let region = Region::anonymous(1 << 16).unwrap();
    let a = region.object::<AtomicU64>("a").unwrap();
    ends_well(fork(|| {
        a.fetch_add(1, Relaxed);
        region.open_object::<AtomicU64>("a").unwrap().fetch_add(1, Relaxed);
        let fd = region.as_fd().try_clone_to_owned().unwrap();
        Region::from_fd(fd).unwrap().open_object::<AtomicU64>("a").unwrap().fetch_add(1, Relaxed);
    }));
    assert_eq!(a.load(Relaxed), 3);
}

#[test]
fn an_anonymous_region_goes_through_a_socket() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let board = Board::new();
    let child = fork(|| {
        // Forked before there was a region.
        let region = Region::from_fd(system::receive_descriptor(&theirs)).unwrap();
        let a = region.open_object::<AtomicU64>("a").unwrap();
        assert_eq!(region.members().len(), 2);
        a.fetch_add(1, Relaxed);
        board.set(0, 1);
        board.wait(1, 1);
        assert_eq!(region.members().len(), 1);
        assert_eq!(a.fetch_add(1, Relaxed), 1);
        region.grow(1 << 17).unwrap();
    });
    let region = Region::options().size(1 << 16).max_size(1 << 17).anonymous().unwrap();
    let a = region.object::<AtomicU64>("a").unwrap();
    system::send_descriptor(&ours, region.as_fd());
    board.wait(0, 1);
    assert_eq!(a.load(Relaxed), 1);
    let fd = region.as_fd().try_clone_to_owned().unwrap();
    drop((a, region));
    board.set(1, 1);
    ends_well(child);
    let region = Region::from_fd(fd).unwrap();
    assert_eq!(region.len(), 1 << 17);
    assert_eq!(region.open_object::<AtomicU64>("a").unwrap().load(Relaxed), 2);
}

#[test]
fn a_memory_file_cannot_be_cut_off() {
    let region = Region::anonymous(1 << 16).unwrap();
    let file = std::fs::File::from(region.as_fd().try_clone_to_owned().unwrap());
    let refused = file.set_len(4096).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
}

#[test]
fn a_file_of_a_real_filesystem_holds_a_region() {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = directory.join(format!("region-{}", std::process::id()));
    let options = Region::options().size(1 << 16).max_size(1 << 20);
    let region = options.create_file(&path).unwrap();
    assert_refused!(options.create_file(&path), Error::AlreadyExists { path: p } if p == path);
    let a = region.object::<AtomicU64>("a").unwrap();
    ends_well(fork(|| {
        let region = options.open_file(&path).unwrap();
        region.open_object::<AtomicU64>("a").unwrap().fetch_add(7, Relaxed);
        region.grow(1 << 20).unwrap();
        region.enter().unwrap();
    }));
    assert_eq!((a.load(Relaxed), region.len()), (7, 1 << 20));
    let id = region.id();
    drop((a, region));
    // It outlives its processes: what was written is there.
    let region = options.open_or_create_file(&path).unwrap();
    assert_eq!(region.id(), id);
    assert_eq!(region.open_object::<AtomicU64>("a").unwrap().load(Relaxed), 7);
    region.unlink().unwrap();
    assert!(!path.exists());
    let left: Vec<_> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(".sabha"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_relative_path_is_of_the_directory_it_was_given_in() {
    ends_well(fork(|| {
        let directory = Name::new("directory");
        std::fs::create_dir(directory.path()).unwrap();
        std::env::set_current_dir(directory.path()).unwrap();
        let region = Region::options().size(4096).create_file("region").unwrap();
        std::env::set_current_dir("/").unwrap();
        region.unlink().unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }));
}

#[test]
fn growth_is_seen_by_all_and_its_bytes_are_zero() {
    let region = Region::options().size(4096).max_size(1 << 20).anonymous().unwrap();
    let before = address(&region);
    let board = Board::new();
    let child = fork(|| {
        assert_eq!(region.len(), 4096);
        board.set(0, 1);
        board.wait(1, 1);
        assert_eq!(region.len(), 1 << 19);
        region.grow(1 << 20).unwrap();
        let all = region.slice::<AtomicU64>("new", ((1 << 20) - 4096) / 8).unwrap();
        assert!(all.iter().all(|word| word.load(Relaxed) == 0));
        all.iter().for_each(|word| word.store(1, Relaxed));
    });
    board.wait(0, 1);
    region.grow(1 << 19).unwrap();
    board.set(1, 1);
    ends_well(child);
    assert_eq!((region.len(), address(&region)), (1 << 20, before));
    let all = region.open_slice::<AtomicU64>("new", ((1 << 20) - 4096) / 8).unwrap();
    assert!(all.iter().all(|word| word.load(Relaxed) == 1));
}

fn mappings_and_descriptors() -> (usize, usize) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    (maps, std::fs::read_dir("/proc/self/fd").unwrap().count())
}

#[test]
fn ten_thousand_times_opened_and_closed_leaves_nothing() {
    ends_well(fork(|| {
        let name = Name::new("often");
        drop(Region::options().size(4096).seats(8).create(&name).unwrap());
        let visit = || {
            let region = Region::open(&name).unwrap();
            region.enter().unwrap();
            let a = region.object::<AtomicU64>("a").unwrap();
            drop(region);
            a.fetch_add(1, Relaxed);
        };
        visit();
        let before = mappings_and_descriptors();
        (0..7_000).for_each(|_| visit());
        assert_eq!(mappings_and_descriptors(), before);
        for _ in 0..3 {
            thread::scope(|scope| {
                (0..2).for_each(|_| drop(scope.spawn(|| (0..500).for_each(|_| visit()))));
            });
        }
        for _ in 0..500 {
            Region::anonymous(4096).unwrap().enter().unwrap();
        }
        let after = mappings_and_descriptors();
        // The C library keeps some arenas and stacks of threads.
        assert!(after.1 == before.1 && after.0 <= before.0 + 8, "{before:?} {after:?}");
        let region = Region::open(&name).unwrap();
        assert_eq!(region.object::<AtomicU64>("a").unwrap().load(Relaxed), 10_001);
        assert_eq!(region.members().len(), 1);
        region.unlink().unwrap();
    }));
}

#[test]
fn a_descriptor_passed_on_is_closed_on_exec() {
    let region = Region::anonymous(4096).unwrap();
    let flags = system::descriptor_flags(region.as_fd().as_raw_fd());
    assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
}
