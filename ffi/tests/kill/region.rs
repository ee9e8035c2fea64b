//! Regions: a name has a whole region behind it, or none; and the dead keep no place in one.

use crate::c::*;
use crate::scene;
use std::ffi::CString;
use support::fork::Name;
use support::kill::{Seen, begin, end};

/// Nothing has the name.
const ABSENT: Seen = 0;
/// A whole region has it.
const WHOLE: Seen = 1;

/// As large as regions get here.
const MOST: u64 = 1 << 18;
const OPTIONS: Options = Options::new(MOST, 0);
/// A region in which one thread has a seat.
const ONE_SEAT: Options = Options::new(0, 1);

type Opens = fn(Text<'_>, Option<&Options>, Out<'_, Region>) -> Status;

struct World {
    name: Name,
    /// The name, and the path.
    texts: [CString; 2],
    /// This process's own, if it has one.
    region: Option<Handle<Region>>,
}

impl World {
    /// Without a region.
    fn empty() -> Self {
        let name = Name::new("c");
        let path = name.path().into_os_string().into_string().unwrap();
        let texts = [CString::new(&*name).unwrap(), CString::new(path).unwrap()];
        Self { name, texts, region: None }
    }

    /// With a region that holds an array of one 7.
    fn with_region() -> Self {
        let mut world = Self::empty();
        let region = world.open(sabha_region_create).unwrap();
        put_seven(&region);
        world.region = Some(region);
        world
    }

    fn name(&self) -> Text<'_> {
        text(&self.texts[0])
    }

    fn path(&self) -> Text<'_> {
        text(&self.texts[1])
    }

    fn region(&self) -> &Region {
        self.region.as_deref().expect("a world with a region")
    }

    fn open(&self, how: Opens) -> Result<Handle<Region>, Status> {
        Handle::try_new(|out| how(self.name(), Some(&OPTIONS), out))
    }

    /// What the name stands for. Then it is taken, used, and free for another.
    fn survive(&self) -> Seen {
        let seen = match self.open(sabha_region_open) {
            Ok(_) => WHOLE,
            Err(refused) => {
                assert_eq!(refused, Status::NO_SUCH_REGION);
                assert!(!self.name.exists(), "half a region");
                ABSENT
            }
        };
        let region = self.open(sabha_region_open_or_create).unwrap();
        put_seven(&region);
        sabha_region_unlink(&region).ok();
        drop(self.open(sabha_region_create).unwrap());
        seen
    }

    /// After the death of who had the region open: it is as before.
    fn is_as_before(&self) -> Seen {
        assert_eq!(seven(self.region()), 7);
        let again = self.open(sabha_region_open).unwrap();
        sabha_region_enter(&again).ok();
        assert_eq!(seven(&again), 7);
        WHOLE
    }
}

fn put_seven(region: &Region) {
    let array = Handle::new(|out| sabha_array_open(region, text(c"seven"), U32, 1, out));
    (Elements::<u32>::new().store)(&array, 0, 7).ok();
}

fn seven(region: &Region) -> u32 {
    let array = Handle::new(|out| sabha_array_find(region, text(c"seven"), U32, 1, out));
    Elements::new().get(&array, 0)
}

/// Killed while it makes a region.
fn kill_maker(name: &'static str, how: fn(&World, Out<'_, Region>) -> Status) {
    let make = move |world: &World| {
        begin();
        let made = Handle::new(|out| how(world, out));
        end();
        drop(made);
    };
    scene(name, World::empty, make, World::survive).run().saw(&[ABSENT, WHOLE]);
}

/// Killed while it opens a region and gives the handle back.
fn kill_guest(name: &'static str, how: fn(&World, Out<'_, Region>) -> Status) {
    let visit = move |world: &World| {
        begin();
        drop(Handle::new(|out| how(world, out)));
        end();
    };
    scene(name, World::with_region, visit, World::is_as_before).run().saw(&[WHOLE]);
}

