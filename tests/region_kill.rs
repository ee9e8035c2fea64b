//! Killed between any two instructions of what the region floor does: the survivors find the thing done or not done, and all
//! of it works at once. One run for each of some hundred instructions, spread over the whole operation.

use sabha::{Error, Region};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use support::child::Random;
use support::fork::{Name, end_unless, ends_well, fork};
use support::trace::{Stop, Traced, marker};

/// Runs `work` in children, each after its own `prepare`, that are killed after so many instructions of it, at `points`
/// places; after each death `survive`.
fn killed_everywhere(
    points: u64,
    prepare: impl Fn() -> bool,
    work: impl Fn() -> bool,
    mut survive: impl FnMut(u64),
) {
    let begin = || {
        let mut child = Traced::spawn(|| {
            end_unless(prepare());
            marker();
            end_unless(work());
        });
        assert_eq!(child.run(), Stop::Marker, "it could not prepare");
        child
    };
    let mut whole = begin();
    let mut total = 0;
    let last = loop {
        match whole.step() {
            Stop::Step => total += 1,
            other => break other,
        }
    };
    assert_eq!(last, Stop::Marker, "it failed");
    whole.kill();
    survive(total);
    let mut random = Random::new(total);
    for point in 0..points {
        // One place in each of as many stretches of equal length.
        let (from, to) = (total * point / points, total * (point + 1) / points);
        let place = from + random.below(to - from + 1);
        let mut child = begin();
        let stopped = child.steps(place);
        assert!(matches!(stopped, None | Some(Stop::Marker)), "{stopped:?} of {place}");
        child.kill();
        survive(place);
    }
}

#[test]
fn making_an_object() {
    let region = Region::anonymous(1 << 16).unwrap();
    let words = || region.slice::<AtomicU64>("x", 8).unwrap();
    words().iter().for_each(|word| word.store(u64::MAX, Relaxed)); // so that the place is not zero by itself
    region.remove("x").unwrap();
    region.object::<AtomicU64>("bystander").unwrap().store(7, Relaxed);
    let (mut made, mut unmade) = (0, 0);
    killed_everywhere(
        40,
        || region.enter().is_ok(),
        || region.slice::<AtomicU64>("x", 8).map(std::mem::forget).is_ok(),
        |place| {
            let listed = region.list().iter().any(|info| info.name == "x");
            *(if listed { &mut made } else { &mut unmade }) += 1;
            let x = words();
            assert!(x.iter().all(|word| word.load(Relaxed) == 0), "not zero at {place}");
            x.iter().for_each(|word| word.store(place | 1, Relaxed));
            drop(x);
            region.remove("x").unwrap(); // the dead one has no handle
            let bystander = region.open_object::<AtomicU64>("bystander").unwrap();
            assert_eq!((bystander.load(Relaxed), region.list().len()), (7, 1));
            assert_eq!(region.members().len(), 1);
        },
    );
    assert!(made > 0 && unmade > 0, "{made} {unmade}");
}

#[test]
fn removing_one() {
    let region = Region::anonymous(1 << 16).unwrap();
    drop(region.object::<AtomicU64>("x").unwrap());
    let (mut there, mut gone) = (0, 0);
    killed_everywhere(
        30,
        || region.enter().is_ok(),
        || region.remove("x").is_ok(),
        |place| {
            match region.open_object::<AtomicU64>("x") {
                Ok(_) => there += 1,
                Err(Error::NoSuchObject { .. }) => gone += 1,
                Err(other) => panic!("{other:?} at {place}"),
            }
            drop(region.object::<AtomicU64>("x").unwrap());
            assert_eq!(region.list().len(), 1);
        },
    );
    assert!(there > 0 && gone > 0, "{there} {gone}");
}

#[test]
fn becoming_a_member() {
    let region = Region::anonymous(4096).unwrap();
    killed_everywhere(
        20,
        || true,
        || region.member().is_ok(),
        |place| {
            assert_eq!(region.members().len(), 1, "after {place} instructions");
            let child = fork(|| assert_eq!(region.member().unwrap().slot(), 1));
            ends_well(child);
        },
    );
}

/// The one seat of `region` is free.
fn sits(region: &Region, place: u64) {
    let seat = thread::scope(|scope| scope.spawn(|| region.enter()).join().unwrap());
    assert_eq!(seat.unwrap().slot(), 0, "after {place} instructions");
}

#[test]
fn taking_a_seat() {
    let region = Region::options().size(4096).seats(1).anonymous().unwrap();
    let member = || region.member().is_ok();
    killed_everywhere(40, member, || region.enter().is_ok(), |place| sits(&region, place));
}

#[test]
fn closing_a_region_and_leaving_the_seat() {
    let name = Name::new("closed");
    drop(Region::options().size(4096).seats(1).create(&name).unwrap());
    let opened = RefCell::new(None);
    let sit = || {
        *opened.borrow_mut() = Region::open(&name).ok();
        opened.borrow().as_ref().is_some_and(|region| region.enter().is_ok())
    };
    let close = || opened.borrow_mut().take().is_some();
    killed_everywhere(30, sit, close, |place| {
        let region = Region::open(&name).unwrap();
        assert_eq!(region.members().len(), 1);
        sits(&region, place);
    });
}

#[test]
fn making_a_region_by_name() {
    let name = Name::new("made");
    let options = Region::options().size(1 << 14).seats(2);
    let (mut made, mut unmade) = (0, 0);
    killed_everywhere(
        12,
        || true,
        || options.open_or_create(&name).map(std::mem::forget).is_ok(),
        |place| {
            match Region::open(&name) {
                Ok(region) => assert_eq!((region.len(), region.members().len()), (1 << 14, 1)),
                Err(Error::NoSuchRegion { .. }) => unmade += 1,
                Err(other) => panic!("{other:?} at {place}"),
            }
            made += u32::from(name.exists());
            let region = options.open_or_create(&name).unwrap();
            region.object::<AtomicU64>("x").unwrap();
            region.unlink().unwrap();
        },
    );
    assert!(made > 0 && unmade > 0, "{made} {unmade}");
    let litter = std::fs::read_dir("/dev/shm").unwrap();
    let litter = litter.filter(|e| e.as_ref().unwrap().file_name().as_encoded_bytes()[0] == b'.');
    assert_eq!(litter.count(), 0);
}

#[test]
fn growing_it() {
    let region = Region::options().size(4096).max_size(1 << 22).anonymous().unwrap();
    let mut wanted = 4096;
    killed_everywhere(
        100,
        || true,
        || region.grow(region.len() + 4096).is_ok(),
        |place| {
            let len = region.len();
            assert!(len == wanted || len == wanted + 4096, "{len} after {place}, {wanted} before");
            wanted = len + 4096;
            region.grow(wanted).unwrap();
            let words = usize::try_from(wanted / 8).unwrap();
            let all = region.slice::<AtomicU64>("all", words).unwrap();
            assert!(all.iter().all(|word| word.load(Relaxed) == 0));
            drop(all);
            region.remove("all").unwrap();
        },
    );
}
