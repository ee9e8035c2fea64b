//! Waiting and notifying between real processes: results, order, counts, signals, stops and kills.
#![allow(unsafe_code)] // words of two widths at one place

use sabha::view::{Either, wait_any};
use sabha::{Deadline, Region, Shared, Wait};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU32, AtomicU64};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use support::child::sleeps_on_futex;
use support::child::{Child, Random, until};
use support::starve;

/// One test at a time: they fork, and they measure time.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

const MS: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(10);

fn region() -> Region {
    Region::anonymous(1 << 16).unwrap()
}

fn wait_code(result: sabha::Result<Wait>) -> i32 {
    match result {
        Ok(Wait::Woken) => 10,
        Ok(Wait::NotEqual) => 11,
        Ok(Wait::TimedOut) => 12,
        Err(_) => 13,
    }
}

/// A process that waits once, and tells how it ended by its exit status.
fn waiter(wait: impl FnOnce() -> sabha::Result<Wait>) -> Child {
    let child = Child::spawn(|| end(wait_code(wait())));
    until("the waiter to sleep", || sleeps_on_futex(child.pid));
    child
}

fn end(code: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}

const WOKEN: Option<i32> = Some(10);
const NOT_EQUAL: Option<i32> = Some(11);
const TIMED_OUT: Option<i32> = Some(12);

#[test]
fn unequal_wins_over_timed_out_and_equal_times_out() {
    let _alone = alone();
    let region = region();
    let narrow = region.slice::<AtomicI32>("narrow", 4).unwrap();
    let wide = region.slice::<AtomicU64>("wide", 4).unwrap();
    wide[1].store(1 << 40, SeqCst);
    for deadline in [Deadline::PASSED, Deadline::at_ns(1), Deadline::after(MS)] {
        assert_eq!(narrow.wait_until(0, 1, deadline).unwrap(), Wait::NotEqual);
        assert_eq!(narrow.wait_until(0, 0, deadline).unwrap(), Wait::TimedOut);
        assert_eq!(wide.wait_until(1, 0, deadline).unwrap(), Wait::NotEqual);
        assert_eq!(wide.wait_until(1, 1 << 40, deadline).unwrap(), Wait::TimedOut);
    }
}

#[test]
fn never_early() {
    let _alone = alone();
    let region = region();
    let narrow = region.slice::<AtomicU32>("narrow", 1).unwrap();
    let wide = region.slice::<AtomicI64>("wide", 1).unwrap();
    starve::exact_timers();
    for micros in (0..200).map(|n| n * 11) {
        let timeout = Duration::from_micros(micros);
        let start = Instant::now();
        assert_eq!(narrow.wait_until(0, 0, timeout).unwrap(), Wait::TimedOut);
        assert!(start.elapsed() >= timeout);
        let start = Instant::now();
        assert_eq!(wide.wait_until(0, 0, timeout).unwrap(), Wait::TimedOut);
        assert!(start.elapsed() >= timeout);
    }
    // Longer than what an observer and a wait on several guards sleep at a time.
    let elsewhere = region.slice::<AtomicI32>("elsewhere", 64).unwrap();
    let timeout = Duration::from_millis(230);
    let watches = [narrow.watch(0, 0).unwrap(), elsewhere.watch(40, 0).unwrap()];
    let start = Instant::now();
    assert_eq!(wait_any(&watches, timeout).unwrap(), Either::TimedOut);
    assert!(start.elapsed() >= timeout && start.elapsed() < 2 * timeout);
}

#[test]
fn a_notify_wakes_another_process_and_everything_before_it_is_seen() {
    let _alone = alone();
    let region = region();
    let word = region.slice::<AtomicI32>("word", 1).unwrap();
    let data = region.slice::<AtomicU64>("data", 1).unwrap();
    for value in 1..50 {
        let child = Child::spawn(|| {
            let code = wait_code(word.wait(0, 0));
            end(if data[0].load(Relaxed) == value { code } else { 1 });
        });
        until("the waiter to sleep", || sleeps_on_futex(child.pid));
        data[0].store(value, Relaxed);
        assert_eq!(word.notify(0, 1).unwrap(), 1);
        assert_eq!(child.wait_at_most(LONG), WOKEN);
    }
}

