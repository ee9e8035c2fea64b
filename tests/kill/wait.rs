//! Views: waiting and notifying, and the changes that notify. No sleeper is left behind on a word that has changed.

use sabha::view::{DataView, Either, atomics, wait_any};
use sabha::{Deadline, Region, Shared, Wait};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU8};
use support::fork::Name;
use support::kill::{Scene, Seen, begin, end};

/// The word is as it was.
const UNCHANGED: Seen = 0;
/// The victim has changed it.
const CHANGED: Seen = 1;

/// Two words of each width under one guard; the second is a bystander's.
struct World {
    region: Region,
    narrow: Shared<[AtomicI32]>,
    wide: Shared<[AtomicI64]>,
}

/// A value whose halves are different.
const WIDE: i64 = 7 << 32;

impl World {
    fn new() -> Self {
        let region = Region::anonymous(1 << 16).unwrap();
        let narrow = region.slice("narrow", 2).unwrap();
        let wide = region.slice("wide", 2).unwrap();
        Self { region, narrow, wide }
    }

    /// A thread's first operation makes its page and takes its seat: not what is killed here.
    fn prepare(&self) {
        self.region.enter().unwrap();
        assert_eq!(self.narrow.wait_until(1, 5, Deadline::PASSED).unwrap(), Wait::NotEqual);
    }
}

fn never_timed_out(how: Wait) {
    assert_ne!(how, Wait::TimedOut);
}

fn narrow_sleeper(world: &World) {
    never_timed_out(world.narrow.wait(0, 0).unwrap());
    assert_eq!(world.narrow[0].load(SeqCst), 7, "woken for nothing");
}

fn wide_sleeper(world: &World) {
    never_timed_out(world.wide.wait(0, 0).unwrap());
    assert_eq!(world.wide[0].load(SeqCst), WIDE, "woken for nothing");
}

/// Makes the change if the victim has not; if it has, the wake is its to give.
fn narrow_successor(world: &World) {
    if world.narrow[0].load(SeqCst) == 0 {
        world.narrow[1].store(1, SeqCst); // for the survivor
        world.narrow.store_and_notify(0, 7, u32::MAX).unwrap();
    }
}

fn wide_successor(world: &World) {
    if world.wide[0].load(SeqCst) == 0 {
        world.narrow[1].store(1, SeqCst);
        world.wide.store_and_notify(0, WIDE, u32::MAX).unwrap();
    }
}

/// Everything works from here on.
fn survivor(world: &World) -> Seen {
    for _ in 0..2 {
        assert_eq!(world.narrow.add_and_notify(0, 1, 1).unwrap().1, 0, "nobody sleeps");
        assert_eq!(world.wide.notify(0, 1).unwrap(), 0);
        assert_eq!(world.wide.wait_until(1, 1, Deadline::PASSED).unwrap(), Wait::NotEqual);
    }
    if world.narrow[1].load(SeqCst) == 1 { UNCHANGED } else { CHANGED }
}

/// Whether the word was changed is not asked.
fn usable(_: Seen) -> Seen {
    0
}

/// The victim changes a word on which one sleeps.
fn change(name: &'static str, wide: bool, change: impl Fn(&World)) {
    let victim = |world: &World| {
        world.prepare();
        begin();
        change(world);
        end();
    };
    let scene = Scene::new(name, World::new, victim, survivor);
    let scene = if wide {
        scene.with_sleeper(wide_sleeper).with_successor(wide_successor)
    } else {
        scene.with_sleeper(narrow_sleeper).with_successor(narrow_successor)
    };
    scene.run().saw(&[UNCHANGED, CHANGED]);
}

