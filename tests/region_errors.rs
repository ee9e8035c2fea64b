//! What the region floor refuses: each with the error that says so, and with nothing left behind.

use sabha::{Error, Region};
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64};
use support::assert_refused;
use support::fork::{Board, Name, ends_well, fork};
use support::system;

/// Where the heap of a region starts in its file.
const HEAP_AT: u64 = 102_400;

#[test]
fn names_that_cannot_be_one() {
    let long = "n".repeat(256);
    let longer = "n".repeat(65 * 1024);
    let wrong = [
        ("", "it is empty"),
        (".", "it means a directory"),
        ("..", "it means a directory"),
        ("a/b", "it has a slash"),
        ("/a", "it has a slash"),
        ("a\0b", "it has a zero byte"),
        (&long, "it is too long"),
        (&longer, "it is too long"),
    ];
    for (given, expected) in wrong {
        let calls = [
            Region::create(given, 4096).err(),
            Region::open(given).err(),
            Region::open_or_create(given, 4096).err(),
            Region::open_read_only(given).err(),
        ];
        for error in calls {
            let Some(Error::InvalidName { name, why }) = error else { panic!("{error:?}") };
            assert_eq!(why, expected);
            assert!(name.len() <= 64 && given.starts_with(&name));
        }
    }
    let most = Name::new(&"n".repeat(255 - Name::new("").len() - 1));
    assert!((250..=255).contains(&most.len()));
    Region::create(&most, 4096).unwrap();
}

#[test]
fn a_name_that_nobody_has_made() {
    let name = Name::new("nobody");
    let (by_name, path) = (Region::open(&name), name.path());
    assert_refused!(by_name, Error::NoSuchRegion { path: p } if p == path);
    assert_refused!(Region::open_read_only(&name), Error::NoSuchRegion { path: p } if p == path);
    assert!(!name.exists());
}

#[test]
fn a_name_that_is_taken() {
    let name = Name::new("taken");
    let first = Region::create(&name, 4096).unwrap();
    let path = name.path();
    assert_refused!(Region::create(&name, 8192), Error::AlreadyExists { path: p } if p == path);
    assert_eq!(Region::open(&name).unwrap().id(), first.id());
    assert_eq!(Region::open_or_create(&name, 8192).unwrap().len(), 4096);
}

#[test]
fn sizes_and_seats_out_of_range() {
    let name = Name::new("sizes");
    let options = Region::options;
    for size in [0, (1 << 44) + 1, 1 << 45, 1 << 62, u64::MAX - 4095, u64::MAX] {
        let of = |error| match error {
            Err(Error::OutOfRange { what: "the size", found, least: 1, most }) => {
                assert_eq!((found, most), (size, 1 << 44));
            }
            other => panic!("{size}: {other:?}"),
        };
        of(options().size(size).create(&name));
        of(options().size(size).anonymous());
        of(options().size(size).open_or_create(&name));
    }
    for max in [0, (1 << 44) + 1, u64::MAX] {
        let refused = options().size(4096).max_size(max).create(&name);
        assert_refused!(refused, Error::OutOfRange { what: "the maximal size", .. });
    }
    let refused = options().size(8192).max_size(4096).create(&name);
    assert_refused!(refused, Error::OutOfRange { what: "the size", found: 8192, most: 4096, .. });
    for seats in [0, 1025, u32::MAX] {
        let refused = options().seats(seats).create(&name);
        let found = u64::from(seats);
        assert_refused!(refused, Error::OutOfRange { what: "the number of seats", found: f, least: 1, most: 1024 } if f == found);
    }
    assert!(!name.exists());
    // The largest address range that there can be costs nothing.
    let vast = options().size(1).max_size(1 << 44).seats(1).create(&name).unwrap();
    assert_eq!((vast.len(), vast.max_len()), (4096, 1 << 44));
}

