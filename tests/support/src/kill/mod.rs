//! The kill kit: runs one operation of a real process instruction by instruction, kills the process behind each of them, and
//! questions the survivors.
//!
//! A [`Scene`] is a world that processes share, a *victim* whose operation lies between [`begin`] and [`end`], and a *survivor*
//! that asserts what must hold after the victim's death and says what it has seen. More parties may be there: *sleepers*, who sleep
//! on the object when the operation begins; a *contender*, who runs a whole operation while the victim stands still in the
//! midst of its own, or is itself stepped to each place that the victim can see (preemption bound 2).
//!
//! * The number of instructions is found by stepping to the end once. A case then gets to its n-th place by one breakpoint and a
//!   few steps, so a sweep costs some milliseconds for each place, not for each pair.
//! * Whoever has a part must come to a good end. *Wedged* is: all who live are asleep, without a bound or pulse after pulse.
//! * Over its budget of time a scene keeps to the places that others can tell apart (of a kill: changes of shared memory, system
//!   calls; of a stop: looks, too), or to every j-th of them, and to every k-th of the rest, and says so.
//! * A failure names the place: function, line, instruction; and the one variable that runs that case alone.
//! * Where ptrace is refused, a process steps itself by its processor's trap flag; see `flagged.rs`. Where that fails, too, so
//!   does the test.
//!
//! Not here: what a kill does to another *thread* of the same process, and weak memory (the models' business: a process that is
//! stopped has all its stores visible).

mod access;
mod flagged;
mod party;
mod place;
mod stepped;
#[cfg(test)]
mod tests;

pub use stepped::{begin, end};

use crate::child::Child;
use crate::figures::{self, Figure};
use crate::fork::fork;
use party::{Party, Stuck, end_all, until_settled};
use place::{Path, Reached};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::{Duration, Instant};
use stepped::Stepped;

/// Tests that kill, each with the names of the public operations that it kills: `COVERED` has them all, for a test that
/// demands every operation to be among them.
#[macro_export]
macro_rules! kill_tests {
    ($($(#[$doc:meta])* fn $name:ident() covers [$($operation:literal),* $(,)?] $body:block)*) => {
        /// The public operations that the tests of this file kill.
        pub const COVERED: &[&str] = &[$($($operation,)*)*];
        $($(#[$doc])* #[test] fn $name() $body)*
    };
}

/// Who is killed when the victim stands at its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Killed {
    Victim,
    Contender,
    Nobody,
}

/// What a survivor has seen, as a number below 100 that the scene gives a meaning.
pub type Seen = u8;

type Part<'a, W> = Box<dyn Fn(&W) + 'a>;

/// See the module.
#[must_use = "nothing is killed before it is run"]
pub struct Scene<'a, W> {
    name: &'static str,
    world: Box<dyn Fn() -> W + 'a>,
    victim: Part<'a, W>,
    survivor: Box<dyn Fn(&W) -> Seen + 'a>,
    sleepers: Vec<Part<'a, W>>,
    contender: Option<Part<'a, W>>,
    waker: Option<Part<'a, W>>,
    recovery: Option<Part<'a, W>>,
    successor: Option<Part<'a, W>>,
    budget: Duration,
    /// The ways of the second process, which contends or recovers, by the victim's place.
    second: RefCell<BTreeMap<usize, Rc<Path>>>,
}

/// What a scene has shown.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Report {
    /// Instructions of the operation.
    pub instructions: usize,
    /// Cases in which somebody was killed.
    pub kills: u64,
    /// Those of them whose victim was repairing.
    pub recoveries: u64,
    /// Cases in which one process stood still while another ran.
    pub schedules: u64,
    /// Cases in which the parties needed a pulse.
    pub slow: u64,
    /// How many survivors saw what.
    pub seen: BTreeMap<Seen, u64>,
    /// One case was asked for, so that nothing can be said of all.
    replay: bool,
}

impl Report {
    /// Asserts that survivors saw each of these at least once, and nothing else.
    #[track_caller]
    pub fn saw(&self, expected: &[Seen]) {
        let seen: Vec<_> = self.seen.keys().copied().collect();
        assert!(self.replay || seen == expected, "survivors saw {:?}, not {expected:?}", self.seen);
    }

    fn leave_figures(&self, proof: &str) {
        figures::record(
            proof,
            &[
                (Figure::KillPoints, self.kills),
                (Figure::RecoveryKillPoints, self.recoveries),
                (Figure::Schedules, self.schedules),
                (Figure::Deaths, self.kills + self.recoveries),
                (Figure::Wedged, 0),
                (Figure::Torn, 0),
            ],
        );
    }
}

/// One run of a scene: who is stopped where, and who is killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Case {
    n: usize,
    /// Where the second process, which contends or recovers, is stopped; `None`: it runs as far as it can.
    m: Option<usize>,
    killed: Killed,
    recovers: bool,
}

