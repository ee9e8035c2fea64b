//! How to wait.

use crate::failure::Failure;

/// How a waiter waits: spins a little, then sleeps.
pub const SABHA_ADAPTIVE: i32 = 0;
/// How a waiter waits: sleeps at once.
pub const SABHA_BLOCK: i32 = 1;
/// How a waiter waits: never sleeps. For sections shorter than a system call, with fewer waiters than
/// processors: a spinlock, in Rust SpinLock<T>.
pub const SABHA_SPIN: i32 = 2;

/// What the codes mean.
#[derive(Clone, Copy)]
pub(crate) enum Policy {
    Adaptive,
    Block,
    Spin,
}

impl Policy {
    pub(crate) fn decode(code: i32) -> Result<Self, Failure> {
        match code {
            SABHA_ADAPTIVE => Ok(Self::Adaptive),
            SABHA_BLOCK => Ok(Self::Block),
            SABHA_SPIN => Ok(Self::Spin),
            _ => Err(Failure::argument(&format!("{code} is no way to wait"))),
        }
    }
}