#[test]
fn what_is_not_a_file_says_what_it_is() {
    let name = Name::new("kind");
    let observe = || Region::open_read_only(&name).map(drop);
    let each = |expected: &str| {
        let calls = [
            Region::open(&name).map(drop),
            Region::open_or_create(&name, 4096).map(drop),
            observe(),
        ];
        for call in calls {
            match call {
                Err(Error::NotAFile { path, found }) => {
                    assert_eq!((path, found), (name.path(), expected));
                }
                other => panic!("{expected}: {other:?}"),
            }
        }
        assert_refused!(Region::create(&name, 4096), Error::AlreadyExists { .. });
    };
    fs::create_dir(name.path()).unwrap();
    each("a directory");
    fs::remove_dir(name.path()).unwrap();

    symlink("/etc/passwd", name.path()).unwrap();
    each("a symbolic link");
    fs::remove_file(name.path()).unwrap();
    symlink(name.path(), name.path()).unwrap(); // to itself
    each("a symbolic link");
    fs::remove_file(name.path()).unwrap();
    let target = Name::new("target");
    let real = Region::create(&target, 4096).unwrap();
    symlink(target.path(), name.path()).unwrap(); // to a region
    each("a symbolic link");
    assert_eq!(real.len(), 4096);
    fs::remove_file(name.path()).unwrap();

    system::make_fifo(&name.path());
    each("a FIFO");
    fs::remove_file(name.path()).unwrap();

    let socket = std::os::unix::net::UnixListener::bind(name.path()).unwrap();
    each("a socket");
    drop(socket);
    fs::remove_file(name.path()).unwrap();

    if system::is_root() {
        system::make_null_device(&name.path());
        each("a device");
    } else {
        let null = Region::options().open_file("/dev/null");
        assert_refused!(
            null,
            Error::NotAFile { found: "a device", .. } | Error::ForeignOwner { .. }
        );
    }
}

#[test]
fn descriptors_of_other_things() {
    let (reader, _writer) = std::io::pipe().unwrap();
    assert_refused!(Region::from_fd(reader.into()), Error::NotAFile { found: "a FIFO", .. });
    let directory: OwnedFd = File::open("/dev/shm").unwrap().into();
    assert_refused!(
        Region::options().trust_owner(0).open_fd(directory),
        Error::NotAFile { found: "a directory", .. }
    );
    let name = Name::new("read-only-fd");
    let region = Region::create(&name, 4096).unwrap();
    let id = region.id();
    drop(region);
    let reading: OwnedFd = File::open(name.path()).unwrap().into();
    assert_refused!(Region::from_fd(reading), Error::ReadOnly);
    assert_eq!(Region::open(&name).unwrap().id(), id);
}

#[test]
fn directories_that_are_missing_or_closed() {
    let path = Path::new("/dev/shm/sabha-test-no-such-directory/region");
    let refused = Region::options().create_file(path);
    assert_refused!(refused, Error::Os { source, .. } if source.kind() == std::io::ErrorKind::NotFound);
    let refused = Region::options().open_or_create_file(path);
    assert_refused!(refused, Error::Os { source, .. } if source.kind() == std::io::ErrorKind::NotFound);
    assert_refused!(Region::options().open_file(path), Error::NoSuchRegion { path: p } if p == path);
    assert_refused!(
        Region::options().open_file(""),
        Error::InvalidName { why: "it is no path", .. }
    );
    assert_refused!(Region::options().create_file("/"), Error::AlreadyExists { .. });

    let closed = Name::new("closed-directory");
    fs::create_dir(closed.path()).unwrap();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let inside = closed.path().join("region");
    ends_well(fork(|| {
        system::become_user(65_534);
        let refused = Region::options().create_file(&inside);
        assert_refused!(refused, Error::PermissionDenied { user: 65_534, .. });
        let refused = Region::options().open_or_create_file(&inside);
        assert_refused!(refused, Error::PermissionDenied { user: 65_534, .. });
    }));
}

#[test]
fn what_another_user_made() {
    let name = Name::new("foreign");
    let board = Board::new();
    let maker = fork(|| {
        system::become_user(65_534);
        let region = Region::options().mode(0o666).size(4096).create(&name).unwrap();
        region.object::<AtomicU64>("a").unwrap();
        board.set(0, 1);
        board.wait(1, 1);
    });
    board.wait(0, 1);
    let us = system::user();
    let foreign = |error| match error {
        Err(Error::ForeignOwner { found: 65_534, expected }) => assert_eq!(expected, us),
        other => panic!("{other:?}"),
    };
    foreign(Region::open(&name).map(drop));
    foreign(Region::open_or_create(&name, 4096).map(drop));
    foreign(Region::open_read_only(&name).map(drop));
    foreign(Region::options().trust_owner(1).open(&name).map(drop));
    let fd: OwnedFd = File::options().read(true).write(true).open(name.path()).unwrap().into();
    foreign(Region::from_fd(fd).map(drop));

    let trusting = Region::options().trust_owner(1).trust_owner(65_534);
    trusting.open_read_only(&name).unwrap();
    let region = trusting.open(&name).unwrap();
    region.open_object::<AtomicU64>("a").unwrap();
    assert_eq!(region.members().len(), 2);
    board.set(1, 1);
    ends_well(maker);

    // The other way round: what we made, and the other may not even look at.
    let own = Name::new("own");
    Region::create(&own, 4096).unwrap();
    ends_well(fork(|| {
        system::become_user(65_534);
        let denied = |error| match error {
            Err(Error::PermissionDenied { path, mode: 0o600, owner, user: 65_534 }) => {
                assert_eq!((path, owner), (own.path(), us));
            }
            other => panic!("{other:?}"),
        };
        denied(Region::open(&own).map(drop));
        denied(Region::open_read_only(&own).map(drop));
        denied(Region::options().trust_owner(us).open(&own).map(drop));
    }));
}

