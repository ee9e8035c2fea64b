//! What is proved, primitive by primitive.

mod lock;
mod member;
mod ring;
mod seat;
mod wait;
