//! Regions: whoever is killed, a name leads to a whole region or to nothing, a seat and a member's slot are free again, and
//! bytes that are had are zeros.

use super::told::{DID, LATE, Told};
use nix::sys::socket::{MsgFlags, recv};
use sabha::{Error, Region, RegionOptions};
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use support::fork::Name;
use support::kill::{Scene, Seen, begin, end};
use support::system::{receive_descriptor, send_descriptor};

/// There is nothing, or nothing any more.
const ABSENT: Seen = 0;
/// There is all of it.
const WHOLE: Seen = 1;

const PAGE: u64 = 4096;

/// The smallest region, for one thread: a seat or a byte that is lost is missed.
fn smallest() -> RegionOptions {
    Region::options().size(PAGE).seats(1)
}

/// Asks a region of one page all that a region can be asked. Others who live have `others` slots of members.
fn works(region: &Region, others: u32) {
    assert_eq!(region.len(), PAGE);
    assert_eq!(region.member().unwrap().slot(), others, "a slot is not free");
    assert_eq!(region.members().len(), others as usize + 1);
    assert_eq!(region.enter().unwrap().slot(), 0, "the seat is not free");
    assert!(region.list().is_empty());
    is_zero(region);
}

/// All bytes can be had, and are zeros.
fn is_zero(region: &Region) {
    let words = usize::try_from(region.len() / 8).unwrap();
    let all = region.slice::<AtomicU64>("all", words).unwrap();
    assert!(all.iter().all(|word| word.load(Relaxed) == 0));
    drop(all);
    region.remove("all").unwrap();
}

/// What has the name is whole or nothing; the name can be freed and used again.
fn by_name(name: &Name) -> Seen {
    let seen = match Region::open(name) {
        Ok(region) => {
            works(&region, 0);
            region.unlink().unwrap();
            WHOLE
        }
        Err(Error::NoSuchRegion { .. }) => ABSENT,
        Err(other) => panic!("{other}"),
    };
    assert!(!name.exists());
    let again = smallest().create(name).unwrap();
    works(&again, 0);
    again.unlink().unwrap();
    seen
}

/// A folder for a region, in which nothing else may ever be.
struct Folder(Name);

impl Folder {
    fn new() -> Self {
        let name = Name::new("folder");
        fs::create_dir(name.path()).unwrap();
        Self(name)
    }

    fn with_region() -> Self {
        let folder = Self::new();
        drop(smallest().create_file(folder.file()).unwrap());
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("region")
    }

    fn survivor(&self) -> Seen {
        let found = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().path());
        let found: Vec<_> = found.collect();
        if found.is_empty() {
            return ABSENT;
        }
        assert_eq!(found, [self.file()], "litter");
        works(&Region::options().open_file(self.file()).unwrap(), 0);
        WHOLE
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.file());
    }
}

/// A name without a region.
fn unused() -> Name {
    Name::new("kill")
}

/// A name with a region that nobody has open.
fn named() -> Name {
    let name = unused();
    drop(smallest().create(&name).unwrap());
    name
}

/// A region that the test itself has open, and its name.
fn opened() -> (Name, Region) {
    let name = unused();
    let region = smallest().create(&name).unwrap();
    (name, region)
}

/// Runs one operation; what it gives is kept until it is over.
fn operation<T>(run: impl FnOnce() -> T) -> T {
    begin();
    let kept = run();
    end();
    kept
}

/// The descriptor that has come, if one has.
fn received(to: &UnixStream) -> Option<OwnedFd> {
    let look = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
    recv(to.as_raw_fd(), &mut [0], look).ok().map(|_| receive_descriptor(to))
}

/// A region that may have lost its name works; a name that is lost can be used again.
fn unlinked((name, region): &(Name, Region)) -> Seen {
    let seen = match region.unlink() {
        Ok(()) => WHOLE,
        Err(Error::NoSuchRegion { .. }) => ABSENT,
        Err(other) => panic!("{other}"),
    };
    works(region, 1);
    assert_eq!(by_name(name), ABSENT);
    seen
}

