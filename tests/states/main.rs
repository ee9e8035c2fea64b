//! The state models of the seat lock and of the seats: every interleaving of their steps, with SIGKILL before any of them.
mod explore;
mod flaw;
mod kernel;
mod known_bad;
mod lock;
mod menu;
mod name;
mod one_lock;
mod proof;
mod seats;
mod state;
mod two_locks;