#[test]
fn counts_are_exact() {
    let _alone = alone();
    let region = region();
    let word = region.slice::<AtomicU64>("word", 1).unwrap();
    let waiters: Vec<_> = (0..6).map(|_| waiter(|| word.wait(0, 0))).collect();
    assert_eq!(word.notify(0, 0).unwrap(), 0, "0 wakes nobody");
    assert_eq!(word.store_and_notify(0, 0, 0).unwrap(), 0);
    assert!(waiters.iter().all(|child| sleeps_on_futex(child.pid)));
    assert_eq!(word.notify(0, 2).unwrap(), 2);
    assert_eq!(word.add_and_notify(0, 0, 1).unwrap(), (0, 1));
    assert_eq!(word.notify(0, u32::MAX).unwrap(), 3, "u32::MAX means all");
    assert_eq!(word.notify(0, u32::MAX).unwrap(), 0);
    for child in waiters {
        assert_eq!(child.wait_at_most(LONG), WOKEN);
    }
}

#[test]
fn first_come_first_served() {
    let _alone = alone();
    let region = region();
    let word = region.slice::<AtomicI32>("word", 1).unwrap();
    let log = region.slice::<AtomicU32>("log", 64).unwrap();
    let served = |log: &Shared<[AtomicU32]>| log[0].load(SeqCst);
    for wide in [false, true] {
        log.fill(.., 0).unwrap();
        let waiters: Vec<_> = (0..8)
            .map(|name| {
                waiter(|| {
                    let how =
                        if wide { region.wait(at_width_64(&region), 0) } else { word.wait(0, 0) };
                    log[1 + log[0].load(SeqCst) as usize].store(name, SeqCst);
                    log[0].fetch_add(1, SeqCst);
                    how
                })
            })
            .collect();
        for turn in 0..8 {
            let woken =
                if wide { region.notify(at_width_64(&region), 1) } else { word.notify(0, 1) };
            assert_eq!(woken.unwrap(), 1);
            until("the woken to say its name", || served(&log) == turn + 1);
        }
        assert_eq!(log.to_vec(1..9).unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
        for child in waiters {
            assert_eq!(child.wait_at_most(LONG), WOKEN);
        }
    }
}

/// A 64-bit word for those tests that need one elsewhere.
fn at_width_64(region: &Region) -> &'static AtomicU64 {
    let view = region.slice::<AtomicU64>("wide", 1).unwrap();
    let word: *const AtomicU64 = &raw const view[0];
    std::mem::forget(view); // stays open, and mapped
    // SAFETY: the view above is never closed, and the caller's region outlives the test's use of it.
    unsafe { &*word }
}

#[test]
fn a_queue_belongs_to_an_offset_not_to_a_width() {
    let _alone = alone();
    let region = region();
    let wide = region.slice::<AtomicI64>("wide", 1).unwrap();
    let halves = core::ptr::from_ref(&wide[0]).cast::<[AtomicI32; 2]>();
    // SAFETY: the same bytes; as long as the test looks at them at this width, nobody stores to them at another.
    let [low, high] = unsafe { &*halves };

    let child = waiter(|| wide.wait(0, 0));
    assert_eq!(region.notify(high, u32::MAX).unwrap(), 0, "offset + 4 is another queue");
    assert!(sleeps_on_futex(child.pid));
    assert_eq!(region.notify(low, 1).unwrap(), 1);
    assert_eq!(child.wait_at_most(LONG), WOKEN);

    let child = waiter(|| region.wait(low, 0));
    assert_eq!(wide.notify(0, 1).unwrap(), 1);
    assert_eq!(child.wait_at_most(LONG), WOKEN);

    let child = waiter(|| region.wait(high, 0));
    assert_eq!(wide.notify(0, 1).unwrap(), 0);
    assert_eq!(region.notify(high, 1).unwrap(), 1);
    assert_eq!(child.wait_at_most(LONG), WOKEN);
}

#[test]
fn a_change_alone_wakes_nobody_and_an_interrupted_waiter_looks_again() {
    let _alone = alone();
    let region = region();
    let word = region.slice::<AtomicU64>("word", 1).unwrap();
    let child = waiter(|| {
        starve::disturb_every(0); // only the handler
        word.wait(0, 0)
    });
    word[0].store(1 << 32, SeqCst);
    std::thread::sleep(20 * MS);
    assert!(sleeps_on_futex(child.pid));
    child.signal(libc::SIGALRM);
    assert_eq!(child.wait_at_most(LONG), NOT_EQUAL);
}

#[test]
fn a_killed_waiter_leaves_the_queue() {
    let _alone = alone();
    let region = region();
    let word = region.slice::<AtomicI32>("word", 1).unwrap();
    for _ in 0..20 {
        let (first, second) = (waiter(|| word.wait(0, 0)), waiter(|| word.wait(0, 0)));
        first.kill();
        until("the survivor to sleep again", || sleeps_on_futex(second.pid));
        std::thread::sleep(MS); // its look, after the death of its neighbour
        assert_eq!(word.notify(0, 1).unwrap(), 1);
        assert_eq!(second.wait_at_most(LONG), WOKEN);
    }
}

