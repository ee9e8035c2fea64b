//! How a trace of the lock model calls its steps: by the rows of the crash table in `src/seat/lock.rs`.

use super::kernel::Woke;
use super::state::At;
use std::fmt;

/// One step.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    pub who: usize,
    pub lock: usize,
    pub at: At,
    pub verb: Verb,
}

/// What happens at a place of the program.
#[derive(Clone, Copy, Debug)]
pub enum Verb {
    Does,
    Wakes(Woke),
    /// A sleep ends: by a wake, by the deadline, by a signal or the pulse.
    Awakes,
    TimesOut,
    Pulses,
    /// Without the lock, and with nobody to wake.
    Leaves,
    /// Does not say that the data is consistent.
    Forgets,
    IsKilled,
    /// The kernel, on behalf of the dead.
    Exits,
}

/// The row of the crash table, and the step in words.
fn does(at: At) -> &'static str {
    match at {
        At::Start => "W2/U1 CAS at first sight",
        At::Look => "looks at `word`",
        At::Judge => "asks whether the owner lives",
        At::PassOnTaking | At::PassOnAwake => "W5 wakes all watchers of the dead owner",
        At::Chain => "W6 chain wake",
        At::Take => "W2 CAS of `word`",
        At::Announce => "W3 sets WAITERS",
        At::Ask => "asks again whether the owner lives",
        At::QueueAtPark => "W4 queues on `park`",
        At::CompareWord => "W4 compares `word`",
        At::WatchOwner => "W4 compares and queues on the owner's `live`",
        At::Asleep => "W4 sleep",
        At::Leave => "W4 leaves a queue",
        At::AskAwake => "awake, asks whether the owner lives",
        At::GiveUp => "gives up, passes the wake on",
        At::Repair => "mark_consistent",
        At::Release => "U2 fetch_and",
        At::Wake => "U3 wake",
        At::LookFree => "looks whether WAITERS alone is left",
        At::Clear => "U4 wakes all and clears WAITERS",
        At::ClearLate => "U4, its second half",
        At::Dying => "leaves a queue, or is flagged",
        At::Flagged => "one watcher of `live`",
        At::Pending => "the pending word",
        At::Gone => "-",
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lock, step) = (["A", "B"][self.lock], does(self.at));
        let kernel = if self.at.is_living() { "" } else { "the kernel for " };
        write!(f, "{kernel}P{} at {lock}: ", self.who)?;
        match self.verb {
            Verb::Does | Verb::Exits => write!(f, "{step}"),
            Verb::Wakes(Woke::Nobody) => write!(f, "{step}: nobody there"),
            Verb::Wakes(Woke::Process(whom)) => write!(f, "{step}: P{whom} is woken"),
            Verb::Awakes => write!(f, "{step}: woken"),
            Verb::TimesOut => write!(f, "{step}: the deadline passes"),
            Verb::Pulses => write!(f, "{step}: a signal, or the pulse"),
            Verb::Leaves => write!(f, "leaves without the lock"),
            Verb::Forgets => write!(f, "goes on without mark_consistent"),
            Verb::IsKilled => write!(f, "SIGKILL before: {step}"),
        }
    }
}
