//! Alterations: one operation of a protocol file, named by its line, does something else than is written there.
//!
//! So the models are shown broken protocols without a second copy of the code. The environment names the alterations, and
//! each is one process's run of one test, which must fail: see `weaken.rs` and `known_bad.rs`.

use super::trace;
use core::panic::Location;
use core::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release};
use std::sync::OnceLock;

/// What an operation does instead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// Its ordering of this index (of a compare-exchange, 1 is that of a failure) is weaker.
    Order(usize, Ordering),
    /// Nothing: a store is lost, a read-modify-write is a load, a fence no fence, a wake wakes nobody.
    Nothing,
    /// The same, but only after the next operation of this process.
    Later,
    /// Its operand is another.
    Operand(u32),
}

struct Alteration {
    file: String,
    line: u32,
    what: What,
}

/// Set for a process that shall fail: `FILE:LINE:WHAT`, several separated by blanks; see [`What`]'s `parse`.
pub(crate) const VARIABLE: &str = "SABHA_ALTER";

/// The operation that calls the caller is a step: what it does instead of what is written there.
#[track_caller]
pub(crate) fn here() -> Option<What> {
    trace::note(Location::caller());
    altered_here()
}

/// The same of what is no step.
#[track_caller]
pub(crate) fn altered_here() -> Option<What> {
    let (place, alterations) = (Location::caller(), alterations());
    let hit = |a: &&Alteration| a.line == place.line() && place.file().ends_with(&a.file);
    alterations.iter().find(hit).map(|alteration| alteration.what)
}

/// The ordering that stands in place of the one of index `index`.
pub(crate) fn order(altered: Option<What>, index: usize, written: Ordering) -> Ordering {
    match altered {
        Some(What::Order(at, weaker)) if at == index => weaker,
        _ => written,
    }
}

fn alterations() -> &'static [Alteration] {
    static ALTERATIONS: OnceLock<Vec<Alteration>> = OnceLock::new();
    ALTERATIONS.get_or_init(|| {
        let text = std::env::var(VARIABLE).unwrap_or_default();
        text.split_whitespace().map(Alteration::parse).collect()
    })
}

impl Alteration {
    fn parse(text: &str) -> Self {
        let mut parts = text.split(':');
        let mut part = || parts.next().expect("FILE:LINE:WHAT");
        let (file, line) = (part().to_owned(), part().parse().expect("a line"));
        Self { file, line, what: What::parse(part()) }
    }
}

impl What {
    fn parse(text: &str) -> Self {
        match text.split_once('=') {
            None if text == "nothing" => Self::Nothing,
            None if text == "later" => Self::Later,
            Some(("operand", value)) => Self::Operand(value.parse().expect("a number")),
            Some((index, name)) => {
                let order = [Relaxed, Acquire, Release, AcqRel].into_iter();
                let order = order.clone().find(|order| format!("{order:?}") == name);
                Self::Order(index.parse().expect("an index"), order.expect("an ordering"))
            }
            None => panic!("no alteration: {text}"),
        }
    }

    /// As it stands in the variable.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Order(index, order) => format!("{index}={order:?}"),
            Self::Nothing => "nothing".to_owned(),
            Self::Later => "later".to_owned(),
            Self::Operand(value) => format!("operand={value}"),
        }
    }
}
