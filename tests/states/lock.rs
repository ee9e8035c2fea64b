//! The lock model: the steps of `src/seat/lock.rs`, one shared access each, by processes that may be killed before any.

use super::explore::{Kind, Model, Step};
use super::flaw::Flaw;
use super::kernel::{self, Woke};
use super::menu::{How, Menu, REST, Section, What};
use super::name::{Name, Verb};
use super::state::{At, PROCESSES, Process, State, Word};

/// See the module.
pub struct LockModel {
    pub menu: Menu,
    /// How many processes there are,
    pub processes: usize,
    /// and how many of them may be killed.
    pub kills: usize,
    /// Whether an owner that was told of a death may unlock without `mark_consistent`.
    pub forgets: bool,
    pub flaw: Option<Flaw>,
}

impl LockModel {
    /// All processes may do what is on the menu, and all may be killed.
    pub fn new(processes: usize, menu: &[Section]) -> Self {
        let menu = Menu::new(menu);
        Self { menu, processes, kills: processes, forgets: true, flaw: None }
    }

    pub fn kills(self, kills: usize) -> Self {
        Self { kills, ..self }
    }

    pub fn flaw(self, flaw: Flaw) -> Self {
        Self { flaw: Some(flaw), ..self }
    }

    pub fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// How many processes have been killed.
    pub fn killed(&self, state: &State) -> usize {
        let dead = state.processes.iter().filter(|process| !process.at.is_living()).count();
        dead - (PROCESSES - self.processes)
    }

    /// Which lock a process is busy with, or holds last.
    pub fn lock_of(&self, process: &Process) -> usize {
        match self.menu.act(process.act).what {
            What::Rest => 0,
            What::Lock(_, lock) | What::Unlock(lock) => usize::from(lock),
        }
    }

    /// Whether a process is inside a section of `lock`, by what it was told.
    fn is_inside(&self, process: &Process, lock: usize) -> bool {
        let act = self.menu.act(process.act);
        let leaves = act.what == What::Unlock(lock as u8) && process.at > At::Release;
        let enters = process.at == At::Repair && self.lock_of(process) == lock;
        process.at.is_living() && (enters || act.held[lock] && !leaves)
    }
}

impl Model for LockModel {
    type State = State;
    type Name = Name;

    fn initial(&self) -> State {
        let present =
            |index| if index < self.processes { Process::begins(REST) } else { Process::GONE };
        State { locks: Default::default(), processes: core::array::from_fn(present) }
    }

    fn steps(&self, from: &State, to: &mut Vec<Step<Self>>) {
        for (who, process) in from.processes.iter().enumerate() {
            let mut turn = Turn { model: self, from, who, kind: Kind::Must, to };
            if process.at.is_living() {
                turn.program();
                turn.kill();
            } else {
                kernel::exit_walk(&mut turn);
            }
        }
    }

    fn at_rest(&self, state: &State) -> bool {
        let rests = |process: &Process| *process == Process::begins(REST) || process.at == At::Gone;
        state.processes.iter().all(rests)
    }

    fn encode(&self, state: &State) -> u128 {
        state.pack()
    }

    fn are_like(&self, a: &State, b: &State) -> bool {
        a.is_like(b)
    }

    fn decode(&self, number: u128) -> State {
        State::unpack(number)
    }
}

/// What the word allows: the rule of `decide` in `src/seat/lock.rs`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    Take { next: Word, heir: bool },
    Deadlock,
    Wait,
}

/// As there; `lives` is the answer of the owner's seat.
pub fn decide(word: Word, me: u8, lives: bool) -> Decision {
    match word.owner {
        0 => Decision::Take { next: Word { owner: me, ..word }, heir: false },
        owner if owner == me => Decision::Deadlock,
        _ if lives => Decision::Wait,
        _ => Decision::Take { next: Word { owner: me, died: true, ..word }, heir: true },
    }
}

/// One process at its next step.
pub struct Turn<'a> {
    pub model: &'a LockModel,
    pub from: &'a State,
    pub who: usize,
    kind: Kind,
    to: &'a mut Vec<Step<LockModel>>,
}

