//! Locks: whoever is killed, nobody waits for the dead, and the next owner is told.

use crate::c::*;
use crate::scene;
use std::ffi::CStr;
use std::sync::atomic::Ordering::Relaxed;
use support::fork::Board;
use support::kill::{Seen, begin, end};

/// The lock was free, or is the survivor's without a warning.
const CLEAN: Seen = 0;
/// The survivor was told that an owner died.
const TOLD: Seen = 1;

/// The lock `name` around a pair.
pub fn open(region: &Region, name: &CStr, policy: i32) -> Handle<Mutex> {
    let pair = sabha_type_array(sabha_type_of(U64), 2);
    Handle::new(|out| sabha_mutex_open(region, text(name), pair, policy, out))
}

struct World {
    region: Handle<Region>,
    lock: Handle<Mutex>,
    /// What the owner of a lock that is held by another than the victim is told.
    board: Board,
}

/// The word of the board that counts how far the owner is, and the one that lets it go.
const OWNER: usize = 0;
const LET_GO: usize = 1;

impl World {
    fn new(policy: i32) -> Self {
        let region = Handle::new(|out| sabha_region_anonymous(Some(&Options::SMALL), out));
        let lock = open(&region, c"lock", policy);
        Self { region, lock, board: Board::new() }
    }

    fn adaptive() -> Self {
        Self::new(ADAPTIVE)
    }

    fn blocking() -> Self {
        Self::new(BLOCK)
    }

    /// A world whose lock's last owner was killed in the midst of a change.
    fn orphaned() -> Self {
        let world = Self::adaptive();
        let owner = support::fork::fork(|| {
            sabha_mutex_lock(&world.lock).ok();
            world.pair()[0].fetch_add(1, Relaxed);
            world.board.set(OWNER, 1);
            support::fork::sleep_for_ever();
        });
        world.board.wait(OWNER, 1);
        owner.kill();
        world
    }

    /// A world whose lock somebody holds, who goes when told so.
    fn held() -> (Self, support::child::Child) {
        let world = Self::blocking();
        let owner = support::fork::fork(|| {
            sabha_mutex_lock(&world.lock).ok();
            world.board.set(OWNER, 1);
            world.board.wait(LET_GO, 1);
            sabha_mutex_unlock(&world.lock).ok();
        });
        world.board.wait(OWNER, 1);
        (world, owner)
    }

    /// What the lock guards, for its holder.
    fn pair(&self) -> &Pair {
        let mut data = None;
        sabha_mutex_data(&self.lock, &mut data).ok();
        data.expect("the holder's data")
    }

    /// What is to be done under the lock, if `had` says that it was had: repairs the pair if need be, changes it, unlocks.
    fn change(&self, had: Status) -> Option<Seen> {
        let seen = match had {
            Status::OK => CLEAN,
            Status::OWNER_DIED => {
                let [first, second] = self.pair();
                second.store(first.load(Relaxed), Relaxed);
                sabha_mutex_mark_consistent(&self.lock).ok();
                TOLD
            }
            Status::HELD | Status::TIMED_OUT => return None,
            other => panic!("{other:?}: {}", last_error()),
        };
        let [first, second] = self.pair();
        assert_eq!(first.load(Relaxed), second.load(Relaxed), "torn, and nobody was told");
        first.store(first.load(Relaxed) + 1, Relaxed);
        second.store(second.load(Relaxed) + 1, Relaxed);
        sabha_mutex_unlock(&self.lock).ok();
        Some(seen)
    }

    fn enter(&self) {
        sabha_region_enter(&self.region).ok();
    }

    fn survive(&self) -> Seen {
        self.board.set(LET_GO, 1);
        let seen = self.change(sabha_mutex_lock(&self.lock)).expect("nobody living holds it");
        let again = self.change(sabha_mutex_try_lock(&self.lock));
        assert_eq!(again, Some(CLEAN), "repaired, and said so");
        seen
    }

    fn lock(&self) {
        self.enter();
        begin();
        self.change(sabha_mutex_lock(&self.lock));
        end();
    }

