//! A process of a model. It takes its steps one at a time, may be killed before each, and is then as dead as a process can
//! be: it unwinds without doing anything any more, and the kernel does the rest.
#![allow(unsafe_code)] // words that the kernel knows by address

use crate::checker::{self, by_chance};
use crate::kernel::{Kernel, tally};
use crate::os::AtomicU32;
use core::any::Any;
use core::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

/// When something befalls a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum When {
    #[default]
    Never,
    /// Before its step of this number.
    At(u32),
    /// Before any step, by chance, once in so many.
    Sometimes(u32),
}

impl When {
    fn is_now(self, step: u32) -> bool {
        match self {
            Self::Never => false,
            Self::At(number) => step == number,
            Self::Sometimes(odds) => by_chance(odds),
        }
    }
}

/// What befalls a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Fate {
    pub(crate) killed: When,
    /// When its deadline passes: of its looks at the clock. A sleep that could end by it is one.
    pub(crate) late: When,
}

impl Fate {
    pub(crate) const LIVES: Self = Self { killed: When::Never, late: When::Never };

    pub(crate) const fn killed_at(step: u32) -> Self {
        Self { killed: When::At(step), ..Self::LIVES }
    }
}

/// See the module.
pub(crate) struct Process {
    /// Of the processes of one execution; its TID is one more.
    pub(crate) index: usize,
    pub(crate) kernel: Arc<Kernel>,
    fate: Fate,
    /// Whether it agreed that others order its memory accesses.
    pub(crate) barriers: bool,
    /// The name of its seat, once it has one, and all that it knows of the region: the model of the floor above.
    pub(crate) seat: Cell<u32>,
    pub(crate) room: Option<Arc<dyn Any + Send + Sync>>,
    steps: Cell<u32>,
    looks: Cell<u32>,
    late: Cell<bool>,
    dead: Cell<bool>,
    /// Whether it was woken: then it finds nothing older than what its waker saw, though that orders nothing else.
    pub(crate) back: Cell<bool>,
    /// Deaths that a pulse has told it of.
    pub(crate) beats: Cell<u32>,
    /// Its robust list, as the kernel knows it.
    pub(crate) pending: Cell<Option<Address>>,
    pub(crate) list: RefCell<Vec<Address>>,
    /// The bytes of the file that its anchor has locked.
    pub(crate) locked: RefCell<Vec<u64>>,
    later: Later,
}

/// What an altered operation has put off, and how many operations ago.
#[derive(Default)]
struct Later(Cell<u32>, RefCell<Option<Box<dyn FnOnce()>>>);

/// A word that the kernel knows by its address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) *const AtomicU32);

// SAFETY: all that it names lives as long as the execution.
unsafe impl Send for Address {}

// SAFETY: what is put off goes with its process, which is one thread's at a time.
unsafe impl Send for Later {}

checker::thread_local! {
    static ME: RefCell<Option<Process>> = RefCell::new(None);
}

/// What unwinds a process that was killed.
struct Killed;

impl Process {
    pub(crate) fn new(index: usize, kernel: &Arc<Kernel>, fate: Fate) -> Self {
        Self {
            index,
            kernel: Arc::clone(kernel),
            fate,
            barriers: false,
            seat: Cell::new(0),
            room: None,
            steps: Cell::new(0),
            looks: Cell::new(0),
            late: Cell::new(false),
            dead: Cell::new(false),
            back: Cell::new(false),
            beats: Cell::new(0),
            pending: Cell::new(None),
            list: RefCell::default(),
            locked: RefCell::default(),
            later: Later::default(),
        }
    }

    pub(crate) fn tid(&self) -> u32 {
        u32::try_from(self.index).expect("few processes") + 1
    }

    /// Does `act` as this process, before its fate begins.
    pub(crate) fn prepare<R>(&mut self, act: impl FnOnce() -> R) -> R {
        let fate = core::mem::take(&mut self.fate);
        let me = core::mem::replace(self, Self::new(self.index, &self.kernel, fate));
        ME.with(|place| place.replace(Some(me)));
        let result = act();
        *self = ME.with(RefCell::take).expect("it lives");
        self.fate = fate;
        self.steps.set(0);
        result
    }

    /// Runs it until it has done `act`, or is killed; whether it was. Who has done `act` lives on, and does nothing more.
    pub(crate) fn run(self, act: impl FnOnce()) -> bool {
        ME.with(|place| place.replace(Some(self)));
        run();
        let ended = catch_unwind(AssertUnwindSafe(act));
        match ended {
            Ok(()) => finish_later(),
            Err(why) if why.is::<Killed>() => {}
            Err(why) => resume_unwind(why),
        }
        rest();
        let me = ME.with(RefCell::take).expect("it was put there");
        let killed = me.dead.get();
        if killed {
            me.kernel.exit(&me);
        }
        killed
    }

    /// Whether it goes on.
    fn step(&self) -> Option<bool> {
        if self.dead.get() {
            return Some(false);
        }
        let step = self.steps.get();
        self.steps.set(step + 1);
        let dies = self.fate.killed.is_now(step) && self.kernel.may_kill();
        if dies { None } else { Some(true) }
    }

    fn look(&self) -> bool {
        let look = self.looks.get();
        self.looks.set(look + 1);
        let late = self.late.get() || self.fate.late.is_now(look);
        self.late.set(late);
        late
    }
}

/// What the calling process says; `None` outside of all.
pub(crate) fn ask<R>(what: impl FnOnce(&Process) -> R) -> Option<R> {
    ME.with(|me| me.borrow().as_ref().map(what))
}

/// The next step of the calling process. `false`: it is dead, and does nothing any more.
pub(crate) fn step() -> bool {
    if std::thread::panicking() {
        return false; // killed, or the test has failed
    }
    ask(|me| me.kernel.processors.pass(me.index));
    do_what_is_due();
    match ask(Process::step) {
        Some(None) => die(),
        Some(Some(goes_on)) => goes_on,
        None => true,
    }
}

/// The calling process is killed here.
pub(crate) fn die() -> ! {
    ask(|me| me.dead.set(true));
    tally(|tally| tally.deaths += 1);
    resume_unwind(Box::new(Killed))
}

/// Whether the calling process is to be killed at this step, to which it says itself what that means.
pub(crate) fn is_to_die() -> bool {
    ask(Process::step) == Some(None)
}

/// The calling process executes instructions from now on: others can have it fence.
pub(crate) fn run() {
    ask(|me| {
        if me.barriers {
            me.kernel.processors.runs(me.index);
        }
    });
}

/// It does not, until it runs again.
pub(crate) fn rest() {
    ask(|me| me.kernel.processors.rests(me.index));
}

/// Whether the calling process was woken by its last sleep.
pub(crate) fn is_back() -> bool {
    ask(|me| me.back.get()) == Some(true)
}

/// A look at the clock: whether the calling process's deadline has passed.
pub(crate) fn is_late() -> bool {
    ask(Process::look) == Some(true)
}

/// Puts an operation off until after the next one.
pub(crate) fn put_off(operation: impl FnOnce() + 'static) {
    ask(|me| {
        me.later.0.set(0);
        *me.later.1.borrow_mut() = Some(Box::new(operation));
    });
}

fn do_what_is_due() {
    let due = ask(|me| {
        let Later(age, operation) = &me.later;
        age.set(age.get() + 1);
        if age.get() > 1 { operation.take() } else { None }
    });
    if let Some(Some(operation)) = due {
        operation();
    }
}

fn finish_later() {
    if let Some(Some(operation)) = ask(|me| me.later.1.take()) {
        operation();
    }
}
