//! The processor.

use crate::alter::{What, here};
use crate::checker;
use crate::process;
use std::sync::Arc;

/// Nothing: the checker lets others run at every step anyway.
pub(crate) fn pause() {}

pub(crate) fn yield_now() {
    if process::step() {
        checker::yield_now();
    }
}

/// One: who spins gains nothing in a model.
pub(crate) fn cores() -> usize {
    1
}

/// Where barriers are refused, a moment is taken to be longer than any store needs to happen.
pub(super) fn let_stores_happen() {
    let kernel = process::ask(|me| Arc::clone(&me.kernel)).filter(|kernel| !kernel.rules.barriers);
    if let Some(kernel) = kernel.filter(|_| process::step()) {
        kernel.processors.fence();
    }
}

/// The heavy half of the asymmetric fence: see [`compiler_fence`](super::compiler_fence).
#[track_caller]
pub(crate) fn barrier_everywhere() -> bool {
    let dropped = here() == Some(What::Nothing);
    let works = process::step() && process::ask(|me| me.kernel.rules.barriers) != Some(false);
    if works && !dropped {
        let me = process::ask(|me| (Arc::clone(&me.kernel), me.index));
        me.inspect(|(kernel, me)| kernel.processors.fence_everywhere(*me));
    }
    works
}
