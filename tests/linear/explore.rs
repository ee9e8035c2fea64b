//! Many rounds of a scene, each of them checked.

use crate::crew::{Crew, Rules};
use crate::scene::Scene;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use support::child::Random;
use support::figures::{self, Figure};
use support::linear::Refusal;
use support::long_form;

/// One test at a time: they fork, and they want the processors for themselves.
pub fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How much was done.
#[derive(Default)]
pub struct Tally {
    pub histories: u64,
    pub operations: u64,
    /// Operations that were under way when another began or ended.
    pub met: u64,
    /// Operations in which a process was killed.
    pub cut: u64,
    pub deaths: u64,
    /// How often somebody was stopped for others.
    pub stops: u64,
    /// States that were looked at.
    pub visited: u64,
    /// How long that took.
    pub checking: Duration,
    /// What processes were told, how often.
    pub told: BTreeMap<String, u64>,
}

/// How rounds are played.
#[derive(Clone, Copy)]
pub enum Pace {
    /// All run freely.
    Free,
    /// One is stopped between any two instructions.
    Slow,
}

/// Rounds that one crew plays; then everything is made anew.
const ROUNDS: u64 = 1000;

/// Has crews play for so long, and checks each round.
///
/// # Errors
/// The first history that is refused.
pub fn explore<S: Scene + 'static>(
    make: impl Fn() -> S,
    share: Duration,
    pace: Pace,
    death_in: Option<u64>,
    random: &mut Random,
) -> Result<Tally, Refusal> {
    let start = Instant::now();
    let mut tally = Tally::default();
    while start.elapsed() < share {
        let scene = make();
        let lanes = 2 + usize::try_from(random.below(3)).expect("few");
        let rules = Rules { lanes, turns: 10 - lanes as u64, death_in };
        let mut crew = Crew::new(&scene, lanes);
        for _ in 0..ROUNDS {
            let round = match pace {
                _ if start.elapsed() >= share => break,
                Pace::Free => crew.play(rules, random),
                Pace::Slow => crew.play_slowly(rules, random),
            };
            let Some(round) = round else { break };
            tally.operations += round.answers.len() as u64 + round.cut;
            tally.met += round.met;
            tally.cut += round.cut;
            tally.deaths += round.deaths;
            tally.stops += round.stops;
            for answer in round.answers {
                *tally.told.entry(words(&format!("{answer:?}"))).or_default() += 1;
            }
            let began = Instant::now();
            tally.visited += round.history.check(round.initial)?;
            tally.checking += began.elapsed();
            tally.histories += 1;
        }
    }
    Ok(tally)
}

/// The words of a text, without its numbers: `Had { died: true }` is `Had died true`.
fn words(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.histories += other.histories;
        self.operations += other.operations;
        self.met += other.met;
        self.cut += other.cut;
        self.deaths += other.deaths;
        self.stops += other.stops;
        self.visited += other.visited;
        self.checking += other.checking;
        for (words, count) in other.told {
            *self.told.entry(words).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { histories, operations, met, cut, deaths, stops, .. } = self;
        write!(f, "{histories} histories of {operations} operations, of which {met} met others; ")?;
        write!(f, "{deaths} deaths, {cut} of them inside an operation; {stops} stops; ")?;
        write!(f, "{} states looked at in {:?}", self.visited, self.checking)
    }
}

/// Explores a scene freely and slowly, with deaths and without. Nothing may be refused, and processes must have been told each
/// of `answers`: else what was tried was too little. `seconds` in `cargo test`, more in the long form.
pub fn holds<S: Scene + 'static>(what: &str, seconds: u64, answers: &[&str], make: impl Fn() -> S) {
    let _alone = alone();
    let mut random = Random::new(0x5eed);
    let share = Duration::from_secs(seconds) / 8 * if long_form() { 4 } else { 1 };
    let mut all = Tally::default();
    for (pace, parts) in [(Pace::Free, 3), (Pace::Slow, 1)] {
        for death_in in [None, Some(2)] {
            let tally = explore(&make, share * parts, pace, death_in, &mut random);
            let tally = tally.unwrap_or_else(|refusal| panic!("{what}: {refusal}"));
            println!("{what}: {tally}");
            all.add(tally);
        }
    }
    println!("{what}: {:?}", all.told);
    for answer in answers {
        assert!(all.told.contains_key(*answer), "{what}: nobody was told {answer:?}");
    }
    let figures = [
        (Figure::Histories, all.histories),
        (Figure::Deaths, all.deaths),
        (Figure::Schedules, all.stops),
        (Figure::Torn, 0),
    ];
    figures::record(&format!("linear: {what}"), &figures);
}

/// Plays with a broken object until a history is refused, which must not take long.
pub fn is_refused<S: Scene + 'static>(what: &str, death_in: Option<u64>, make: impl Fn() -> S) {
    const LIMIT: Duration = Duration::from_secs(60);
    let start = Instant::now();
    match explore(make, LIMIT, Pace::Free, death_in, &mut Random::new(0x5eed)) {
        Ok(tally) => panic!("{what}: nobody noticed: {tally}"),
        Err(refusal) => println!("{what}: caught in {:?}: {refusal}\n", start.elapsed()),
    }
}
