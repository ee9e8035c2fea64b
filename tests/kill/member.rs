//! Who is in a region: whoever is killed coming, sitting down or leaving, the slot and the seat are another's at once.

use super::told::Told;
use sabha::{Region, RegionOptions};
use std::sync::{Barrier, mpsc};
use std::thread;
use support::child::until;
use support::fork::{Name, sleep_for_ever};
use support::kill::{Report, Scene, Seen, begin, end};

/// Everything was free.
const FREE: Seen = 0;

fn seats(seats: u32) -> RegionOptions {
    Region::options().size(4096).seats(seats)
}

fn world() -> Region {
    seats(1).anonymous().unwrap()
}

fn two_seats() -> Region {
    seats(2).anonymous().unwrap()
}

fn named(seats: u32) -> Name {
    let name = Name::new("closed");
    drop(self::seats(seats).create(&name).unwrap());
    name
}

/// The survivor comes to the first slot that does not belong to one of `others`, who live, and is the only other one.
fn comes(region: &Region, others: u32) {
    assert_eq!(region.member().unwrap().slot(), others, "a slot is not free");
    assert_eq!(region.members().len(), others as usize + 1);
}

/// So many threads at a time find a seat.
fn all_sit(region: &Region, seats: u32) {
    let own = region.enter().unwrap().slot();
    let together = Barrier::new(seats as usize - 1);
    let sit = || {
        let slot = region.enter().unwrap().slot();
        together.wait();
        slot
    };
    let mut slots = vec![own];
    thread::scope(|scope| {
        let others: Vec<_> = (1..seats).map(|_| scope.spawn(sit)).collect();
        // Not asleep without a bound: that would be taken for wedged.
        until("the others' seats", || others.iter().all(|other| other.is_finished()));
        slots.extend(others.into_iter().map(|other| other.join().unwrap()));
    });
    slots.sort_unstable();
    assert_eq!(slots, (0..seats).collect::<Vec<_>>());
}

/// The test itself is a member, the survivor the other one.
fn survivor(seats: u32) -> impl Fn(&Region) -> Seen {
    move |region| {
        comes(region, 1);
        all_sit(region, seats);
        FREE
    }
}

/// Nobody has it open but the survivor.
fn opener(seats: u32) -> impl Fn(&Name) -> Seen {
    move |name| {
        let region = Region::open(name).unwrap();
        comes(&region, 0);
        all_sit(&region, seats);
        FREE
    }
}

fn come(region: &Region) {
    begin();
    let came = region.member();
    end();
    came.unwrap();
}

fn sit(region: &Region) {
    region.member().unwrap();
    begin();
    let sat = region.enter();
    end();
    sat.unwrap();
}

fn all_free(report: &Report) {
    report.saw(&[FREE]);
}

support::kill_tests! {
    fn coming() covers ["Region::member"] {
        all_free(&Scene::new("region.member", world, come, survivor(1)).run());
    }

    fn two_that_come() covers ["Region::member"] {
        let told = Told::new();
        let world = || { told.nobody(); world() };
        let come = |who| move |region: &Region| {
            come(region);
            told.stay_at(who, region.member().unwrap().slot());
        };
        let scene = Scene::new("region.member | region.member", world, come(0), survivor(1));
        all_free(&scene.with_contender(come(1)).run());
    }

    fn sitting_down() covers ["Region::enter"] {
        all_free(&Scene::new("region.enter", world, sit, survivor(1)).run());
    }

    fn two_that_sit_down() covers ["Region::enter"] {
        let told = Told::new();
        let world = || { told.nobody(); two_seats() };
        let sit = |who| move |region: &Region| {
            sit(region);
            told.stay_at(who, region.enter().unwrap().slot());
        };
        let scene = Scene::new("region.enter | region.enter", world, sit(0), survivor(2));
        all_free(&scene.with_contender(sit(1)).run());
    }

    fn one_that_sits_down_where_another_was_killed_sitting_down() covers ["Region::enter"] {
        let scene = Scene::new("region.enter, again in recovery", world, sit, survivor(1));
        all_free(&scene.with_recovery(sit).run());
    }

    fn closing_a_region() covers ["drop Inner"] {
        let close = |name: &Name| {
            let region = Region::open(name).unwrap();
            region.enter().unwrap();
            begin();
            drop(region);
            end();
        };
        all_free(&Scene::new("region.close", || named(1), close, opener(1)).run());
    }

    fn closing_a_region_in_which_another_thread_sits() covers ["drop Inner"] {
        let close = |name: &Name| {
            let region = Region::open(name).unwrap();
            region.enter().unwrap();
            let (sits, sat) = mpsc::channel();
            let other = region.clone();
            thread::spawn(move || {
                other.enter().unwrap();
                drop(other);
                sits.send(()).unwrap();
                sleep_for_ever();
            });
            sat.recv().unwrap();
            begin();
            drop(region);
            end();
        };
        let scene = Scene::new("region.close, another sits", || named(2), close, opener(2));
        all_free(&scene.run());
    }
}
