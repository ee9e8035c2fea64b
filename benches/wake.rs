//! What it costs to wake another process and be woken by it: a round trip with both asleep in between.
//!
//! Run: `cargo bench --bench wake`. Criterion's figures first; then the ratios of the design's targets, measured in turn.
#![allow(unsafe_code)] // memory of zeros for the bare futex

mod support;

use criterion::Criterion;
use nix::sys::eventfd::EventFd;
use sabha::{Region, Shared};
use std::io::{Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::*};
use std::time::Duration;
use support::reference::{InCommon, futex_wait, futex_wake};
use support::{Child, Ratios, Row, Timed, pin, timed};

/// Which processor the other runs on: its own (1), or the caller's (0).
static OTHER: AtomicUsize = AtomicUsize::new(1);

/// A round trip: `call` wakes the other and waits; the other runs `answer` for ever.
fn round_trip<'a>(mut call: impl FnMut() + 'a, mut answer: impl FnMut()) -> Timed<'a> {
    let other = Child::spawn(OTHER.load(Relaxed), || {
        loop {
            answer();
        }
    });
    timed(move || {
        let _alive = &other;
        call();
    })
}

/// Two words, each on its own cache line.
#[repr(C)]
struct Words {
    ping: AtomicU32,
    apart: [u64; 16],
    pong: AtomicU32,
}

fn bare_futex() -> Timed<'static> {
    // SAFETY: zeros are words.
    let words: InCommon<Words> = unsafe { InCommon::zeroed() };
    let words: &'static Words = words.forever();
    let send = |word: &AtomicU32, value| {
        word.store(value, Release);
        futex_wake(word);
    };
    let await_change = |word: &AtomicU32, last| {
        while word.load(Acquire) == last {
            futex_wait(word, last);
        }
    };
    let (mut sent, mut got) = (0_u32, 0_u32);
    round_trip(
        move || {
            sent = sent.wrapping_add(1);
            send(&words.ping, sent);
            await_change(&words.pong, sent.wrapping_sub(1));
        },
        move || {
            await_change(&words.ping, got);
            got = got.wrapping_add(1);
            send(&words.pong, got);
        },
    )
}

const PING: usize = 0;
const PONG: usize = 32;

/// sabha's wait and notify on words of a view, for both widths.
macro_rules! wait_notify {
    ($word:ty, $number:ty, $send:expr) => {{
        let region = Region::anonymous(1 << 16).expect("a region");
        let view: Shared<[$word]> = region.slice("words", 64).expect("an array");
        let (here, there) = (view.clone(), view);
        let await_change = |view: &Shared<[$word]>, index: usize, last| {
            while view[index].load(Acquire) == last {
                let _ = view.wait(index, last).expect("in range");
            }
        };
        let (mut sent, mut got): ($number, $number) = (0, 0);
        round_trip(
            move || {
                sent = sent.wrapping_add(1);
                $send(&here, PING, sent);
                await_change(&here, PONG, sent.wrapping_sub(1));
            },
            move || {
                await_change(&there, PING, got);
                got = got.wrapping_add(1);
                $send(&there, PONG, got);
            },
        )
    }};
}

fn store_then_notify_32(view: &Shared<[AtomicU32]>, index: usize, value: u32) {
    view[index].store(value, Release);
    view.notify(index, 1).expect("in range");
}

fn store_then_notify_64(view: &Shared<[AtomicU64]>, index: usize, value: u64) {
    view[index].store(value, Release);
    view.notify(index, 1).expect("in range");
}

fn store_and_notify(view: &Shared<[AtomicU32]>, index: usize, value: u32) {
    view.store_and_notify(index, value, 1).expect("in range");
}

fn sabha_32() -> Timed<'static> {
    wait_notify!(AtomicU32, u32, store_then_notify_32)
}

fn sabha_64() -> Timed<'static> {
    wait_notify!(AtomicU64, u64, store_then_notify_64)
}

