//! Who scribbles: hostile words, and now and then the truth again, so that others get far enough to be hurt.
#![allow(unsafe_code)] // maps the file and stores into it

use super::template::{LEN, MAX_LEN, SEATS};
use std::fs::File;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use support::child::Random;

const HEAP_AT: usize = 102_400;
const SEATS_AT: usize = HEAP_AT + MAX_LEN as usize;
/// All that is mapped.
pub const BYTES: usize = SEATS_AT + SEATS as usize * 4096;

/// Where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// What is looked at before a file is mapped.
    Prefix,
    /// The length, the directory's lock, the guards of words.
    Header,
    Members,
    Directory,
    /// The objects: numbers, locks, a ring.
    Heap,
    Seats,
    /// All of these but the prefix, whose damage nobody gets past.
    All,
    /// One word for some milliseconds, as fast as it goes: it is another at each look.
    OneWord,
}

impl Target {
    /// One after the other.
    pub const ALL: [Self; 8] = [
        Self::Prefix,
        Self::Header,
        Self::Members,
        Self::Directory,
        Self::Heap,
        Self::Seats,
        Self::All,
        Self::OneWord,
    ];

    fn bytes(self) -> Range<usize> {
        match self {
            Self::Prefix => 0..128,
            Self::Header => 128..4096,
            Self::Members => 4096..36_864,
            Self::Directory => 36_864..HEAP_AT,
            Self::Heap => HEAP_AT..HEAP_AT + LEN as usize,
            Self::Seats => SEATS_AT..BYTES,
            Self::All | Self::OneWord => 128..BYTES,
        }
    }

    /// One of its words.
    fn choose(self, random: &mut Random) -> usize {
        let bytes = match self {
            Self::OneWord => HOT[random.below(HOT.len() as u64) as usize].clone(),
            other => other.bytes(),
        };
        bytes.start + random.below(bytes.len() as u64 / 4) as usize * 4
    }
}

/// Scribbles over `target` until it is killed: of `one_of` words one is hostile, the others are what they were in `truth`.
/// `thousands` tells how much.
pub fn scribble(
    file: &File,
    truth: &[u8],
    target: Target,
    one_of: u64,
    thousands: &AtomicU32,
) -> ! {
    let page = Page { start: map(file), truth };
    let mut random = Random::new(u64::from(std::process::id()) << 8 | target as u64 | 1);
    loop {
        let at = target.choose(&mut random);
        if target == Target::OneWord {
            page.hammer(at, &mut random);
        } else {
            for _ in 0..1000 {
                page.write(target.choose(&mut random), one_of, &mut random);
            }
        }
        thousands.fetch_add(if target == Target::OneWord { HAMMERED } else { 1 }, Relaxed);
    }
}

/// So many thousand times in a row the same word: for some milliseconds.
const HAMMERED: u32 = 500;

/// Words between these places are read all the time: the header's length and lock, guards, members, entries, objects, seats.
const HOT: &[Range<usize>] = &[
    128..144,
    192..200,
    256..264,
    2048..4096,
    4096..4608,
    36_864..38_912,
    HEAP_AT..HEAP_AT + 4096,
    SEATS_AT..BYTES,
];

/// The mapped file, and what it held at first.
struct Page<'a> {
    start: *mut u8,
    truth: &'a [u8],
}

impl Page<'_> {
    fn write(&self, at: usize, one_of: u64, random: &mut Random) {
        if random.below(one_of) == 0 {
            self.put(at, hostile(random));
        } else {
            self.restore(at);
        }
    }

    fn hammer(&self, at: usize, random: &mut Random) {
        let values: [u32; 4] = core::array::from_fn(|_| hostile(random));
        for turn in 0..HAMMERED as usize * 1000 {
            self.put(at, values[turn % 4]);
        }
        self.restore(at);
    }

    fn put(&self, at: usize, value: u32) {
        self.word(at).store(value, Relaxed);
    }

    fn restore(&self, at: usize) {
        let truth = self.truth.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        self.put(at, u32::from_ne_bytes(truth.unwrap_or_default()));
    }

    fn word(&self, at: usize) -> &AtomicU32 {
        assert!(at + 4 <= BYTES);
        let word = self.start.wrapping_add(at).cast::<AtomicU32>();
        // SAFETY: inside the mapping, a multiple of 4; any bytes are an atomic.
        unsafe { &*word }
    }
}

fn hostile(random: &mut Random) -> u32 {
    const NAMED: u32 = 1 << 29;
    let name = NAMED | (random.below(4) as u32) << 10 | random.below(6) as u32;
    let any = (random.below(1 << 32)) as u32;
    match random.below(10) {
        0 => 0,
        1 => 1,
        2 => u32::MAX,
        3 => name,
        4 => 1 << 31 | name,
        5 => 1 << 30 | name,
        6 => 1 << 31 | any & 0xffff,
        7 => any & 0xff,
        8 => any & 0xffff,
        _ => any,
    }
}

fn map(file: &File) -> *mut u8 {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let none = std::ptr::null_mut();
    // SAFETY: new pages anywhere.
    let start = unsafe { libc::mmap(none, BYTES, access, libc::MAP_SHARED, file.as_raw_fd(), 0) };
    assert_ne!(start, libc::MAP_FAILED);
    start.cast()
}
