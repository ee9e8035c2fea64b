//! All that the processes of a model know of the region: its seats.
#![allow(unsafe_code)] // takes seats

use super::id::{Holder, MemberId, SeatId};
use super::page::SeatPage;
use crate::kernel::Kernel;
use crate::os::AtomicU32;
use crate::os::robust::RobustList;
use crate::process::{self, Process};
use std::sync::Arc;

pub(crate) struct Assembly {
    seats: Seats,
    kernel: Arc<Kernel>,
}

pub(crate) struct Seats(Vec<SeatPage>);

impl Seats {
    pub(crate) fn page(&self, slot: u32) -> Option<&SeatPage> {
        self.0.get(slot as usize)
    }

    pub(crate) fn alive(&self, id: SeatId) -> Option<(&AtomicU32, u32)> {
        SeatPage::named();
        self.page(id.slot())?.alive(id)
    }

    pub(crate) fn pass_on_death(&self, id: SeatId) {
        if let Some(seat) = self.page(id.slot()) {
            seat.pass_on_death();
        }
    }

    /// The calling process takes the seat of `slot`, if it is free.
    pub(crate) fn claim(&self, slot: u32) -> Option<SeatId> {
        let list = RobustList::current().ok()?;
        let index = list.tid() - 1;
        // SAFETY: the model's list has no nodes.
        unsafe { self.page(slot)?.occupy(slot, list, MemberId::new(index, 1)) }
    }

    /// The thread of `id` has ended; another of its process frees its seat.
    pub(crate) fn vacate(&self, id: SeatId) {
        if let Some(seat) = self.page(id.slot()) {
            seat.vacate(id);
        }
    }

    pub(crate) fn sweep(&self, slot: u32, is_gone: impl Fn(MemberId) -> bool) {
        if let Some(seat) = self.page(slot) {
            seat.sweep(is_gone);
        }
    }

    pub(crate) fn occupant(&self, id: SeatId) -> Option<(MemberId, u32)> {
        self.page(id.slot())?.occupant(id)
    }

    /// The calling process gives its seat up.
    pub(crate) fn leave(&self, id: SeatId) {
        let (Ok(list), Some(seat)) = (RobustList::current(), self.page(id.slot())) else { return };
        // SAFETY: the model's list has no nodes.
        unsafe { seat.leave(list) };
    }
}

impl Assembly {
    /// A region of so many seats, all free.
    pub(crate) fn new(seats: usize, kernel: &Arc<Kernel>) -> Arc<Self> {
        let seats = Seats((0..seats).map(|_| SeatPage::default()).collect());
        Arc::new(Self { seats, kernel: Arc::clone(kernel) })
    }

    /// Seats a process that has not begun: the seat of its own number.
    pub(crate) fn seat(self: &Arc<Self>, process: &mut Process) {
        let id = process.prepare(|| self.claim_own()).expect("a free seat");
        process.seat.set(id.to_bits());
        self.let_in(process);
    }

    /// The process knows the region, and has no seat yet.
    pub(crate) fn let_in(self: &Arc<Self>, process: &mut Process) {
        process.room = Some(Arc::clone(self) as _);
    }

    /// The calling process takes the seat of its own number.
    pub(crate) fn claim_own(&self) -> Option<SeatId> {
        self.seats.claim(process::ask(Process::tid)? - 1)
    }

    pub(crate) fn seats(&self) -> &Seats {
        &self.seats
    }

    pub(crate) fn offset_of(&self, _address: usize) -> u64 {
        0
    }

    pub(crate) fn holder(&self, seat: SeatId) -> Holder {
        Holder { seat, member: None, pid: 0, tid: 0, name: String::new() }
    }

    /// The kernel's word, of the process that is named as the seat's.
    pub(crate) fn process_of_seat_is_gone(&self, id: SeatId) -> bool {
        self.seats
            .occupant(id)
            .is_some_and(|(member, _)| self.kernel.is_gone(member.slot() as usize))
    }
}
