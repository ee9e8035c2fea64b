//! Numbers without a pattern that would matter to an example (xorshift64*).

/// Where the numbers come from.
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from `0..end`; 0 if that is empty.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 |= u64::from(self.0 == 0);
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d).checked_rem(end).unwrap_or(0)
    }
}