#[test]
fn the_mode_is_what_was_asked_for_whatever_the_umask() {
    let mode_of = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    ends_well(fork(|| {
        system::umask(0o277);
        for mode in [0o600, 0o640, 0o666, 0o777] {
            let name = Name::new("mode");
            let region = Region::options().mode(mode).size(4096).create(&name).unwrap();
            assert_eq!(mode_of(&name.path()), mode);
            assert_eq!(Region::open(&name).unwrap().id(), region.id());
        }
        let name = Name::new("set-user-id");
        Region::options().mode(0o4600).size(4096).create(&name).unwrap();
        assert_eq!(mode_of(&name.path()), 0o600);
    }));
}

#[test]
fn a_mode_that_shuts_the_maker_out_is_refused_before_there_is_a_name() {
    ends_well(fork(|| {
        system::become_user(65_534);
        for mode in [0, 0o400, 0o200, 0o066] {
            let name = Name::new("shut");
            for refused in [
                Region::options().mode(mode).size(4096).create(&name),
                Region::options().mode(mode).size(4096).open_or_create(&name),
            ] {
                match refused {
                    Err(Error::PermissionDenied { mode: found, owner, user, .. }) => {
                        assert_eq!((found, owner, user), (mode, 65_534, 65_534));
                    }
                    other => panic!("{mode:o}: {other:?}"),
                }
                assert!(!name.exists(), "left behind");
            }
        }
    }));
}

/// A file that was a region, spoilt; what opening it says.
fn spoilt(tag: &str, spoil: impl FnOnce(&File)) -> [Error; 3] {
    let name = Name::new(tag);
    let region = Region::options().size(8192).seats(2).create(&name).unwrap();
    region.enter().unwrap();
    region.object::<AtomicU64>("a").unwrap();
    drop(region);
    let file = File::options().read(true).write(true).open(name.path()).unwrap();
    spoil(&file);
    [
        Region::open(&name).expect_err("opened"),
        Region::open_or_create(&name, 8192).expect_err("opened or made"),
        Region::open_read_only(&name).expect_err("observed"),
    ]
}

fn assert_corrupt(errors: [Error; 3], expected_what: &str, found: u64, expected: u64) {
    for error in errors {
        match &error {
            Error::Corrupt { what, found: f, expected: e } => {
                assert_eq!((*what, *f, *e), (expected_what, found, expected));
            }
            other => panic!("{other:?}"),
        }
        let words = error.to_string();
        assert!(words.contains(&format!("{found:#x}")), "{words}");
        assert!(words.contains(&format!("{expected:#x}")), "{words}");
    }
}

#[test]
fn truncated_files() {
    for len in [0, 1, 135, 259] {
        let errors = spoilt("short", |file| file.set_len(len).unwrap());
        assert_corrupt(errors, "the file's length", len, HEAP_AT);
    }
    let whole = HEAP_AT + 8192;
    for len in [260, 4096, whole / 2, HEAP_AT, whole - 1] {
        let errors = spoilt("half", |file| file.set_len(len).unwrap());
        assert_corrupt(errors, "the file's length (it is truncated)", len, whole);
    }
}