#[test]
fn a_stopped_waiter_is_off_the_queue_and_looks_again_when_it_goes_on() {
    let _alone = alone();
    let region = region();
    let word = region.slice::<AtomicI64>("word", 1).unwrap();
    let stop = |child: &Child| {
        child.signal(libc::SIGSTOP);
        until("the child to stop", || child.state() == 'T');
    };
    let child = waiter(|| word.wait(0, 0));
    stop(&child);
    assert_eq!(word.notify(0, 1).unwrap(), 0);
    child.signal(libc::SIGCONT);
    until("the child to sleep", || child.state() == 'S' && sleeps_on_futex(child.pid));
    assert_eq!(word.notify(0, 1).unwrap(), 1, "back in the queue");
    assert_eq!(child.wait_at_most(LONG), WOKEN);

    let child = waiter(|| word.wait(0, 0));
    stop(&child);
    assert_eq!(word.store_and_notify(0, 5, 1).unwrap(), 0);
    child.signal(libc::SIGCONT);
    assert_eq!(child.wait_at_most(LONG), NOT_EQUAL);
}

#[test]
fn a_change_of_the_high_half_only_loses_no_wake() {
    const ROUNDS: u64 = 50_000;
    let _alone = alone();
    let region = region();
    let ball = region.slice::<AtomicU64>("ball", 1).unwrap();
    let play = |mine: u64| {
        let soon = Duration::from_secs(5);
        let mut turn = mine;
        while turn < ROUNDS {
            let seen = ball[0].load(SeqCst);
            if seen >> 32 == turn {
                turn += 2;
                ball.add_and_notify(0, 1 << 32, 1).unwrap();
            } else if ball.wait_until(0, seen, soon).unwrap() == Wait::TimedOut {
                return false;
            }
        }
        true
    };
    let other = Child::spawn(|| end(i32::from(!play(1))));
    let start = Instant::now();
    assert!(play(0), "a wake was lost");
    assert_eq!(other.wait_at_most(LONG), Some(0));
    println!("{ROUNDS} hand-overs of 64 bits in {:?}", start.elapsed());
}

/// 64 bits are compared half by half in the kernel. Two stores in between let each half look equal, one after the other,
/// although the word was never what is expected since the look: the notify between them must not be lost.
#[test]
fn a_pair_that_never_was_is_not_slept_on() {
    const ROUNDS: u32 = 100_000;
    let _alone = alone();
    let region = region();
    let word = region.slice::<AtomicU64>("word", 1).unwrap();
    let turns = region.slice::<AtomicU32>("turns", 32).unwrap();
    let (go, done) = (&turns[0], &turns[31]);
    let spin = |turns| (0..turns).for_each(|_| std::hint::spin_loop());
    // Whoever waits for long gives its processor away: the other may have none, and take a slice of time for each round.
    let until = |word: &AtomicU32, round| {
        let limit = Deadline::after(LONG);
        while word.load(SeqCst) != round {
            assert!(!limit.has_passed(), "a wake was lost in round {round}");
            if (0..1000).all(|_| word.load(SeqCst) != round) {
                std::thread::yield_now();
            }
        }
    };
    let waiter = Child::spawn(|| {
        for round in 1..=ROUNDS {
            until(go, round);
            spin(u64::from(round % 64));
            let how = word.wait_until(0, 0, Duration::from_secs(2)).unwrap();
            if how == Wait::TimedOut {
                end(1);
            }
            done.store(round, SeqCst);
        }
        end(0);
    });
    let mut random = Random::new(3);
    for round in 1..=ROUNDS {
        word[0].store(0, SeqCst);
        go.store(round, SeqCst);
        spin(random.below(64));
        word[0].store(1 << 32, SeqCst);
        word.notify(0, u32::MAX).unwrap();
        spin(random.below(64));
        word[0].store(1, SeqCst); // without a notify
        until(done, round);
    }
    assert_eq!(waiter.wait_at_most(LONG), Some(0));
}

