//! `Mutex` and `SpinLock`: whoever is killed, nobody waits for the dead, and the next owner is told.

use sabha::sync::{Adaptive, Block, LockError, Mutex, MutexGuard, Policy, Spin};
use sabha::{Deadline, Region, Shared};
use std::time::Duration;
use support::child::{Child, until};
use support::fork::{Board, fork, sleep_for_ever};
use support::kill::{Report, Scene, Seen, begin, end};

/// The lock was free, or is the survivor's without a warning.
const CLEAN: Seen = 0;
/// The survivor was told that an owner died.
const TOLD: Seen = 1;

/// What a lock guards: equal whenever nobody is inside.
type Pair = [u64; 2];

struct World<P: Policy> {
    region: Region,
    lock: Shared<Mutex<Pair, P>>,
    other: Shared<Mutex<Pair, P>>,
}

impl<P: Policy> World<P> {
    fn new() -> Self {
        let region = Region::anonymous(1 << 16).unwrap();
        let (lock, other) = (region.object("lock").unwrap(), region.object("other").unwrap());
        Self { region, lock, other }
    }

    /// A world whose lock's last owner was killed in the midst of a change.
    fn orphaned() -> Self {
        let world = Self::new();
        let child = fork(|| {
            let mut guard = world.lock.lock().unwrap();
            guard[0] += 1;
            sleep_for_ever();
        });
        until("the change", || {
            world.lock.try_lock().is_err_and(|_| true) && { child.state() == 'S' }
        });
        child.kill();
        world
    }

    fn enter(&self) {
        self.region.enter().unwrap();
    }
}

type Had<'a, P> = Result<MutexGuard<'a, Pair, P>, LockError<MutexGuard<'a, Pair, P>>>;

/// Changes the pair under the lock, repairs it if need be, and says whether it was told. `false` if the lock was not had.
fn change<P: Policy>(had: Had<'_, P>) -> Option<Seen> {
    let (mut guard, seen) = match had {
        Ok(guard) => (guard, CLEAN),
        Err(LockError::OwnerDied(died)) => {
            let mut guard = died.into_guard();
            guard[1] = guard[0];
            guard.mark_consistent();
            (guard, TOLD)
        }
        Err(LockError::Held { .. } | LockError::TimedOut { .. }) => return None,
        Err(other) => panic!("{other}"),
    };
    assert_eq!(guard[0], guard[1], "torn, and nobody was told");
    guard[0] += 1;
    guard[1] += 1;
    Some(seen)
}

/// Long enough for any wait that has an end.
fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

fn survivor<P: Policy>(world: &World<P>) -> Seen {
    change(world.other.lock_until(soon())).expect("the other lock");
    change(world.lock.lock_until(soon())).expect("nobody living holds it")
}

fn lock<P: Policy>(world: &World<P>) {
    world.enter();
    begin();
    change(world.lock.lock());
    end();
}

fn try_lock<P: Policy>(world: &World<P>) {
    world.enter();
    begin();
    change(world.lock.try_lock());
    end();
}

/// A world whose lock another process has, which lets go when it is told to.
struct Held {
    world: World<Block>,
    board: Board,
    _owner: Child,
}

impl Held {
    const TAKEN: usize = 0;
    const LET_GO: usize = 1;

    fn new() -> Self {
        let (world, board) = (World::new(), Board::new());
        let owner = fork(|| {
            let guard = world.lock.lock().unwrap();
            board.set(Self::TAKEN, 1);
            board.wait(Self::LET_GO, 1);
            drop(guard);
        });
        board.wait(Self::TAKEN, 1);
        Self { world, board, _owner: owner }
    }

    fn let_go(&self) {
        self.board.set(Self::LET_GO, 1);
    }

    fn question(&self) -> Seen {
        self.let_go();
        survivor(&self.world)
    }
}

fn scene<'a, P: Policy>(
    name: &'static str,
    victim: impl Fn(&World<P>) + 'a,
) -> Scene<'a, World<P>> {
    Scene::new(name, World::new, victim, survivor)
}

