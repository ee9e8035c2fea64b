//! What a test asks of a model, and the figures that it leaves.

use super::explore::{Explored, Model, Until, explore};
use support::figures::{Figure, record};

/// Visits every state of `model`: no promise is broken, and nobody sleeps for ever, though no pulse wakes him.
pub fn never_wedges<M: Model>(proof: &str, model: &M) {
    let found = explore(model, Until::Complete);
    leave_figures(proof, &found, found.wedged.len());
    assert_eq!(found.fault(), None, "{proof}");
}

/// Visits every state of `model`: no promise is broken, and wherever somebody would sleep for ever the pulse saves him.
pub fn needs_at_most_the_pulse<'m, M: Model>(proof: &str, model: &'m M) -> Explored<'m, M> {
    let found = explore(model, Until::Complete);
    assert_eq!(found.broken, None, "{proof}: {:#?}", found.fault());
    let doomed = found.doomed();
    leave_figures(proof, &found, doomed);
    assert_eq!(doomed, 0, "{proof}: the pulse saves nobody");
    found
}

fn leave_figures<M: Model>(proof: &str, found: &Explored<'_, M>, wedged: usize) {
    println!("{proof}: {} states, {} kills", found.states(), found.kills);
    let states = (Figure::ModelStates, found.states() as u64);
    let deaths = (Figure::Deaths, found.kills);
    record(&format!("states: {proof}"), &[states, deaths, (Figure::Wedged, wedged as u64)]);
}
