//! Who is who in a run, and the values that an adversary likes.

use crate::os::robust::{OWNER_DIED, WAITERS};
use crate::seat::{MemberId, SeatId};

/// The calling thread.
pub(crate) const ME: SeatId = SeatId::new(1, 5);
/// Another one.
pub(crate) const OTHER: SeatId = SeatId::new(2, 5);
/// The calling process.
pub(crate) const MEMBER: MemberId = MemberId::new(3, 5);
/// Another one.
pub(crate) const STRANGER: MemberId = MemberId::new(4, 6);
/// The calling thread, as the kernel calls it.
pub(crate) const TID: u32 = 77;

/// Seats in the table.
pub(crate) const SEATS: u32 = 8;
/// Bytes of the heap.
pub(crate) const MAX_LEN: u64 = 4 * 4096;
/// Slots of the ring.
pub(crate) const CAPACITY: u64 = 16;
/// The object that is looked for.
pub(crate) const OBJECT: &str = "abcdefgh";

const fn with(flags: u32, name: u32) -> u64 {
    (flags | name) as u64
}

pub(crate) const INTERESTING: [u64; 48] = [
    0,
    0,
    0,
    1,
    1,
    2,
    3,
    u64::MAX,
    u64::MAX,
    u64::MAX - 1,
    u64::MAX - CAPACITY,
    u32::MAX as u64,
    1 << 29,
    1 << 30,
    1 << 31,
    1 << 32,
    1 << 63,
    i64::MAX as u64,
    WAITERS as u64,
    OWNER_DIED as u64,
    with(WAITERS | OWNER_DIED, 0),
    ME.to_bits() as u64,
    with(WAITERS, ME.to_bits()),
    with(OWNER_DIED, ME.to_bits()),
    OTHER.to_bits() as u64,
    with(WAITERS, OTHER.to_bits()),
    with(WAITERS | OWNER_DIED, OTHER.to_bits()),
    SeatId::new(1023, 5).to_bits() as u64,
    SeatId::new(SEATS, 5).to_bits() as u64,
    MEMBER.to_bits() as u64,
    STRANGER.to_bits() as u64,
    MemberId::new(255, 5).to_bits() as u64,
    MemberId::new(256, 5).to_bits() as u64,
    5,
    TID as u64,
    with(WAITERS, TID),
    with(OWNER_DIED, TID),
    with(WAITERS, 99),
    SEATS as u64,
    SEATS as u64 + 1,
    CAPACITY,
    CAPACITY - 1,
    CAPACITY + 1,
    MAX_LEN,
    MAX_LEN - 128,
    4096,
    1 << 44,
    u64::from_ne_bytes(*b"abcdefgh"),
];
