//! Scenes: what some processes do side by side, and what came of it, as a text. A checker runs a scene again and again; the
//! set of all texts, the *census*, must be exactly what the protocol promises.

pub(crate) mod entry;
pub(crate) mod length;
pub(crate) mod lock;
pub(crate) mod member;
pub(crate) mod ring;
pub(crate) mod seat;
pub(crate) mod table;
pub(crate) mod wait;

use crate::checker::{JoinHandle, spawn};
use crate::process::Process;
use core::cell::RefCell;

/// What a process does.
pub(crate) type Act = Box<dyn FnOnce(&Log) + Send>;

/// What a process has to tell: a character for each thing that happened to it, in order.
#[derive(Default)]
pub(crate) struct Log(RefCell<String>);

impl Log {
    pub(crate) fn say(&self, what: char) {
        self.0.borrow_mut().push(what);
    }

    pub(crate) fn say_all(&self, what: &str) {
        self.0.borrow_mut().push_str(what);
    }
}

/// Runs all side by side until each is done or dead; what each told, separated by blanks. `x`: it was killed.
pub(crate) fn play(mut cast: Vec<(Process, Act)>) -> String {
    let (last, act) = cast.pop().expect("somebody");
    let others: Vec<_> = cast.into_iter().map(begin).collect();
    let told = perform(last, act);
    others.into_iter().map(end).chain([told]).collect::<Vec<_>>().join(" ")
}

/// The same; once the last is done or dead, `relief` says who else does something.
pub(crate) fn play_with_relief(
    cast: Vec<(Process, Act)>,
    relief: impl FnOnce() -> Option<(Process, Act)>,
) -> String {
    let mut begun: Vec<_> = cast.into_iter().map(begin).collect();
    let told = begun.pop().map(end);
    let relieved = relief().map(|(process, act)| perform(process, act));
    begun.into_iter().map(end).chain(told).chain(relieved).collect::<Vec<_>>().join(" ")
}

fn begin((process, act): (Process, Act)) -> JoinHandle<String> {
    spawn(move || perform(process, act))
}

fn end(begun: JoinHandle<String>) -> String {
    begun.join().expect("it reports its panics")
}

/// What it told.
fn perform(process: Process, act: Act) -> String {
    let log = Log::default();
    if process.run(|| act(&log)) {
        log.say('x');
    }
    log.0.into_inner()
}
