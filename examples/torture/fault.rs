//! Mistakes that the workers can be told to make, so that tests see the torture notice them. Not in the help.

/// One mistake. Each must end the run with a message that names where it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// `mutex`: whoever inherits says that the data is consistent, and repairs nothing.
    Repair,
    /// `mutex`: takes turns without taking the lock.
    Barge,
    /// `mutex`: keeps the lock for ever.
    Hold,
    /// `bank`: as `Repair`, where the money of two accounts is half moved.
    Robbery,
    /// `ring`: the consumer drops an item.
    Lose,
    /// `ring`: the producer sends an item twice.
    Repeat,
    /// `ring`: the producer sends half an item.
    Tear,
    /// `notify`: a word is changed, and nobody notified.
    Silence,
    /// `numbers`: adds with a load and a store.
    Update,
    /// `numbers`: adds twice, and counts once, which only the audit can know.
    Forge,
    /// `objects`: writes the words of an object in another order.
    Dirty,
    /// Nowhere: sleeps for ever.
    Sleep,
    /// Nowhere: spins for ever.
    Spin,
    /// Nowhere: leaves.
    Exit,
    /// Nowhere: leaves a file beside the regions.
    Litter,
}

impl Fault {
    /// All.
    pub const ALL: [Self; 15] = [
        Self::Repair,
        Self::Barge,
        Self::Hold,
        Self::Robbery,
        Self::Lose,
        Self::Repeat,
        Self::Tear,
        Self::Silence,
        Self::Update,
        Self::Forge,
        Self::Dirty,
        Self::Sleep,
        Self::Spin,
        Self::Exit,
        Self::Litter,
    ];

    /// As the command line calls it.
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// The fault of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// As a word of the board, where 0 is none.
    pub const fn to_bits(self) -> u32 {
        self as u32 + 1
    }
}