support::kill_tests! {
    fn a_region_that_is_made() covers ["sabha_region_create"] {
        kill_maker("c: region_create", |world, out| {
            sabha_region_create(world.name(), Some(&OPTIONS), out)
        });
    }

    fn a_region_that_is_opened_or_made() covers ["sabha_region_open_or_create"] {
        kill_maker("c: region_open_or_create", |world, out| {
            sabha_region_open_or_create(world.name(), Some(&OPTIONS), out)
        });
    }

    fn a_region_in_a_file() covers ["sabha_region_open_or_create_file"] {
        kill_maker("c: region_open_or_create_file", |world, out| {
            sabha_region_open_or_create_file(world.path(), Some(&OPTIONS), out)
        });
    }

    fn a_guest() covers ["sabha_region_open", "sabha_region_free"] {
        kill_guest("c: region_open, free", |world, out| {
            sabha_region_open(world.name(), Some(&OPTIONS), out)
        });
    }

    fn a_guest_who_only_looks() covers ["sabha_region_open_read_only", "sabha_region_free"] {
        kill_guest("c: region_open_read_only, free", |world, out| {
            sabha_region_open_read_only(world.name(), Some(&OPTIONS), out)
        });
    }

    fn a_guest_by_descriptor() covers ["sabha_region_from_fd", "sabha_region_free"] {
        kill_guest("c: region_from_fd, free", |world, out| {
            let mut fd = -1;
            sabha_region_fd(world.region(), &mut fd).ok();
            sabha_region_from_fd(fd, Some(&OPTIONS), out)
        });
    }

    fn a_name_that_is_taken_away() covers ["sabha_region_unlink"] {
        let unlink = |world: &World| {
            begin();
            sabha_region_unlink(world.region()).ok();
            end();
        };
        let name = "c: region_unlink";
        scene(name, World::with_region, unlink, World::survive).run().saw(&[ABSENT, WHOLE]);
    }

    fn a_region_that_grows() covers ["sabha_region_grow"] {
        let grow = |world: &World| {
            begin();
            sabha_region_grow(world.region(), MOST / 2).ok();
            end();
        };
        // As large as before or as was asked for; then it grows further, and the bytes are there and zero.
        let survivor = |world: &World| {
            let mut len = 0;
            sabha_region_len(world.region(), &mut len).ok();
            let grown = len >= MOST / 2;
            assert!(grown || len == OPTIONS.size, "{len}");
            let half = sabha_region_grow(world.region(), MOST / 2 - 1);
            assert!(half == Status::OK || grown && half == Status::SHRINK, "{half:?}");
            sabha_region_grow(world.region(), MOST).ok();
            let many = usize::try_from(MOST).unwrap() / 4 * 3;
            const U8: i32 = 2;
            let array =
                Handle::new(|out| sabha_array_open(world.region(), text(c"many"), U8, many, out));
            let mut bytes = vec![1_u8; many];
            Elements::new().read(&array, 0, &mut bytes);
            assert!(bytes.iter().all(|byte| *byte == 0));
            if grown { WHOLE } else { ABSENT }
        };
        scene("c: region_grow", World::with_region, grow, survivor)
            .with_recovery(grow)
            .run()
            .saw(&[ABSENT, WHOLE]);
    }

    fn the_only_seat() covers ["sabha_region_enter", "sabha_region_free"] {
        let world = || Handle::new(|out| sabha_region_anonymous(Some(&ONE_SEAT), out));
        let enter = |world: &Handle<Region>| {
            begin();
            sabha_region_enter(world).ok();
            end();
        };
        // The dead keep no seat.
        let survivor = |world: &Handle<Region>| {
            sabha_region_enter(world).ok();
            put_seven(world);
            WHOLE
        };
        scene("c: region_enter, the only seat", world, enter, survivor)
            .run()
            .saw(&[WHOLE]);
    }
}
