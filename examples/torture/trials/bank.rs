//! Several locks at once: money that moves between accounts, each under its own `Mutex`.
//!
//! All accounts together hold nothing, ever. A transfer locks two accounts in their order, or tries the second; before it
//! moves anything it notes in the first how both were, and one store says that the note counts. Whoever is told of a
//! death lets go, locks all, and undoes what the note says: no money is made or lost by any number of kills.

use super::Trial;
use crate::board::Who;
use crate::broken::{Broken, ensure};
use crate::fault::Fault;
use crate::me::{Me, World};
use sabha::sync::{LockError, Mutex, MutexGuard};
use sabha::{Shareable, Shared};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::compiler_fence;
use zerocopy::FromBytes;

const ACCOUNTS: usize = 4;

#[derive(Shareable, FromBytes)]
#[repr(C)]
struct Account {
    balance: i64,
    /// The balance with the other sign.
    check: i64,
    /// Who is inside, as a word.
    inside: u64,
    /// 1: this account and `peer` are being changed, and were `before`.
    moving: u64,
    peer: u64,
    before: [i64; 2],
}

type Accounts = [Mutex<Account>; ACCOUNTS];
type Guard<'a> = MutexGuard<'a, Account>;

pub struct Bank(Shared<Accounts>);

impl Bank {
    pub fn open(world: &World) -> Result<Self, Broken> {
        Ok(Self(world.region.object("bank")?))
    }
}

impl Trial for Bank {
    fn name(&self) -> &'static str {
        "nested locks"
    }

    fn step(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        let told =
            me.inside(|me| if me.pick(4) > 0 { transfer(&self.0, me) } else { count(&self.0) })?;
        if told == Told::OwnerDied {
            me.inside(|me| repair(&self.0, me))?;
        }
        me.done(1);
        Ok(())
    }

    fn audit(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        repair(&self.0, me)?;
        let told = count(&self.0)?;
        ensure(told == Told::Nothing, || "told of a death again, after the repair".into())
    }

    fn show(&self) -> String {
        format!("{:?}", *self.0)
    }
}

/// Whether a lock said that its last owner has died.
#[derive(PartialEq, Eq)]
enum Told {
    Nothing,
    OwnerDied,
}

/// Locks an account that nobody died in; `None` if somebody did.
fn lock(account: &Mutex<Account>) -> Result<Option<Guard<'_>>, Broken> {
    match account.lock() {
        Err(LockError::OwnerDied(_)) => Ok(None), // let go: the next is told, too
        got => checked(got?).map(Some),
    }
}

fn checked(account: Guard<'_>) -> Result<Guard<'_>, Broken> {
    let Account { balance, check, moving, inside, .. } = &*account;
    ensure(*check == -balance && *moving == 0 && *inside == 0, || {
        let inside = Who::from_bits(*inside);
        format!("not told: balance {balance}, check {check}, moving {moving}, inside {inside:?}")
    })?;
    Ok(account)
}

/// Moves some money from one account to a later one.
fn transfer(accounts: &Accounts, me: &mut Me<'_>) -> Result<Told, Broken> {
    let second = 1 + me.pick(ACCOUNTS - 1);
    let first = me.pick(second);
    let Some(mut from) = lock(&accounts[first])? else { return Ok(Told::OwnerDied) };
    let tried = if me.pick(4) == 0 { accounts[second].try_lock() } else { accounts[second].lock() };
    let mut to = match tried {
        Ok(guard) => checked(guard)?,
        Err(LockError::Held { .. }) => return Ok(Told::Nothing),
        Err(LockError::OwnerDied(_)) => return Ok(Told::OwnerDied),
        Err(other) => return Err(other.into()),
    };
    let amount = i64::try_from(me.random.below(1000)).unwrap_or(0);
    from.inside = me.who.to_bits();
    to.inside = me.who.to_bits();
    (from.peer, from.before) = (second as u64, [from.balance, to.balance]);
    compiler_fence(SeqCst); // who is killed has stored what stands before
    from.moving = 1;
    compiler_fence(SeqCst);
    from.balance -= amount;
    from.check += amount;
    compiler_fence(SeqCst);
    me.linger();
    to.balance += amount;
    to.check -= amount;
    compiler_fence(SeqCst);
    from.moving = 0;
    compiler_fence(SeqCst);
    (from.inside, to.inside) = (0, 0);
    Ok(Told::Nothing)
}

/// Locks all, and counts the money.
fn count(accounts: &Accounts) -> Result<Told, Broken> {
    let mut guards = Vec::new();
    for account in accounts {
        let Some(guard) = lock(account)? else { return Ok(Told::OwnerDied) };
        guards.push(guard);
    }
    balanced(&guards)?;
    Ok(Told::Nothing)
}

fn balanced(guards: &[Guard<'_>]) -> Result<(), Broken> {
    let balances: Vec<_> = guards.iter().map(|account| account.balance).collect();
    match balances.iter().sum::<i64>() {
        0 => Ok(()),
        sum if sum < 0 => Err(Broken::lost(format!("money: {balances:?} are {sum}"))),
        sum => Err(Broken::duplicated(format!("money: {balances:?} are {sum}"))),
    }
}

/// Locks all, undoes what somebody who died has left half-done, and says that it is well.
fn repair(accounts: &Accounts, me: &mut Me<'_>) -> Result<(), Broken> {
    let mut guards = Vec::new();
    for account in accounts {
        guards.push(match account.lock() {
            Err(LockError::OwnerDied(died)) => {
                let guard = died.into_guard();
                me.inherit(Who::from_bits(guard.inside));
                guard
            }
            got => checked(got?)?,
        });
    }
    if !me.has(Fault::Robbery) {
        (0..guards.len()).for_each(|index| undo(&mut guards, index));
        me.linger();
    }
    for guard in &mut guards {
        (guard.inside, guard.check) = (0, -guard.balance);
        compiler_fence(SeqCst);
        guard.mark_consistent();
    }
    balanced(&guards)
}

/// Puts both accounts back to what the note of account `index` says, if it counts.
fn undo(guards: &mut [Guard<'_>], index: usize) {
    let Account { moving, peer, before, .. } = *guards[index];
    let peer = usize::try_from(peer).unwrap_or(ACCOUNTS);
    if moving == 0 || peer >= guards.len() {
        return;
    }
    guards[index].balance = before[0];
    guards[peer].balance = before[1];
    compiler_fence(SeqCst);
    guards[index].moving = 0;
    compiler_fence(SeqCst);
}
