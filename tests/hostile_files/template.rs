//! A region's file with something of everything in it, as bytes.

use sabha::ring::spsc::{Consumer, Producer, Spsc};
use sabha::sync::Mutex;
use sabha::{Region, RegionOptions};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::thread;

/// Bytes of the heap that are reserved.
pub const LEN: u64 = 8 * 4096;
/// How far it can grow.
pub const MAX_LEN: u64 = 16 * 4096;
/// Seats.
pub const SEATS: u32 = 4;

/// How it is made.
pub fn options() -> RegionOptions {
    Region::options().size(LEN).max_size(MAX_LEN).seats(SEATS).member_name("the maker")
}

/// Puts something of everything into a region: numbers, locks (one whose owner is dead), a ring with items whose ends are
/// taken, an array that grows. The ends stay taken as long as they are kept.
pub fn furnish(region: &Region) -> (Producer<u64>, Consumer<u64>) {
    let words = region.slice::<AtomicU64>("words", 64).expect("room");
    words.iter().zip(0..).for_each(|(word, value)| word.store(value, Relaxed));
    region.object::<AtomicU32>("word").expect("room");
    for name in ["free", "orphan", "held", "spin"] {
        region.object::<Mutex<[u64; 8]>>(name).expect("room");
    }
    let orphan = region.object::<Mutex<[u64; 8]>>("orphan").expect("room");
    thread::scope(|scope| scope.spawn(|| std::mem::forget(orphan.lock())).join()).expect("locks");
    let ring = Spsc::<u64>::open_or_create(region, "ring", 16).expect("room");
    let mut producer = ring.producer().expect("an end");
    for item in 0..20 {
        producer.try_push(item).expect("room");
        if item >= 10 {
            ring.consumer().map(|mut end| end.try_pop()).expect("an end").expect("items");
        }
    }
    region.growing_slice::<AtomicU64>("log").expect("room");
    (producer, ring.consumer().expect("an end"))
}

/// The bytes of such a file, while a thread holds the lock "held".
#[allow(dead_code, reason = "a live scribbler needs no copy")]
pub fn bytes(name: &str) -> Vec<u8> {
    let region = options().create(name).expect("a region");
    let _ends = furnish(&region);
    let (done, wait) = channel::<()>();
    let (held, seen) = channel();
    let lock = region.object::<Mutex<[u64; 8]>>("held").expect("made above");
    let bytes = thread::scope(|scope| {
        scope.spawn(move || {
            let _guard = lock.lock().expect("free");
            held.send(()).expect("heard");
            let _ = wait.recv();
        });
        seen.recv().expect("held");
        let bytes = std::fs::read(format!("/dev/shm/{name}")).expect("the file");
        drop(done);
        bytes
    });
    region.unlink().expect("its name");
    bytes
}
