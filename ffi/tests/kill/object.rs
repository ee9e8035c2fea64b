//! Objects: each is there, whole, or not at all; and the dead keep none from being removed.

use crate::c::*;
use crate::mutex;
use crate::scene;
use support::kill::{Seen, begin, end};

/// Nobody has the name.
const ABSENT: Seen = 0;
/// The object is there, whole.
const WHOLE: Seen = 1;

const LEN: usize = 100;

struct World(Handle<Region>);

impl World {
    /// Without objects.
    fn empty() -> Self {
        Self(Handle::new(|out| sabha_region_anonymous(Some(&Options::SMALL), out)))
    }

    /// With an array of sevens on which nobody has a handle.
    fn with_array() -> Self {
        let world = Self::empty();
        let sevens = world.open();
        (Elements::<u32>::new().fill)(&sevens, 0, LEN, 7).ok();
        drop(sevens);
        world
    }

    fn enter(&self) {
        sabha_region_enter(&self.0).ok();
    }

    fn open(&self) -> Handle<Array> {
        Handle::new(|out| sabha_array_open(&self.0, text(c"object"), U32, LEN, out))
    }

    fn find(&self) -> Result<Handle<Array>, Status> {
        Handle::try_new(|out| sabha_array_find(&self.0, text(c"object"), U32, LEN, out))
    }

    fn ring(&self) -> Handle<Ring> {
        let pair = sabha_type_array(sabha_type_of(U64), 2);
        Handle::new(|out| sabha_ring_open(&self.0, text(c"object"), pair, 4, out))
    }

    /// Whether the array is there; its elements must be `element`.
    fn look(&self, element: u32) -> Seen {
        let array = match self.find() {
            Ok(array) => array,
            Err(refused) => {
                assert_eq!(refused, Status::NO_SUCH_OBJECT);
                return ABSENT;
            }
        };
        let mut values = [element + 1; LEN];
        Elements::new().read(&array, 0, &mut values);
        assert_eq!(values, [element; LEN], "not whole");
        WHOLE
    }

    /// Whether there is anything of the name, which is then removed: nobody living has it open.
    fn remove(&self) -> Seen {
        match sabha_region_remove(&self.0, text(c"object")) {
            Status::OK => WHOLE,
            Status::NO_SUCH_OBJECT => ABSENT,
            other => panic!("{other:?}: {}", last_error()),
        }
    }

    /// After the death of who had to do with the array: whether it was there. Its place can be used for something else.
    fn survive(&self, element: u32) -> Seen {
        let seen = self.look(element);
        assert_eq!(self.remove(), seen);
        self.use_the_place();
        seen
    }

    /// Objects of another kind under the name, and an array that is made anew.
    fn use_the_place(&self) {
        drop(mutex::open(&self.0, c"object", ADAPTIVE));
        assert_eq!(self.remove(), WHOLE);
        drop(self.open());
        assert_eq!(self.look(0), WHOLE);
    }

    fn open_array(&self) {
        self.enter();
        begin();
        let array = self.open();
        end();
        drop(array);
    }

    fn remove_array(&self) {
        self.enter();
        begin();
        self.remove();
        end();
    }
}

support::kill_tests! {
    fn an_array_that_is_made() covers ["sabha_array_open"] {
        let survivor = |world: &World| world.survive(0);
        scene("c: array_open, made", World::empty, World::open_array, survivor)
            .run()
            .saw(&[ABSENT, WHOLE]);
    }

    fn an_array_that_is_opened() covers ["sabha_array_open"] {
        let survivor = |world: &World| world.survive(7);
        let scene = scene("c: array_open", World::with_array, World::open_array, survivor);
        scene.run().saw(&[WHOLE]);
    }

    fn an_array_that_is_found_and_given_back() covers ["sabha_array_find", "sabha_array_free"] {
        let find = |world: &World| {
            world.enter();
            begin();
            drop(world.find());
            end();
        };
        let survivor = |world: &World| world.survive(7);
        scene("c: array_find, free", World::with_array, find, survivor).run().saw(&[WHOLE]);
    }

    fn an_array_that_is_removed() covers ["sabha_region_remove"] {
        let survivor = |world: &World| world.survive(7);
        scene("c: region_remove", World::with_array, World::remove_array, survivor)
            .run()
            .saw(&[ABSENT, WHOLE]);
    }

    fn a_lock_that_is_made() covers ["sabha_mutex_open"] {
        let make = |world: &World| {
            world.enter();
            begin();
            let lock = mutex::open(&world.0, c"object", ADAPTIVE);
            end();
            drop(lock);
        };
        let survivor = |world: &World| {
            let seen = world.remove();
            let lock = mutex::open(&world.0, c"object", ADAPTIVE);
            sabha_mutex_lock(&lock).ok();
            sabha_mutex_unlock(&lock).ok();
            drop(lock);
            assert_eq!(world.remove(), WHOLE);
            world.use_the_place();
            seen
        };
        scene("c: mutex_open", World::empty, make, survivor).run().saw(&[ABSENT, WHOLE]);
    }

    fn a_ring_that_is_made() covers ["sabha_ring_open"] {
        let make = |world: &World| {
            world.enter();
            begin();
            let ring = world.ring();
            end();
            drop(ring);
        };
        let survivor = |world: &World| {
            // As the dead have left it, if they have.
            let ring = world.ring();
            let mut consumer = Handle::new(|out| sabha_ring_consumer(&ring, BLOCK, out));
            let mut got = [0; 2];
            assert_eq!(sabha_consumer_try_pop(&mut consumer, &mut got), Status::EMPTY);
            drop((consumer, ring));
            assert_eq!(world.remove(), WHOLE);
            world.use_the_place();
            WHOLE
        };
        scene("c: ring_open", World::empty, make, survivor).run().saw(&[WHOLE]);
    }
}
