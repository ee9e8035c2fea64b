//! The ring of one producer and one consumer: the real protocol files. The handles around them are the scenes' own.

#[path = "../../../src/ring/spsc/protocol.rs"]
pub(crate) mod protocol;
#[path = "../../../src/ring/spsc/wait.rs"]
pub(crate) mod wait;
