//! The processes at the desks: started, stopped, killed, buried, and replaced.
//!
//! A worker is dead when the system has said so to [`Crew::reap`], no sooner; and whoever ends otherwise than by our hand
//! is a failure. Children of killed workers, who die with them, end up here, too: the supervisor is their reaper.

use crate::board::{Board, Phase, Who, now_ns};
use crate::worker;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use sabha::{Region, Shared};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// A worker that was started.
pub struct Worker {
    /// Its process.
    pub pid: Pid,
    /// Its desk and incarnation.
    pub who: Who,
    /// It is stopped, until then.
    stopped: Option<Instant>,
    /// Whether it was killed; the system has not yet said that it is gone.
    killed: bool,
}

impl Worker {
    /// Whether it is stopped.
    pub const fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }
}

/// Everybody, and what was done to them.
pub struct Crew {
    control: Region,
    board: Shared<Board>,
    /// The name of the region under torture.
    name: String,
    /// For each desk who is there; nobody, if it has gone home.
    workers: Vec<Option<Worker>>,
    /// Processes that were killed.
    pub kills: u64,
    /// How often several were killed at once.
    pub at_once: u64,
    /// Processes that were stopped for a while.
    pub stops: u64,
}

impl Crew {
    /// Starts a worker at each of `desks` desks.
    ///
    /// # Errors
    /// A process could not be started.
    pub fn start(
        control: &Region,
        board: &Shared<Board>,
        name: &str,
        desks: usize,
    ) -> io::Result<Self> {
        prctl::set_child_subreaper(true)?;
        let workers = (0..desks).map(|_| None).collect();
        let (control, board, name) = (control.clone(), board.clone(), name.to_owned());
        let mut crew = Self { control, board, name, workers, kills: 0, at_once: 0, stops: 0 };
        (0..desks).try_for_each(|desk| crew.seat(desk))?;
        Ok(crew)
    }

    /// Puts a new worker at a desk.
    fn seat(&mut self, desk: usize) -> io::Result<()> {
        let worker = self.hire(desk)?;
        if let Some(place) = self.workers.get_mut(desk) {
            *place = Some(worker);
        }
        Ok(())
    }

    /// Starts the process of the next incarnation at a desk.
    ///
    /// # Errors
    /// It could not be started.
    pub fn hire(&self, desk: usize) -> io::Result<Worker> {
        let at = self.board.desk(desk);
        let incarnation = at.incarnation.load(SeqCst) + 1;
        at.inside.store(0, SeqCst);
        at.incarnation.store(incarnation, SeqCst);
        let mut command = Command::new("/proc/self/exe");
        command.arg0("torture").args([crate::WORKER, &desk.to_string(), &incarnation.to_string()]);
        command.args([&std::process::id().to_string(), &self.name]);
        command.stdin(Stdio::from(self.control.as_fd().try_clone_to_owned()?));
        command.stdout(Stdio::null());
        command.process_group(0); // an interrupt from the keyboard is for the supervisor
        let pid = Pid::from_raw(command.spawn()?.id().cast_signed());
        let who = Who { desk, incarnation };
        Ok(Worker { pid, who, stopped: None, killed: false })
    }

    /// Who is there, and was not killed.
    pub fn living(&self) -> impl Iterator<Item = &Worker> {
        self.workers.iter().flatten().filter(|worker| !worker.killed)
    }

    /// Whether anybody is stopped.
    pub fn anybody_stopped(&self) -> bool {
        self.living().any(Worker::is_stopped)
    }

    /// Kills the living workers of these desks, at once.
    pub fn kill(&mut self, desks: &[usize]) {
        let mut count = 0;
        for worker in self.workers.iter_mut().flatten() {
            if !worker.killed && desks.contains(&worker.who.desk) {
                self.board.deaths.fetch_add(1, SeqCst);
                let desk = self.board.desk(worker.who.desk);
                desk.killed_at.store(now_ns(), SeqCst);
                desk.doomed.store(worker.who.incarnation, SeqCst);
                let _ = kill(worker.pid, Signal::SIGKILL); // it was not reaped: it is there
                worker.killed = true;
                count += 1;
            }
        }
        self.kills += count;
        self.at_once += u64::from(count > 1);
    }

    /// Stops the living worker of that desk for a while.
    pub fn stop(&mut self, desk: usize, time: Duration) {
        let worker = self.workers.get_mut(desk).and_then(Option::as_mut);
        if let Some(worker) = worker.filter(|worker| !worker.killed && worker.stopped.is_none()) {
            let _ = kill(worker.pid, Signal::SIGSTOP);
            worker.stopped = Some(Instant::now() + time);
            self.stops += 1;
        }
    }

    /// Has those go on who were stopped until now, or everybody.
    pub fn go_on(&mut self, everybody: bool) {
        let now = Instant::now();
        for worker in self.workers.iter_mut().flatten() {
            if worker.stopped.is_some_and(|until| everybody || until <= now) {
                let _ = kill(worker.pid, Signal::SIGCONT);
                worker.stopped = None;
            }
        }
    }

    /// Buries who has died, and replaces them as long as there is work.
    ///
    /// # Errors
    /// Somebody has ended who was not to; or could not be replaced.
    pub fn reap(&mut self) -> Result<(), String> {
        loop {
            let status = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) | Err(nix::Error::ECHILD) => return Ok(()),
                Ok(status) => status,
                Err(why) => return Err(format!("waitpid: {why}")),
            };
            let is_it = |worker: &&Worker| status.pid() == Some(worker.pid);
            if let Some(Worker { who, killed, .. }) = self.workers.iter().flatten().find(is_it) {
                let (who, killed) = (*who, *killed);
                self.bury(who, killed, status)?;
            } // else the child of a worker
        }
    }

    fn bury(&mut self, who: Who, killed: bool, status: WaitStatus) -> Result<(), String> {
        self.workers[who.desk] = None; // its process number may be another's from now on
        let home = self.board.phase() == Phase::Home;
        match status {
            WaitStatus::Signaled(_, Signal::SIGKILL, _) if killed => {}
            WaitStatus::Exited(_, 0) if home => {}
            WaitStatus::Exited(_, code) if code == i32::from(worker::BROKEN) => {
                return Err(self.complaint());
            }
            status => return Err(format!("the worker at desk {} has ended: {status:?}", who.desk)),
        }
        self.board.desk(who.desk).buried.store(who.incarnation, SeqCst);
        if home {
            return Ok(());
        }
        self.seat(who.desk).map_err(|why| format!("cannot start a process: {why}"))
    }

    /// What the first broken promise was.
    pub fn complaint(&self) -> String {
        let unsaid = "a promise was broken, and who saw it was killed before it could say which";
        self.board.complaint.read().unwrap_or_else(|| unsaid.to_owned())
    }

    /// Whether everybody has gone home.
    pub fn is_empty(&self) -> bool {
        self.workers.iter().all(Option::is_none)
    }

    /// Whether the work at all desks behind the first `servants` is finished.
    pub fn rests(&self, servants: usize) -> bool {
        let rests = |worker: &Worker| {
            let at_rest = self.board.desk(worker.who.desk).at_rest.load(SeqCst);
            !worker.killed && at_rest == worker.who.incarnation
        };
        self.workers.iter().skip(servants).all(|worker| worker.as_ref().is_some_and(rests))
    }
}

impl Drop for Crew {
    /// Whatever has happened, nobody stays behind.
    fn drop(&mut self) {
        for worker in self.workers.iter().flatten() {
            let _ = kill(worker.pid, Signal::SIGKILL);
            let _ = waitpid(worker.pid, None);
        }
    }
}