impl Turn<'_> {
    pub fn process(&self) -> Process {
        self.from.processes[self.who]
    }

    pub fn lock(&self) -> usize {
        self.model.lock_of(&self.process())
    }

    fn word(&self) -> Word {
        self.from.locks[self.lock()].word
    }

    fn me(&self) -> u8 {
        self.who as u8 + 1
    }

    fn how(&self) -> Option<How> {
        match self.model.menu.act(self.process().act).what {
            What::Lock(how, _) => Some(how),
            _ => None,
        }
    }

    fn owner_looks_alive(&self) -> bool {
        let owner = self.process().seen.owned_by();
        owner.is_some_and(|owner| self.from.processes[owner].at.looks_alive())
    }

    /// A step that leads to `next`.
    fn leads(&mut self, verb: Verb, next: Result<State, &'static str>) {
        let process = self.process();
        let name = Name { who: self.who, lock: self.model.lock_of(&process), at: process.at, verb };
        self.to.push(Step { name, kind: self.kind, to: next });
    }

    /// A step that changes `next` and brings the process to `process` in it.
    pub fn goes(&mut self, verb: Verb, mut next: State, process: Process) {
        next.processes[self.who] = process;
        self.leads(verb, Ok(next));
    }

    /// A step that only brings the process elsewhere.
    fn moves(&mut self, at: At) {
        self.goes(Verb::Does, *self.from, Process { at, ..self.process() });
    }

    /// Looks again; what was seen is forgotten.
    fn looks_again(&mut self, next: State) {
        self.goes(
            Verb::Does,
            next,
            Process { at: At::Look, ..Process::begins(self.process().act) },
        );
    }

    /// The next act.
    fn is_done(&mut self, verb: Verb, next: State) {
        let then = self.model.menu.act(self.process().act).then;
        self.goes(verb, next, Process::begins(then));
    }

    fn program(&mut self) {
        match self.process().at {
            At::Start => self.start(),
            At::Look => self.look(),
            At::Judge => self.judge(),
            At::PassOnTaking | At::PassOnAwake => self.pass_on(),
            At::Chain => self.wakes_one(Process { at: At::Take, ..self.process() }),
            At::Take => self.take(),
            At::Announce => self.announce(),
            At::Ask => self.ask(),
            At::QueueAtPark => self.queue_at_park(),
            At::CompareWord => self.compare_word(),
            At::WatchOwner => self.watch_owner(),
            At::Asleep => self.sleep(),
            At::Leave => self.leaves_a_queue(Verb::Does),
            At::AskAwake => self.ask_awake(),
            At::GiveUp => {
                let otherwise = self.model.menu.act(self.process().act).otherwise;
                self.wakes_one(Process::begins(otherwise));
            }
            At::Repair => self.repair(),
            At::Release => self.release(),
            At::Wake => self.wake(),
            At::LookFree => self.look_free(),
            At::Clear | At::ClearLate => self.clear(),
            At::Dying | At::Flagged | At::Pending | At::Gone => {}
        }
    }

    fn start(&mut self) {
        match self.model.menu.act(self.process().act).what {
            What::Rest => self.begin_any(),
            What::Lock(..) => self.take_free(),
            What::Unlock(_) => self.unlock(),
        }
    }

    /// From rest to the first access of any section.
    fn begin_any(&mut self) {
        for begin in &self.model.menu.begins {
            let mut from = *self.from;
            from.processes[self.who] = Process::begins(*begin);
            let (model, who, kind) = (self.model, self.who, Kind::May);
            Turn { model, from: &from, who, kind, to: self.to }.take_free();
        }
    }

    fn take_free(&mut self) {
        if self.word() == Word::default() {
            self.has_taken(Word { owner: self.me(), ..Word::default() });
        } else {
            self.looks_again(*self.from); // W1 is the thread's own: a kill before it is a kill before this step
        }
    }

    /// The lock is ours, says the code. Is it?
    fn has_taken(&mut self, word: Word) {
        let (who, lock) = (self.who, self.lock());
        let mut others = (0..PROCESSES).filter(|other| *other != who);
        if others.any(|other| self.model.is_inside(&self.from.processes[other], lock)) {
            return self.leads(Verb::Does, Err(TWO_OWNERS));
        }
        if word.died != self.from.locks[lock].torn {
            return self.leads(Verb::Does, Err(if word.died { TOLD_FALSELY } else { NOT_TOLD }));
        }
        let mut next = *self.from;
        next.locks[lock].word = word;
        if word.died {
            self.goes(
                Verb::Does,
                next,
                Process { at: At::Repair, ..Process::begins(self.process().act) },
            );
        } else {
            self.is_done(Verb::Does, next);
        }
    }

    fn look(&mut self) {
        let seen = self.word();
        let at = match decide(seen, self.me(), true) {
            Decision::Take { .. } => self.before_taking(seen),
            Decision::Wait => At::Judge,
            Decision::Deadlock => return self.leads(Verb::Does, Err(WAITS_FOR_ITSELF)),
        };
        self.goes(Verb::Does, *self.from, Process { at, seen, ..self.process() });
    }

    fn judge(&mut self) {
        let (seen, how) = (self.process().seen, self.how());
        if !self.owner_looks_alive() {
            let told =
                !matches!(self.model.flaw, Some(Flaw::DeathNotPassedOn | Flaw::TakerTellsNobody));
            return self.moves(if told { At::PassOnTaking } else { self.before_taking(seen) });
        }
        if how != Some(How::Lock) {
            self.leave(seen);
        }
        if how != Some(How::Try) {
            self.moves(if seen.waiters { At::Ask } else { At::Announce });
        }
    }

    /// Held, or too late.
    fn leave(&mut self, seen: Word) {
        let passes_on = seen.waiters && !self.model.has(Flaw::LeavesSilently);
        if self.model.has(Flaw::LateIsDead) {
            self.moves(self.before_taking(seen));
        } else if self.how() == Some(How::Until) && passes_on {
            self.moves(At::GiveUp);
        } else {
            let otherwise = self.model.menu.act(self.process().act).otherwise;
            self.goes(Verb::Leaves, *self.from, Process::begins(otherwise));
        }
    }

    fn before_taking(&self, seen: Word) -> At {
        let silent = self.model.has(Flaw::NoChain)
            || self.model.has(Flaw::Classic)
            || self.model.has(Flaw::TryWithoutChain) && self.how() == Some(How::Try);
        if seen.waiters && !silent { At::Chain } else { At::Take }
    }

    fn pass_on(&mut self) {
        let process = self.process();
        let mut next = *self.from;
        kernel::wake_watchers(&mut next, process.seen.owner);
        if process.at == At::PassOnAwake {
            self.looks_again(next);
        } else {
            let at = self.before_taking(process.seen);
            self.goes(Verb::Does, next, Process { at, ..process });
        }
    }

    /// A wake on `park`: whom it hits, the kernel says.
    fn wakes_one(&mut self, then: Process) {
        for (woke, next) in kernel::wake_one(self.model, self.from, self.lock()) {
            self.goes(Verb::Wakes(woke), next, then);
        }
    }

    fn take(&mut self) {
        let seen = self.process().seen;
        if self.word() != seen {
            return self.looks_again(*self.from);
        }
        let Decision::Take { next, .. } = decide(seen, self.me(), false) else { unreachable!() };
        let waiters = match self.model.flaw {
            Some(Flaw::TakenWithoutWaiters) => false,
            Some(Flaw::Classic) => true,
            _ => next.waiters,
        };
        let died = if self.model.has(Flaw::HeirNotTold) { seen.died } else { next.died };
        self.has_taken(Word { waiters, died, ..next });
    }

    fn announce(&mut self) {
        let process = self.process();
        if self.word() != process.seen {
            return self.looks_again(*self.from);
        }
        let seen = Word { waiters: !self.model.has(Flaw::Unannounced), ..process.seen };
        let mut next = *self.from;
        next.locks[self.lock()].word = seen;
        self.goes(Verb::Does, next, Process { at: At::Ask, seen, ..process });
    }

    fn ask(&mut self) {
        if !self.owner_looks_alive() {
            self.looks_again(*self.from);
        } else if self.model.has(Flaw::ComparedBeforeQueued) {
            self.moves(At::CompareWord);
        } else {
            self.moves(At::QueueAtPark);
        }
    }

    fn queue_at_park(&mut self) {
        let compared = self.model.has(Flaw::ComparedBeforeQueued);
        let at = if compared { At::WatchOwner } else { At::CompareWord };
        self.goes(Verb::Does, *self.from, Process { at, parked: true, ..self.process() });
    }

    fn compare_word(&mut self) {
        let process = self.process();
        let compared = self.model.has(Flaw::ComparedBeforeQueued);
        let at = match (self.word() == process.seen, compared) {
            (true, false) => At::WatchOwner,
            (true, true) => At::QueueAtPark,
            (false, _) if process.parked => At::Leave,
            (false, _) => At::AskAwake,
        };
        let seen = Word { owner: process.seen.owner, ..Word::default() }; // the rest is of no more use
        self.goes(Verb::Does, *self.from, Process { at, seen, ..process });
    }

    fn watch_owner(&mut self) {
        let process = self.process();
        if self.owner_looks_alive() || self.model.has(Flaw::LiveNotCompared) {
            let watching = !self.model.has(Flaw::OwnerNotWatched);
            self.goes(Verb::Does, *self.from, Process { at: At::Asleep, watching, ..process });
        } else {
            self.moves(if process.parked { At::Leave } else { At::AskAwake });
        }
    }

    fn sleep(&mut self) {
        let process = self.process();
        let undisturbed =
            process.parked && (process.watching || self.model.has(Flaw::OwnerNotWatched));
        match (undisturbed, self.how()) {
            (false, _) => self.leaves_a_queue(Verb::Awakes),
            (true, Some(How::Until)) => self.leaves_a_queue(Verb::TimesOut),
            (true, _) => {
                self.kind = Kind::Pulse;
                self.leaves_a_queue(Verb::Pulses);
                self.kind = Kind::Must;
            }
        }
    }

    fn leaves_a_queue(&mut self, verb: Verb) {
        let process = kernel::unqueued(self.process());
        let at = if process.watching { At::Leave } else { At::AskAwake };
        self.goes(verb, *self.from, Process { at, ..process });
    }

    fn ask_awake(&mut self) {
        if self.owner_looks_alive()
            || matches!(self.model.flaw, Some(Flaw::DeathNotPassedOn | Flaw::AwakeTellsNobody))
        {
            self.looks_again(*self.from);
        } else {
            self.moves(At::PassOnAwake);
        }
    }

    fn repair(&mut self) {
        let mut next = *self.from;
        let lock = &mut next.locks[self.lock()];
        (lock.word.died, lock.torn) = (false, false);
        self.is_done(Verb::Does, next);
        if self.model.forgets {
            self.is_done(Verb::Forgets, *self.from);
        }
    }

    fn unlock(&mut self) {
        let mut next = *self.from;
        let plain = Word { owner: self.me(), ..Word::default() };
        if self.word() == plain || self.model.has(Flaw::UnlockStores) {
            next.locks[self.lock()].word = Word::default();
            self.is_done(Verb::Does, next);
        } else {
            self.moves(At::Release);
        }
    }

    fn release(&mut self) {
        let word = self.word();
        let forgets = matches!(self.model.flaw, Some(Flaw::Classic | Flaw::WaitersForgotten));
        let waiters = word.waiters && !forgets;
        let died = word.died && !self.model.has(Flaw::DiedForgotten);
        let mut next = *self.from;
        next.locks[self.lock()].word = Word { owner: 0, waiters, died };
        if word.waiters {
            self.goes(Verb::Does, next, Process { at: At::Wake, ..self.process() });
        } else {
            self.is_done(Verb::Does, next);
        }
    }

    fn wake(&mut self) {
        let then = self.model.menu.act(self.process().act).then;
        for (woke, next) in kernel::wake_one(self.model, self.from, self.lock()) {
            let look = Process { at: At::LookFree, ..self.process() };
            let process = if woke == Woke::Nobody { look } else { Process::begins(then) };
            self.goes(Verb::Wakes(woke), next, process);
        }
    }

    fn look_free(&mut self) {
        if self.word() == (Word { waiters: true, ..Word::default() }) {
            self.moves(At::Clear);
        } else {
            self.is_done(Verb::Does, *self.from);
        }
    }

    fn clear(&mut self) {
        let (lock, second) = (self.lock(), self.process().at == At::ClearLate);
        let free = Word { waiters: true, ..Word::default() };
        let (wakes, clears, late) = match self.model.flaw {
            Some(Flaw::ClearedByCas) => (false, self.word() == free, false),
            Some(Flaw::ClearedThenWoken) => (second, !second, !second),
            Some(Flaw::WokenThenCleared) => (!second, second, !second),
            _ => (true, true, false),
        };
        let mut next = *self.from;
        if wakes {
            kernel::wake_all(self.model, &mut next, lock);
        }
        next.locks[lock].word.waiters &= !clears;
        if late {
            self.goes(Verb::Does, next, Process { at: At::ClearLate, ..self.process() });
        } else {
            self.is_done(Verb::Does, next);
        }
    }

    /// SIGKILL: no more steps of its own. What it owned is torn from here on.
    fn kill(&mut self) {
        if self.model.killed(self.from) == self.model.kills {
            return;
        }
        let mut next = *self.from;
        let me = self.me();
        for lock in next.locks.iter_mut().filter(|lock| lock.word.owner == me) {
            lock.torn = true;
        }
        self.kind = Kind::Kill;
        self.goes(Verb::IsKilled, next, kernel::dying(self.model, self.process()));
    }
}

pub const TWO_OWNERS: &str = "two owners at once";
pub const NOT_TOLD: &str = "an heir is not told";
pub const TOLD_FALSELY: &str = "told of a death that left nothing torn";
pub const WAITS_FOR_ITSELF: &str = "told of a deadlock with itself that is none";