#[test]
fn headers_that_are_not_ours() {
    let magic = u64::from_ne_bytes(*b"sabha\0\0\0");
    let put = |at: u64, bytes: &'static [u8]| {
        spoilt("header", move |file| file.write_all_at(bytes, at).unwrap())
    };
    let bad_magic = u64::from_ne_bytes(*b"Sabha\0\0\0");
    assert_corrupt(put(0, b"Sabha\0\0\0"), "the magic number", bad_magic, magic);
    assert_corrupt(put(0, &[0; 8]), "the magic number", 0, magic);
    assert_corrupt(put(12, &[1, 2, 3, 4]), "the byte order", 0x0403_0201, 0x0102_0304);
    let version = 1;
    assert_corrupt(put(8, &[0xff, 0, 0, 0]), "the format version", 0xff, version);
    assert_corrupt(put(44, &[0, 0, 1, 0]), "the page size", 0x1_0000, 4096);
    for (at, bytes) in [(32, &[0xff; 8][..]), (40, &[0; 4]), (40, &[0xff; 4]), (48, &[7; 8])] {
        for error in put(at, bytes) {
            assert_refused!(
                Err::<(), _>(error),
                Error::Corrupt { what: "the layout checksum", .. }
            );
        }
    }
    assert_corrupt(put(128, &[0xff; 8]), "the length", u64::MAX, 8192);
}

#[test]
fn more_seats_said_to_be_ready_than_the_file_has() {
    let errors = spoilt("ready", |file| file.write_all_at(&[0xff; 4], 256).unwrap());
    for error in errors {
        assert_refused!(
            Err::<(), _>(error),
            Error::Corrupt { what: "the number of seats that are ready", .. }
        );
    }
}

#[test]
fn files_of_other_programs() {
    let name = Name::new("text");
    fs::write(name.path(), "hello\n").unwrap();
    assert_refused!(
        Region::open(&name),
        Error::Corrupt { what: "the file's length", found: 6, .. }
    );
    fs::write(name.path(), "hello, world\n".repeat(20_000)).unwrap();
    assert_refused!(Region::open(&name), Error::Corrupt { what: "the magic number", .. });
    assert_refused!(Region::open_or_create(&name, 4096), Error::Corrupt { .. });
    assert_eq!(fs::read(name.path()).unwrap().len(), 260_000, "it was changed");
}

#[test]
fn other_types_under_a_name_say_both() {
    let region = Region::options().size(1 << 16).max_size(1 << 17).anonymous().unwrap();
    let number = region.object::<AtomicU64>("n").unwrap();
    region.slice::<AtomicU32>("s", 8).unwrap();
    let refused = region.object::<AtomicU32>("n").unwrap_err();
    let words = refused.to_string();
    let Error::OtherType { name, found, expected } = refused else { panic!("{refused:?}") };
    assert_eq!((&*name, found.kind, expected.kind), ("n", "object", "object"));
    assert_eq!((found.count, found.bytes, expected.count, expected.bytes), (1, 8, 1, 4));
    assert_ne!(found.fingerprint, expected.fingerprint);
    for part in [&found.to_string(), &expected.to_string()] {
        assert!(words.contains(part.as_str()), "{words}");
    }
    // The same size, another fingerprint.
    assert_refused!(region.object::<[AtomicU32; 2]>("n"), Error::OtherType { .. });
    // The same element, another kind.
    assert_refused!(region.slice::<AtomicU64>("n", 1), Error::OtherType { found, expected, .. }
        if (found.kind, expected.kind) == ("object", "array"));
    // Another length, or another element of the same size.
    assert_refused!(region.slice::<AtomicU32>("s", 7), Error::OtherType { found, expected, .. }
        if (found.count, expected.count) == (8, 7));
    assert_refused!(region.slice::<AtomicI32>("s", 8), Error::OtherType { .. });
    assert_refused!(region.growing_slice::<AtomicU32>("s"), Error::OtherType { found, expected, .. }
        if (found.kind, expected.kind) == ("array", "growing array"));
    assert_refused!(region.open_object::<AtomicU64>("m"), Error::NoSuchObject { name } if name == "m");
    assert_refused!(region.open_slice::<AtomicU64>("m", 2), Error::NoSuchObject { .. });
    assert_eq!(region.list().len(), 2);
    drop(number);
}

#[test]
fn lengths_of_arrays() {
    let region = Region::anonymous(1 << 16).unwrap();
    let most = isize::MAX.unsigned_abs() as u64 / 4;
    for len in [0, usize::MAX / 4, usize::MAX] {
        assert_refused!(region.slice::<AtomicU32>("s", len), Error::OutOfRange { found, least: 1, most: m, .. }
            if (found, m) == (len as u64, most));
    }
    let refused = region.slice::<AtomicU32>("s", isize::MAX.unsigned_abs() / 4);
    assert_refused!(refused, Error::RegionFull { largest: 65_536, .. });
    assert!(region.list().is_empty());
    let all = region.slice::<AtomicU32>("s", 1 << 14).unwrap();
    assert_refused!(region.object::<AtomicU32>("o"), Error::RegionFull { wanted: 4, largest: 0 });
    assert_refused!(
        all.subview(0..16_385),
        Error::OutOfRange { what: "the end of the range", found: 16_385, most: 16_384, .. }
    );
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
    let backwards = all.subview(5..4);
    assert_refused!(backwards, Error::OutOfRange { what: "the start of the range", found: 5, .. });
    assert_refused!(all.subview(usize::MAX..usize::MAX), Error::OutOfRange { .. });
    assert_eq!(all.subview(16_384..16_384).unwrap().len(), 0);
    assert_eq!(all.subview(3..5).unwrap().subview(1..2).unwrap().len(), 1);
}

