//! The state models of the seat lock: every interleaving of its steps, with SIGKILL before any of them.
mod explore;
mod flaw;
mod kernel;
mod known_bad;
mod lock;
mod menu;
mod name;
mod one_lock;
mod proof;
mod state;
mod two_locks;
