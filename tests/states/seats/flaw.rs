//! Seat protocols that are known to be broken: the real one with one thing wrong. Each must turn the model red.

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flaw {
    /// The generation is counted before T3.
    CountedBeforeClaimed,
    /// The generation is not counted.
    SameName,
    /// T3 stores `TID|W`: the claimer looks alive before it has its name.
    AliveAtOnce,
    /// T3 is a store.
    ClaimedByStore,
    /// `list_op_pending` names `live` during a claim.
    ClaimInsured,
    /// T3 stores the TID, not the member.
    ClaimedByTid,
    /// T3 takes a seat of the dead without the sweeper: whatever has DIED is free.
    ClaimedUnswept,
    /// The member is stored behind T6.
    NamedLate,
    /// The node is linked behind T6. Harmless.
    LinkedLate,
    /// L1, L2 and L3 are: unlink, store 0, wake; `list_op_pending` names `live`.
    LeftAtOnce,
    /// L3 before L2.
    FreedBeforeUnlinked,
    /// No wake at L1.
    LeavesSilently,
    /// L1 does not set DIED.
    LeavesLookingAlive,
    /// No V1.
    VacatedUncut,
    /// No wake behind V2.
    VacatedSilently,
    /// `alive` does not compare generations.
    GenerationNotCompared,
    /// `alive` does not look for DIED.
    ClaimerLooksAlive,
    /// A sweeper looks at `live` once, before it asks.
    SweptByOldLook,
    /// A sweeper goes by the member that the seat names, not by the one that claims it.
    SweptByFormer,
    /// A sweeper leaves alone what has DIED.
    SweptIfAlive,
    /// There may be two sweepers.
    TwoSweepers,
    /// T3 forgets W.
    WatchersForgotten,
    /// No wake at T6.
    ShownSilently,
    /// No wake behind the sweep.
    SweptSilently,
    /// Who sleeps for a pulse does not ask for the owner's process.
    PulseDoesNotAsk,
}
