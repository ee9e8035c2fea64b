//! The ring's floor: the real protocol, and the real handles over it.

#[path = "../../src/ring/spsc/chunk.rs"]
mod chunk;
#[path = "../../src/ring/spsc/claim.rs"]
mod claim;
#[path = "../../src/ring/spsc/consumer.rs"]
pub(crate) mod consumer;
#[path = "../../src/ring/spsc/end.rs"]
mod end;
#[path = "../../src/ring/spsc/producer.rs"]
pub(crate) mod producer;
#[path = "../../src/ring/spsc/protocol.rs"]
mod protocol;
#[path = "../../src/ring/spsc/refused.rs"]
pub(crate) mod refused;
#[path = "../../src/ring/spsc/slots.rs"]
mod slots;
#[path = "../../src/ring/spsc/wait.rs"]
mod wait;

use crate::Result;
use crate::names::CAPACITY;
use crate::os::cpu;
use crate::region::Region;
use consumer::Consumer;
use end::{Place, Role, Tenure};
use producer::Producer;

/// What the real `Spsc::producer` does.
pub(crate) fn producer() -> Result<Producer<u64>> {
    let (place, slots) = Place::find(&Region, "ring", CAPACITY as usize, true)?;
    Producer::new(slots, Tenure::take(&place, Role::Producer)?, cpu::accept_barriers())
}

/// What the real `Spsc::consumer` does.
pub(crate) fn consumer() -> Result<Consumer<u64>> {
    let (place, slots) = Place::find(&Region, "ring", CAPACITY as usize, true)?;
    Consumer::new(slots, Tenure::take(&place, Role::Consumer)?, cpu::accept_barriers())
}

/// What a bystander sees: the items, and whether it is closed.
pub(crate) fn look() -> Result<(u64, bool)> {
    let (place, _) = Place::find::<u64>(&Region, "ring", CAPACITY as usize, false)?;
    Ok((place.ring.len(place.capacity), place.ring.is_closed()))
}
