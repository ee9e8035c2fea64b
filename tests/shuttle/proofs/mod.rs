//! What is proved, primitive by primitive.

mod lock;