#[test]
fn any_of_several_words_of_two_widths_and_two_regions() {
    let _alone = alone();
    let (one, two) = (region(), region());
    let narrow = one.slice::<AtomicI32>("narrow", 100).unwrap();
    let wide = two.slice::<AtomicU64>("wide", 100).unwrap();
    let wait = || {
        let watches = [
            narrow.watch(0, 0).unwrap(),
            wide.watch(0, 0).unwrap(),
            narrow.watch(77, 0).unwrap(),
            wide.watch(88, 0).unwrap(),
        ];
        match wait_any(&watches, LONG).unwrap() {
            Either::Woken(index) => 20 + i32::try_from(index).unwrap(),
            Either::NotEqual(index) => 30 + i32::try_from(index).unwrap(),
            Either::TimedOut => 40,
        }
    };
    let start = || {
        let child = Child::spawn(|| end(wait()));
        until("the child to sleep", || sleeps_on_futex(child.pid));
        child
    };
    let notifies: [&dyn Fn() -> sabha::Result<u32>; 4] =
        [&|| narrow.notify(0, 1), &|| wide.notify(0, 1), &|| narrow.notify(77, 1), &|| {
            wide.notify(88, 1)
        }];
    for (index, notify) in notifies.into_iter().enumerate() {
        let child = start();
        // Between two sleeps it is in no queue for an instant.
        until("the notify to meet it", || notify().unwrap() == 1);
        assert_eq!(child.wait_at_most(LONG), Some(20 + i32::try_from(index).unwrap()));
    }
    let child = start();
    wide[88].store(1 << 63, SeqCst);
    assert_eq!(child.wait_at_most(LONG), Some(33), "it looks again at times");
}

#[test]
fn any_of_neighbouring_words_hears_the_bell_and_keeps_its_place() {
    let _alone = alone();
    let region = region();
    let words = region.slice::<AtomicU64>("words", 8).unwrap();
    let first = Child::spawn(|| {
        let watches = [words.watch(0, 0).unwrap(), words.watch(1, 0).unwrap()];
        end(i32::from(wait_any(&watches, LONG).unwrap() != Either::Woken(1)));
    });
    until("the first to sleep", || sleeps_on_futex(first.pid));
    let second = waiter(|| words.wait(1, 0));
    std::thread::sleep(250 * MS); // more than two pulses
    assert_eq!(words.notify(1, 1).unwrap(), 1);
    assert_eq!(first.wait_at_most(LONG), Some(0));
    assert_eq!(words.notify(1, 1).unwrap(), 1);
    assert_eq!(second.wait_at_most(LONG), WOKEN);
}

#[test]
fn too_many_words_or_none_are_refused() {
    let _alone = alone();
    let region = region();
    let narrow = region.slice::<AtomicU32>("narrow", 128).unwrap();
    let wide = region.slice::<AtomicU64>("wide", 43).unwrap();
    let all: Vec<_> = (0..128).map(|index| narrow.watch(index, 0).unwrap()).collect();
    let both: Vec<_> = (0..43).map(|index| wide.watch(index, 0).unwrap()).collect();
    assert!(matches!(wait_any(&[], MS), Err(sabha::Error::OutOfRange { found: 0, .. })));
    assert!(matches!(wait_any(&all, MS), Err(sabha::Error::OutOfRange { found: 128, .. })));
    assert!(matches!(wait_any(&both, MS), Err(sabha::Error::OutOfRange { found: 129, .. })));
    assert_eq!(wait_any(&all[..127], MS).unwrap(), Either::TimedOut);
    assert_eq!(wait_any(&both[..42], MS).unwrap(), Either::TimedOut);
}

#[test]
fn a_word_elsewhere_is_refused() {
    let _alone = alone();
    let (one, two) = (region(), region());
    let view = one.slice::<AtomicI32>("word", 1).unwrap();
    for word in [&AtomicI32::new(0), &view[0]] {
        let refused = |result: sabha::Result<u32>| {
            assert!(matches!(result, Err(sabha::Error::NotInRegion)), "{result:?}");
        };
        refused(two.notify(word, 1));
        refused(two.store_and_notify(word, 1, 1));
        refused(two.add_and_notify(word, 1, 1).map(|(_, woken)| woken));
        refused(two.wait(word, 0).map(|_| 0));
        refused(two.watch(word, 0).map(|_| 0));
    }
    assert_eq!(view[0].load(SeqCst), 0);
}

/// What each process of the conservation test adds up.
#[derive(Default)]
struct Sums {
    waits: u64,
    woken: u64,
    unequal: u64,
    timed_out: u64,
}

