//! What the two of a race say of it.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;
use support::fork::Board;

/// What the two of a race were told: words that are 0 until somebody who lives says otherwise.
#[derive(Clone, Copy)]
pub struct Told(Board);

/// It did it.
pub const DID: u32 = 1;
/// Another had done it.
pub const LATE: u32 = 2;

impl Told {
    pub fn new() -> Self {
        Self(Board::new())
    }

    /// The word of `who`, 0 or 1, who lives.
    pub fn set(self, who: usize, word: u32) {
        self.0.set(who, word);
    }

    /// Before each case.
    pub fn nobody(self) -> Self {
        (0..32).for_each(|word| self.0.set(word, 0));
        self
    }

    pub fn both(self) -> [u32; 2] {
        [self.0[0].load(Relaxed), self.0[1].load(Relaxed)]
    }

    /// Says `word`, and waits until the other has said something, too, or for some milliseconds: the other may be dead.
    pub fn stay(self, who: usize, word: u32) {
        self.set(who, word);
        let other = || self.0[1 - who].load(Relaxed) != 0;
        let mut looks = 0..50;
        while !other() && looks.next().is_some() {
            thread::sleep(Duration::from_micros(100));
        }
    }

    /// The caller has place `place` to itself while it stays.
    pub fn stay_at(self, who: usize, place: u32) {
        self.is_free(place);
        self.0[8 + place as usize].store(std::process::id(), Relaxed);
        self.stay(who, DID);
        self.0[8 + place as usize].store(0, Relaxed);
    }

    /// Nobody who lives is at place `place`.
    pub fn is_free(self, place: u32) {
        let at = self.0[8 + place as usize].load(Relaxed);
        assert!(at == 0 || !Path::new(&format!("/proc/{at}")).exists(), "process {at} is there");
    }

    /// One did it and the other came late, if both lived to say so.
    pub fn is_fair(self) {
        let told = self.both();
        assert!(told.contains(&0) || told == [DID, LATE] || told == [LATE, DID], "told {told:?}");
    }
}
