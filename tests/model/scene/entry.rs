//! Scenes of one entry of the directory: some make and remove objects, in turns by the real lock, and observers look without
//! it.

use super::{Act, Log, play};
use crate::kernel::{Kernel, Rules};
use crate::os::clock::Deadline;
use crate::os::{AtomicU64, Relaxed};
use crate::process::{Fate, Process};
use crate::region::entry::{Entry, Fields};
use crate::seat::assembly::Assembly;
use crate::seat::lock::RawLock;
use crate::seat::policy::Block;
use std::sync::Arc;

/// What a process does. Objects have numbers; there is none at first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// Makes this object, if there is none.
    Make(u32),
    /// Removes the object that there is, if any, and makes this one.
    Replace(u32),
    /// Looks, without the lock.
    Look,
}

/// What a process does, and what befalls it.
pub(crate) type Part = (Role, Fate);

#[derive(Default)]
struct Stage {
    lock: RawLock,
    entry: Entry,
    /// The heap: what it holds is at least the number of the object that was made last.
    place: AtomicU64,
}

/// Plays `parts`, with object `made` there from the start; then a newcomer replaces what it finds by object 9. Of
/// each process: `m` made its object, a digit: which one it found, `n` none, `x` killed.
pub(crate) fn scene(rules: Rules, made: Option<u32>, parts: &[Part]) -> String {
    let newcomer = parts.len();
    let kernel = Kernel::new(rules, newcomer + 1);
    let assembly = Assembly::new(newcomer + 1, &kernel);
    let stage = Arc::new(Stage::default());
    let cast = |index: usize, (role, fate): Part| -> (Process, Act) {
        let stage = Arc::clone(&stage);
        let mut process = Process::new(index, &kernel, fate);
        assembly.seat(&mut process);
        (process, Box::new(move |log| stage.perform(role, log)))
    };
    if let Some(number) = made {
        stage.make(number);
    }
    let told = play(parts.iter().enumerate().map(|(index, part)| cast(index, *part)).collect());
    told + " " + &play(vec![cast(newcomer, (Role::Replace(9), Fate::LIVES))])
}

impl Stage {
    fn perform(&self, role: Role, log: &Log) {
        match role {
            Role::Make(number) => self.locked(|| match self.known() {
                Some(known) => log.say(digit(known)),
                None => {
                    self.make(number);
                    log.say('m');
                }
            }),
            Role::Replace(number) => self.locked(|| {
                if let Some(known) = self.known() {
                    log.say(digit(known));
                    self.entry.withdraw();
                }
                self.make(number);
                log.say('m');
            }),
            Role::Look => match self.entry.look() {
                None => log.say('n'),
                Some((name, fields)) => {
                    assert_eq!(fields, fields_of(fields.kind), "torn");
                    assert_eq!(name, name_of(fields.kind), "another's name");
                    assert!(self.place.load(Relaxed) >= fields.count, "seen before it is made");
                    log.say(digit(fields.kind));
                }
            },
        }
    }

    fn locked(&self, act: impl FnOnce()) {
        if !self.lock.lock_at_once() {
            self.lock.lock::<Block>(Deadline::NEVER).expect("the lock");
        }
        self.lock.mark_consistent();
        act();
        self.lock.unlock();
    }

    /// Which object there is, for who holds the lock.
    fn known(&self) -> Option<u32> {
        if !self.entry.is_present() {
            return None;
        }
        let fields = self.entry.fields();
        assert_eq!(fields, fields_of(fields.kind), "torn under the lock");
        assert!(self.entry.is_named(&name_of(fields.kind)), "another's name under the lock");
        Some(fields.kind)
    }

    fn make(&self, number: u32) {
        self.place.store(number.into(), Relaxed);
        self.entry.publish(&name_of(number), fields_of(number));
    }
}

fn fields_of(number: u32) -> Fields {
    let value = u64::from(number);
    Fields { kind: number, fingerprint: value, count: value, offset: value, bytes: value }
}

/// Longer ones for larger numbers.
fn name_of(number: u32) -> String {
    "o".repeat(number as usize % 8)
}

fn digit(number: u32) -> char {
    char::from_digit(number, 10).expect("one digit")
}
