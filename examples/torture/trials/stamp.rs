//! Bytes that are all zeros when they are new, and whose words belong together afterwards.
//!
//! Whoever finds them stamps them, all in the same way: the first word says how, the others follow from it. Words that
//! were used before, that two objects share, or that somebody tore, do not fit.

use crate::broken::Broken;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

/// Stamps what is still zero, and checks all. The stamp is `fresh` if there is none yet.
///
/// # Errors
/// A word does not fit.
pub fn stamp(words: &[AtomicU64], fresh: u64) -> Result<(), Broken> {
    let [first, rest @ ..] = words else { return Ok(()) };
    let stamp = match first.compare_exchange(0, fresh | 1, SeqCst, SeqCst) {
        Ok(_) => fresh | 1,
        Err(stamp) => stamp,
    };
    for (word, index) in rest.iter().zip(1..) {
        let expected = follower(stamp, index);
        match word.compare_exchange(0, expected, SeqCst, SeqCst) {
            Err(found) if found != expected => {
                return Err(Broken::torn(format!(
                    "word {index} of {} is {found:#x}, neither 0 nor {expected:#x}",
                    words.len()
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What follows from a stamp; never 0.
fn follower(stamp: u64, index: u64) -> u64 {
    (stamp ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xd6e8_feb8_6659_fd93) | 1
}