fn sabha_at_once() -> Timed<'static> {
    wait_notify!(AtomicU32, u32, store_and_notify)
}

fn pipe() -> Timed<'static> {
    let (mut read_there, mut write_here) = std::io::pipe().expect("a pipe");
    let (mut read_here, mut write_there) = std::io::pipe().expect("a pipe");
    round_trip(
        move || {
            write_here.write_all(&[1]).expect("open");
            read_here.read_exact(&mut [0]).expect("open");
        },
        move || {
            read_there.read_exact(&mut [0]).expect("open");
            write_there.write_all(&[1]).expect("open");
        },
    )
}

fn eventfd() -> Timed<'static> {
    let made = || std::rc::Rc::new(EventFd::new().expect("an eventfd"));
    let (ping, pong) = (made(), made());
    let (ping_there, pong_there) = (ping.clone(), pong.clone());
    round_trip(
        move || {
            ping.write(1).expect("open");
            pong.read().expect("open");
        },
        move || {
            ping_there.read().expect("open");
            pong_there.write(1).expect("open");
        },
    )
}

fn unix_datagram() -> Timed<'static> {
    let (here, there) = UnixDatagram::pair().expect("a pair");
    round_trip(
        move || {
            here.send(&[1]).expect("open");
            here.recv(&mut [0]).expect("open");
        },
        move || {
            there.recv(&mut [0]).expect("open");
            there.send(&[1]).expect("open");
        },
    )
}

fn unix_stream() -> Timed<'static> {
    let (mut here, mut there) = UnixStream::pair().expect("a pair");
    round_trip(
        move || {
            here.write_all(&[1]).expect("open");
            here.read_exact(&mut [0]).expect("open");
        },
        move || {
            there.read_exact(&mut [0]).expect("open");
            there.write_all(&[1]).expect("open");
        },
    )
}

type Way = (&'static str, fn() -> Timed<'static>);

const FUTEX: Way = ("bare futex", bare_futex);
const SABHA_32: Way = ("sabha wait, notify, 32 bits", sabha_32);
const SABHA_64: Way = ("sabha wait, notify, 64 bits", sabha_64);
const AT_ONCE: Way = ("sabha wait, store_and_notify", sabha_at_once);
const PIPE: Way = ("pipe", pipe);
const EVENTFD: Way = ("eventfd", eventfd);
const DATAGRAM: Way = ("Unix datagram socket", unix_datagram);
const STREAM: Way = ("Unix stream socket", unix_stream);

fn main() {
    pin(0);
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20)
        .configure_from_args();
    let mut group = criterion.benchmark_group("wake");
    for (name, make) in [FUTEX, SABHA_32, SABHA_64, AT_ONCE, PIPE, EVENTFD, DATAGRAM, STREAM] {
        let mut run = make();
        group.bench_function(name, |bencher| bencher.iter_custom(&mut run));
    }
    group.finish();
    criterion.final_summary();

    let own = [(FUTEX, None), (SABHA_32, Some(1.1)), (SABHA_64, Some(1.1)), (AT_ONCE, None)];
    let others = [(EVENTFD, None), (PIPE, None), (DATAGRAM, None), (STREAM, None)];
    let all = [&own[..], &others[..]].concat();
    table("round trip, both asleep, each on its own processor", &all);
    for reference in [PIPE, DATAGRAM, STREAM] {
        table("the same, against another way", &[(reference, None), (SABHA_32, Some(0.5))]);
    }
    // Without the time that it takes to wake a processor: what the calls themselves cost.
    OTHER.store(0, Relaxed);
    table("round trip, both asleep, on one processor", &all);
}

fn table(title: &str, ways: &[(Way, Option<f64>)]) {
    let row =
        |((name, make), target): (Way, Option<f64>)| -> Row<'static> { (name, target, make()) };
    ways.iter().copied().map(row).fold(Ratios::new(title, 1000), Ratios::row).print(21);
}
