//! What the processes do that are killed: trial after trial, until they are called.
//!
//! A worker attaches to both regions, opens everything, and does one operation after another. It goes home only when it
//! is told to; all other ends are the supervisor's doing, or a defect. The first desk's workers only serve: they never
//! wait for a partner, so nobody else does for long.

use crate::board::{AUDITOR, Board, Phase, TRIALS_MAX, Who};
use crate::broken::Broken;
use crate::fault::Fault;
use crate::me::{Me, World};
use crate::trials::{self, Trial};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use sabha::Region;
use std::error::Error;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::parent_id;
use std::process::ExitCode;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// The exit status of who has met a broken promise; what it was stands on the board.
pub const BROKEN: u8 = 3;

/// Works as `who`, or checks everything if that is the auditor, as long as `parent` lives.
///
/// # Errors
/// The regions are not to be had.
pub fn work(who: Who, parent: u32, name: &str) -> Result<ExitCode, Box<dyn Error>> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if parent_id() != parent {
        return Ok(ExitCode::SUCCESS); // it died before we had asked to be killed with it
    }
    let control = Region::from_fd(io::stdin().as_fd().try_clone_to_owned()?)?;
    let board = Board::open(&control)?;
    let region = Region::options().member_name("torture worker").open(name)?;
    let world = World { region, board, name: name.to_owned() };
    let mut me = Me::new(&world, who);
    let done = if who.desk == AUDITOR { audit(&mut me) } else { life(&mut me) };
    me.desk().doomed.store(who.incarnation, SeqCst); // from here on it may be called gone
    match done {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err((trial, broken)) => {
            complain(&me, trial, &broken);
            Ok(ExitCode::from(BROKEN))
        }
    }
}

/// The name of a trial, and what broke there.
type Failure = (&'static str, Broken);

fn complain(me: &Me<'_>, trial: &'static str, broken: &Broken) {
    me.note(broken.event, 1);
    let Broken { event, what } = broken;
    let Who { desk, incarnation } = me.who;
    let who = if desk == AUDITOR {
        "the audit".to_owned()
    } else {
        format!("desk {desk}, worker {incarnation}, process {}", std::process::id())
    };
    me.board().complaint.write(&format!("{trial}: {}: {what} (found by {who})", event.name()));
}

fn life(me: &mut Me<'_>) -> Result<(), Failure> {
    let mut trials = trials::all(me.world).map_err(|broken| ("opening", broken))?;
    let shares = trials.iter().enumerate().map(|(index, trial)| vec![index; trial.share()]);
    let shares = shares.collect::<Vec<_>>().concat();
    while !me.is_called() {
        misbehave(me);
        let index = shares[me.pick(shares.len())];
        let serves = me.is_servant() || me.pick(4) == 0;
        run(
            &mut trials,
            index,
            me,
            |trial, me| {
                if serves { trial.serve(me) } else { trial.step(me) }
            },
        )?;
    }
    drop(trials);
    rest(me).map_err(|broken| ("at rest", broken))
}

fn run(
    trials: &mut [Box<dyn Trial>],
    index: usize,
    me: &mut Me<'_>,
    act: impl FnOnce(&mut dyn Trial, &mut Me<'_>) -> Result<(), Broken>,
) -> Result<(), Failure> {
    let Some(trial) = trials.get_mut(index) else { return Ok(()) };
    me.begin(index);
    act(&mut **trial, me).map_err(|broken| (trial.name(), broken))
}

/// Stays, attached, until everybody goes home.
fn rest(me: &Me<'_>) -> Result<(), Broken> {
    me.desk().at_rest.store(me.who.incarnation, SeqCst);
    while me.board().phase() != Phase::Home {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Nobody else is there: everything works, holds, and can be removed.
fn audit(me: &mut Me<'_>) -> Result<(), Failure> {
    let mut trials = trials::all(me.world).map_err(|broken| ("opening", broken))?;
    for index in 0..trials.len() {
        run(&mut trials, index, me, |trial, me| {
            (0..3).try_for_each(|_| trial.serve(me))?;
            trial.audit(me)
        })?;
    }
    drop(trials);
    remove_all(me).map_err(|broken| ("objects", broken))
}

/// Nobody has anything open, so everything can be removed.
fn remove_all(me: &Me<'_>) -> Result<(), Broken> {
    let region = &me.world.region;
    for object in region.list() {
        region.remove(&object.name)?;
    }
    let left = region.list().len();
    if left > 0 { Err(Broken::torn(format!("{left} objects are left"))) } else { Ok(()) }
}

/// The mistakes that belong to no trial.
fn misbehave(me: &mut Me<'_>) {
    if me.is_servant() || me.pick(100) > 0 {
        return;
    }
    me.begin(TRIALS_MAX);
    if me.has(Fault::Sleep) {
        std::thread::sleep(Duration::from_secs(1000));
    }
    if me.has(Fault::Exit) {
        std::process::exit(7);
    }
    if me.has(Fault::Litter) {
        let _ = std::fs::write(format!("/dev/shm/{}-litter", me.world.name), "");
    }
    while me.has(Fault::Spin) {
        std::hint::spin_loop();
    }
}
