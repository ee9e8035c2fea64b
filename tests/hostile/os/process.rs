//! Who we are.

pub(crate) fn pid() -> u32 {
    4711
}

pub(crate) fn effective_uid() -> u32 {
    1000
}

pub(crate) fn start_time() -> u64 {
    12_345
}
