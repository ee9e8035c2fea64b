//! Scenes of one slot of the members' table: processes come, leave and are killed, use an object and let go of it, and ask
//! for each other.

use super::{Act, Log, play};
use crate::kernel::{Kernel, Rules};
use crate::model::payload::Payload;
use crate::os::file::{self, File};
use crate::process::{self, Fate, Process};
use crate::seat::id::MemberId;
use crate::seat::member::{MemberInfo, Members, Record};
use core::ptr::NonNull;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What a process does. The first has come, and has the object open, before others begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// The first: uses the object, and stays.
    Use,
    /// The first: uses the object and lets go of it.
    LetGo,
    /// The first: the same, and leaves.
    Leave,
    /// Comes, if the slot is free.
    Come,
    /// The same, and opens the object.
    ComeAndOpen,
    /// Asks who the first is.
    Ask,
    /// Asks who is here.
    List,
    /// Takes the object's place, if nobody has it open.
    Remove,
}

/// What a process does, and what befalls it.
pub(crate) type Part = (Role, Fate);

struct Stage {
    _records: Box<[Record]>,
    members: Members,
    /// The object that has mark `MARK`.
    object: Payload,
    /// What each has said of itself, by its name.
    said: Mutex<BTreeMap<u32, MemberInfo>>,
    first: MemberId,
}

const MARK: u32 = 7;

/// Plays `parts`, of whom the first has come before; then a newcomer comes. Of each process: `c` came, `f` found the
/// slot taken, `l` has left, `k` knows the first, `u` does not, a digit: how many it found here, `r` took the
/// object's place, `i` found it in use, `x` killed.
pub(crate) fn scene(rules: Rules, parts: &[Part]) -> String {
    let newcomer = parts.len();
    let kernel = Kernel::new(rules, newcomer + 1);
    let records: Box<[Record]> = Box::new([Record::default()]);
    let members = Members(NonNull::from(&*records));
    let cast = |index: usize, fate| Process::new(index, &kernel, fate);
    let mut processes: Vec<_> =
        parts.iter().enumerate().map(|(index, part)| cast(index, part.1)).collect();
    let first = processes[0].prepare(|| {
        let id = come(&members).expect("a free slot");
        members.set_mark(id, MARK);
        (id, myself(id))
    });
    let stage = Arc::new(Stage {
        _records: records,
        members,
        object: Payload::default(),
        said: Mutex::new(BTreeMap::from([(first.0.to_bits(), first.1)])),
        first: first.0,
    });
    let act = |role| -> Act {
        let stage = Arc::clone(&stage);
        Box::new(move |log| stage.perform(role, log))
    };
    let cast = processes.into_iter().zip(parts).map(|(process, part)| (process, act(part.0)));
    let mut cast: Vec<_> = cast.collect();
    cast.rotate_left(1); // a checker lets the last begin
    let told = play(cast);
    let last = Process::new(newcomer, &kernel, Fate::LIVES);
    told + " " + &play(vec![(last, act(Role::Come))])
}

fn come(members: &Members) -> Option<MemberId> {
    members.attach(&File::Anchor, &name(process::ask(Process::tid)?)).expect("the model's file")
}

/// What the calling process says of itself.
fn myself(id: MemberId) -> MemberInfo {
    let pid = process::ask(Process::tid).expect("a process");
    MemberInfo { id, pid, start_time: u64::from(pid) * 100, name: name(pid) }
}

fn name(pid: u32) -> String {
    format!("process{pid}")
}

impl Stage {
    fn perform(&self, role: Role, log: &Log) {
        match role {
            Role::Use => self.object.write(1),
            Role::LetGo => self.let_go(),
            Role::Leave => {
                self.let_go();
                file::close_anchor();
                log.say('l');
            }
            Role::Come => drop(self.come(log)),
            Role::ComeAndOpen => {
                if let Some(id) = self.come(log) {
                    self.members.set_mark(id, MARK);
                }
            }
            Role::Ask => {
                let known = self.members.info(self.first);
                log.say(if known.is_some() { 'k' } else { 'u' });
                known.into_iter().for_each(|info| self.believe(info));
            }
            Role::List => {
                let here = self.members.living(&File::Other);
                log.say(char::from_digit(here.len().try_into().expect("few"), 10).expect("one"));
                here.into_iter().for_each(|info| self.believe(info));
            }
            Role::Remove => self.remove(log),
        }
    }

    fn let_go(&self) {
        self.object.write(1);
        self.members.clear_mark(self.first, MARK);
    }

    fn come(&self, log: &Log) -> Option<MemberId> {
        let Some(id) = come(&self.members) else {
            log.say('f');
            return None;
        };
        self.believe(myself(id));
        log.say('c');
        Some(id)
    }

    fn remove(&self, log: &Log) {
        match self.members.marked(MARK, &File::Other) {
            Some(by) => {
                assert_eq!(by.id, self.first, "who never had it open");
                self.believe(by);
                log.say('i');
            }
            None => {
                self.object.write(2);
                log.say('r');
            }
        }
    }

    /// Nobody is told two things of one member.
    fn believe(&self, info: MemberInfo) {
        let mut said = self.said.lock().expect("no panic inside");
        let known = said.entry(info.id.to_bits()).or_insert_with(|| info.clone());
        assert_eq!(*known, info, "told two things of one member");
    }
}
