//! A seat in the hands of others between two looks. (Beside `page.rs`, since models include that file.)
#![allow(unsafe_code)] // stores as other processes do

use super::id::MemberId;
use super::page::SeatPage;
use crate::os::robust::{OWNER_DIED, TID, WAITERS};
use crate::os::{AtomicU32, Relaxed};

const MEMBER: usize = 68;
const LIVE: usize = 4076;

fn word(page: &SeatPage, at: usize) -> &AtomicU32 {
    let word = core::ptr::from_ref(page).wrapping_byte_add(at).cast::<AtomicU32>();
    // SAFETY: a word of the page, which lives as long.
    unsafe { &*word }
}

#[test]
fn a_seat_that_changes_hands_while_the_sweeper_asks_is_not_swept() {
    let page = Box::new(SeatPage::default());
    let [gone, new] = [200, 201].map(|slot| 1 << 29 | 1 << 10 | slot);
    assert!([gone, new].iter().all(|&name| MemberId::from_bits(name & TID).is_some()));
    word(&page, MEMBER).store(gone, Relaxed);
    word(&page, LIVE).store(77 | WAITERS, Relaxed);
    page.sweep(|asked| {
        assert_eq!(asked.to_bits(), gone);
        word(&page, LIVE).store(new | OWNER_DIED | WAITERS, Relaxed); // flagged by the kernel, then claimed
        true
    });
    assert_eq!(word(&page, LIVE).load(Relaxed), new | OWNER_DIED | WAITERS, "it is the claimer's");
    page.sweep(|asked| asked.to_bits() == new);
    assert_eq!(word(&page, LIVE).load(Relaxed) & TID, 0, "who is gone is swept");
}
