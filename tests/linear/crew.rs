//! Processes that use one object together, round by round, and those of them that are killed.
//!
//! A crew is as many processes as a round has lanes, and one more, who waits to succeed a victim. In each round every lane does
//! a few random operations, and its process writes them down. The crew's maker may kill one at a random moment, and have a
//! successor go on in its lane in the same round; a process may kill itself where a random moment hardly finds the way. When
//! all have ended, the round is a history. Who is left plays the next round; only the dead are replaced by new forks.

mod slow;
mod worker;

pub use worker::die;

use crate::scene::{Ready, Role, Scene, Step, Who, one_of};
use std::time::{Duration, Instant};
use support::child::{Child, Random};
use support::fork::{PATIENCE, fork};
use support::linear::{History, Span};
use support::record::{PROCESSES, Recorder};
use support::starve;
use worker::{Part, Yard, spin, work};

/// How a round is played.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Processes that play, but for successors.
    pub lanes: usize,
    /// Operations of each, at most.
    pub turns: u64,
    /// In one of so many rounds somebody dies.
    pub death_in: Option<u64>,
}

/// What happened in a round.
pub struct Round<S: Scene> {
    pub initial: S::Model,
    pub history: History<Step<S>>,
    /// What processes were told.
    pub answers: Vec<S::Answer>,
    /// Operations that were under way when another began or ended.
    pub met: u64,
    /// Operations in which a process was killed.
    pub cut: u64,
    pub deaths: u64,
    /// In slow motion: how often somebody was stopped to let others act.
    pub stops: u64,
}

/// See the module.
pub struct Crew<'s, S: Scene + 'static> {
    scene: &'s S,
    recorder: Recorder<S::Op, S::Answer>,
    yard: &'static Yard,
    people: Vec<Child>,
    round: u64,
    /// Somebody was killed.
    killed: bool,
    /// How long a round takes, about.
    pace: Duration,
}

/// A process that died in a round: when it was alive, and when it was gone.
type Death = (usize, Span);

