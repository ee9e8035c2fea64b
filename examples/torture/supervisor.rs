//! The supervisor: starts, tortures, watches, shows, and judges.
//!
//! It touches nothing under torture that could make it wait: of the region's primitives it only looks at words. What
//! needs a lock is done by a last process, the auditor, when all others are gone; and even for that one it waits with an
//! eye on the clock.

use crate::board::{AUDITOR, Board, Event, Phase};
use crate::crew::Crew;
use crate::dashboard::{Dashboard, per_second, say};
use crate::figures::Figures;
use crate::me::World;
use crate::names::Names;
use crate::options::Options;
use crate::torturer::Torturer;
use crate::trials::{self, Trial};
use crate::watchdog::{self, Watchdog};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use sabha::Region;
use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// Between two looks at everything.
const LAP: Duration = Duration::from_millis(1);
/// Between two looks at what must always hold.
const WATCH: Duration = Duration::from_millis(100);

/// Why the run is over before its time.
enum End {
    /// A promise was broken, or something failed.
    Broken(String),
    /// So many are stuck, and what is known of them.
    Stuck(u64, String),
    /// Somebody wants it to stop. Nothing was broken so far.
    Interrupted,
}

impl From<String> for End {
    fn from(what: String) -> Self {
        Self::Broken(what)
    }
}

/// Runs the whole torture.
///
/// # Errors
/// It could not begin.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let name = format!("torture-{}", std::process::id());
    let control = Region::options().size(Board::BYTES).anonymous()?;
    let world = World {
        region: Region::options().size(1 << 20).member_name("torture").create(&name)?,
        board: Board::open(&control)?,
        name,
    };
    let _names = Names::of(&world.name);
    world.board.seed.store(options.seed, SeqCst);
    world.board.fault.store(options.fault.map_or(0, |fault| fault.to_bits()), SeqCst);
    say(&format!("{}\n", headline(options, Duration::ZERO)));
    let mut supervisor = Supervisor::new(options, &world, &control)?;
    let begun = Instant::now();
    let end = supervisor.all().err();
    Ok(supervisor.judge(end, begun.elapsed()))
}

fn headline(options: &Options, elapsed: Duration) -> String {
    let Options { time, processes, kill_every, seed, .. } = options;
    let (elapsed, time) = (elapsed.as_secs(), time.as_secs());
    format!(
        "torture: {elapsed} of {time} s, {processes} processes, a kill every {kill_every:?}, seed {seed}"
    )
}

struct Supervisor<'w> {
    options: &'w Options,
    world: &'w World,
    trials: Vec<Box<dyn Trial>>,
    names: Vec<&'static str>,
    crew: Crew,
    torturer: Torturer,
    watchdog: Watchdog,
    dashboard: Dashboard,
    interrupts: SignalFd,
    watched: Instant,
}

