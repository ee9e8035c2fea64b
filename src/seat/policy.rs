//! How to wait: one type for locks and rings.

use crate::os::cpu;

/// How a waiter spends its time. The protocol and the bytes are the same for each, so different policies may meet at one
/// lock.
pub trait Policy: sealed::Sealed + Send + Sync + 'static {
    /// Turns of the spin loop before each sleep.
    #[doc(hidden)]
    fn spins() -> u32;
    /// Whether it sleeps at all.
    #[doc(hidden)]
    const SLEEPS: bool;
}

/// Never sleeps: shortest hand-over, burns a processor. For critical sections shorter than a system call, with fewer
/// waiters than processors.
#[derive(Clone, Copy, Debug)]
pub struct Spin;

/// Sleeps at once: burns nothing, pays two system calls for each contended hand-over.
#[derive(Clone, Copy, Debug)]
pub struct Block;

/// Spins a little, then sleeps. Does not spin where there is only one processor.
#[derive(Clone, Copy, Debug)]
pub struct Adaptive;

const SPINS: u32 = 100;

impl Policy for Spin {
    fn spins() -> u32 {
        SPINS
    }
    const SLEEPS: bool = false;
}

impl Policy for Block {
    fn spins() -> u32 {
        0
    }
    const SLEEPS: bool = true;
}

impl Policy for Adaptive {
    fn spins() -> u32 {
        if cpu::cores() == 1 { 0 } else { SPINS }
    }
    const SLEEPS: bool = true;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Spin {}
    impl Sealed for super::Block {}
    impl Sealed for super::Adaptive {}
}