#[test]
fn growing_past_the_maximum_backwards_and_not_at_all() {
    let region = Region::options().size(8192).max_size(1 << 16).anonymous().unwrap();
    for wanted in [(1 << 16) + 1, u64::MAX - 1, u64::MAX] {
        let refused = region.grow(wanted);
        assert_refused!(refused, Error::PastMaximum { wanted: w, maximum: 65_536 } if w >= wanted);
    }
    for wanted in [0, 1, 4096] {
        assert_refused!(region.grow(wanted), Error::Shrink { wanted: 4096, current: 8192 });
    }
    region.grow(8192).unwrap();
    region.grow(8191).unwrap();
    assert_eq!(region.len(), 8192);
    region.grow(8193).unwrap();
    assert_eq!(region.len(), 12_288);
    region.grow(1 << 16).unwrap();
    assert_eq!((region.len(), region.max_len()), (1 << 16, 1 << 16));
}

/// Runs `body` where `/dev/shm` has room for `kib` KiB.
fn with_little_room(kib: u32, body: impl FnOnce()) {
    ends_well(fork(|| {
        system::small_dev_shm(kib);
        body();
    }));
}

fn used_blocks() -> u64 {
    system::free_bytes("/dev/shm").1
}

#[test]
fn no_space_to_create() {
    with_little_room(512, || {
        let before = used_blocks();
        let refused = Region::create("big", 1 << 20);
        assert_refused!(refused, Error::NoSpace { wanted, .. } if wanted == HEAP_AT + (1 << 20));
        assert_refused!(Region::open_or_create("big", 1 << 20), Error::NoSpace { .. });
        assert!(!Path::new("/dev/shm/big").exists());
        assert_eq!((used_blocks(), fs::read_dir("/dev/shm").unwrap().count()), (before, 0));
        Region::create("small", 1 << 16).unwrap();
    });
}

#[test]
fn no_space_to_grow_or_to_sit() {
    with_little_room(512, || {
        let region = Region::options().size(1 << 16).max_size(1 << 30).create("region").unwrap();
        let refused = region.grow(1 << 20);
        assert_refused!(refused, Error::NoSpace { wanted, .. } if wanted == 1 << 20);
        assert_eq!(region.len(), 1 << 16);
        let (free, _) = system::free_bytes("/dev/shm");
        File::create("/dev/shm/filler")
            .unwrap()
            .write_all_at(&vec![1; usize::try_from(free).unwrap()], 0)
            .unwrap();
        assert_eq!(system::free_bytes("/dev/shm").0, 0);
        assert_refused!(region.enter(), Error::NoSpace { wanted: 4096, .. });
        assert_refused!(region.object::<AtomicU64>("a"), Error::NoSpace { wanted: 4096, .. });
        assert_refused!(region.grow(1 << 17), Error::NoSpace { .. });
        fs::remove_file("/dev/shm/filler").unwrap();
        region.enter().unwrap();
        // All that was reserved can be used when the filesystem is full.
        region.grow(1 << 17).unwrap();
        let (free, _) = system::free_bytes("/dev/shm");
        File::create("/dev/shm/filler")
            .unwrap()
            .write_all_at(&vec![1; usize::try_from(free).unwrap()], 0)
            .unwrap();
        let bytes = region.slice::<AtomicU64>("all", 1 << 14).unwrap();
        for word in bytes.iter() {
            word.store(u64::MAX, std::sync::atomic::Ordering::Relaxed);
        }
    });
}

