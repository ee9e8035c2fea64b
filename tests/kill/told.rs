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

    /// The caller has place `place` to itself, for so long that the other comes by. The dead have no place.
    pub fn alone_at(self, place: u32) {
        let place = &self.0[8 + place as usize];
        let other = place.swap(std::process::id(), Relaxed);
        let lives = other != 0 && Path::new(&format!("/proc/{other}")).exists();
        assert!(!lives, "two at one place");
        thread::sleep(Duration::from_millis(1));
        place.store(0, Relaxed);
    }

    /// One did it and the other came late, if both lived to say so.
    pub fn is_fair(self) {
        let told = self.both();
        assert!(told.contains(&0) || told == [DID, LATE] || told == [LATE, DID], "told {told:?}");
    }
}