impl<'a, W> Scene<'a, W> {
    /// `world` is made anew for each case. `victim` prepares itself, calls [`begin`], runs the operation and calls [`end`].
    /// `survivor` runs in a process of its own, after all others have ended.
    pub fn new(
        name: &'static str,
        world: impl Fn() -> W + 'a,
        victim: impl Fn(&W) + 'a,
        survivor: impl Fn(&W) -> Seen + 'a,
    ) -> Self {
        Self {
            name,
            world: Box::new(world),
            victim: Box::new(victim),
            survivor: Box::new(survivor),
            sleepers: Vec::new(),
            contender: None,
            waker: None,
            recovery: None,
            successor: None,
            budget: Duration::from_millis(if crate::long_form() { 5_000 } else { 1_500 }),
            second: RefCell::default(),
        }
    }

    /// One more process that lies down before the operation begins. It must end, whoever is killed.
    pub fn with_sleeper(mut self, sleeper: impl Fn(&W) + 'a) -> Self {
        self.sleepers.push(Box::new(sleeper));
        self
    }

    /// A process that runs an operation of its own, between [`begin`] and [`end`], while the victim stands still.
    ///
    /// # Panics
    /// If the scene has a recovery.
    pub fn with_contender(mut self, contender: impl Fn(&W) + 'a) -> Self {
        assert!(self.recovery.is_none(), "a contender and a recovery in one scene");
        self.contender = Some(Box::new(contender));
        self
    }

    /// Whoever wakes the victim when it sleeps in the midst of its operation. Without one it is killed asleep.
    pub fn with_waker(mut self, waker: impl Fn(&W) + 'a) -> Self {
        self.waker = Some(Box::new(waker));
        self
    }

    /// A process that runs, to its end, right after somebody was killed: it does what the dead one may not have come to, so that
    /// sleepers who have nothing to blame the dead for come to their ends.
    pub fn with_successor(mut self, successor: impl Fn(&W) + 'a) -> Self {
        self.successor = Some(Box::new(successor));
        self
    }

    /// The first operation after the victim's death, between [`begin`] and [`end`]: it is killed everywhere, too.
    ///
    /// # Panics
    /// If the scene has a contender: two scenes are clearer than one with three who are stepped.
    pub fn with_recovery(mut self, recovery: impl Fn(&W) + 'a) -> Self {
        assert!(self.contender.is_none(), "a contender and a recovery in one scene");
        self.recovery = Some(Box::new(recovery));
        self
    }

    /// One of `count` scenes that are alike: they share what one has of time.
    pub fn one_of(mut self, count: u32) -> Self {
        self.budget /= count;
        self
    }

    /// Runs all cases, prints a line and leaves the figures; or the one case that was asked for, and leaves none.
    ///
    /// # Panics
    /// If somebody was stuck or saw what must not be.
    pub fn run(self) -> Report {
        let Some(case) = self.asked_for() else {
            let proof = format!("kill: {}", self.name);
            figures::forget(&proof);
            let report = self.run_all();
            report.leave_figures(&proof);
            return report;
        };
        let mut report = Report { replay: true, ..Report::default() };
        if let Some(case) = case {
            self.try_case(&self.record(&self.victim), case, &mut report);
        }
        report
    }

    fn run_all(&self) -> Report {
        let start = Instant::now();
        let path = self.record(&self.victim);
        let mut report = Report { instructions: path.len(), ..Report::default() };
        let mut thinned = String::new();
        self.kill_everywhere(&path, &mut report, &mut thinned);
        self.interleave(&path, &mut report, &mut thinned);
        self.kill_in_recovery(&path, &mut report, &mut thinned);
        let Report { instructions, kills, recoveries, schedules, slow, seen, .. } = &report;
        println!(
            "{}: {instructions} instructions, {kills} kills, {recoveries} in recovery, {schedules} schedules, \
             0 wedged, 0 broken; {slow} took a pulse; survivors saw {seen:?}; {} ms{thinned}",
            self.name,
            start.elapsed().as_millis()
        );
        report
    }

