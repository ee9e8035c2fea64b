//! Where a process of the seat model is: what it does next, or the kernel for it.

/// The rows are those of `src/seat/page.rs` and `table.rs`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum At {
    /// Has no seat: may look for one, or sweep.
    Out,
    /// Only of a flaw: counts the generation before T3.
    CountEarly,
    /// T3.
    Claim,
    /// T4: loads the generation,
    Count,
    /// stores the next,
    Number,
    /// and its member.
    Name,
    /// T5.
    Link,
    /// T6.
    Show,
    /// The wake behind it.
    ShowWake,
    /// Has a seat, and may lock or leave.
    Seated,
    /// Looks at the lock's word, and takes it if it is free.
    Look,
    /// `alive`: loads the owner's `live`,
    AskLive,
    /// and its generation.
    AskGeneration,
    /// `pass_on_death`, before it takes over from a dead owner.
    Tell,
    /// Takes over.
    Steal,
    /// Queues at the lock, if the word is as it was.
    Queue,
    /// Queues at the owner's `live`, if that is as it was.
    Watch,
    Asleep,
    /// `alive` behind the sleep.
    AskLiveAwake,
    AskGenerationAwake,
    /// `pass_on_death` behind the sleep.
    TellAwake,
    /// `occupant` behind a pulse: loads the member,
    AskMember,
    /// and the generation.
    AskOccupant,
    /// Asks for the member's anchor.
    AskAnchor,
    /// Owns the lock.
    Holds,
    /// L1.
    Close,
    /// The wake behind it.
    CloseWake,
    /// L2.
    Unlink,
    /// L3.
    Free,
    /// Only of a flaw: wakes when the seat is free already.
    FreedWake,
    /// Only of a flaw: unlinks when the seat is free already.
    FreedUnlink,
    /// V1.
    Cut,
    /// `vacate`: loads `live`, and its own generation, which nobody else stores.
    VacateLook,
    /// V2.
    Vacate,
    /// The wake behind it.
    VacateWake,
    /// `sweep`: loads `live`,
    SweepLook,
    /// and the member, if `live` does not name one.
    SweepMember,
    /// Asks for the member's anchor.
    SweepAsk,
    /// Loads `live` again,
    SweepLookAgain,
    /// and the member.
    SweepStill,
    /// Frees the seat.
    SweepFree,
    /// The wake behind it.
    SweepWake,
    /// Has left, and will not come again.
    Left,
    /// Has closed the region: its anchor is gone.
    Closed,
    /// Killed in its sleep: still in the queues, where it swallows wakes.
    Dying,
    /// The kernel looks at the word on the robust list.
    List,
    /// It has flagged that word, and wakes one.
    ListWake,
    /// It looks at the pending word.
    Pending,
    /// It has flagged that word, or found it free, and wakes one.
    PendingWake,
    /// All is done, the anchor is dropped.
    Gone,
}

impl At {
    pub const ALL: [Self; 50] = [
        Self::Out,
        Self::CountEarly,
        Self::Claim,
        Self::Count,
        Self::Number,
        Self::Name,
        Self::Link,
        Self::Show,
        Self::ShowWake,
        Self::Seated,
        Self::Look,
        Self::AskLive,
        Self::AskGeneration,
        Self::Tell,
        Self::Steal,
        Self::Queue,
        Self::Watch,
        Self::Asleep,
        Self::AskLiveAwake,
        Self::AskGenerationAwake,
        Self::TellAwake,
        Self::AskMember,
        Self::AskOccupant,
        Self::AskAnchor,
        Self::Holds,
        Self::Close,
        Self::CloseWake,
        Self::Unlink,
        Self::Free,
        Self::FreedWake,
        Self::FreedUnlink,
        Self::Cut,
        Self::VacateLook,
        Self::Vacate,
        Self::VacateWake,
        Self::SweepLook,
        Self::SweepMember,
        Self::SweepAsk,
        Self::SweepLookAgain,
        Self::SweepStill,
        Self::SweepFree,
        Self::SweepWake,
        Self::Left,
        Self::Closed,
        Self::Dying,
        Self::List,
        Self::ListWake,
        Self::Pending,
        Self::PendingWake,
        Self::Gone,
    ];

    pub fn is_living(self) -> bool {
        self < Self::Dying
    }

    /// In the lock's slow path.
    pub fn is_waiting(self) -> bool {
        (Self::Look..=Self::AskAnchor).contains(&self)
    }

    pub fn is_sweeping(self) -> bool {
        (Self::SweepLook..=Self::SweepWake).contains(&self)
    }

    /// From behind T3 to L3 or V2.
    pub fn has_a_seat(self) -> bool {
        let freed = [Self::FreedWake, Self::FreedUnlink].contains(&self);
        (Self::Count..=Self::Vacate).contains(&self) && !freed
    }
}

#[test]
fn places_are_numbered_as_they_are_listed() {
    assert!(At::ALL.into_iter().enumerate().all(|(index, at)| at as usize == index));
}
