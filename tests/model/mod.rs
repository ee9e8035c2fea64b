//! What the models share, whichever checker runs them: the machine, the processes, and the scenes.
//!
//! ```text
//!   scene/    what processes do, and what may come of it
//!   seat/ ring/ view/ region   the real protocol files, among stand-ins for their neighbours
//!   os/       the machine as `src/os` shows it: every operation a step     alter    one of them broken on purpose
//!   process   who takes the steps, and is killed before one               kernel   queues, the robust walk, deaths
//!   checker   loom's or shuttle's atomics and threads: the program's own
//! ```
