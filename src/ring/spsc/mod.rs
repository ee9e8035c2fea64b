//! temporary
#![allow(dead_code)]
mod protocol;
#[cfg(test)]
mod tests;
mod wait;
