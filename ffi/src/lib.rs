//! The C interface of sabha: see `include/sabha.h`, which is made from these files.
//!
//! Each exported function is one call of [`boundary`](boundary::boundary) around one call of the
//! library. A function's comment is the header's: it is written for who reads C.
#![allow(unsafe_code, reason = "exported names; pointers that only C can answer for")]
#![allow(non_camel_case_types, reason = "the names are C's")]

mod array;
mod atomics;
mod boundary;
mod consumer;
mod deadline;
mod failure;
mod listing;
mod mutex;
mod open;
mod options;
mod policy;
mod producer;
mod region;
mod ring;
mod status;
mod types;
mod version;
mod wait;
