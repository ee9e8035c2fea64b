//! Lock protocols that are known to be broken: the real one with one thing wrong. Each must turn the model red.

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flaw {
    /// `list_op_pending` is never set.
    ParkNotInsured,
    /// It names `word` and not `park`: the kernel (6.2) wakes nobody once another owns the lock.
    WordInsured,
    /// The same before Linux 6.2: it wakes nobody unless the word is exactly 0.
    WordInsuredOldKernel,
    /// The C library's robust mutex: `word` is insured, unlocking forgets WAITERS, whoever waited sets it again.
    Classic,
    /// Unlocking forgets WAITERS, and nobody sets it again.
    WaitersForgotten,
    /// U1 is a store.
    UnlockStores,
    /// U4 clears WAITERS by a CAS, and wakes nobody.
    ClearedByCas,
    /// U4 in two steps: clears, then wakes.
    ClearedThenWoken,
    /// U4 in two steps: wakes, then clears.
    WokenThenCleared,
    /// No W6.
    NoChain,
    /// No W6 in `try_lock`.
    TryWithoutChain,
    /// No W5: the one whom the kernel woke tells nobody.
    DeathNotPassedOn,
    /// No W5 in `take`.
    TakerTellsNobody,
    /// No W5 in `sleep`.
    AwakeTellsNobody,
    /// Who gives up wakes nobody.
    LeavesSilently,
    /// `word` is compared before the sleeper queues on `park`.
    ComparedBeforeQueued,
    /// No W3.
    Unannounced,
    /// W2 forgets WAITERS.
    TakenWithoutWaiters,
    /// The sleeper does not watch the owner's `live`.
    OwnerNotWatched,
    /// The kernel queues at `live` without comparing it.
    LiveNotCompared,
    /// Who takes over from a dead owner does not set DIED.
    HeirNotTold,
    /// Unlocking forgets DIED.
    DiedForgotten,
    /// A deadline is taken for a death.
    LateIsDead,
}
