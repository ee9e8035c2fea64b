//! Views: ranges, floats, bytes, ECMAScript's names, observers, arrays that grow.
#![allow(unsafe_code)] // ends child processes

use sabha::view::{DataView, Either, Element, atomics, wait_any};
use sabha::{AtomicF32, AtomicF64, Deadline, Error, Region, Shared, Wait};
use std::cell::UnsafeCell;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};
use std::time::{Duration, Instant};
use support::child::sleeps_on_futex;
use support::child::{Child, until};

fn view<A: Element>(len: usize) -> Shared<[A]> {
    Region::anonymous(1 << 16).unwrap().slice("view", len).unwrap()
}

/// A named region whose name goes with the test.
struct Named(Region, String);

impl Named {
    fn new(test: &str) -> Self {
        let name = format!("sabha-test-view-{test}-{}", std::process::id());
        Self(Region::options().size(1 << 16).max_size(1 << 20).create(&name).unwrap(), name)
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = self.0.unlink();
    }
}

fn said<T>(result: sabha::Result<T>) -> String {
    result.map(|_| "accepted").unwrap_err().to_string()
}

#[test]
fn copies_go_where_they_should_and_nowhere_else() {
    fn check<A: Element>(values: [A::Value; 3], zero: A::Value) {
        let view = view::<A>(8);
        view.copy_from(5, &values).unwrap();
        assert_eq!(view.to_vec(..5).unwrap(), [zero; 5]);
        assert_eq!(view.to_vec(5..).unwrap(), values);
        let mut two = [zero; 2];
        view.copy_to(6, &mut two).unwrap();
        assert_eq!(two[..], values[1..]);
        view.fill(1..=2, values[0]).unwrap();
        assert_eq!(view.to_vec(..4).unwrap(), [zero, values[0], values[0], zero]);
        assert_eq!(view.subview(5..8).unwrap().to_vec(..).unwrap(), values);
    }
    check::<AtomicI8>([1, -2, i8::MIN], 0);
    check::<AtomicU8>([1, 2, u8::MAX], 0);
    check::<AtomicI16>([1, -2, i16::MIN], 0);
    check::<AtomicU16>([1, 2, u16::MAX], 0);
    check::<AtomicI32>([1, -2, i32::MIN], 0);
    check::<AtomicU32>([1, 2, u32::MAX], 0);
    check::<AtomicI64>([1, -2, i64::MIN], 0);
    check::<AtomicU64>([1, 2, u64::MAX], 0);
    check::<AtomicF32>([1.5, -2.0, f32::INFINITY], 0.0);
    check::<AtomicF64>([1.5, -2.0, f64::MIN_POSITIVE], 0.0);
}

#[test]
fn what_is_outside_is_refused_and_changes_nothing() {
    let view = view::<AtomicI32>(4);
    assert_eq!(said(view.copy_from(2, &[1, 2, 3])), "the end of the range of 5 is outside 0..=4");
    assert!(view.copy_to(usize::MAX, &mut [0]).is_err());
    assert!(view.fill(3..5, 1).is_err());
    assert!(view.to_vec(5..).is_err());
    assert!(view.subview(3..5).is_err());
    let index = "the index of 4 is outside 0..=3";
    assert_eq!(said(view.wait(4, 0)), index);
    assert_eq!(said(view.notify(4, 1)), index);
    assert_eq!(said(view.store_and_notify(4, 1, 1)), index);
    assert_eq!(
        said(view.add_and_notify(usize::MAX, 1, 1)),
        index.replace('4', &usize::MAX.to_string())
    );
    assert_eq!(said(view.watch(4, 0)), index);
    assert_eq!(said(atomics::add(&view, 4, 1)), index);
    assert_eq!(said(atomics::load(&view, 4)), index);
    assert_eq!(view.to_vec(..).unwrap(), [0; 4]);
    view.copy_from(4, &[]).unwrap();
    view.fill(4..4, 1).unwrap();
}

