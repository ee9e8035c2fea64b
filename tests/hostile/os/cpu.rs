//! The processor: where to rest, and barriers that may be refused at any time.

use crate::adversary;

pub(crate) fn pause() {
    adversary::rest(1_000);
}

pub(crate) fn yield_now() {
    adversary::rest(100_000);
}

pub(crate) fn cores() -> usize {
    1 + usize::from(adversary::is_there())
}

pub(crate) fn accept_barriers() -> bool {
    adversary::is_there()
}

pub(crate) fn barrier_everywhere() -> bool {
    adversary::is_there()
}
