//! Headers and directories.

use super::some_count;
use crate::adversary::{answer, choose, let_wait};
use crate::driver::Operation;
use crate::names::{MAX_LEN, OBJECT};
use crate::region::{Inner, Kind, Wanted, world};

pub(super) const ALL: &[Operation] = &[
    Operation { name: "header: check", share: 80, fuel: 1_000, act: check_a_header },
    Operation { name: "directory: find or make", share: 4, fuel: 100_000, act: find_or_make },
    Operation { name: "directory: remove", share: 2, fuel: 100_000, act: remove },
    // 256 entries, each of 32 words, looked at 100 times if it changes at each look.
    Operation { name: "directory: list", share: 1, fuel: 2_000_000, act: list },
];

fn check_a_header() {
    let sizes = [0, 1, 4096, MAX_LEN, MAX_LEN + 1, 1 << 44, (1 << 44) + 4096, u64::MAX];
    let (max_len, len) = (sizes[choose(8) as usize], sizes[choose(8) as usize]);
    let seats = [0, 1, 8, 1024, 1025, u32::MAX][choose(6) as usize];
    let mut prefix = Inner::prefix(max_len, seats, len);
    for _ in 0..choose(3) {
        // A field, or what lies across two.
        let at = [8, 12, 32, 36, 40, 44, 48, 128, 130, 252][choose(10) as usize];
        prefix[at..at + 8].copy_from_slice(&answer(0).to_ne_bytes());
    }
    let file_bytes = [0, 102_400, 102_400 + MAX_LEN, answer(0), u64::MAX][choose(5) as usize];
    if let Ok((max_len, seats, len)) = Inner::check(&prefix, file_bytes) {
        let possible = max_len <= 1 << 44 && max_len.is_multiple_of(4096) && len <= max_len;
        assert!(possible, "accepts a maximum of {max_len:#x}, a length of {len:#x}");
        assert!(max_len > 0 && (1..=1024).contains(&seats), "accepts {seats} seats, {max_len:#x}");
        assert!(file_bytes >= 102_400 + len, "accepts a file of {file_bytes:#x}, length {len:#x}");
    }
}

fn find_or_make() {
    let_wait(); // the lock has no deadline here
    let kind = [Kind::OBJECT, Kind::ARRAY, Kind::GROWING, Kind::SPSC][choose(4) as usize];
    let bytes = [8, 64, 4096, MAX_LEN][choose(4) as usize];
    let align = [1, 8, 128, 4096][choose(4) as usize];
    let wanted = Wanted { kind, fingerprint: 7, count: some_count(), bytes, align };
    for make in [true, false] {
        let Ok((mark, offset, bytes)) = world().find_or_make(OBJECT, wanted, make) else {
            continue;
        };
        let inside = offset.checked_add(bytes).is_some_and(|end| end <= MAX_LEN);
        assert!(mark < 256 && inside && offset % align == 0, "outside: {offset} + {bytes}");
    }
}

fn remove() {
    let_wait();
    let _ = world().directory().remove(OBJECT);
}

fn list() {
    assert!(world().directory().list().len() <= 256);
}
