//! What lies in a region: whoever is killed, an object is there, whole, or not at all; it is zeros when it is new; nothing is
//! lost; and the dead have nothing open.

use super::told::{DID, LATE, Told};
use sabha::{Error, Growing, Region, Shared};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use support::kill::{Scene, Seen, begin, end};

/// The object is not there.
const ABSENT: Seen = 0;
/// It is, with all its elements as they should be.
const THERE: Seen = 1;

const PAGE: u64 = 4096;
const WORDS: usize = 8;
/// What an object holds that was there before.
const OLD: u64 = 5;
/// And what whoever holds it has written.
const HELD: u64 = 9;

type Words = [AtomicU64; WORDS];
/// Leaves 512 bytes of a page: zeroing them takes few instructions.
type Bystander = [AtomicU64; 448];

fn fill(words: &[AtomicU64], with: u64) {
    words.iter().for_each(|word| word.store(with, Relaxed));
}

fn all(words: &[AtomicU64], are: u64) -> bool {
    words.iter().all(|word| word.load(Relaxed) == are)
}

/// A region with a bystander in it; the free bytes are no zeros. Whoever is in it has its seat.
fn empty() -> Region {
    let region = Region::options().size(PAGE).max_size(4 * PAGE).seats(4).anonymous().unwrap();
    fill(&*region.object::<Bystander>("bystander").unwrap(), 7);
    let rest = region.growing_slice::<AtomicU64>("rest").unwrap();
    fill(rest.get(), u64::MAX);
    drop(rest);
    region.remove("rest").unwrap();
    region
}

/// One with the object `x`, which holds `OLD`s.
fn with_x() -> Region {
    let region = empty();
    fill(&*region.object::<Words>("x").unwrap(), OLD);
    region
}

fn with_slice() -> Region {
    let region = empty();
    fill(&region.slice("x", WORDS).unwrap(), OLD);
    region
}

/// Nothing but what should be there is there, no two share a byte, and each name is there once.
fn is_in_order(region: &Region, names: &[&str]) -> bool {
    let mut list = region.list();
    list.sort_by_key(|info| info.offset);
    let apart = list.windows(2).all(|two| two[0].offset + two[0].layout.bytes <= two[1].offset);
    assert!(apart, "two objects share bytes: {list:?}");
    let mut found: Vec<_> = list.iter().map(|info| info.name.as_str()).collect();
    found.sort_unstable();
    assert!(found.iter().all(|name| names.contains(name)), "litter: {found:?}");
    let len = found.len();
    found.dedup();
    assert_eq!(found.len(), len, "a name is there twice");
    assert!(found.contains(&"bystander"));
    assert!(all(&*region.open_object::<Bystander>("bystander").unwrap(), 7));
    found.contains(&"x")
}

/// Finds or makes `x`, which holds only `held` if it was there, and zeros if not; removes it and makes it once more.
fn survive<H>(
    region: &Region,
    held: u64,
    get: fn(&Region) -> H,
    words: fn(&H) -> &[AtomicU64],
) -> Seen {
    let there = is_in_order(region, &["bystander", "x"]);
    let x = get(region);
    assert!(all(words(&x), if there { held } else { 0 }), "torn");
    fill(words(&x), u64::MAX);
    drop(x);
    region.remove("x").unwrap(); // the dead have nothing open
    let x = get(region);
    assert!(!words(&x).is_empty() && all(words(&x), 0), "not zero");
    drop(x);
    region.remove("x").unwrap();
    assert!(!is_in_order(region, &["bystander"]));
    assert_eq!(region.members().len(), 2, "the test and the survivor");
    if there { THERE } else { ABSENT }
}

fn survivor(held: u64) -> impl Fn(&Region) -> Seen {
    move |region| survive(region, held, object, |x| &x[..])
}

fn object(region: &Region) -> Shared<Words> {
    region.object("x").unwrap()
}

fn slice(region: &Region) -> Shared<[AtomicU64]> {
    region.slice("x", WORDS).unwrap()
}

fn growing(region: &Region) -> Growing<AtomicU64> {
    region.growing_slice("x").unwrap()
}

