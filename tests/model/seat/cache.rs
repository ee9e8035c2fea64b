//! Which seat the calling process has. There is one region, in which every address lies.
#![allow(unsafe_code)] // lends out what the calling process keeps alive

use super::assembly::Assembly;
use super::id::SeatId;
use super::page::SeatPage;
use crate::Error;
use crate::process;

pub(crate) fn seat_at(address: usize) -> Result<SeatId, Error> {
    seated_at(address).or_else(take_seat).ok_or(Error::NotInRegion)
}

fn take_seat() -> Option<SeatId> {
    let room = process::ask(|me| me.room.clone()).flatten()?;
    let id = room.downcast_ref::<Assembly>()?.claim_own()?;
    process::ask(|me| me.seat.set(id.to_bits()));
    Some(id)
}

pub(crate) fn seated_at(_address: usize) -> Option<SeatId> {
    process::ask(|me| SeatId::from_bits(me.seat.get())).flatten()
}

pub(crate) fn at<'a>(address: usize) -> Option<(&'a Assembly, &'a SeatPage)> {
    let seat = seated_at(address)?;
    let room = process::ask(|me| me.room.clone()).flatten()?;
    let assembly = core::ptr::from_ref(room.downcast_ref::<Assembly>()?);
    // SAFETY: the process keeps it for as long as it runs, and runs for as long as its caller does.
    let assembly = unsafe { &*assembly };
    Some((assembly, assembly.seats().page(seat.slot())?))
}
