//! How a trace of the seat model calls its steps: by the rows of the crash tables in `src/seat/page.rs` and `table.rs`.

use super::state::At;
use std::fmt;

/// One step.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    pub who: usize,
    pub at: At,
    pub verb: Verb,
}

/// What happens at a place of the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    Does,
    Wakes(usize),
    Pulses,
    IsKilled,
}

fn does(at: At) -> &'static str {
    match at {
        At::Out => "looks for a seat",
        At::CountEarly => "counts the generation",
        At::Claim => "T3 CAS of `live`",
        At::Count => "T4 loads the generation",
        At::Number => "T4 stores the generation",
        At::Name => "T4 stores the member",
        At::Link => "T5 links the node",
        At::Show => "T6 swap of `live`",
        At::ShowWake | At::CloseWake | At::VacateWake | At::SweepWake | At::FreedWake => {
            "wakes all watchers"
        }
        At::Seated => "turns to the lock, or leaves",
        At::Look => "looks at the lock's word",
        At::AskLive | At::AskLiveAwake => "loads the owner's `live`",
        At::AskGeneration | At::AskGenerationAwake => "loads the owner's generation",
        At::Tell | At::TellAwake => "W5 wakes all watchers of the dead owner",
        At::Steal => "W2 takes over",
        At::Queue => "W4 compares `word`, queues on `park`",
        At::Watch => "W4 compares and queues on the owner's `live`",
        At::Asleep => "W4 sleep",
        At::AskMember => "loads the owner's member",
        At::AskOccupant => "loads the owner's generation",
        At::AskAnchor => "asks for the owner's anchor",
        At::Holds => "unlocks, or leaves with the lock",
        At::Close => "L1 swap of `live`",
        At::Unlink | At::FreedUnlink => "L2 unlinks the node",
        At::Free => "L3 stores 0",
        At::Cut => "V1 cuts its mapping off",
        At::VacateLook => "vacates: loads `live`",
        At::Vacate => "V2 CAS of `live`",
        At::SweepLook => "sweeps: loads `live`",
        At::SweepMember => "sweeps: loads the member",
        At::SweepAsk => "sweeps: asks for the anchor",
        At::SweepLookAgain => "sweeps: loads `live` again",
        At::SweepStill => "sweeps: loads the member again",
        At::SweepFree => "sweeps: CAS of `live`",
        At::Left | At::Closed => "nothing",
        At::Dying => "leaves the queues",
        At::List => "the word on the list",
        At::ListWake => "one watcher of the word on the list",
        At::Pending => "the pending word",
        At::PendingWake => "one watcher of the pending word",
        At::Gone => "-",
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (who, step) = (self.who, does(self.at));
        let kernel = if self.at.is_living() { "" } else { "the kernel for " };
        write!(f, "{kernel}P{who}: ")?;
        match self.verb {
            Verb::Does => write!(f, "{step}"),
            Verb::Wakes(whom) => write!(f, "{step}: P{whom} is woken"),
            Verb::Pulses => write!(f, "{step}: the pulse"),
            Verb::IsKilled => write!(f, "SIGKILL before: {step}"),
        }
    }
}
