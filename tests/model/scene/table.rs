//! Scenes of the table of seats: processes take seats, of which none has its page yet, and say in some word which one; others
//! read that.

use super::{Act, Log, play};
use crate::kernel::{Kernel, Rules};
use crate::os::file::File;
use crate::os::robust::RobustList;
use crate::os::{AtomicU32, Relaxed};
use crate::process::{self, Fate, Process};
use crate::seat::id::{MemberId, SeatId};
use crate::seat::page::SeatPage;
use crate::seat::table::{SeatWords, Seats};
use core::ptr::NonNull;
use std::sync::Arc;

/// What a process does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// Takes a seat, and writes its name down.
    Sit,
    /// Reads the name that was written last, and looks whether that one is here.
    Look,
}

/// What a process does, and what befalls it.
pub(crate) type Part = (Role, Fate);

struct Stage {
    pages: Box<[SeatPage]>,
    words: SeatWords,
    /// Ordered by nothing: a lock's word is taken with less than Release.
    name: AtomicU32,
}

const SEATS: usize = 3;

/// Plays `parts`; then a newcomer takes a seat. Of each process: `s` sits, `n` read no name, `a` found that one here,
/// `g` gone, `x` killed.
pub(crate) fn scene(rules: Rules, parts: &[Part]) -> String {
    let newcomer = parts.len();
    let kernel = Kernel::new(rules, newcomer + 1);
    let stage = Arc::new(Stage {
        pages: (0..SEATS).map(|_| SeatPage::default()).collect(),
        words: SeatWords::default(),
        name: AtomicU32::new(0),
    });
    let cast = |index: usize, (role, fate): Part| -> (Process, Act) {
        let stage = Arc::clone(&stage);
        let act: Act = Box::new(move |log| stage.perform(role, log));
        (Process::new(index, &kernel, fate), act)
    };
    let told = play(parts.iter().enumerate().map(|(index, part)| cast(index, *part)).collect());
    told + " " + &play(vec![cast(newcomer, (Role::Sit, Fate::LIVES))])
}

impl Stage {
    /// The table as a process knows it that has just come.
    fn seats(&self) -> Seats {
        let first = NonNull::from(&*self.pages).cast::<SeatPage>();
        Seats {
            first,
            words: NonNull::from(&self.words),
            capacity: u32::try_from(SEATS).expect("few"),
            known: AtomicU32::new(0),
            offset: first.as_ptr().expose_provenance() as u64,
            file: Arc::new(File::Other),
        }
    }

    fn perform(&self, role: Role, log: &Log) {
        let seats = self.seats();
        match role {
            Role::Sit => {
                let (me, list) = (process::ask(Process::tid), RobustList::current());
                let (me, list) = (me.expect("a process"), list.expect("a list"));
                let taken = seats.claim(list, MemberId::new(me, 1)).expect("a free seat");
                log.say('s');
                self.name.store(taken.id.to_bits(), Relaxed);
            }
            Role::Look => log.say(match SeatId::from_bits(self.name.load(Relaxed)) {
                None => 'n',
                Some(id) if seats.alive(id).is_some() => 'a',
                Some(_) => 'g',
            }),
        }
    }
}