    /// Alone and with the sleepers: the victim is killed behind each instruction.
    fn kill_everywhere(&self, path: &Path, report: &mut Report, thinned: &mut String) {
        // Nobody can tell a kill behind a mere look from one before it.
        let changed = path.changed();
        let kill = |n| Case { n, m: None, killed: Killed::Victim, recovers: false };
        let cases = (0..=path.len()).map(|n| (kill(n), changed.binary_search(&n).is_ok()));
        self.try_all(path, cases.collect(), "places", report, thinned);
    }

    /// The contender runs a whole operation while the victim stands at each place that it can see, or is stopped itself where
    /// the victim can see it; then somebody is killed, or nobody.
    fn interleave(&self, path: &Path, report: &mut Report, thinned: &mut String) {
        if self.contender.is_none() {
            return;
        }
        self.second.borrow_mut().clear();
        let mut cases = Vec::new();
        let stands = self.stands(path, path.visible(), thinned);
        let changed = path.changed();
        for n in path.visible() {
            let whole = (None, changed.binary_search(&n).is_ok());
            let stops = match stands.binary_search(&n) {
                Ok(_) => self.way_of_second(path, n).visible(),
                Err(_) => Vec::new(),
            };
            let stops = stops.into_iter().map(|m| (Some(m), false));
            for (m, important) in std::iter::once(whole).chain(stops) {
                for killed in [Killed::Victim, Killed::Contender, Killed::Nobody] {
                    cases.push((Case { n, m, killed, recovers: false }, important));
                }
            }
        }
        self.try_all(path, cases, "schedules", report, thinned);
    }

    /// The victim is killed behind each change; who comes first after that is killed everywhere.
    fn kill_in_recovery(&self, path: &Path, report: &mut Report, thinned: &mut String) {
        if self.recovery.is_none() {
            return;
        }
        self.second.borrow_mut().clear();
        let mut cases = Vec::new();
        for n in self.stands(path, path.changed(), thinned) {
            let way = self.way_of_second(path, n);
            let changed = way.changed();
            let kill = |m| Case { n, m: Some(m), killed: Killed::Victim, recovers: true };
            cases.extend((0..=way.len()).map(|m| (kill(m), changed.binary_search(&m).is_ok())));
        }
        self.try_all(path, cases, "kills in recovery", report, thinned);
    }

    /// Those of `places` at which the victim stands while a second process is stepped: all, or as many as there is time to record
    /// its ways at, spread evenly over those behind a change and over the others.
    fn stands(&self, path: &Path, places: Vec<usize>, thinned: &mut String) -> Vec<usize> {
        let start = Instant::now();
        let changed = path.changed();
        let (changes, others): (Vec<usize>, Vec<usize>) =
            places.iter().partition(|n| changed.binary_search(n).is_ok());
        let spread = |stride| {
            let of = |all: &[usize]| all.iter().rev().step_by(stride).copied().collect::<Vec<_>>();
            of(&changes).into_iter().chain(of(&others))
        };
        let mut stands = BTreeSet::new();
        for n in [256, 64, 16, 4, 1].into_iter().flat_map(spread) {
            if start.elapsed() > self.budget {
                let (some, all) = (stands.len(), places.len());
                *thinned +=
                    &format!("; over budget: the second is stepped at {some} of {all} places");
                break;
            }
            self.way_of_second(path, n);
            stands.insert(n);
        }
        stands.into_iter().collect()
    }

    /// The way that the second process takes when the victim stands at `n`, or was killed there.
    fn way_of_second(&self, path: &Path, n: usize) -> Rc<Path> {
        if let Some(known) = self.second.borrow().get(&n) {
            return Rc::clone(known);
        }
        let world = (self.world)();
        let mut victim = self.begin(&world, &self.victim);
        let _sleepers = self.lay_down(&world).expect("the sleepers lie down");
        self.lead(&world, &mut victim, path, n);
        let found = match (&self.contender, &self.recovery) {
            (Some(contender), _) => self.record_in(&world, contender),
            (None, Some(recovery)) => {
                victim.kill();
                self.record_in(&world, recovery)
            }
            (None, None) => Path::counted(0),
        };
        let found = Rc::new(found);
        self.second.borrow_mut().insert(n, Rc::clone(&found));
        found
    }

