//! Waiting and notifying: who changed an element and was killed before the notify leaves nobody asleep, and who was killed
//! asleep is not counted.

use crate::c::*;
use crate::mutex;
use crate::scene;
use support::kill::{Seen, begin, end};

/// The functions that there are for each of the types; `complete.rs` makes the names.
pub const OF_WAITERS: &[&str] = &["wait_until", "notify", "store_and_notify", "add_and_notify"];

const OLD: u8 = 3;
const NEW: u8 = 4;
/// What the heir stores.
const INHERITED: u8 = 5;

/// How many of the elements the victim has changed.
const NEITHER: Seen = 0;
const FIRST: Seen = 1;
const BOTH: Seen = 2;

struct World<T: Number> {
    region: Handle<Region>,
    array: Handle<Array>,
    /// The victim has it as long as it lives: so others are told of the death.
    alive: Handle<Mutex>,
    elements: Elements<T>,
    waits: Waits<T>,
}

impl<T: Number> World<T> {
    fn new() -> Self {
        let region = Handle::new(|out| sabha_region_anonymous(Some(&Options::SMALL), out));
        let array = Handle::new(|out| sabha_array_open(&region, text(c"bells"), T::CODE, 2, out));
        let alive = mutex::open(&region, c"alive", BLOCK);
        let elements = Elements::new();
        (elements.fill)(&array, 0, 2, T::of(OLD)).ok();
        Self { region, array, alive, elements, waits: Waits::new() }
    }

    fn live(&self) {
        sabha_region_enter(&self.region).ok();
        sabha_mutex_lock(&self.alive).ok();
    }

    fn value(&self, index: usize) -> T {
        self.elements.get(&self.array, index)
    }

    /// Sleeps until the element is another.
    fn sleep(&self, index: usize) {
        while self.value(index) == T::of(OLD) {
            let woken = (self.waits.wait_until)(&self.array, index, T::of(OLD), NEVER);
            assert!(matches!(woken, Status::OK | Status::NOT_EQUAL), "{woken:?}");
        }
    }

    /// Waits for the victim's death, and then changes what the victim has not: for the sleepers whom nobody owes a wake.
    fn inherit(&self) {
        assert_eq!(sabha_mutex_lock(&self.alive), Status::OWNER_DIED);
        for index in 0..2 {
            if self.value(index) == T::of(OLD) {
                (self.waits.store_and_notify)(&self.array, index, T::of(INHERITED), ALL, None).ok();
            }
        }
    }

    fn change(&self) {
        self.live();
        let (mut old, mut woken) = (T::of(0), [9; 2]);
        begin();
        (self.waits.store_and_notify)(&self.array, 0, T::of(NEW), ALL, Some(&mut woken[0])).ok();
        let (old_of, woken_of) = (Some(&mut old), Some(&mut woken[1]));
        (self.waits.add_and_notify)(&self.array, 1, T::of(NEW - OLD), ALL, old_of, woken_of).ok();
        end();
        assert_eq!((old, woken), (T::of(OLD), [1, 1]));
    }

    /// Notifies one, and waits for a notify.
    fn notify_and_wait(&self) {
        self.live();
        begin();
        (self.waits.notify)(&self.array, 0, 1, None).ok();
        (self.waits.wait_until)(&self.array, 1, T::of(OLD), NEVER).ok();
        end();
    }

    /// Wakes the victim, which is asleep at the second element.
    fn wake_the_victim(&self) {
        let mut woken = 0;
        while woken == 0 {
            (self.waits.notify)(&self.array, 1, ALL, Some(&mut woken)).ok();
        }
        assert_eq!(woken, 1);
    }

    /// Nobody is left in a queue, and who waits with a deadline in the past is not put there.
    fn check_queues(&self) {
        for index in 0..2 {
            let mut woken = 9;
            (self.waits.notify)(&self.array, index, ALL, Some(&mut woken)).ok();
            assert_eq!(woken, 0, "the dead are counted");
            let value = self.value(index);
            let passed = (self.waits.wait_until)(&self.array, index, value, 0);
            assert_eq!(passed, Status::TIMED_OUT);
            let other = (self.waits.wait_until)(&self.array, index, T::of(9), NEVER);
            assert_eq!(other, Status::NOT_EQUAL);
        }
    }

    fn survive(&self) -> Seen {
        self.check_queues();
        match [self.value(0), self.value(1)].map(|value| value == T::of(NEW)) {
            [false, false] => NEITHER,
            [true, false] => FIRST,
            [true, true] => BOTH,
            [false, true] => panic!("out of order"),
        }
    }
}

/// Killed while it changes elements at which others sleep.
fn kill_changer<T: Number>(name: &'static str) {
    scene(name, World::<T>::new, World::change, World::survive)
        .one_of(2)
        .with_sleeper(|world| world.sleep(0))
        .with_sleeper(|world| world.sleep(1))
        .with_sleeper(World::inherit)
        .run()
        .saw(&[NEITHER, FIRST, BOTH]);
}

/// Killed while it notifies a sleeper, and asleep itself.
fn kill_waiter<T: Number>(name: &'static str) {
    scene(name, World::<T>::new, World::notify_and_wait, World::survive)
        .one_of(2)
        .with_sleeper(|world| world.sleep(0))
        .with_sleeper(World::inherit)
        .with_waker(World::wake_the_victim)
        .run()
        .saw(&[NEITHER]);
}

macro_rules! tests {
    ($($changer:ident $waiter:ident $number:ident)*) => {
        /// The types that are killed.
        pub const WAITERS: &[&str] = &[$(<$number as Number>::NAME),*];

        $(#[test] fn $changer() {
            kill_changer::<$number>(concat!("c: change and notify, ", stringify!($number)));
        }

        #[test] fn $waiter() {
            kill_waiter::<$number>(concat!("c: notify and wait, ", stringify!($number)));
        })*
    };
}

tests! {
    changer_i32 waiter_i32 i32
    changer_u32 waiter_u32 u32
    changer_i64 waiter_i64 i64
    changer_u64 waiter_u64 u64
}
