//! What is proved, primitive by primitive.

mod lock;
mod ring;
mod seat;
mod wait;