impl<'w> Supervisor<'w> {
    fn new(
        options: &'w Options,
        world: &'w World,
        control: &Region,
    ) -> Result<Self, Box<dyn Error>> {
        let trials = trials::all(world).map_err(|broken| broken.what)?;
        let interrupts = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
        interrupts.thread_block()?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Self {
            options,
            world,
            names: trials.iter().map(|trial| trial.name()).collect(),
            trials,
            crew: Crew::start(control, &world.board, &world.name, options.processes)?,
            torturer: Torturer::new(options.kill_every, options.seed),
            watchdog: Watchdog::new(options.processes, options.patience),
            dashboard: Dashboard::new(),
            interrupts: SignalFd::with_flags(&interrupts, flags)?,
            watched: Instant::now(),
        })
    }

    /// The torture, its end, and the audit.
    fn all(&mut self) -> Result<(), End> {
        let end = Instant::now() + self.options.time;
        while Instant::now() < end {
            self.torturer.act(&mut self.crew, &self.world.board);
            self.crew.go_on(false);
            self.lap(self.torturer.next().min(end))?;
        }
        self.crew.go_on(true);
        self.until(Phase::Rest, |crew| crew.rests(1))?;
        self.until(Phase::AllRest, |crew| crew.rests(0))?;
        self.count_members()?;
        self.until(Phase::Home, Crew::is_empty)?;
        self.trials.clear(); // so that nobody has anything open
        self.audit()
    }

    /// Enters a phase, and goes on until it is over.
    fn until(&mut self, phase: Phase, is_over: impl Fn(&Crew) -> bool) -> Result<(), End> {
        self.world.board.enter(phase);
        while !is_over(&self.crew) {
            self.lap(Instant::now() + LAP)?;
        }
        Ok(())
    }

    /// One look at everything, and a short sleep.
    fn lap(&mut self, until: Instant) -> Result<(), End> {
        let board = &self.world.board;
        self.crew.reap()?;
        if board.defects() > 0 {
            std::thread::sleep(Duration::from_millis(100)); // for the words
            return Err(End::Broken(self.crew.complaint()));
        }
        if self.interrupts.read_signal().is_ok_and(|signal| signal.is_some()) {
            return Err(End::Interrupted);
        }
        let stuck = self.watchdog.look(&self.crew, board);
        if !stuck.is_empty() {
            let report = watchdog::report(&stuck, &self.crew, board, &self.trials);
            return Err(End::Stuck(stuck.len() as u64, report));
        }
        self.watch()?;
        let Self { dashboard, options, world, names, crew, .. } = self;
        dashboard.show(
            |elapsed| headline(options, elapsed),
            || Figures::of(&world.board, names, crew, 0),
        );
        std::thread::sleep(until.saturating_duration_since(Instant::now()).min(LAP));
        Ok(())
    }

    /// What must always hold.
    fn watch(&mut self) -> Result<(), End> {
        if self.watched.elapsed() < WATCH {
            return Ok(());
        }
        self.watched = Instant::now();
        for (index, trial) in self.trials.iter().enumerate() {
            if let Err(broken) = trial.watch() {
                self.world.board.note(index, broken.event, 1);
                let (name, what) = (trial.name(), broken.what);
                return Err(format!(
                    "{name}: {}: {what} (seen by the supervisor)",
                    broken.event.name()
                )
                .into());
            }
        }
        Ok(())
    }

    /// Everybody rests: who is attached is us and them.
    fn count_members(&self) -> Result<(), End> {
        let expected = self.options.processes + 1;
        let late = Instant::now() + Duration::from_secs(2);
        let mut members = self.world.region.members().len();
        // A child that was being forked by one who was killed last may still go.
        while members > expected && Instant::now() < late {
            std::thread::sleep(LAP);
            members = self.world.region.members().len();
        }
        if members == expected {
            return Ok(());
        }
        self.world.board.note(0, Event::Torn, 1);
        Err(format!("members: {expected} processes are attached, {members} are listed").into())
    }

    /// A fresh process looks at what the dead have left.
    fn audit(&mut self) -> Result<(), End> {
        let auditor = self.crew.hire(AUDITOR).map_err(|why| format!("the audit: {why}"))?;
        let last = Instant::now() + 4 * self.options.patience;
        let ended = loop {
            match waitpid(auditor.pid, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) if Instant::now() < last => std::thread::sleep(LAP),
                Ok(WaitStatus::StillAlive) => break None,
                ended => break Some(ended.map_err(|why| format!("the audit: {why}"))?),
            }
        };
        match ended {
            Some(WaitStatus::Exited(_, 0)) => self.nothing_is_left(),
            Some(WaitStatus::Exited(_, code)) if code == i32::from(crate::worker::BROKEN) => {
                Err(self.crew.complaint().into())
            }
            Some(other) => Err(format!("the audit has ended: {other:?}").into()),
            None => {
                let lines = crate::autopsy::of(auditor.pid).join("\n");
                let _ = nix::sys::signal::kill(auditor.pid, Signal::SIGKILL);
                let _ = waitpid(auditor.pid, None);
                let trial = self.world.board.desk(AUDITOR).trial.load(SeqCst) as usize;
                let trial = self.names.get(trial).unwrap_or(&"nothing");
                Err(End::Stuck(1, format!("1 stuck in: {trial}, the audit\n{lines}")))
            }
        }
    }

    /// Of names there is only the one that we take away ourselves.
    fn nothing_is_left(&self) -> Result<(), End> {
        self.world.region.unlink().map_err(|why| format!("unlink: {why}"))?;
        let left = Names::listed(&self.world.name);
        if left.is_empty() {
            return Ok(());
        }
        self.world.board.note(0, Event::Torn, 1);
        Err(format!("litter: {left:?} are left").into())
    }

    /// Says how it went.
    fn judge(&mut self, end: Option<End>, took: Duration) -> ExitCode {
        let (wedged, verdict, words) = match end {
            None => (0, "whole", "whole: no promise was broken, and nobody stuck".to_owned()),
            Some(End::Broken(what)) => (0, "broken", format!("BROKEN: {what}")),
            Some(End::Stuck(count, report)) => (count, "stuck", format!("STUCK: {report}")),
            Some(End::Interrupted) => {
                (0, "interrupted", "interrupted: nothing broken so far".into())
            }
        };
        let figures = Figures::of(&self.world.board, &self.names, &self.crew, wedged);
        let speeds = figures.operations().into_iter().map(|count| per_second(count, took));
        let table = figures.table(&speeds.collect::<Vec<_>>()).join("\n");
        say(&format!("\n{table}\n\n{}\n{words}\n", figures.deaths().join("\n")));
        if self.options.json {
            let first = [
                ("verdict", crate::json::quoted(verdict)),
                ("words", crate::json::quoted(&words)),
                ("seconds", format!("{:.3}", took.as_secs_f64())),
                ("processes", self.options.processes.to_string()),
                ("seed", self.options.seed.to_string()),
            ];
            say(&format!("{}\n", figures.json(&first)));
        }
        ExitCode::from(u8::from(!matches!(verdict, "whole" | "interrupted")))
    }
}