#[test]
fn elements_are_never_torn() {
    let view = view::<AtomicU64>(64);
    let writer = {
        let view = view.clone();
        Child::spawn(move || {
            for turn in 0.. {
                view.fill(.., if turn % 2 == 0 { u64::MAX } else { 0 }).unwrap();
            }
        })
    };
    let end = Instant::now() + Duration::from_millis(200);
    while Instant::now() < end {
        assert!(view.to_vec(..).unwrap().iter().all(|value| *value == 0 || *value == u64::MAX));
    }
    drop(writer);
}

#[test]
fn floats_keep_their_bits() {
    let view = view::<AtomicF64>(2);
    let odd_nan = f64::from_bits(0x7ff8_0000_dead_beef);
    view[0].store(odd_nan, SeqCst);
    assert_eq!(view[0].load(SeqCst).to_bits(), odd_nan.to_bits());
    assert!(view[0].compare_exchange(odd_nan, -0.0, SeqCst, SeqCst).is_ok(), "a NaN is itself");
    let seen = view[0].compare_exchange(0.0, 1.0, SeqCst, SeqCst).unwrap_err();
    assert!(seen.is_sign_negative(), "-0.0 is not 0.0");
    assert_eq!(view[0].swap(2.5, SeqCst).to_bits(), (-0.0f64).to_bits());
    assert_eq!(format!("{:?}", view[0]), "2.5");
}

#[test]
fn a_float_view_is_another_type_than_an_integer_view() {
    let region = Region::anonymous(4096).unwrap();
    region.slice::<AtomicF32>("numbers", 4).unwrap();
    for refused in [
        region.slice::<AtomicU32>("numbers", 4).map(drop),
        region.slice::<AtomicI32>("numbers", 4).map(drop),
        region.slice::<AtomicF64>("numbers", 2).map(drop),
    ] {
        assert!(matches!(refused, Err(Error::OtherType { .. })), "{refused:?}");
    }
}

#[test]
fn ecmascript_names_wrap_and_return_the_old_value() {
    let view = view::<AtomicI8>(2);
    atomics::store(&view, 1, 127).unwrap();
    assert_eq!(atomics::add(&view, 1, 1).unwrap(), 127);
    assert_eq!(atomics::sub(&view, 1, 1).unwrap(), -128);
    assert_eq!(atomics::and(&view, 1, 0b1100).unwrap(), 127);
    assert_eq!(atomics::or(&view, 1, 0b0011).unwrap(), 0b1100);
    assert_eq!(atomics::xor(&view, 1, 0b0101).unwrap(), 0b1111);
    assert_eq!(atomics::exchange(&view, 1, -1).unwrap(), 0b1010);
    assert_eq!(atomics::compare_exchange(&view, 1, 5, 6).unwrap(), -1);
    assert_eq!(atomics::compare_exchange(&view, 1, -1, 6).unwrap(), -1);
    assert_eq!((atomics::load(&view, 0).unwrap(), atomics::load(&view, 1).unwrap()), (0, 6));
    assert_eq!(
        [1, 2, 3, 4, 8, 16].map(atomics::is_lock_free),
        [true, true, false, true, true, false]
    );
    atomics::pause();
}

#[test]
fn ecmascript_wait_and_notify() {
    let view = view::<AtomicI64>(1);
    assert_eq!(atomics::wait(&view, 0, 1, f64::NAN).unwrap(), Wait::NotEqual);
    assert_eq!(atomics::wait(&view, 0, 1, -1.0).unwrap(), Wait::NotEqual);
    assert_eq!(atomics::wait(&view, 0, 0, f64::NEG_INFINITY).unwrap(), Wait::TimedOut);
    let start = Instant::now();
    assert_eq!(atomics::wait(&view, 0, 0, 1.5).unwrap(), Wait::TimedOut);
    assert!(start.elapsed() >= Duration::from_micros(1500));
    let waiter = Child::spawn(|| {
        assert_eq!(atomics::wait(&view, 0, 0, f64::INFINITY).unwrap(), Wait::Woken);
    });
    until("the waiter to sleep", || sleeps_on_futex(waiter.pid));
    assert_eq!(atomics::notify(&view, 0, Some(0)).unwrap(), 0);
    assert_eq!(atomics::notify(&view, 0, None).unwrap(), 1);
    assert_eq!(waiter.wait(), 0);
}