/// A victim or contender who has its seat; what it gets is kept until it has ended.
fn seated<H>(run: impl Fn(&Region) -> H) -> impl Fn(&Region) -> H {
    move |region| {
        region.enter().unwrap();
        begin();
        let kept = run(region);
        end();
        kept
    }
}

fn done<H>(run: impl Fn(&Region) -> H) -> impl Fn(&Region) {
    move |region| drop(seated(&run)(region))
}

support::kill_tests! {
    fn making_an_object() covers ["Region::object", "drop Turn"] {
        let report = Scene::new("object.make", empty, done(object), survivor(0)).run();
        report.saw(&[ABSENT, THERE]);
    }

    fn making_an_array() covers ["Region::slice"] {
        let survivor = |region: &Region| survive(region, 0, slice, |x| x);
        Scene::new("slice.make", empty, done(slice), survivor).run().saw(&[ABSENT, THERE]);
    }

    fn making_an_array_that_grows() covers ["Region::growing_slice"] {
        let survivor = |region: &Region| survive(region, 0, growing, |x| x.get());
        Scene::new("growing_slice.make", empty, done(growing), survivor).run().saw(&[ABSENT, THERE]);
    }

    fn opening_an_object() covers ["Region::open_object"] {
        let open = |region: &Region| region.open_object::<Words>("x").unwrap();
        Scene::new("object.open", with_x, done(open), survivor(OLD)).run().saw(&[THERE]);
    }

    fn opening_an_array() covers ["Region::open_slice"] {
        let open = |region: &Region| region.open_slice::<AtomicU64>("x", WORDS).unwrap();
        let survivor = |region: &Region| survive(region, OLD, slice, |x| x);
        Scene::new("slice.open", with_slice, done(open), survivor).run().saw(&[THERE]);
    }

    fn letting_go_of_an_object() covers ["drop Extent"] {
        let let_go = |region: &Region| {
            let x = object(region);
            begin();
            drop(x);
            end();
        };
        Scene::new("object.let go", with_x, let_go, survivor(OLD)).run().saw(&[THERE]);
    }

    fn removing_an_object() covers ["Region::remove"] {
        let remove = done(|region| region.remove("x").unwrap());
        Scene::new("object.remove", with_x, remove, survivor(OLD)).run().saw(&[ABSENT, THERE]);
    }

    fn two_that_make_one_object() covers ["Region::object"] {
        let told = Told::new();
        let world = || { told.nobody(); empty() };
        let make = |who: usize| move |region: &Region| {
            let x = seated(object)(region);
            x[0].fetch_add(1, Relaxed);
            told.set(who, DID);
        };
        let count = |region: &Region| {
            let counted: u32 = told.both().iter().sum();
            let there = is_in_order(region, &["bystander", "x"]);
            assert!(there || counted == 0, "told of an object that is not there");
            let x = object(region);
            assert_eq!(x[0].load(Relaxed), u64::from(counted), "two objects, or zeroed twice");
            x[0].store(0, Relaxed);
            drop(x);
            survivor(0)(region)
        };
        let scene = Scene::new("object.make | object.make", world, make(0), count);
        scene.with_contender(make(1)).run().saw(&[THERE]);
    }

    fn two_that_make_each_their_own() covers ["Region::object"] {
        let own = |name: &'static str, mark: u64| move |region: &Region| {
            let own = seated(|region| region.object::<Words>(name).unwrap())(region);
            assert!(all(&*own, 0));
            fill(&*own, mark);
        };
        let survivor = |region: &Region| {
            let there = is_in_order(region, &["bystander", "x", "y"]);
            for (name, mark) in [("x", 1), ("y", 2)] {
                let own = region.object::<Words>(name).unwrap();
                assert!(all(&*own, 0) || all(&*own, mark), "{name} is another's");
                drop(own);
                region.remove(name).unwrap();
            }
            if there { THERE } else { ABSENT }
        };
        let scene = Scene::new("object.make | another.make", empty, own("x", 1), survivor);
        scene.with_contender(own("y", 2)).run().saw(&[ABSENT, THERE]);
    }

    fn removing_what_another_opens() covers ["Region::remove", "Region::object"] {
        let told = Told::new();
        let world = || { told.nobody(); with_x() };
        let remove = |region: &Region| match seated(|region| region.remove("x"))(region) {
            Ok(()) => {
                told.is_free(0);
                fill(&*region.object::<Words>("z").unwrap(), u64::MAX); // in its place
                told.set(0, DID);
            }
            Err(Error::InUse { .. }) => told.set(0, LATE),
            Err(other) => panic!("{other}"),
        };
        let hold = |region: &Region| {
            let x = seated(object)(region);
            let old = all(&*x, OLD);
            assert!(old || all(&*x, 0), "torn");
            fill(&*x, HELD);
            if old { told.stay_at(1, 0) } else { told.stay(1, LATE) }
            assert!(all(&*x, HELD), "its place was given to another");
            fill(&*x, OLD);
        };
        let survivor = |region: &Region| {
            is_in_order(region, &["bystander", "x", "z"]);
            let _ = region.remove("z");
            if let Ok(x) = region.open_object::<Words>("x") {
                assert!([0, OLD, HELD].into_iter().any(|held| all(&*x, held)), "torn");
                fill(&*x, OLD);
            }
            survivor(OLD)(region)
        };
        let scene = Scene::new("object.remove | object.make", world, remove, survivor);
        scene.with_contender(hold).run().saw(&[ABSENT, THERE]);
    }

    fn making_an_object_where_another_was_killed_making_one() covers ["Region::object"] {
        let scene = Scene::new("object.make, again in recovery", empty, done(object), survivor(0));
        scene.with_recovery(done(object)).run().saw(&[ABSENT, THERE]);
    }

    fn growing_a_region() covers ["Region::grow"] {
        let report = Scene::new("region.grow", empty, grow_to(2), grown(|_| {})).run();
        report.saw(&[1, 2]);
    }

    fn two_that_grow_a_region() covers ["Region::grow"] {
        let told = Told::new();
        let world = || { told.nobody(); empty() };
        let grow = |who: usize, pages: Seen| move |region: &Region| {
            begin();
            let grown = region.grow(u64::from(pages) * PAGE);
            end();
            told.set(who, match grown {
                Ok(()) => DID,
                Err(Error::Shrink { .. }) => LATE,
                Err(other) => panic!("{other}"),
            });
        };
        let survivor = grown(|region| {
            let [two, three] = told.both();
            assert_ne!(three, LATE, "nobody grew it further");
            assert!(two == 0 || region.len() >= 2 * PAGE);
            assert!(two != LATE && three != DID || region.len() == 3 * PAGE);
        });
        let scene = Scene::new("region.grow | region.grow", world, grow(0, 2), survivor);
        scene.with_contender(grow(1, 3)).run().saw(&[2, 3]);
    }

    fn growing_a_region_where_another_was_killed_growing_it() covers ["Region::grow"] {
        let scene = Scene::new("region.grow, again in recovery", empty, grow_to(2), grown(|_| {}));
        scene.with_recovery(grow_to(3)).run().saw(&[1, 2, 3]);
    }
}

fn grow_to(pages: Seen) -> impl Fn(&Region) {
    move |region| {
        begin();
        let grown = region.grow(u64::from(pages) * PAGE);
        end();
        grown.unwrap();
    }
}

/// How many pages there are; all of what is new is zeros, and it grows further.
fn grown(ask: impl Fn(&Region)) -> impl Fn(&Region) -> Seen {
    move |region| {
        ask(region);
        let seen = region.len() / PAGE;
        assert_eq!(region.len(), seen * PAGE);
        for pages in seen..=4 {
            let grown = region.grow(pages * PAGE);
            grown.unwrap();
            assert_eq!(region.len(), pages * PAGE);
            let rest = region.growing_slice::<AtomicU64>("rest").unwrap();
            assert!(all(rest.get(), 0), "not zero");
            fill(rest.get(), u64::MAX);
            drop(rest);
            region.remove("rest").unwrap();
        }
        Seen::try_from(seen).unwrap()
    }
}
