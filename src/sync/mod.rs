//! Agreement: taking turns, across processes.
//!
//! | primitive | waits | size | after a kill |
//! |---|---|---|---|
//! | [`Mutex`] | spins a little, then sleeps | 8 bytes and the data | the next owner is told: [`OwnerDied`] |
//! | [`SpinLock`] | spins | the same bytes | the same |

mod mutex;

pub use crate::seat::{Adaptive, Block, PULSE, Policy, Spin};
pub use mutex::{LockError, Mutex, MutexGuard, OwnerDied, SpinLock};
