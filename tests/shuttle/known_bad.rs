//! Mistakes that take more processes or deaths than loom is given. (Others: `tests/loom/broken`.)

use crate::alter::What::{self, Nothing};
use crate::model::red::{Site, altered, failure};
use support::figures::{Figure, record};

/// Its name, where it is, what stands there instead, the proof that fails, and what that says.
type KnownBad = (&'static str, Site, What, &'static str, &'static str);

const WEDGE: &str = "deadlock!";

const KNOWN: &[KnownBad] = &[
    (
        "no chain wake",
        Site { file: "src/seat/lock.rs", lines: &["futex::wake(&self.lock.park, 1); // W6"] },
        Nothing,
        "lock::turns_of_many_of_whom_any_number_is_killed",
        WEDGE,
    ),
    (
        "a ring is not passed on",
        Site { file: "src/view/wait.rs", lines: &["futex::wake_all_and_count(&self.bell); // W4"] },
        Nothing,
        "wait::any_number_waits_and_changes_and_is_killed",
        WEDGE,
    ),
    (
        "a release that is lost",
        Site {
            file: "src/ring/spsc/protocol.rs",
            lines: &["ring.head.0.store(self.head, Release); // C3, pair: slot-free"],
        },
        Nothing,
        "ring::ends_change_hands_under_any_number_of_deaths",
        "illegal",
    ),
];

#[test]
fn every_known_bad_variant_turns_a_proof_red() {
    for (name, site, what, proof, says) in KNOWN {
        let said = failure(proof, &altered(*site, *what));
        println!("{name}: {proof}: {said:?}");
        let said = said.unwrap_or_else(|| panic!("{name}: {proof} holds"));
        assert!(said.contains(says), "{name}: {proof}: {said}");
    }
    record("shuttle: known-bad variants", &[(Figure::KnownBadCaught, KNOWN.len() as u64)]);
}
