//! What a crew plays: an object, what processes do with it, and what it should be.

use std::fmt::Debug;
use support::child::Random;
use support::linear::Model;

/// See the module.
pub trait Scene {
    /// What a process does.
    type Op: Copy + Send + Debug;
    /// What it is told.
    type Answer: Copy + Send + Debug;
    /// What the object should be.
    type Model: Model;
    /// What a process keeps from one operation to the next.
    type Hand<'a>
    where
        Self: 'a;

    /// Makes an object ready for a round, in a crew of which somebody was `killed` before. `None`: the scene is used up.
    fn prepare(&self, random: &mut Random, killed: bool) -> Option<Ready<Self::Model>>;

    /// The empty hand of who plays `role`.
    fn hand(&self, role: Role) -> Self::Hand<'_>;

    /// What the process does next, of `left` operations. With 0 left: what it owes to the others, as to unlock; then `None`.
    fn choose(&self, hand: &Self::Hand<'_>, random: &mut Random, left: u64) -> Option<Self::Op>;

    /// Does it.
    fn perform<'a>(&'a self, hand: &mut Self::Hand<'a>, op: Self::Op) -> Self::Answer;

    /// The steps of an operation that was told `answer`, or was killed.
    fn steps(&self, op: Self::Op, answer: Option<Self::Answer>, who: &Who) -> Vec<Step<Self>>;
}

/// A step of a scene's object.
pub type Step<S> = <<S as Scene>::Model as Model>::Step;

/// An object before a round: which of the scene's it is, and how it should be.
pub struct Ready<M> {
    pub object: usize,
    pub model: M,
}

/// What a process is in a round.
#[derive(Clone, Copy)]
pub struct Role {
    /// Whose place it has. A successor has its victim's.
    pub lane: usize,
    pub object: usize,
    /// It is to kill itself at some time.
    pub mortal: bool,
}

impl Role {
    /// Whether the time has come, with so many operations left.
    pub fn dies_now(self, random: &mut Random, left: u64) -> bool {
        self.mortal && random.below(left) == 0
    }
}

/// Which process has which process id.
pub struct Who(pub Vec<(usize, u32)>);

impl Who {
    /// The process that an answer names; `None` if the answer names nobody.
    pub fn named(&self, pid: u32) -> Option<usize> {
        let known = self.0.iter().find(|&&(_, own)| own == pid);
        (pid != 0).then(|| known.map_or(Self::STRANGER, |&(process, _)| process))
    }

    /// Somebody who is not here.
    const STRANGER: usize = usize::MAX;
}

/// One of several.
pub fn one_of<T: Copy, const N: usize>(random: &mut Random, of: [T; N]) -> T {
    let index = random.below(N as u64);
    of[usize::try_from(index).expect("below the length")]
}