support::kill_tests! {
    fn a_change_of_32_bits_that_notifies()
    covers ["Region::store_and_notify", "Region::add_and_notify", "Shared::store_and_notify", "Shared::add_and_notify"] {
        change("i32.store_and_notify", false, |w| drop(w.narrow.store_and_notify(0, 7, 1)));
        change("i32.add_and_notify", false, |w| drop(w.region.add_and_notify(&w.narrow[0], 7, 1)));
    }

    fn a_change_of_64_bits_that_notifies() covers ["Shared::store_and_notify", "Region::store_and_notify"] {
        change("i64.store_and_notify", true, |w| drop(w.region.store_and_notify(&w.wide[0], WIDE, 1)));
        change("i64.add_and_notify", true, |w| drop(w.wide.add_and_notify(0, WIDE, 1)));
    }

    fn a_notify() covers ["Region::notify", "Shared::notify", "atomics::notify"] {
        let victim = |world: &World| {
            world.prepare();
            world.narrow[0].store(7, SeqCst);
            begin();
            atomics::notify(&world.narrow, 0, Some(1)).unwrap();
            end();
        };
        let successor = |world: &World| drop(world.region.notify(&world.narrow[0], 1));
        Scene::new("i32.notify", World::new, victim, |world| usable(survivor(world)))
            .with_sleeper(|world| never_timed_out(world.narrow.wait(0, 0).unwrap()))
            .with_successor(successor)
            .run()
            .saw(&[0]);
    }

    fn a_waiter_with_another_behind_it()
    covers ["Region::wait", "Region::wait_until", "Shared::wait", "Shared::wait_until", "atomics::wait"] {
        let narrow = |world: &World| {
            world.prepare();
            begin();
            never_timed_out(world.narrow.wait(0, 0).unwrap());
            end();
        };
        Scene::new("i32.wait", World::new, narrow, survivor)
            .with_sleeper(narrow_sleeper)
            .with_successor(narrow_successor)
            .run()
            .saw(&[UNCHANGED]);
        let wide = |world: &World| {
            world.prepare();
            begin();
            never_timed_out(world.region.wait_until(&world.wide[0], 0, Deadline::NEVER).unwrap());
            end();
        };
        Scene::new("i64.wait", World::new, wide, survivor)
            .with_sleeper(wide_sleeper)
            .with_successor(wide_successor)
            .run()
            .saw(&[UNCHANGED]);
        let in_vain = |world: &World| {
            world.prepare();
            begin();
            assert_eq!(atomics::wait(&world.wide, 0, 0, 0.0).unwrap(), Wait::TimedOut);
            end();
        };
        Scene::new("i64.wait, in vain", World::new, in_vain, survivor)
            .with_sleeper(wide_sleeper)
            .with_successor(wide_successor)
            .run()
            .saw(&[UNCHANGED]);
    }

    fn a_waiter_that_was_notified() covers ["Shared::wait"] {
        let victim = |world: &World| {
            world.prepare();
            begin();
            never_timed_out(world.narrow.wait(0, 0).unwrap());
            end();
        };
        Scene::new("i32.wait, woken", World::new, victim, survivor)
            .with_waker(narrow_successor)
            .with_successor(narrow_successor)
            .run()
            .saw(&[UNCHANGED]);
    }

    fn a_waiter_on_several_words() covers ["any::wait_any", "Shared::watch", "Region::watch"] {
        let victim = |world: &World| {
            world.prepare();
            let words = [
                world.narrow.watch(0, 0).unwrap(),
                world.region.watch(&world.wide[0], 0).unwrap(),
            ];
            begin();
            assert_ne!(wait_any(&words, Deadline::NEVER).unwrap(), Either::TimedOut);
            end();
        };
        Scene::new("wait_any", World::new, victim, survivor)
            .with_waker(narrow_successor)
            .with_successor(narrow_successor)
            .run()
            .saw(&[UNCHANGED]);
    }

    fn an_observer_that_waits() covers ["Observed::wait", "Observed::wait_until", "Observed::watch"] {
        let name = Name::new("observed");
        let world = || {
            let _ = std::fs::remove_file(name.path());
            let region = Region::create(&name, 1 << 16).unwrap();
            (region.slice::<AtomicI32>("narrow", 2).unwrap(), region)
        };
        let victim = |_: &(Shared<[AtomicI32]>, Region)| {
            let seen = Region::open_read_only(&name).unwrap().slice::<AtomicI32>("narrow", 2).unwrap();
            assert_eq!(seen.wait_until(1, 0, Deadline::PASSED).unwrap(), Wait::TimedOut);
            begin();
            let _ = wait_any(&[seen.watch(0, 0).unwrap()], Deadline::PASSED).unwrap();
            never_timed_out(seen.wait(0, 0).unwrap());
            end();
        };
        let survivor = |(narrow, _): &(Shared<[AtomicI32]>, Region)| {
            assert_eq!(narrow.store_and_notify(0, 7, u32::MAX).unwrap(), 0, "nobody sleeps");
            0
        };
        Scene::new("observer.wait", world, victim, survivor).run().saw(&[0]);
    }

    fn atomics_in_ecmascripts_names() covers ["atomics::compare_exchange", "atomics::load", "atomics::store"] {
        let victim = |world: &World| {
            begin();
            atomics::store(&world.wide, 0, WIDE).unwrap();
            let seen = atomics::load(&world.wide, 0).unwrap();
            assert_eq!(atomics::compare_exchange(&world.wide, 0, seen, 1).unwrap(), WIDE);
            assert_eq!(atomics::add(&world.wide, 0, WIDE).unwrap(), 1);
            end();
        };
        let survivor = |world: &World| {
            let steps = [0, WIDE, 1, WIDE + 1];
            let at = steps.iter().position(|value| *value == world.wide[0].load(SeqCst));
            at.expect("a whole value") as Seen
        };
        Scene::new("atomics", World::new, victim, survivor).run().saw(&[0, 1, 2, 3]);
    }

    fn copies_of_many() covers ["Shared::copy_from", "Shared::fill"] {
        let victim = |world: &World| {
            begin();
            world.wide.copy_from(0, &[WIDE, WIDE + 1]).unwrap();
            world.narrow.fill(.., -1).unwrap();
            end();
        };
        let survivor = |world: &World| {
            let wide = world.wide.to_vec(..).unwrap();
            let whole = wide.iter().zip([WIDE, WIDE + 1]).all(|(is, value)| [0, value].contains(is));
            let narrow = world.narrow.to_vec(..).unwrap();
            assert!(whole && narrow.iter().all(|value| [0, -1].contains(value)), "{wide:?} {narrow:?}");
            (wide.iter().filter(|v| **v != 0).count() + narrow.iter().filter(|v| **v != 0).count()) as Seen
        };
        Scene::new("copy_from, fill", World::new, victim, survivor).run().saw(&[0, 1, 2, 3, 4]);
    }

    fn bytes_in_some_order() covers ["DataView::new"] {
        let world = || {
            let region = Region::anonymous(1 << 16).unwrap();
            region.slice::<AtomicU8>("bytes", 16).unwrap()
        };
        let victim = |bytes: &Shared<[AtomicU8]>| {
            let view = DataView::new(bytes.clone());
            begin();
            view.set_u32_le(3, 0x0403_0201).unwrap();
            end();
        };
        let survivor = |bytes: &Shared<[AtomicU8]>| {
            let found = bytes.to_vec(3..7).unwrap();
            assert!(found.iter().zip(1..).all(|(is, value)| [0, value].contains(is)), "{found:?}");
            found.iter().filter(|byte| **byte != 0).count() as Seen
        };
        Scene::new("DataView.set", world, victim, survivor).run().saw(&[0, 1, 2, 3, 4]);
    }
}