impl<'s, S: Scene + 'static> Crew<'s, S> {
    /// Forks them.
    pub fn new(scene: &'s S, lanes: usize) -> Self {
        assert!(lanes < PROCESSES, "a successor must have a page, too");
        starve::exact_timers();
        let (recorder, yard) = (Recorder::new(), Yard::new());
        let pace = Duration::from_micros(50);
        let mut crew =
            Self { scene, recorder, yard, people: vec![], round: 0, killed: false, pace };
        crew.people = (0..=lanes).map(|me| crew.hire(me)).collect();
        crew
    }

    fn hire(&self, me: usize) -> Child {
        let (scene, recorder, yard, last) = (self.scene, self.recorder, self.yard, self.round);
        fork(|| work(scene, recorder, yard, me, last))
    }

    /// Plays a round. `None`: the scene is used up.
    pub fn play(&mut self, rules: Rules, random: &mut Random) -> Option<Round<S>> {
        let Ready { object, model } = self.prepare(random)?;
        let victim = rules.death_in.filter(|&one_in| random.below(one_in) == 0);
        let victim = victim.map(|_| Victim::choose(rules.lanes, random));
        let mortal = victim.filter(|victim| victim.when == When::Itself).map(|victim| victim.lane);
        self.yard.expect(rules.lanes);
        for lane in 0..rules.lanes {
            let role = Role { lane, object, mortal: mortal == Some(lane) };
            self.ask(lane, Part::new(role, rules.turns, random), u64::MAX);
        }
        let start = Instant::now();
        let mut deaths = vec![];
        if let Some(Victim { lane, when, succeeded }) = victim
            && when != When::Itself
        {
            self.wait(|crew| crew.yard.has_begun());
            spin(self.pace * u32::try_from(random.below(1200)).expect("few") / 1000);
            if when == When::Asleep {
                self.wait_for_sleep(lane);
            }
            deaths.push((lane, self.kill(lane)));
            if succeeded {
                let role = Role { lane, object, mortal: false };
                self.ask(rules.lanes, Part::new(role, rules.turns, random), u64::MAX);
            }
        }
        self.await_all(&mut deaths);
        self.pace = (self.pace * 15 + start.elapsed().min(self.pace * 4)) / 16;
        Some(self.end(model, &deaths))
    }

    fn prepare(&mut self, random: &mut Random) -> Option<Ready<S::Model>> {
        self.round += 1;
        self.recorder.clear();
        self.scene.prepare(random, self.killed)
    }

    /// Has a process do its part, `allowed` so many operations for the time being.
    fn ask(&self, me: usize, part: Part, allowed: u64) {
        self.yard.posts[me].ask(self.round, part, allowed);
    }

    /// Waits until a process sleeps in an operation, or has played.
    fn wait_for_sleep(&mut self, victim: usize) {
        self.wait(|crew| {
            let plays = crew.yard.posts[victim].is_playing(crew.round);
            !plays || crew.people[victim].state() == 'S'
        });
    }

    /// Kills a process.
    fn kill(&mut self, victim: usize) -> Span {
        let alive = self.recorder.now();
        self.people[victim].kill_without_reaping();
        self.wait(|crew| crew.people[victim].try_reap().is_some());
        (alive, self.recorder.now())
    }

    /// Waits until everybody who plays has played, or is dead, and adds these to `deaths`.
    fn await_all(&mut self, deaths: &mut Vec<Death>) {
        for me in 0..self.people.len() {
            if deaths.iter().all(|&(dead, _)| dead != me) {
                let death = self.await_one(me);
                deaths.extend(death.map(|span| (me, span)));
            }
        }
    }

    fn await_one(&mut self, me: usize) -> Option<Span> {
        let mut end = None;
        self.wait(|crew| {
            let plays = crew.yard.posts[me].is_playing(crew.round);
            end = if plays { crew.people[me].try_reap() } else { None };
            !plays || end.is_some()
        });
        let end = end?;
        assert_eq!(end, -libc::SIGKILL, "process {me} failed");
        Some((self.recorder.last(me), self.recorder.now()))
    }

    /// Ends a round: what happened, and new people for the dead.
    fn end(&mut self, model: S::Model, deaths: &[Death]) -> Round<S> {
        let pids = self.people.iter().map(|child| child.pid.cast_unsigned()).enumerate();
        let round = self.collect(model, deaths, &Who(pids.collect()));
        self.killed |= !deaths.is_empty();
        for &(dead, _) in deaths {
            self.people[dead] = self.hire(dead);
        }
        round
    }

    fn collect(&self, initial: S::Model, deaths: &[Death], who: &Who) -> Round<S> {
        let all = self.recorder.all();
        let mut history = History::new();
        for done in &all {
            let answer = done.answer.map(|(answer, _)| answer);
            let steps = self.scene.steps(done.op, answer, who);
            match done.span() {
                Some(span) => history.finished(done.process, span, steps),
                None => history.killed(done.process, done.call, steps),
            }
        }
        for &(dead, span) in deaths {
            history.death(dead, span);
        }
        let answers = all.iter().filter_map(|done| done.answer.map(|(answer, _)| answer));
        let answers: Vec<S::Answer> = answers.collect();
        let met = all.iter().filter(|done| done.span().is_none_or(|(call, end)| call + 1 < end));
        let (met, cut) = (met.count() as u64, (all.len() - answers.len()) as u64);
        Round { initial, history, answers, met, cut, deaths: deaths.len() as u64, stops: 0 }
    }

    /// Waits until `done`, which must not take long: then somebody is stuck.
    fn wait(&mut self, mut done: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            // Asleep: the processors are the crew's.
            std::thread::sleep(Duration::from_micros(10));
            assert!(start.elapsed() < PATIENCE, "stuck, after this: {:#?}", self.recorder.all());
        }
    }
}

/// Who dies in a round.
#[derive(Clone, Copy)]
struct Victim {
    lane: usize,
    when: When,
    succeeded: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// It kills itself.
    Itself,
    /// At a random moment.
    Anytime,
    /// A random while later, as soon as it sleeps.
    Asleep,
}

impl Victim {
    fn choose(lanes: usize, random: &mut Random) -> Self {
        let lane = usize::try_from(random.below(lanes as u64)).expect("a lane");
        let when = one_of(random, [When::Itself, When::Anytime, When::Asleep]);
        Self { lane, when, succeeded: random.below(2) == 0 }
    }
}
