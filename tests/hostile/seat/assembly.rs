//! What a process knows of a region: the real tables, behind what the real `assembly.rs` says of them.

use super::MEMBERS;
use super::id::{Holder, MemberId, SeatId};
use super::member::{MemberInfo, Members};
use super::table::Seats;
use crate::names::{MAX_LEN, MEMBER, SEATS};
use crate::os::AtomicU32;
use crate::region::{HEAP_AT, MEMBERS_AT, SEAT_WORDS_AT};
use crate::{Error, land};
use core::ptr::NonNull;
use std::fs::File;
use std::sync::Arc;

pub(crate) struct Assembly {
    seats: Seats,
    pub(crate) members: Members,
    pub(crate) file: Arc<File>,
}

impl Assembly {
    pub(crate) fn new() -> Self {
        // Nobody looks into it.
        let file = Arc::new(File::open("/dev/null").expect("a file"));
        let offset = HEAP_AT + MAX_LEN;
        let seats = Seats {
            first: land::at(offset),
            words: land::at(SEAT_WORDS_AT),
            capacity: SEATS,
            known: AtomicU32::new(0),
            offset,
            file: Arc::clone(&file),
        };
        let members = NonNull::slice_from_raw_parts(land::at(MEMBERS_AT), MEMBERS as usize);
        Self { seats, members: Members(members), file }
    }

    pub(crate) fn seats(&self) -> &Seats {
        &self.seats
    }

    pub(crate) fn member(&self) -> Result<MemberId, Error> {
        Ok(MEMBER)
    }

    pub(crate) fn member_is_gone(&self, id: MemberId) -> bool {
        self.members.is_gone(id, &self.file)
    }

    pub(crate) fn member_info(&self, id: MemberId) -> Option<MemberInfo> {
        self.members.info(id)
    }

    pub(super) fn offset_of(&self, address: usize) -> u64 {
        address.wrapping_sub(land::at::<u8>(0).addr().get()) as u64
    }

    pub(super) fn process_of_seat_is_gone(&self, id: SeatId) -> bool {
        self.seats.occupant(id).is_none_or(|(member, _)| self.member_is_gone(member))
    }

    pub(crate) fn holder(&self, seat: SeatId) -> Holder {
        self.members.holder(seat, self.seats.occupant(seat))
    }

    pub(crate) fn mark(&self, mark: u32) -> Result<(), Error> {
        self.members.set_mark(self.member()?, mark);
        Ok(())
    }

    pub(crate) fn unmark(&self, mark: u32) {
        self.members.clear_mark(MEMBER, mark);
    }

    pub(crate) fn marked(&self, mark: u32) -> Option<MemberInfo> {
        self.members.marked(mark, &self.file)
    }
}
