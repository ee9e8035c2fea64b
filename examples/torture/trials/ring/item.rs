//! What goes through the rings.

use crate::broken::Broken;
use sabha::Shareable;
use zerocopy::FromBytes;

/// An item that tells where it belongs, and whether it is whole.
#[derive(Clone, Copy, PartialEq, Eq, Shareable, FromBytes)]
#[repr(C)]
pub struct Item {
    /// Where it belongs.
    pub position: u64,
    /// What follows from that.
    pub copies: [u64; 6],
}

impl Item {
    /// The item of that position.
    pub fn new(position: u64) -> Self {
        let copies = [1, 2, 3, 4, 5, 6].map(|turn| (!position).rotate_left(turn));
        Self { position, copies }
    }
}

/// Whether it is the item of that position, whole.
pub fn examine(item: &Item, position: u64) -> Result<(), Broken> {
    let found = item.position;
    if *item == Item::new(position) {
        return Ok(());
    }
    if *item != Item::new(found) {
        return Err(Broken::torn(format!(
            "half an item at {position}: {found}, {:x?}",
            item.copies
        )));
    }
    let what = format!("item {found} at position {position}");
    Err(if found < position { Broken::duplicated(what) } else { Broken::lost(what) })
}
