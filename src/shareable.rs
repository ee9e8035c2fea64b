//! What may live in shared bytes.

/// A type that may live in shared memory.
///
/// # Safety
/// See the module.
#[allow(unsafe_code)]
pub unsafe trait Shareable: Sync + Sized + 'static {
    /// Hash of the field layout.
    const FINGERPRINT: u64;
}
