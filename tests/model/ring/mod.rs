//! The ring of one producer and one consumer: the real protocol files. The handles around them are the scenes' own.

#[path = "../../../src/ring/spsc/protocol.rs"]
pub(crate) mod protocol;
#[path = "../../../src/ring/spsc/wait.rs"]
pub(crate) mod wait;

use crate::os::Relaxed;

/// What a consumer does first that closes: K1.
pub(crate) fn begin_to_close(ring: &protocol::Ring) {
    ring.to_producer.0.fetch_or(protocol::Note::CLOSING, Relaxed);
}