    /// Tries all cases, or if there is no time for that, the important ones (`true`) and every k-th of the others; the first
    /// and the last in any case.
    fn try_all(
        &self,
        path: &Path,
        cases: Vec<(Case, bool)>,
        what: &str,
        report: &mut Report,
        thinned: &mut String,
    ) {
        const SAMPLE: usize = 24;
        let total = cases.len();
        let sample = stride(total, SAMPLE);
        let start = Instant::now();
        let mut tried = 0_u32;
        let is_sample = |index: usize| index.is_multiple_of(sample) || index + 1 == total;
        let samples = cases.iter().enumerate().filter(|(index, _)| is_sample(*index));
        for (_, (case, _)) in samples {
            self.try_case(path, *case, report);
            tried += 1;
        }
        let each = start.elapsed() / tried.max(1);
        let affordable =
            self.budget.saturating_sub(start.elapsed()).as_micros() / each.as_micros().max(1);
        let affordable = usize::try_from(affordable).unwrap_or(usize::MAX).max(1);
        let rest = cases.into_iter().enumerate().filter(|(index, _)| !is_sample(*index));
        let (important, others): (Vec<_>, Vec<_>) =
            rest.map(|(_, case)| case).partition(|(_, important)| *important);
        let thin = |cases: Vec<(Case, bool)>, room: usize| -> (Vec<Case>, usize) {
            let every = stride(cases.len(), room);
            (cases.into_iter().step_by(every).map(|(case, _)| case).collect(), every)
        };
        let (first, every_important) = thin(important, affordable);
        let (second, every_other) = thin(others, affordable.saturating_sub(first.len()).max(1));
        if every_important > 1 || every_other > 1 {
            *thinned += &format!(
                "; over budget: of {total} {what} every {every_important}. that counts and every {every_other}. other"
            );
        }
        for case in first.into_iter().chain(second) {
            self.try_case(path, case, report);
        }
    }

    fn try_case(&self, path: &Path, case: Case, report: &mut Report) {
        match self.play(path, case) {
            Ok((seen, slow)) => {
                *report.seen.entry(seen).or_default() += 1;
                report.slow += u64::from(slow);
                match (case.recovers, case.m, case.killed) {
                    (true, ..) => report.recoveries += 1,
                    (false, None, Killed::Victim) if self.contender.is_none() => report.kills += 1,
                    (_, _, killed) => {
                        report.schedules += u64::from(self.contender.is_some());
                        report.kills += u64::from(killed != Killed::Nobody);
                    }
                }
            }
            Err(stuck) => panic!("{}", self.accuse(path, case, &stuck)),
        }
    }

    /// Plays one case to its end: what the survivor saw, and whether somebody needed a pulse.
    fn play(&self, path: &Path, case: Case) -> Result<(Seen, bool), Stuck> {
        let world = (self.world)();
        let mut victim = self.begin(&world, &self.victim);
        let mut parties = self.lay_down(&world)?;
        self.lead(&world, &mut victim, path, case.n);
        let mut slow = false;
        if case.recovers {
            victim.kill();
            self.succeed(&world)?;
            slow |= end_all(parties)?.slow;
            self.kill_while_it_recovers(&world, path, case);
        } else {
            let contender = match &self.contender {
                Some(contender) => self.contend(&world, contender, path, case)?,
                None => None,
            };
            match case.killed {
                Killed::Victim => {
                    victim.kill();
                    parties.extend(contender);
                }
                Killed::Contender => {
                    drop(contender); // which kills it
                    parties.push(Party::Stepped("victim, let go", victim));
                }
                Killed::Nobody => {
                    parties.push(Party::Stepped("victim, let go", victim));
                    parties.extend(contender);
                }
            }
            self.succeed(&world)?;
            slow |= end_all(parties)?.slow;
        }
        let survivor = fork_for_status(|| (self.survivor)(&world));
        let ends = end_all(vec![Party::Free("survivor", survivor)])?;
        Ok((Seen::try_from(ends.status).unwrap_or(Seen::MAX), slow | ends.slow))
    }

    fn succeed(&self, world: &W) -> Result<(), Stuck> {
        let Some(successor) = &self.successor else { return Ok(()) };
        let party = Party::Free("successor", fork(|| successor(world)));
        end_all(vec![party]).map(|_| ())
    }