support::kill_tests! {
    fn making_a_region() covers ["Region::create", "RegionOptions::create"] {
        let create = |name: &Name| _ = operation(|| Region::create(name, PAGE)).unwrap();
        Scene::new("region.create", unused, create, by_name).run().saw(&[ABSENT, WHOLE]);
    }

    fn two_that_make_it() covers ["Region::create"] {
        let told = Told::new();
        let world = || { told.nobody(); unused() };
        let create = |who: usize| move |name: &Name| {
            let made = operation(|| smallest().create(name));
            told.set(who, match made {
                Ok(_) => DID,
                Err(Error::AlreadyExists { .. }) => LATE,
                Err(other) => panic!("{other}"),
            });
        };
        let survivor = |name: &Name| {
            told.is_fair();
            let seen = by_name(name);
            assert!(seen == WHOLE || told.both() == [0, 0], "told of a region that is not there");
            seen
        };
        let scene = Scene::new("region.create | region.create", world, create(0), survivor);
        scene.with_contender(create(1)).run().saw(&[WHOLE]);
    }

    fn opening_it() covers ["Region::open", "RegionOptions::open"] {
        let open = |name: &Name| _ = operation(|| Region::open(name)).unwrap();
        Scene::new("region.open", named, open, by_name).run().saw(&[WHOLE]);
    }

    fn opening_or_making_it() covers ["Region::open_or_create", "RegionOptions::open_or_create"] {
        let either = |name: &Name| _ = operation(|| Region::open_or_create(name, PAGE)).unwrap();
        let there = Scene::new("region.open_or_create, there", named, either, by_name);
        there.run().saw(&[WHOLE]);
        let not = Scene::new("region.open_or_create, not there", unused, either, by_name);
        not.run().saw(&[ABSENT, WHOLE]);
    }

    fn two_that_open_or_make_it() covers ["Region::open_or_create"] {
        let told = Told::new();
        let world = || { told.nobody(); unused() };
        let low = |region: &Region| u32::try_from(region.id() & 0xffff_ffff).unwrap() | 1;
        let either = |who: usize| move |name: &Name| {
            let region = operation(|| smallest().open_or_create(name)).unwrap();
            told.set(who, low(&region));
        };
        let survivor = |name: &Name| {
            let id = Region::open(name).map_or(0, |region| low(&region));
            assert!(told.both().iter().all(|told| [0, id].contains(told)), "two regions");
            by_name(name)
        };
        let name = "region.open_or_create | region.open_or_create";
        let scene = Scene::new(name, world, either(0), survivor);
        scene.with_contender(either(1)).run().saw(&[WHOLE]);
    }

    fn making_it_in_a_file() covers ["RegionOptions::create_file", "RegionOptions::open_or_create_file"] {
        let create = |folder: &Folder| _ = operation(|| smallest().create_file(folder.file())).unwrap();
        let scene = Scene::new("region.create_file", Folder::new, create, Folder::survivor);
        scene.run().saw(&[ABSENT, WHOLE]);
        let either = |folder: &Folder| _ = operation(|| smallest().open_or_create_file(folder.file())).unwrap();
        let scene = Scene::new("region.open_or_create_file", Folder::new, either, Folder::survivor);
        scene.run().saw(&[ABSENT, WHOLE]);
    }

    fn opening_it_in_a_file() covers ["RegionOptions::open_file"] {
        let open = |folder: &Folder| _ = operation(|| smallest().open_file(folder.file())).unwrap();
        let scene = Scene::new("region.open_file", Folder::with_region, open, Folder::survivor);
        scene.run().saw(&[WHOLE]);
    }

    fn making_one_without_a_name_and_sending_it() covers ["Region::anonymous", "RegionOptions::anonymous"] {
        let world = || UnixStream::pair().unwrap();
        let send = |(from, _): &(UnixStream, UnixStream)| {
            _ = operation(|| {
                let region = smallest().anonymous().unwrap();
                send_descriptor(from, region.as_fd());
                region
            });
        };
        let survivor = |(_, to): &(UnixStream, UnixStream)| match received(to) {
            Some(fd) => {
                works(&Region::from_fd(fd).unwrap(), 0);
                WHOLE
            }
            None => ABSENT,
        };
        Scene::new("region.anonymous, sent", world, send, survivor).run().saw(&[ABSENT, WHOLE]);
    }

    fn opening_it_by_its_descriptor() covers ["Region::from_fd", "RegionOptions::open_fd"] {
        let world = || smallest().anonymous().unwrap().as_fd().try_clone_to_owned().unwrap();
        let open = |fd: &OwnedFd| {
            let fd = fd.try_clone().unwrap();
            _ = operation(|| Region::from_fd(fd)).unwrap();
        };
        let survivor = |fd: &OwnedFd| {
            works(&Region::from_fd(fd.try_clone().unwrap()).unwrap(), 0);
            WHOLE
        };
        Scene::new("region.from_fd", world, open, survivor).run().saw(&[WHOLE]);
    }

    fn taking_its_name_away() covers ["Region::unlink", "drop Turn"] {
        let unlink = |(_, region): &(Name, Region)| operation(|| region.unlink()).unwrap();
        Scene::new("region.unlink", opened, unlink, unlinked).run().saw(&[ABSENT, WHOLE]);
    }

    fn two_that_take_its_name_away() covers ["Region::unlink"] {
        let told = Told::new();
        let world = || { told.nobody(); opened() };
        let unlink = |who: usize| move |(_, region): &(Name, Region)| {
            told.set(who, match operation(|| region.unlink()) {
                Ok(()) => DID,
                Err(Error::NoSuchRegion { .. }) => LATE,
                Err(other) => panic!("{other}"),
            });
        };
        let survivor = |world: &(Name, Region)| {
            told.is_fair();
            let seen = unlinked(world);
            assert!(seen == ABSENT || told.both() == [0, 0], "told of an unlink that was not");
            seen
        };
        let scene = Scene::new("region.unlink | region.unlink", world, unlink(0), survivor);
        scene.with_contender(unlink(1)).run().saw(&[ABSENT]);
    }

    fn taking_a_name_away_that_another_uses_again() covers ["Region::unlink", "Region::create"] {
        let told = Told::new();
        let world = || { told.nobody(); opened() };
        let unlink = |(_, region): &(Name, Region)| _ = operation(|| region.unlink());
        let create = |(name, region): &(Name, Region)| {
            let made = operation(|| region.unlink().is_ok() && smallest().create(name).is_ok());
            told.set(1, if made { DID } else { LATE });
        };
        let survivor = |(name, region): &(Name, Region)| {
            let found = Region::open(name);
            let other = found.as_ref().is_ok_and(|found| found.id() != region.id());
            assert!(other || told.both()[1] != DID, "the other's region is gone");
            let seen = if found.is_ok() { WHOLE } else { ABSENT };
            if let Ok(found) = found {
                works(&found, u32::from(!other));
            }
            seen
        };
        let scene = Scene::new("region.unlink | region.unlink and create", world, unlink, survivor);
        scene.with_contender(create).run().saw(&[ABSENT, WHOLE]);
    }
}
