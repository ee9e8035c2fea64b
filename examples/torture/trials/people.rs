//! Members and seats: everybody is there under a name of their own, and who is gone is known to be gone.

use super::Trial;
use crate::board::{Board, DESKS, Who};
use crate::broken::{Broken, ensure};
use crate::me::{Me, World};
use sabha::{Deadline, MemberId, Region, SeatId, Shareable, Shared};
use std::collections::HashSet;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

/// When a death that is not seen was overlooked.
const LATE: Duration = Duration::from_secs(2);

/// What the worker of a desk is called by the region.
#[derive(Shareable)]
#[repr(C)]
struct Card {
    /// Stored last, and cleared first.
    who: AtomicU64,
    member: AtomicU32,
    seat: AtomicU32,
}

pub struct People {
    region: Region,
    cards: Shared<[Card]>,
    board: Shared<Board>,
}

impl People {
    pub fn open(world: &World) -> Result<Self, Broken> {
        let region = world.region.clone();
        Ok(Self { cards: region.slice("people", DESKS)?, region, board: world.board.clone() })
    }

    /// Says what we are called; whether it is what we were called before.
    fn introduce(&self, me: &Me<'_>) -> Result<(), Broken> {
        let card = &self.cards[me.who.desk];
        let (member, seat) = (self.region.member()?.to_bits(), self.region.enter()?.to_bits());
        if card.who.load(SeqCst) == me.who.to_bits() {
            let same = (card.member.load(SeqCst), card.seat.load(SeqCst)) == (member, seat);
            return ensure(same, || "a member or seat of another name than before".into());
        }
        card.who.store(0, SeqCst);
        card.member.store(member, SeqCst);
        card.seat.store(seat, SeqCst);
        card.who.store(me.who.to_bits(), SeqCst);
        Ok(())
    }

    /// Who works at a desk, and what the region calls it; `None` if it has not said.
    fn card(&self, desk: usize) -> Option<(Who, MemberId, SeatId)> {
        let card = &self.cards[desk];
        let who = card.who.load(SeqCst);
        let (member, seat) = (card.member.load(SeqCst), card.seat.load(SeqCst));
        let same = card.who.load(SeqCst) == who;
        let named = (MemberId::from_bits(member)?, SeatId::from_bits(seat)?);
        Who::from_bits(who).filter(|_| same).map(|who| (who, named.0, named.1))
    }

    /// The kernel's word on somebody agrees with the system's.
    fn ask_for(&self, desk: usize) -> Result<(), Broken> {
        let Some((who, member, _)) = self.card(desk) else { return Ok(()) };
        let was_buried = self.board.is_buried(who);
        let gone = self.region.member_is_gone(member);
        ensure(!gone || self.board.is_doomed(who), || {
            format!("{who:?}, who lives, is called gone")
        })?;
        if gone || !was_buried {
            return Ok(());
        }
        // A child that it was just forking has its descriptors, until it runs for the first time.
        let late = Deadline::after(LATE);
        while !self.region.member_is_gone(member) {
            ensure(!late.has_passed(), || format!("{who:?} is gone, the region says it is not"))?;
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Everybody who is there is listed.
    fn ask_for_all(&self) -> Result<(), Broken> {
        let before: Vec<_> = (0..DESKS).filter_map(|desk| self.card(desk)).collect();
        let listed: HashSet<_> = self.region.members().into_iter().map(|info| info.id).collect();
        let missing = before
            .iter()
            .find(|(who, member, _)| !listed.contains(member) && !self.board.is_doomed(*who));
        missing.map_or(Ok(()), |(who, ..)| {
            Err(Broken::lost(format!("{who:?}, who lives, is not listed")))
        })
    }

    /// Another thread has another seat, and gives it back when it ends.
    fn thread(&self, me: &mut Me<'_>) -> Result<(), Broken> {
        let region = self.region.clone();
        let theirs = std::thread::spawn(move || region.enter()).join();
        let theirs = theirs.map_err(|_| Broken::torn("a thread has panicked"))??;
        ensure(theirs != self.region.enter()?, || format!("two threads on {theirs:?}"))?;
        me.linger();
        Ok(())
    }
}

impl Trial for People {
    fn name(&self) -> &'static str {
        "members, seats"
    }

    fn step(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        self.introduce(me)?;
        match me.pick(8) {
            0 => self.thread(me),
            1 => self.ask_for_all(),
            _ => self.ask_for(me.pick(DESKS)),
        }?;
        me.done(1);
        Ok(())
    }

    /// The supervisor alone dooms, so those who are not doomed live as long as it looks.
    fn watch(&self) -> Result<(), Broken> {
        let cards = (0..DESKS).filter_map(|desk| self.card(desk));
        let living: Vec<_> = cards.filter(|(who, ..)| !self.board.is_doomed(*who)).collect();
        let members: HashSet<_> = living.iter().map(|(_, member, _)| member.slot()).collect();
        let seats: HashSet<_> = living.iter().map(|(.., seat)| seat.slot()).collect();
        let all = living.len();
        ensure(members.len() == all && seats.len() == all, || {
            format!("two of one name: {living:?}")
        })
    }

    fn audit(&mut self, _: &mut Me<'_>) -> Result<(), Broken> {
        (0..DESKS - 1).try_for_each(|desk| self.ask_for(desk))?;
        self.region.enter()?;
        self.ask_for_all()
    }

    fn show(&self) -> String {
        let members = self.region.members();
        let members = members.iter().map(|info| format!("{:?} {}", info.id, info.pid));
        format!("members: {}", members.collect::<Vec<_>>().join(", "))
    }
}
