//! Locks, seats and members.

use super::some_deadline;
use crate::adversary::{answer, choose};
use crate::driver::Operation;
use crate::names::{ME, MEMBER, OTHER, SEATS};
use crate::os::robust::RobustList;
use crate::region::world;
use crate::seat::lock::RawLock;
use crate::seat::{Adaptive, Block, MemberId, Policy, SeatId, Spin};

pub(super) const ALL: &[Operation] = &[
    Operation { name: "lock, spinning", share: 40, fuel: 60_000, act: lock::<Spin> },
    Operation { name: "lock, sleeping", share: 100, fuel: 60_000, act: lock::<Block> },
    Operation { name: "lock, adaptive", share: 60, fuel: 60_000, act: lock::<Adaptive> },
    Operation { name: "try_lock", share: 120, fuel: 10_000, act: try_lock },
    Operation { name: "unlock", share: 40, fuel: 1_000, act: unlock },
    Operation { name: "seat: who has it", share: 80, fuel: 1_000, act: look_at_a_seat },
    Operation { name: "seat: claim and leave", share: 60, fuel: 10_000, act: claim },
    Operation { name: "seat: sweep", share: 30, fuel: 1_000, act: sweep },
    Operation { name: "member: attach", share: 4, fuel: 10_000, act: attach },
    Operation { name: "member: who is it", share: 60, fuel: 1_000, act: look_at_a_member },
    Operation { name: "member: all, and one with a mark", share: 1, fuel: 100_000, act: members },
];

fn lock_word() -> &'static RawLock {
    world().lock()
}

fn lock<P: Policy>() {
    let deadline = some_deadline();
    if lock_word().lock_at_once() || lock_word().lock::<P>(deadline).is_ok() {
        use_and_unlock();
    }
}

fn try_lock() {
    if lock_word().try_lock().is_ok() {
        use_and_unlock();
    }
}

fn use_and_unlock() {
    if lock_word().is_mine() {
        lock_word().mark_consistent();
    }
    lock_word().unlock();
}

fn unlock() {
    lock_word().unlock();
}

fn some_seat() -> SeatId {
    match choose(4) {
        0 => ME,
        1 => OTHER,
        _ => SeatId::new(answer(0) as u32, answer(0) as u32),
    }
}

fn look_at_a_seat() {
    let (assembly, seat) = (&world().assembly, some_seat());
    let occupant = assembly.seats().occupant(seat);
    let holder = assembly.holder(seat);
    assert!(holder.seat == seat, "{holder} after {occupant:?}");
    assembly.seats().alive(seat);
    assembly.seats().pass_on_death(seat);
}

fn claim() {
    let seats = world().assembly.seats();
    let Ok(taken) = seats.claim(RobustList, MEMBER) else { return };
    assert!(taken.id.slot() < SEATS, "outside: seat {:?}", taken.id);
    match choose(2) {
        0 => taken.leave(RobustList),
        _ => drop(seats.vacate(taken.id, taken.into_alias())),
    }
}

fn sweep() {
    let assembly = &world().assembly;
    assembly.seats().sweep(|member| assembly.member_is_gone(member));
}

fn attach() {
    let assembly = &world().assembly;
    if let Ok(Some(id)) = assembly.members.attach(&assembly.file, "a name") {
        assert!(id.slot() < 256, "outside: member {id:?}");
    }
}

fn look_at_a_member() {
    let assembly = &world().assembly;
    let member = MemberId::from_bits(answer(0) as u32).unwrap_or(MEMBER);
    assembly.member_is_gone(member);
    let info = assembly.member_info(member);
    assert!(info.is_none() || member.slot() < 256, "outside: {info:?}");
    let mark = choose(256) as u32;
    assembly.members.set_mark(member, mark);
    assembly.members.clear_mark(member, mark);
}

fn members() {
    let assembly = &world().assembly;
    assert!(assembly.members.living(&assembly.file).len() <= 256);
    assembly.marked(choose(256) as u32);
}
