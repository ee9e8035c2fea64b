//! Elements: whoever is killed, each has its old or its new value, and what was done earlier is there if what was done later is.

use crate::c::*;
use crate::scene;
use support::kill::{Seen, begin, end};

/// The functions that there are for each type; `complete.rs` makes the names.
pub const OF_NUMBERS: &[&str] =
    &["load", "store", "exchange", "compare_exchange", "copy_to", "copy_from", "fill"];
/// Those for integers.
pub const OF_INTEGERS: &[&str] = &["fetch_add", "fetch_sub", "fetch_and", "fetch_or", "fetch_xor"];

/// What each element is before.
const OLD: u8 = 3;
/// What it becomes, and by which of the calls: the first seven by those for all types, the others by those for integers.
const NEW: [(u8, u8); 12] = [
    (9, 0), // store
    (9, 1), // exchange
    (9, 2), // compare_exchange
    (9, 3), // copy_from
    (9, 3),
    (9, 4), // fill
    (9, 4),
    (OLD + 4, 5),
    (OLD - 1, 6),
    (OLD & 1, 7),
    (OLD | 4, 8),
    (OLD ^ 1, 9),
];

const NOTHING: Seen = 0;
const SOME: Seen = 1;
const EVERYTHING: Seen = 2;

struct World<T: Number> {
    _region: Handle<Region>,
    array: Handle<Array>,
    elements: Elements<T>,
    integers: Option<Integers<T>>,
}

impl<T: Number> World<T> {
    fn new() -> Self {
        let region = Handle::new(|out| sabha_region_anonymous(Some(&Options::SMALL), out));
        let len = Self::len();
        let array =
            Handle::new(|out| sabha_array_open(&region, text(c"numbers"), T::CODE, len, out));
        let elements = Elements::new();
        (elements.fill)(&array, 0, len, T::of(OLD)).ok();
        let integers = T::IS_INTEGER.then(Integers::new);
        Self { _region: region, array, elements, integers }
    }

    fn len() -> usize {
        if T::IS_INTEGER { NEW.len() } else { 7 }
    }

    fn change(&self) {
        let (array, call) = (&*self.array, &self.elements);
        let (was, new) = (T::of(OLD), T::of(9));
        let mut old = T::of(0);
        begin();
        (call.store)(array, 0, new).ok();
        (call.exchange)(array, 1, new, Some(&mut old)).ok();
        (call.compare_exchange)(array, 2, was, new, None).ok();
        call.write(array, 3, &[new; 2]);
        (call.fill)(array, 5, 2, new).ok();
        if let Some(call) = &self.integers {
            (call.fetch_add)(array, 7, T::of(4), None).ok();
            (call.fetch_sub)(array, 8, T::of(1), None).ok();
            (call.fetch_and)(array, 9, T::of(1), None).ok();
            (call.fetch_or)(array, 10, T::of(4), None).ok();
            (call.fetch_xor)(array, 11, T::of(1), None).ok();
        }
        let mut seen = [new; 7];
        seen[0] = call.get(array, 0);
        call.read(array, 1, &mut seen[1..]);
        end();
        assert_eq!((old, seen), (was, [new; 7]));
    }

    fn survive(&self) -> Seen {
        let mut values = [T::of(0); NEW.len()];
        let values = &mut values[..Self::len()];
        self.elements.read(&self.array, 0, values);
        let calls = values.iter().zip(NEW).map(|(value, (new, call))| {
            assert!(*value == T::of(OLD) || *value == T::of(new), "torn: {value:?}");
            (*value == T::of(new), call)
        });
        let (done, open): (Vec<_>, Vec<_>) = calls.partition(|(done, _)| *done);
        let last_done = done.iter().map(|(_, call)| *call).max();
        let first_open = open.iter().map(|(_, call)| *call).min();
        assert!(first_open.is_none() || last_done <= first_open, "out of order: {values:?}");
        (self.elements.fill)(&self.array, 0, Self::len(), T::of(1)).ok();
        assert_eq!(self.elements.get(&self.array, 6), T::of(1));
        match (last_done, first_open) {
            (None, _) => NOTHING,
            (_, Some(_)) => SOME,
            (_, None) => EVERYTHING,
        }
    }
}

fn kill<T: Number>(name: &'static str) {
    scene(name, World::<T>::new, World::change, World::survive)
        .one_of(2)
        .run()
        .saw(&[NOTHING, SOME, EVERYTHING]);
}

macro_rules! tests {
    ($($test:ident $number:ident)*) => {
        /// The types that are killed.
        pub const NUMBERS: &[(&str, bool)] =
            &[$((<$number as Number>::NAME, <$number as Number>::IS_INTEGER)),*];

        $(#[test] fn $test() {
            kill::<$number>(concat!("c: elements of ", stringify!($number)));
        })*
    };
}

tests! {
    elements_i8 i8
    elements_u8 u8
    elements_i16 i16
    elements_u16 u16
    elements_i32 i32
    elements_u32 u32
    elements_i64 i64
    elements_u64 u64
    elements_f32 f32
    elements_f64 f64
}
