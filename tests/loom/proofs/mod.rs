//! What is proved, primitive by primitive.

mod entry;
mod length;
mod lock;
mod member;
mod ring;
mod seat;
mod table;
mod wait;
