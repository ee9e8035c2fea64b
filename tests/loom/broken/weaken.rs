//! Weaken-one: every memory ordering of the protocol files is weakened in turn, and some proof must fail.
//!
//! The source is read: the table has a row for each ordering that is more than relaxed, and for each fence, in the order of
//! the source. An ordering without a row fails, as does a row without its ordering. So whoever adds an ordering proves that
//! it is needed, or leaves it out.

use super::sites::{self, WHOLE};
use crate::alter::What;
use crate::model::red::{alteration, failure};
use core::sync::atomic::Ordering::Relaxed;
use support::figures::{Figure, record};

/// Function, call, what is written there, and the proof that fails without it.
type Row = (&'static str, &'static str, &'static str, &'static str);

const LOCK: &[Row] = &[
    ("RawLock::take_free", "self.word.compare_exchange", "Acquire", "lock::three_take_turns"),
    ("RawLock::unlock", "self.word.compare_exchange", "Release", "lock::three_take_turns"),
    ("RawLock::unlock_slowly", "self.word.fetch_and", "Release", "lock::three_take_turns"),
    ("Waiter::take", "self.lock.word.compare_exchange", "Acquire", "lock::one_spins"),
];

const SEAT: &[Row] = &[
    ("SeatPage::named", "fence", WHOLE, SAT_DOWN),
    ("SeatPage::alive", "self.live.load", "Acquire", HEARS),
    ("SeatPage::alive", "self.generation.load", "Acquire", VACATED),
    ("SeatPage::occupant", "self.member.load", "Acquire", NAMED),
    ("SeatPage::occupant", "self.tid.load", "Acquire", NAMED),
    ("SeatPage::occupy", "self.live.compare_exchange", "Acquire", COMES),
    ("SeatPage::occupy", "self.generation.store", "Release", VACATED),
    ("SeatPage::occupy", "self.member.store", "Release", NAMED),
    ("SeatPage::occupy", "self.tid.store", "Release", NAMED),
    ("SeatPage::occupy", "self.live.swap", "Release", VACATED),
    ("SeatPage::occupy", "fence", WHOLE, SAT_DOWN),
    ("SeatPage::leave", "self.live.swap", "Release", HEARS),
    ("SeatPage::leave", "self.live.store", "Release", COMES),
    ("SeatPage::vacate", "self.live.load", "Acquire", VACATED),
    ("SeatPage::vacate", "self.live.compare_exchange", "Release", VACATED),
    ("SeatPage::sweep", "self.live.load", "Acquire", SWEPT),
    ("SeatPage::sweep", "self.live.compare_exchange", "Release", SWEPT),
];

const HEARS: &str = "seat::who_sleeps_on_an_occupant_hears_that_it_leaves_or_dies";
const VACATED: &str = "seat::the_seat_of_a_thread_that_has_ended_is_vacated";
const NAMED: &str = "seat::a_name_is_never_anothers";
const COMES: &str = "seat::one_of_two_gets_a_seat_that_becomes_free";
const SAT_DOWN: &str = "lock::who_has_just_sat_down_is_no_dead_owner";
const SWEPT: &str = "seat::a_dead_ones_seat_is_swept_and_a_living_ones_is_not";

const MEMBER: &[Row] = &[
    ("Members::info", "record.complete.load", "Acquire", LISTED),
    ("Members::info", "fence", WHOLE, RENAMED),
    ("Members::info", "record.generation.load", "Acquire", IN_USE),
    ("Members::living_ids", "record.generation.load", "Acquire", IN_USE),
    ("Members::clear_mark", "word.fetch_and", "Release", IN_USE),
    ("Members::marked", "word.load", "Acquire", IN_USE),
    ("Record::introduce", "self.generation.store", "Release", IN_USE),
    ("Record::introduce", "fence", WHOLE, RENAMED),
    ("Record::introduce", "self.complete.store", "Release", LISTED),
];

const RENAMED: &str = "member::a_member_is_never_told_for_another";
const LISTED: &str = "member::who_is_here_is_listed_whole";
const IN_USE: &str = "member::an_object_is_in_use_until_who_has_it_open_lets_go_or_is_gone";

const RING: &[Row] = &[
    ("take", "owner.compare_exchange", "Acquire", "ring::an_end_changes_hands"),
    ("give_back", "owner.compare_exchange", "Release", "ring::an_end_changes_hands"),
    ("Ring::last", "self.ends.0.last.load", "Acquire", STREAM),
    ("Ring::len", "self.head.0.load", "Acquire", "ring::a_bystander_counts_no_more_than_there_are"),
    ("Ring::decide", "self.ends.0.last.compare_exchange", "Release", STREAM),
    ("Ring::decide", "self.ends.0.last.compare_exchange", "Acquire", CLOSING_HEIR),
    ("ProducerSide::see_head", "self.side.ring.head.0.load", "Acquire", STREAM),
    ("ProducerSide::publish_quietly", "ring.tail.0.store", "Release", STREAM),
    ("ProducerSide::publish_quietly", "compiler_fence", WHOLE, "ring::the_consumer_closes"),
    ("ProducerSide::attend", "fence", WHOLE, ALONE),
    ("ProducerSide::close", "fence", WHOLE, ALONE),
    ("ConsumerSide::attach", "ring.tail.0.load", "Acquire", STREAM),
    ("ConsumerSide::release", "ring.head.0.store", "Release", STREAM),
    (
        "ConsumerSide::release",
        "compiler_fence",
        WHOLE,
        "ring::who_waits_for_room_is_woken_by_the_first_release",
    ),
    ("ConsumerSide::attend", "fence", WHOLE, ALONE),
    ("ConsumerSide::settle", "self.side.ring.tail.0.load", "Acquire", CLOSING_HEIR),
    ("ConsumerSide::look", "self.side.ring.tail.0.load", "Acquire", STREAM),
];