    /// The sleepers, each asleep or at its end.
    fn lay_down(&self, world: &W) -> Result<Vec<Party>, Stuck> {
        let parties = self
            .sleepers
            .iter()
            .map(|sleeper| until_settled(Party::Free("sleeper", fork(|| sleeper(world)))));
        Ok(parties.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// The contender runs to its place `m`, or as far as it can; `None` if it has ended.
    fn contend(
        &self,
        world: &W,
        contender: &Part<'a, W>,
        path: &Path,
        case: Case,
    ) -> Result<Option<Party>, Stuck> {
        let Some(m) = case.m else {
            let free = fork(|| contender(world));
            return until_settled(Party::Free("contender", free));
        };
        let mut stepped = self.begin(world, contender);
        stepped.lead(&self.way_of_second(path, case.n), m, &mut || false);
        Ok(Some(Party::Stepped("contender", stepped)))
    }

    fn kill_while_it_recovers(&self, world: &W, path: &Path, case: Case) {
        let Some(recovery) = &self.recovery else { return };
        let way = self.way_of_second(path, case.n);
        let mut successor = self.begin(world, recovery);
        successor.lead(&way, case.m.unwrap_or(0), &mut || false);
        successor.kill();
    }

    fn begin(&self, world: &W, part: &Part<'a, W>) -> Stepped {
        Stepped::begin(|| part(world))
    }

    fn lead(&self, world: &W, victim: &mut Stepped, path: &Path, n: usize) -> Reached {
        victim.lead(path, n, &mut self.wakes(world))
    }

    /// Wakes the victim once.
    fn wakes<'w>(&'w self, world: &'w W) -> impl FnMut() -> bool + 'w {
        let mut woken = false;
        move || {
            let Some(waker) = self.waker.as_ref().filter(|_| !woken) else { return woken };
            woken = true;
            let child = fork(|| waker(world));
            child.wait() == 0
        }
    }

    fn record(&self, part: &Part<'a, W>) -> Path {
        let world = (self.world)();
        let mut child = self.begin(&world, part);
        let _sleepers = self.lay_down(&world).expect("the sleepers lie down");
        child.record(&mut self.wakes(&world))
    }

    fn record_in(&self, world: &W, part: &Part<'a, W>) -> Path {
        let mut child = self.begin(world, part);
        child.record(&mut self.wakes(world))
    }

    /// The failure in words.
    fn accuse(&self, path: &Path, case: Case, stuck: &Stuck) -> String {
        let Case { n, m, killed, recovers } = case;
        let (what, said) = match stuck {
            Stuck::Wedged(said) => ("WEDGED", said),
            Stuck::Loops(said) => ("LOOPS", said),
            Stuck::Broken(said) => ("BROKEN", said),
        };
        let second = m.map_or(String::new(), |m| format!(".{m}"));
        let how =
            if recovers { "recovery".to_owned() } else { format!("{killed:?}").to_lowercase() };
        format!(
            "{}: {what}: {said}\n  the victim stood behind instruction {n} of {}, {}\n  \
             replay: SABHA_KILL='{}@{n}{second}/{how}'",
            self.name,
            path.len(),
            path.describe(n),
            self.name,
        )
    }

    /// The case that `SABHA_KILL` asks for; `Some(None)` if it asks for one of another scene.
    fn asked_for(&self) -> Option<Option<Case>> {
        let asked = std::env::var("SABHA_KILL").ok()?;
        let (name, place) = asked.rsplit_once('@').expect("SABHA_KILL=scene@n[.m]/who");
        if name != self.name {
            return Some(None);
        }
        let (numbers, who) = place.split_once('/').unwrap_or((place, "victim"));
        let (n, m) = numbers.split_once('.').map_or((numbers, None), |(n, m)| (n, Some(m)));
        let number = |digits: &str| digits.parse().expect("a place is a number");
        let killed = match who {
            "contender" => Killed::Contender,
            "nobody" => Killed::Nobody,
            _ => Killed::Victim,
        };
        let recovers = who == "recovery";
        Some(Some(Case { n: number(n), m: m.map(number), killed, recovers }))
    }
}

/// How far from one to the next if there is room for so many of `total`. Cases come in threes, by who is killed: a stride that
/// is no multiple of three meets each.
fn stride(total: usize, room: usize) -> usize {
    let every = total.div_ceil(room.max(1)).max(1);
    if every.is_multiple_of(3) { every + 1 } else { every }
}

/// Forks a child whose exit status is what `body` returns; 101 if it panics.
fn fork_for_status(body: impl FnOnce() -> Seen) -> Child {
    fork(|| crate::fork::exit(i32::from(body())))
}