fn holder_or_not(report: &Report) {
    report.saw(&[CLEAN, TOLD]);
}

support::kill_tests! {
    fn a_lock_and_unlock_alone() covers ["Mutex::lock", "Mutex::lock_until", "drop MutexGuard"] {
        holder_or_not(&scene::<Adaptive>("mutex.lock", lock).run());
    }

    fn a_spin_lock_and_unlock_alone() covers ["Mutex::lock"] {
        holder_or_not(&scene::<Spin>("spin.lock", lock).run());
    }

    fn the_first_lock_which_takes_the_seat() covers ["Mutex::lock"] {
        let first = |world: &World<Adaptive>| {
            begin();
            change(world.lock.lock());
            end();
        };
        holder_or_not(&scene("mutex.lock, the first", first).run());
    }

    fn a_try_lock() covers ["Mutex::try_lock"] {
        holder_or_not(&scene("mutex.try_lock", try_lock::<Adaptive>).run());
    }

    fn a_lock_that_is_inherited() covers ["Mutex::lock", "MutexGuard::mark_consistent", "OwnerDied::into_guard"] {
        let report = Scene::new("mutex.lock, inherited", World::orphaned, lock::<Adaptive>, survivor).run();
        holder_or_not(&report);
    }

    fn a_repair() covers ["Mutex::lock_repaired"] {
        let repair = |world: &World<Adaptive>| {
            world.enter();
            begin();
            let mut guard = world.lock.lock_repaired(|pair| pair[1] = pair[0]).unwrap();
            guard[0] += 1;
            guard[1] += 1;
            drop(guard);
            end();
        };
        let report = Scene::new("mutex.lock_repaired", World::orphaned, repair, survivor).run();
        holder_or_not(&report);
    }

    fn an_owner_with_one_asleep() covers ["drop MutexGuard"] {
        let owner = |world: &World<Adaptive>| {
            let mut guard = world.lock.lock().unwrap();
            begin();
            guard[0] += 1;
            guard[1] += 1;
            drop(guard);
            end();
        };
        let sleeper = |world: &World<Adaptive>| _ = change(world.lock.lock());
        scene("mutex.unlock, one asleep", owner).with_sleeper(sleeper).run().saw(&[CLEAN]);
        let two = scene("mutex.unlock, two asleep", owner);
        two.with_sleeper(sleeper).with_sleeper(sleeper).run().saw(&[CLEAN]);
    }

    fn a_waiter_that_sleeps_and_is_woken() covers ["Mutex::lock"] {
        Scene::new(
            "mutex.lock, slept and woken",
            Held::new,
            |held| lock(&held.world),
            Held::question,
        )
        .with_waker(Held::let_go)
        .run()
        .saw(&[CLEAN, TOLD]);
    }

    fn a_waiter_that_gives_up() covers ["Mutex::lock_until"] {
        Scene::new(
            "mutex.lock_until, in vain",
            Held::new,
            |held| {
                held.world.enter();
                begin();
                change(held.world.lock.lock_until(Deadline::PASSED));
                end();
            },
            Held::question,
        )
        .run()
        .saw(&[CLEAN]);
    }

    fn two_locks_one_inside_the_other() covers ["Mutex::lock"] {
        let nested = |world: &World<Adaptive>| {
            world.enter();
            begin();
            let outer = world.other.lock().unwrap();
            change(world.lock.lock());
            drop(outer);
            end();
        };
        holder_or_not(&scene("mutex.lock, nested", nested).run());
    }

    fn two_that_lock_in_each_others_midst() covers ["Mutex::lock", "Mutex::try_lock"] {
        let report = scene::<Block>("mutex.lock | mutex.lock", lock).with_contender(lock).run();
        holder_or_not(&report);
        holder_or_not(&scene::<Block>("mutex.lock | mutex.try_lock", lock).with_contender(try_lock).run());
    }

    fn an_heir_that_is_killed_too() covers ["Mutex::lock"] {
        holder_or_not(&scene("mutex.lock, again in recovery", lock::<Adaptive>).with_recovery(lock).run());
    }
}