const RING_WAIT: &[Row] = &[
    ("sleep", "barrier_everywhere", WHOLE, STREAM),
    ("order_everywhere", "barrier_everywhere", WHOLE, "ring::the_consumer_closes"),
];

const ENTRY: &[Row] = &[
    ("Entry::publish", "fence", WHOLE, TORN),
    ("Entry::publish", "self.state.fetch_add", "Release", "entry::who_sees_an_object_sees_it_made"),
    ("Entry::look", "self.state.load", "Acquire", "entry::who_sees_an_object_sees_it_made"),
    ("Entry::look", "fence", WHOLE, TORN),
];

const LENGTH: &[Row] = &[
    ("Length::said", "self.0.load", "Acquire", TOO_LONG),
    ("Length::raise", "self.0.fetch_max", "Release", TOO_LONG),
];

const TOO_LONG: &str = "length::no_length_is_told_that_the_file_has_not";
const TORN: &str = "entry::no_object_is_seen_torn";

const STREAM: &str = "ring::a_stream_arrives_whole_and_in_order";
const ALONE: &str = "ring::one_side_without_barriers_pays_itself";
const CLOSING_HEIR: &str = "ring::the_heir_of_a_closing_consumer_comes_while_others_push";

const WAIT: &[Row] = &[
    ("Word::holds", "word.load", "SeqCst", TOLD),
    ("Word::holds", "word.load", "SeqCst", TOLD),
    ("look_and_sleep", "guard.generation.load", "Acquire", HALVES),
    ("look_and_sleep", "guard.generation.load", "Acquire", TOLD),
    ("notify", "at.guard.generation.fetch_add", "Release", TOLD),
];

const TOLD: &str = "wait::who_is_told_sees_what_was_written_before";
const HALVES: &str = "wait::halves_that_never_were_together_are_no_value";

const FILES: [(&str, &[Row]); 9] = [
    ("src/seat/lock.rs", LOCK),
    ("src/seat/page.rs", SEAT),
    ("src/seat/member.rs", MEMBER),
    ("src/seat/table.rs", &[]),
    ("src/ring/spsc/protocol.rs", RING),
    ("src/ring/spsc/wait.rs", RING_WAIT),
    ("src/view/wait.rs", WAIT),
    ("src/region/entry.rs", ENTRY),
    ("src/region/length.rs", LENGTH),
];

/// The other files that have orderings, and why no model has them. (Macros are not read: those of `view/element.rs` are the
/// elements' own, as those of its neighbours.)
const OTHERS: [(&str, &str); 6] = [
    (
        "src/os/robust.rs",
        "a thread and the kernel on its behalf: the order of the program is all that counts",
    ),
    (
        "src/seat/assembly.rs",
        "one process's own word: a thread sees that another has made it a member",
    ),
    (
        "src/seat/cache.rs",
        "one process's own words: a thread sees that another has closed the region",
    ),
    ("src/view/atomics.rs", "the one order of all that ECMAScript has, which loom cannot see"),
    ("src/view/observe.rs", "the same"),
    ("src/view/words.rs", "the same"),
];

#[test]
fn no_file_is_forgotten() {
    let known = FILES.iter().filter(|(_, rows)| !rows.is_empty()).map(|(file, _)| *file);
    let mut known: Vec<_> = known.chain(OTHERS.iter().map(|(file, _)| *file)).collect();
    known.sort_unstable();
    assert_eq!(sites::files(), known);
}

#[test]
fn every_ordering_is_needed() {
    let mut caught = 0;
    for (file, rows) in FILES {
        let sites = sites::of(file);
        let found = sites.iter().map(|site| (&*site.function, &*site.call, &*site.name));
        let known = rows.iter().map(|(function, call, name, _)| (*function, *call, *name));
        assert!(found.clone().eq(known), "{file}: {:#?}", found.collect::<Vec<_>>());
        for (index, (_, _, _, proof)) in rows.iter().enumerate() {
            let (site, text) = (&sites[index], weakened(&sites, index));
            let said = failure(proof, &text);
            println!("{file} {} {} {}: {proof}: {said:?}", site.function, site.call, site.name);
            // To see less than before is no failure.
            let red = said.is_some_and(|said| !said.contains("illegal []"));
            assert!(red, "{proof} holds with {text}: is the ordering needed?");
            caught += 1;
        }
    }
    record("loom: weakened orderings", &[(Figure::WeakenedCaught, caught)]);
}

/// The ordering is relaxed, the fence is none. A compiler's fence is to the compiler: without it, the store before it happens
/// behind the next operation.
///
/// (What is lost with `SeqCst` beside its being `Acquire`, one order of all, is a promise to the user that loom cannot see.)
fn weakened(sites: &[sites::Ordering], index: usize) -> String {
    let site = &sites[index];
    match site.call.as_str() {
        "compiler_fence" => alteration(&site.file, sites[index - 1].line, What::Later),
        _ if site.name == WHOLE => alteration(&site.file, site.line, What::Nothing),
        _ => alteration(&site.file, site.line, What::Order(site.index, Relaxed)),
    }
}
