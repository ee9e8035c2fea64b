//! Scenes: what some processes do side by side, and what came of it, as a text. A checker runs a scene again and again; the
//! set of all texts, the *census*, must be exactly what the protocol promises.

pub(crate) mod lock;
pub(crate) mod ring;
pub(crate) mod seat;

use crate::checker::spawn;
use crate::process::Process;
use std::sync::{Arc, Mutex};

/// What a process does.
pub(crate) type Act = Box<dyn FnOnce(&Log) + Send>;

/// What a process has to tell: a character for each thing that happened to it, in order.
pub(crate) struct Log(Arc<Mutex<String>>);

impl Log {
    pub(crate) fn say(&self, what: char) {
        self.0.lock().expect("no panic inside").push(what);
    }

    pub(crate) fn say_all(&self, what: &str) {
        self.0.lock().expect("no panic inside").push_str(what);
    }
}

/// Runs all side by side until each is done or dead; what each told, separated by blanks. `x`: it was killed.
pub(crate) fn play(mut cast: Vec<(Process, Act)>) -> String {
    let logs: Vec<_> = cast.iter().map(|_| Arc::new(Mutex::new(String::new()))).collect();
    let last = cast.pop().expect("somebody");
    let mut logs_of = logs.iter().map(Arc::clone).map(Log);
    let others: Vec<_> = cast
        .into_iter()
        .map(|(process, act)| {
            let log = logs_of.next().expect("one each");
            spawn(move || perform(process, act, &log))
        })
        .collect();
    perform(last.0, last.1, &logs_of.next().expect("one each"));
    others.into_iter().for_each(|other| other.join().expect("it reports its panics"));
    let told = logs.iter().map(|log| log.lock().expect("no panic inside").clone());
    told.collect::<Vec<_>>().join(" ")
}

fn perform(process: Process, act: Act, log: &Log) {
    if process.run(|| act(log)) {
        log.say('x');
    }
}
