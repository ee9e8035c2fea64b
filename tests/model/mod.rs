//! What the models share, whichever checker runs them: the machine, the processes, and the scenes.
//!
//! ```text
//!   scene/                     what processes do side by side, and what may come of it
//!   seat/ ring/ view/ region   the real protocol files, among stand-ins for their neighbours
//!   os/                        the machine as `src/os` shows it: every operation a step
//!   alter                      one of the operations, broken on purpose        red    a proof run so, which must fail
//!   process                    who takes the steps, and is killed before one   trace  which steps were taken
//!   kernel                     queues of sleepers, locks of files, what is done for the dead
//!   barrier                    the fence that one process has all others execute
//!   checker                    loom's or shuttle's atomics and threads: each program brings its own
//! ```
//! The protocol files know nothing of this: they name `crate::os`, `crate::seat` and so on, and each program's root has
//! these modules under those names.

pub(crate) mod alter;
pub(crate) mod barrier;
pub(crate) mod error;
pub(crate) mod kernel;
pub(crate) mod os;
pub(crate) mod payload;
pub(crate) mod process;
pub(crate) mod red;
pub(crate) mod region;
pub(crate) mod ring;
pub(crate) mod scene;
pub(crate) mod seat;
pub(crate) mod trace;
pub(crate) mod view;
