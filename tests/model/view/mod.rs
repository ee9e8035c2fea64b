//! Wait and notify: the real protocol file. Its public face is the scenes' own.

#[path = "../../../src/view/wait.rs"]
pub(crate) mod wait;
