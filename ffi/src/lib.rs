//! The C interface of sabha.
