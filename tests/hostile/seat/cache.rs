//! The calling thread's seat: its own knowledge, which no peer can change.
#![allow(unsafe_code)] // makes a reference to a place of the layout

use super::assembly::Assembly;
use super::id::SeatId;
use super::page::SeatPage;
use crate::adversary::choose;
use crate::names::ME;
use crate::region::world;
use crate::{Error, land};

/// Mostly it has one.
pub(crate) fn seated_at(_: usize) -> Option<SeatId> {
    (choose(8) != 0).then_some(ME)
}

pub(crate) fn seat_at(_: usize) -> Result<SeatId, Error> {
    Ok(ME)
}

pub(crate) fn at(_: usize) -> Option<(&'static Assembly, &'static SeatPage)> {
    let seat = land::alias().cast();
    // SAFETY: as the real one: the thread's own mapping of its seat, made of words.
    Some((&world().assembly, unsafe { seat.as_ref() }))
}
