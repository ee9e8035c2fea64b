//! Time: none passes by itself. A deadline passes when the process's [fate](crate::process::Fate) says so; a pulse, if the
//! model has one, [beats](crate::kernel::Kernel) once for each death.

use super::cpu;
use crate::checker::yield_now;
use crate::process;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Deadline(u64);

impl Deadline {
    pub(crate) const PASSED: Self = Self(0);
    /// The user's: passes when its process's fate says so.
    pub(crate) const SOON: Self = Self(1);
    /// After a moment: long enough for every store to have happened.
    const MOMENT: Self = Self(2);
    /// A pulse away.
    pub(crate) const PULSE: Self = Self(u64::MAX - 1);
    pub(crate) const NEVER: Self = Self(u64::MAX);

    pub(crate) fn after(timeout: Duration) -> Self {
        match timeout {
            crate::seat::PULSE => Self::PULSE,
            moment if moment <= Duration::from_millis(1) => Self::MOMENT,
            _ => Self::SOON,
        }
    }

    pub(crate) fn has_passed(self) -> bool {
        match self {
            Self::PASSED => true,
            Self::SOON => process::step() && process::is_late(),
            Self::MOMENT => {
                cpu::let_stores_happen();
                true
            }
            _ => false,
        }
    }

    /// Whether a sleep that ends then ends now.
    pub(super) fn ends_sleep(self) -> bool {
        match self {
            Self::PASSED => true,
            Self::MOMENT => {
                yield_now();
                true
            }
            Self::SOON => process::is_late(),
            _ => false,
        }
    }
}