/// All before a notify is seen by who is woken, though no word changes: the thread sanitizer watches this one.
#[test]
fn what_a_thread_writes_before_it_notifies_is_seen_by_the_woken() {
    struct Plain(UnsafeCell<u64>);
    // SAFETY: one thread writes before it notifies, the other reads once it is woken.
    unsafe impl Sync for Plain {}
    let (view, plain) = (view::<AtomicI32>(1), &Plain(UnsafeCell::new(0)));
    std::thread::scope(|scope| {
        let woken = scope.spawn(|| {
            assert_eq!(view.wait(0, 0).unwrap(), Wait::Woken);
            // SAFETY: woken, after the only write.
            unsafe { plain.0.get().read() }
        });
        // SAFETY: nobody reads before the notify.
        unsafe { plain.0.get().write(7) };
        until("a waiter", || view.notify(0, 1).unwrap() == 1);
        assert_eq!(woken.join().unwrap(), 7);
    });
}

#[test]
fn bytes_lie_as_the_order_says() {
    let data = DataView::from(view::<AtomicU8>(32));
    macro_rules! check {
        ($value:expr, $set_le:ident, $get_le:ident, $set_be:ident, $get_be:ident) => {
            for offset in [0, 1, 7] {
                let (value, len) = ($value, $value.to_le_bytes().len());
                data.$set_le(offset, value).unwrap();
                assert_eq!(data.bytes().to_vec(offset..offset + len).unwrap(), value.to_le_bytes());
                assert_eq!(data.$get_le(offset).unwrap(), value);
                assert_eq!(data.$get_be(offset).unwrap().to_be_bytes(), value.to_le_bytes());
                data.$set_be(offset, value).unwrap();
                assert_eq!(data.bytes().to_vec(offset..offset + len).unwrap(), value.to_be_bytes());
                assert_eq!(data.$get_be(offset).unwrap(), value);
                assert!(data.$set_le(33 - len, value).is_err() && data.$get_be(33 - len).is_err());
                data.$set_be(32 - len, value).unwrap();
                data.bytes().fill(.., 0).unwrap();
            }
        };
    }
    check!(0x12u8, set_u8, get_u8, set_u8, get_u8);
    check!(-5i8, set_i8, get_i8, set_i8, get_i8);
    check!(0x1234u16, set_u16_le, get_u16_le, set_u16_be, get_u16_be);
    check!(-0x1234i16, set_i16_le, get_i16_le, set_i16_be, get_i16_be);
    check!(0x1234_5678u32, set_u32_le, get_u32_le, set_u32_be, get_u32_be);
    check!(-0x1234_5678i32, set_i32_le, get_i32_le, set_i32_be, get_i32_be);
    check!(0x1234_5678_9abc_def0u64, set_u64_le, get_u64_le, set_u64_be, get_u64_be);
    check!(i64::MIN + 77, set_i64_le, get_i64_le, set_i64_be, get_i64_be);
    check!(-1.5e-9f32, set_f32_le, get_f32_le, set_f32_be, get_f32_be);
    check!(6.02e23f64, set_f64_le, get_f64_le, set_f64_be, get_f64_be);
    assert!(data.get_u16_le(usize::MAX).is_err());
}

