//! What may lie under a lock or in a slot of a ring.

use crate::Shareable;
use zerocopy::FromBytes;

/// Data that is handed from process to process: any bit pattern is one of its values, since a killed writer may leave half
/// a write, and half a `bool` is no `bool`.
///
/// Implemented for every type that is [`Shareable`] and [`FromBytes`]. Derive both:
/// ```
/// use sabha::Shareable;
/// use zerocopy::FromBytes; // the crate `zerocopy`, with its feature `derive`
///
/// #[derive(Clone, Copy, Shareable, FromBytes)]
/// #[repr(C)]
/// struct Account {
///     balance: i64,
///     transfers: u64,
/// }
/// fn is_payload<T: sabha::Payload>() {}
/// is_payload::<Account>();
/// ```
pub trait Payload: Shareable + FromBytes + Send {}

impl<T: Shareable + FromBytes + Send> Payload for T {}