    fn try_lock(&self) {
        self.enter();
        begin();
        self.change(sabha_mutex_try_lock(&self.lock));
        end();
    }

    /// The owner's way out.
    fn change_and_unlock(&self) {
        let had = sabha_mutex_lock(&self.lock);
        begin();
        self.change(had);
        end();
    }
}

support::kill_tests! {
    fn a_lock_and_unlock_alone()
    covers ["sabha_mutex_lock", "sabha_mutex_data", "sabha_mutex_unlock"] {
        let scene = scene("c: mutex_lock", World::adaptive, World::lock, World::survive);
        scene.run().saw(&[CLEAN, TOLD]);
    }

    fn the_first_lock_which_takes_the_seat() covers ["sabha_mutex_lock"] {
        let first = |world: &World| {
            begin();
            world.change(sabha_mutex_lock(&world.lock));
            end();
        };
        let name = "c: mutex_lock, the first";
        scene(name, World::adaptive, first, World::survive).run().saw(&[CLEAN, TOLD]);
    }

    fn a_try_lock() covers ["sabha_mutex_try_lock"] {
        let name = "c: mutex_try_lock";
        let scene = scene(name, World::adaptive, World::try_lock, World::survive);
        scene.run().saw(&[CLEAN, TOLD]);
    }

    fn a_lock_that_is_inherited() covers ["sabha_mutex_lock", "sabha_mutex_mark_consistent"] {
        let name = "c: mutex_lock, inherited";
        let scene = scene(name, World::orphaned, World::lock, World::survive);
        scene.run().saw(&[CLEAN, TOLD]);
    }

    fn an_owner_with_one_asleep() covers ["sabha_mutex_unlock"] {
        let sleeper = |world: &World| _ = world.change(sabha_mutex_lock(&world.lock));
        let name = "c: mutex_unlock, one asleep";
        scene(name, World::adaptive, World::change_and_unlock, World::survive)
            .with_sleeper(sleeper)
            .run()
            .saw(&[CLEAN]);
    }

    fn a_waiter_that_sleeps_and_is_woken() covers ["sabha_mutex_lock"] {
        let name = "c: mutex_lock, slept and woken";
        scene(name, World::held, |(world, _)| world.lock(), |(world, _)| world.survive())
            .with_waker(|(world, _)| world.board.set(LET_GO, 1))
            .run()
            .saw(&[CLEAN, TOLD]);
    }

    fn a_waiter_that_gives_up() covers ["sabha_mutex_lock_until"] {
        let in_vain = |(world, _): &(World, _)| {
            world.enter();
            begin();
            let had = world.change(sabha_mutex_lock_until(&world.lock, 1));
            end();
            assert_eq!(had, None);
        };
        let name = "c: mutex_lock_until, in vain";
        let report = scene(name, World::held, in_vain, |(world, _)| world.survive()).run();
        report.saw(&[CLEAN]);
    }

    fn two_that_lock_in_each_others_midst() covers ["sabha_mutex_lock", "sabha_mutex_try_lock"] {
        let name = "c: mutex_lock | mutex_try_lock";
        scene(name, World::blocking, World::lock, World::survive)
            .with_contender(World::try_lock)
            .run()
            .saw(&[CLEAN, TOLD]);
    }

    fn an_heir_that_is_killed_too() covers ["sabha_mutex_lock"] {
        let name = "c: mutex_lock, again in recovery";
        scene(name, World::adaptive, World::lock, World::survive)
            .with_recovery(World::lock)
            .run()
            .saw(&[CLEAN, TOLD]);
    }

    fn a_handle_that_is_given_back() covers ["sabha_mutex_free"] {
        let give_back = |world: &World| {
            let lock = open(&world.region, c"lock", ADAPTIVE);
            let had = sabha_mutex_lock(&lock);
            begin();
            drop(lock);
            world.change(had);
            end();
        };
        let name = "c: mutex_free, held";
        scene(name, World::adaptive, give_back, World::survive).run().saw(&[CLEAN, TOLD]);
    }
}
