//! Every public operation, killed behind every instruction of a real process: alone, with somebody asleep on the object, with
//! somebody in the midst of an operation of its own, and again while the damage is repaired. The kit is `support::kill`.
#![cfg(target_arch = "x86_64")]

mod complete;
mod lock;
mod lost_wake;
mod member;
mod object;
mod region;
mod ring;
mod told;
mod wait;