#[test]
fn the_limit_of_file_sizes_is_no_space_not_a_signal() {
    ends_well(fork(|| {
        let name = Name::new("limit");
        let region = Region::options().size(4096).max_size(1 << 21).seats(2).create(&name).unwrap();
        system::limit_file_size(1 << 20);
        assert_refused!(region.grow(1 << 20), Error::NoSpace { .. });
        assert_eq!(region.len(), 4096);
        region.grow(1 << 19).unwrap();
        // Seats lie behind the maximum.
        assert_refused!(region.enter(), Error::NoSpace { wanted: 4096, .. });
        let big = Name::new("big");
        assert_refused!(Region::create(&big, 1 << 20), Error::NoSpace { .. });
        assert_refused!(Region::anonymous(1 << 20), Error::NoSpace { .. });
        assert!(!big.exists());
        Region::anonymous(1 << 16).unwrap().enter().unwrap();
    }));
}

#[test]
fn observers_refuse_what_a_damaged_directory_says() {
    let name = Name::new("observed");
    let region = Region::create(&name, 1 << 16).unwrap();
    region.slice::<AtomicU64>("s", 8).unwrap();
    region.object::<AtomicU64>("o").unwrap();
    let observer = Region::open_read_only(&name).unwrap();
    assert_eq!(observer.id(), region.id());
    assert_eq!(observer.slice::<AtomicU64>("s", 8).unwrap().len(), 8);
    assert_refused!(observer.slice::<AtomicU64>("t", 8), Error::NoSuchObject { .. });
    assert_refused!(observer.slice::<AtomicU64>("s", 9), Error::OtherType { .. });
    assert_refused!(observer.slice::<AtomicU64>("s", usize::MAX), Error::OtherType { .. });
    assert_refused!(observer.slice::<AtomicU64>("s", 0), Error::OtherType { .. });
    assert_refused!(observer.slice::<AtomicI32>("s", 8), Error::OtherType { .. });
    assert_refused!(observer.slice::<AtomicU64>("o", 1), Error::OtherType { .. });

    const DIRECTORY_AT: u64 = 36_864;
    let file = File::options().write(true).open(name.path()).unwrap();
    let offsets = [1 << 16, u64::MAX, u64::MAX - HEAP_AT + 1, u64::MAX - HEAP_AT + 65, 1 << 63];
    for offset in offsets {
        file.write_all_at(&u64::to_ne_bytes(offset), DIRECTORY_AT + 24).unwrap();
        assert_refused!(observer.slice::<AtomicU64>("s", 8), Error::Corrupt { .. });
        assert_refused!(region.slice::<AtomicU64>("s", 8), Error::Corrupt { .. });
    }
    file.write_all_at(&u64::to_ne_bytes(3), DIRECTORY_AT + 24).unwrap();
    assert_refused!(
        observer.slice::<AtomicU64>("s", 8),
        Error::Misaligned { offset: 3, align: 8 } | Error::Corrupt { .. }
    );
    assert_refused!(region.slice::<AtomicU64>("s", 8), Error::Corrupt { .. });
    file.write_all_at(&u64::to_ne_bytes(u64::MAX), DIRECTORY_AT + 40).unwrap(); // the name's length
    assert_eq!(observer.list().len(), 2);
    assert_eq!(region.list().len(), 2);
    assert!(fs::metadata(name.path()).unwrap().is_file());
}

#[test]
fn a_length_that_a_peer_raised_without_bytes_is_not_believed() {
    let name = Name::new("raised");
    let region = Region::options().size(4096).max_size(1 << 20).create(&name).unwrap();
    let growing = region.growing_slice::<AtomicU64>("g").unwrap();
    let file = File::options().write(true).open(name.path()).unwrap();
    let bytes = file.metadata().unwrap().len() - HEAP_AT;
    file.write_all_at(&[0xff; 8], 128).unwrap();
    assert!(region.len() <= bytes, "{} of {bytes}", region.len());
    for word in growing.get() {
        word.store(7, std::sync::atomic::Ordering::Relaxed); // no SIGBUS
    }
    // And the seats' number: the second process of this region finds 1024 ready, and not one behind the file's end.
    file.write_all_at(&[0xff; 4], 256).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| region.enter().unwrap());
    });
}

#[test]
fn no_litter() {
    // `.sabha-…` is what a maker without unnamed files leaves if it is killed; nobody here does.
    let names = fs::read_dir("/dev/shm").unwrap().map(|entry| entry.unwrap().path());
    let litter: Vec<PathBuf> =
        names.filter(|p| p.to_string_lossy().starts_with("/dev/shm/.sabha-")).collect();
    assert!(litter.is_empty(), "{litter:?}");
    let region = Region::anonymous(4096).unwrap();
    assert_refused!(region.unlink(), Error::NoSuchRegion { .. });
    assert!(region.as_fd().try_clone_to_owned().is_ok());
}
