//! Mistakes that are known to be made, each in the real protocol file, must turn a proof red, each for its own reason.
//! (Those of the locks and of the seats with more processes and deaths: `tests/states`.)

use crate::alter::What::{self, Later, Nothing, Operand};
use crate::model::red::{Site, altered, failure};
use support::figures::{Figure, record};

struct KnownBad {
    name: &'static str,
    site: Site,
    what: What,
    proof: &'static str,
    /// What the failure says.
    says: &'static str,
}

const fn bad(
    name: &'static str,
    (file, lines): (&'static str, &'static [&'static str]),
    what: What,
    proof: &'static str,
    says: &'static str,
) -> KnownBad {
    KnownBad { name, site: Site { file, lines }, what, proof, says }
}

const LOCK: &str = "src/seat/lock.rs";
const SEAT: &str = "src/seat/page.rs";
const MEMBER: &str = "src/seat/member.rs";
const ENTRY: &str = "src/region/entry.rs";
const RING: &str = "src/ring/spsc/protocol.rs";
const RING_WAIT: &str = "src/ring/spsc/wait.rs";
const WAIT: &str = "src/view/wait.rs";
const SCENE: &str = "tests/model/scene/ring.rs";

const RACE: &str = "Causality violation";
const WEDGE: &str = "deadlock";
const CENSUS: &str = "census: illegal";

const KNOWN: &[KnownBad] = &[
    bad(
        "published before it is written",
        (SCENE, &["self.slot(position).write(position + 1); // P2"]),
        Later,
        "ring::a_stream_arrives_whole_and_in_order",
        RACE,
    ),
    bad(
        "closed by a flag that push reads first",
        (RING, &["ring.tail.0.store(self.tail, Release); // P3, pair: item-ready"]),
        Later,
        "ring::the_consumer_closes",
        CENSUS,
    ),
    bad(
        "closed without a flag",
        (RING, &["self.side.ring.to_producer.0.fetch_or(Note::CLOSING, Relaxed); // K1"]),
        Nothing,
        "ring::the_consumer_closes",
        CENSUS,
    ),
    bad(
        "the note is taken and nobody woken",
        (RING_WAIT, &["futex::wake(note, 1);"]),
        Nothing,
        "ring::a_stream_arrives_whole_and_in_order",
        WEDGE,
    ),
    bad(
        "64 bits waited for by halves",
        (WAIT, &["self.push(Watch::compare(&guard.generation, generation), owner);"]),
        Nothing,
        "wait::halves_that_never_were_together_are_no_value",
        WEDGE,
    ),
    bad(
        "no bell",
        (WAIT, &["sleep.push(Watch::new(&guard.bell, count), BELL);"]),
        Nothing,
        "wait::a_changer_is_killed_anywhere",
        WEDGE,
    ),
    bad(
        "a ring is not passed on",
        (WAIT, &["futex::wake_all_and_count(&self.bell); // W4"]),
        Nothing,
        "wait::a_changer_is_killed_anywhere",
        WEDGE,
    ),
    bad(
        "a changer is not insured",
        (WAIT, &["let _insured = list.insure(&at.guard.bell); // C1; C7 at its drop"]),
        Nothing,
        "wait::a_changer_is_killed_anywhere",
        WEDGE,
    ),
    bad(
        "generations are not counted",
        (SEAT, &["self.generation.store(id.generation(), Release); // T4, pair: seat-counted"]),
        Nothing,
        "seat::one_of_two_gets_a_seat_that_becomes_free",
        "two of one name",
    ),
    bad(
        "members are not counted",
        (MEMBER, &["self.generation.store(id.generation(), Release); // pair: member-followed"]),
        Nothing,
        "member::one_name_is_one_members",
        "assertion `left == right` failed: told two things of one member",
    ),
    bad(
        "an entry is changed while it is an object's",
        (ENTRY, &["self.state.fetch_add(1, Relaxed); // R1"]),
        Nothing,
        "entry::no_object_is_seen_torn",
        "assertion `left == right` failed",
    ),
    bad(
        "who leaves looks alive",
        (
            SEAT,
            &["self.live.swap(list.tid() | OWNER_DIED | WAITERS, Release); // L1, pair: seat-left"],
        ),
        Nothing,
        "seat::who_sleeps_on_an_occupant_hears_that_it_leaves_or_dies",
        WEDGE,
    ),
    bad(
        "who leaves is silent",
        (
            SEAT,
            &[
                "self.live.swap(list.tid() | OWNER_DIED | WAITERS, Release); // L1, pair: seat-left",
                "futex::wake(&self.live, u32::MAX);",
            ],
        ),
        Nothing,
        "seat::who_sleeps_on_an_occupant_hears_that_it_leaves_or_dies",
        WEDGE,
    ),
    bad(
        "a death is not passed on",
        (
            SEAT,
            &["if self.live.load(Relaxed) & WAITERS != 0 {", "futex::wake(&self.live, u32::MAX);"],
        ),
        Nothing,
        "seat::who_sleeps_on_an_occupant_hears_that_it_leaves_or_dies",
        WEDGE,
    ),
    bad(
        "a seat is vacated in silence",
        (SEAT, &["futex::wake(&self.live, u32::MAX); // V2, pair: seat-left"]),
        Nothing,
        "seat::the_seat_of_a_thread_that_has_ended_is_vacated",
        WEDGE,
    ),
    bad(
        "no chain wake",
        (LOCK, &["futex::wake(&self.lock.park, 1); // W6"]),
        Nothing,
        "lock::one_of_three_is_killed_anywhere",
        WEDGE,
    ),
    bad(
        "who times out keeps the wake",
        (LOCK, &["if word.has_waiters() {", "futex::wake(&self.lock.park, 1);"]),
        Nothing,
        "lock::one_of_three_times_out_and_passes_the_wake_on",
        WEDGE,
    ),
    bad(
        "an unlock forgets that others wait",
        (
            LOCK,
            &[
                "let word = Word(self.word.fetch_and(Word::WAITERS | Word::DIED, Release)); // U2, pair: handed-over, no-lost-wake",
            ],
        ),
        Operand(1 << 30),
        "lock::three_take_turns",
        WEDGE,
    ),
];

#[test]
fn every_known_bad_variant_turns_a_proof_red() {
    for KnownBad { name, site, what, proof, says } in KNOWN {
        let said = failure(proof, &altered(*site, *what));
        println!("{name}: {proof}: {said:?}");
        let said = said.unwrap_or_else(|| panic!("{name}: {proof} holds"));
        assert!(said.contains(says), "{name}: {proof}: {said}");
    }
    record("loom: known-bad variants", &[(Figure::KnownBadCaught, KNOWN.len() as u64)]);
}