#[test]
fn an_observer_reads_and_waits() {
    const LONG: Duration = Duration::from_secs(10);
    let named = Named::new("observer");
    let numbers = named.0.slice::<AtomicU32>("numbers", 4).unwrap();
    let wide = named.0.slice::<AtomicI64>("wide", 4).unwrap();
    numbers.copy_from(0, &[1, 2, 3, 4]).unwrap();

    let observer = Region::open_read_only(&named.1).unwrap();
    let seen = observer.slice::<AtomicU32>("numbers", 4).unwrap();
    let seen_wide = observer.slice::<AtomicI64>("wide", 4).unwrap();
    assert_eq!((seen.load(2).unwrap(), seen.to_vec(1..).unwrap()), (3, vec![2, 3, 4]));
    let mut two = [0; 2];
    seen.copy_to(2, &mut two).unwrap();
    assert_eq!(two, [3, 4]);
    assert_eq!(said(seen.load(4)), "the index of 4 is outside 0..=3");
    assert!(seen.to_vec(2..5).is_err() && seen.copy_to(3, &mut two).is_err());

    assert_eq!(seen.wait(0, 7).unwrap(), Wait::NotEqual);
    assert_eq!(seen_wide.wait_until(3, 0, Deadline::PASSED).unwrap(), Wait::TimedOut);
    let start = Instant::now();
    assert_eq!(seen.wait_until(0, 1, Duration::from_millis(130)).unwrap(), Wait::TimedOut);
    assert!(start.elapsed() >= Duration::from_millis(130));

    let waits: [&dyn Fn() -> bool; 4] = [
        &|| seen.wait_until(0, 1, LONG).unwrap() == Wait::Woken,
        &|| seen_wide.wait_until(3, 0, LONG).unwrap() == Wait::Woken,
        &|| {
            let watches = [seen.watch(0, 1).unwrap(), seen_wide.watch(3, 0).unwrap()];
            wait_any(&watches, LONG).unwrap() == Either::Woken(1)
        },
        // Seen and shared, together.
        &|| {
            let watches = [seen.watch(0, 1).unwrap(), wide.watch(3, 0).unwrap()];
            wait_any(&watches, LONG).unwrap() == Either::Woken(0)
        },
    ];
    for (turn, wait) in waits.into_iter().enumerate() {
        // SAFETY: ends the process.
        let child = Child::spawn(|| unsafe { libc::_exit(i32::from(!wait())) });
        until("the observer to sleep", || sleeps_on_futex(child.pid));
        // Between two pulses it is in no queue for an instant.
        until("the notify to meet it", || match turn {
            0 | 3 => numbers.notify(0, 1).unwrap() == 1,
            _ => wide.notify(3, 1).unwrap() == 1,
        });
        assert_eq!(child.wait_at_most(LONG), Some(0), "wait {turn}");
    }

    let child = Child::spawn(|| assert_eq!(seen.wait(0, 1).unwrap(), Wait::NotEqual));
    until("the observer to sleep", || sleeps_on_futex(child.pid));
    numbers[0].store(9, SeqCst); // as a changer does that is killed before its notify
    assert_eq!(child.wait_at_most(LONG), Some(0), "it looks again at times");
}

#[test]
fn a_growing_array_grows_in_every_process_and_moves_nowhere() {
    let named = Named::new("growing");
    let log = named.0.growing_slice::<AtomicU64>("log").unwrap();
    let (before, view) = (log.get().len(), log.view());
    let first: *const AtomicU64 = &raw const log.get()[0];
    let mapped_by_name = Child::spawn({
        let name = named.1.clone();
        move || {
            let region = Region::open(&name).unwrap();
            let log = region.growing_slice::<AtomicU64>("log").unwrap();
            let start = log.get().len();
            log.get()[0].store(1, SeqCst);
            until("the growth to show", || log.get().len() > start);
            log.get()[log.get().len() - 1].store(77, SeqCst);
        }
    });
    until("the other process to look", || view[0].load(SeqCst) == 1);
    named.0.grow(1 << 20).unwrap();
    assert_eq!(mapped_by_name.wait(), 0);

    let after = log.get();
    assert!(after.len() > before);
    assert_eq!(after[after.len() - 1].load(Relaxed), 77);
    assert!(after[before..after.len() - 1].iter().all(|new| new.load(Relaxed) == 0));
    assert!(core::ptr::eq(first, &raw const after[0]));
    assert_eq!(view.len(), before, "a view that was got stays as it is");
    view[before - 1].store(5, Relaxed);
    assert_eq!(after[before - 1].load(Relaxed), 5);
    // The new elements can be waited on and notified, too.
    let all = log.view();
    assert_eq!(all.store_and_notify(all.len() - 1, 1, 1).unwrap(), 0);
    assert_eq!(all.wait(all.len() - 1, 0).unwrap(), Wait::NotEqual);
}
