//! What the processes of a lock model may do: sections under one lock or two, begun in any order, any number of times.

use super::state::LOCKS;

/// The two locks.
pub const A: u8 = 0;
pub const B: u8 = 1;

/// How a lock is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// Waits for as long as it takes.
    Lock,
    /// Waits until a deadline, which passes when it likes.
    Until,
    /// Does not wait.
    Try,
}

/// A critical section: what is inside happens while the lock is held; a lock that was not got skips it all.
#[derive(Clone, Debug)]
pub struct Section {
    pub how: How,
    pub lock: u8,
    pub inside: Vec<Section>,
}

/// A section with nothing inside.
pub fn alone(how: How, lock: u8) -> Section {
    Section { how, lock, inside: vec![] }
}

/// A section with another inside.
pub fn around(how: How, lock: u8, inside: Section) -> Section {
    Section { how, lock, inside: vec![inside] }
}

/// One operation, and what follows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Act {
    pub what: What,
    /// The locks that are held while it begins.
    pub held: [bool; LOCKS],
    /// The act after it.
    pub then: u8,
    /// The act after it, if the lock was not got.
    pub otherwise: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// Outside of all sections. May rest for ever, or begin a section, or be killed.
    Rest,
    Lock(How, u8),
    Unlock(u8),
}

/// The sections of a model, as a table of acts.
pub struct Menu {
    pub acts: Vec<Act>,
    /// The acts that a section begins with.
    pub begins: Vec<u8>,
}

/// The act of who is outside of all sections.
pub const REST: u8 = 0;

impl Menu {
    pub fn new(sections: &[Section]) -> Self {
        let rest = Act { what: What::Rest, held: [false; LOCKS], then: REST, otherwise: REST };
        let mut menu = Self { acts: vec![rest], begins: vec![] };
        for section in sections {
            let begin = menu.add(section, [false; LOCKS], REST);
            menu.begins.push(begin);
        }
        menu
    }

    pub fn act(&self, index: u8) -> Act {
        self.acts[usize::from(index)]
    }

    /// The first act that concerns `lock`.
    pub fn first_at(&self, lock: usize) -> u8 {
        let concerns = |act: &Act| match act.what {
            What::Rest => false,
            What::Lock(_, known) | What::Unlock(known) => usize::from(known) == lock,
        };
        self.acts.iter().position(concerns).unwrap_or(0) as u8
    }

    /// Adds a section that is entered with `held` held and followed by `then`; its first act.
    fn add(&mut self, section: &Section, held: [bool; LOCKS], then: u8) -> u8 {
        let lock = section.lock;
        let mut inside = held;
        inside[usize::from(lock)] = true;
        let unlock = Act { what: What::Unlock(lock), held: inside, then, otherwise: then };
        let unlock = self.index_of(unlock);
        let body = section.inside.iter().rev();
        let body = body.fold(unlock, |then, section| self.add(section, inside, then));
        let what = What::Lock(section.how, lock);
        self.index_of(Act { what, held, then: body, otherwise: then })
    }

    fn index_of(&mut self, act: Act) -> u8 {
        let known = self.acts.iter().position(|known| *known == act);
        let index = known.unwrap_or_else(|| {
            self.acts.push(act);
            self.acts.len() - 1
        });
        u8::try_from(index).ok().filter(|index| *index < 32).expect("5 bits hold an act")
    }
}