/// A million waits of both widths with random time-outs, under a storm of signals: each that a notify counted returns
/// `Woken`, and no other.
#[test]
fn the_sum_of_all_notifies_is_the_number_of_woken_waits() {
    const WAITERS: u64 = 8;
    const WAITS: u64 = 1_000_000 / WAITERS;
    let _alone = alone();
    let region = region();
    let narrow = region.slice::<AtomicU32>("narrow", 32).unwrap();
    let wide = region.slice::<AtomicU64>("wide", 16).unwrap();
    let sums = region.slice::<AtomicU64>("sums", 8).unwrap();
    let start = Instant::now();
    let waiters: Vec<_> = (0..WAITERS)
        .map(|name| Child::spawn(|| wait_often(&narrow, &wide, &sums, WAITS, name + 1)))
        .collect();
    let notifiers: Vec<_> = (0..2)
        .map(|name| Child::spawn(|| notify_often(&narrow, &wide, &sums, 100 + name)))
        .collect();
    for child in waiters {
        assert_eq!(child.wait_at_most(Duration::from_secs(300)), Some(0));
    }
    sums[STOP].store(1, SeqCst);
    for child in notifiers {
        assert_eq!(child.wait_at_most(LONG), Some(0));
    }
    let all = sums.to_vec(..).unwrap();
    let [waits, woken, unequal, timed_out, notified, notifies, _, _] = all[..] else { panic!() };
    println!(
        "{waits} waits in {:?}: {woken} woken, {unequal} not equal, {timed_out} timed out; \
         {notifies} notifies counted {notified}",
        start.elapsed()
    );
    assert_eq!(waits, WAITERS * WAITS);
    assert_eq!(woken, notified);
    assert!(woken > waits / 100 && timed_out > waits / 100 && unequal > waits / 100);
}

const STOP: usize = 6;

fn wait_often(
    narrow: &Shared<[AtomicU32]>,
    wide: &Shared<[AtomicU64]>,
    shared: &Shared<[AtomicU64]>,
    waits: u64,
    seed: u64,
) {
    let mut random = Random::new(seed * 7919);
    let mut sums = Sums::default();
    starve::exact_timers();
    starve::disturb_every(333);
    while sums.waits < waits {
        let deadline = match random.below(8) {
            0 => Deadline::PASSED,
            _ => Deadline::after(Duration::from_micros(random.below(80))),
        };
        let index = usize::from(random.below(2) == 0);
        let result = if random.below(2) == 0 {
            let expected = narrow[16 * index].load(SeqCst) ^ u32::from(random.below(16) == 0);
            narrow.wait_until(16 * index, expected, deadline)
        } else {
            let expected = wide[8 * index].load(SeqCst) ^ u64::from(random.below(16) == 0);
            wide.wait_until(8 * index, expected, deadline)
        };
        sums.waits += 1;
        match result.unwrap() {
            Wait::Woken => sums.woken += 1,
            Wait::NotEqual => sums.unequal += 1,
            Wait::TimedOut => sums.timed_out += 1,
        }
    }
    let totals = [sums.waits, sums.woken, sums.unequal, sums.timed_out];
    for (place, sum) in shared.iter().zip(totals) {
        place.fetch_add(sum, SeqCst);
    }
}

fn notify_often(
    narrow: &Shared<[AtomicU32]>,
    wide: &Shared<[AtomicU64]>,
    shared: &Shared<[AtomicU64]>,
    seed: u64,
) {
    let mut random = Random::new(seed * 104_729);
    let (mut notified, mut notifies) = (0, 0);
    starve::disturb_every(333);
    while shared[STOP].load(Relaxed) == 0 {
        let index = usize::from(random.below(2) == 0);
        let count = match random.below(4) {
            0 => u32::MAX,
            _ => u32::try_from(random.below(4)).unwrap(),
        };
        // The counts do not depend on the values; those change now and then, in either half.
        let delta = 1 << (32 * random.below(2));
        let woken = match random.below(8) {
            0 => wide.add_and_notify(8 * index, delta, count).unwrap().1,
            1 => narrow
                .store_and_notify(16 * index, u32::try_from(random.below(3)).unwrap(), count)
                .unwrap(),
            2..5 => wide.notify(8 * index, count).unwrap(),
            _ => narrow.notify(16 * index, count).unwrap(),
        };
        notified += u64::from(woken);
        notifies += 1;
        if random.below(4) == 0 {
            std::thread::yield_now();
        }
    }
    shared[4].fetch_add(notified, SeqCst);
    shared[5].fetch_add(notifies, SeqCst);
}

#[test]
fn a_waiter_may_time_out_with_others_around_it() {
    let _alone = alone();
    let region = region();
    let word = region.slice::<AtomicI32>("word", 1).unwrap();
    let stays = waiter(|| word.wait(0, 0));
    let goes = waiter(|| word.wait_until(0, 0, 50 * MS));
    assert_eq!(goes.wait_at_most(LONG), TIMED_OUT);
    assert!(sleeps_on_futex(stays.pid), "the end of one wait disturbs no other");
    assert_eq!(word.notify(0, u32::MAX).unwrap(), 1);
    assert_eq!(stays.wait_at_most(LONG), WOKEN);
}
