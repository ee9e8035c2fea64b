//! The thread's robust list, as the kernel would find it. What it does with it: [`Kernel::exit`](crate::kernel::Kernel).
#![allow(unsafe_code)] // as in earnest, to link is a promise

use super::AtomicU32;
use crate::alter::{What, here};
use crate::process::{self, Address};
use std::io;

pub(crate) const WAITERS: u32 = 1 << 31;
pub(crate) const OWNER_DIED: u32 = 1 << 30;
pub(crate) const TID: u32 = OWNER_DIED - 1;

#[derive(Clone, Copy)]
pub(crate) struct RobustList(());

impl RobustList {
    pub(crate) fn current() -> io::Result<Self> {
        Ok(Self(()))
    }

    pub(crate) fn tid(self) -> u32 {
        process::ask(process::Process::tid).expect("only a process has a list")
    }

    #[track_caller]
    pub(crate) fn insure(self, word: &AtomicU32) -> Insured {
        let insures = here() != Some(What::Nothing);
        let former = process::ask(|me| me.pending.get()).flatten();
        set_pending(if insures { Some(Address(word)) } else { former });
        Insured { former }
    }

    /// # Safety
    /// None here; in earnest, see `src/os/robust.rs`.
    pub(crate) unsafe fn link(self, word: &AtomicU32) {
        if process::step() {
            process::ask(|me| me.list.borrow_mut().insert(0, Address(word)));
        }
    }

    /// # Safety
    /// As of [`link`](Self::link).
    pub(crate) unsafe fn unlink(self, word: &AtomicU32) {
        if process::step() {
            process::ask(|me| me.list.borrow_mut().retain(|linked| *linked != Address(word)));
        }
    }
}

#[must_use]
pub(crate) struct Insured {
    former: Option<Address>,
}

impl Drop for Insured {
    fn drop(&mut self) {
        set_pending(self.former);
    }
}

fn set_pending(word: Option<Address>) {
    if process::step() {
        process::ask(|me| me.pending.set(word));
    }
}
