//! What is put under torture: one file for each primitive.
//!
//! To join, a primitive brings a file with a [`Trial`], and one line in [`all`].

mod bank;
mod doors;
mod family;
mod mutex;
mod notify;
mod numbers;
mod objects;
mod people;
mod ring;
mod stamp;

use crate::broken::Broken;
use crate::me::{Me, World};

/// One primitive as a process uses it: opened in every worker, in the supervisor, and in who checks in the end.
///
/// The rules that keep everybody going, as long as the library does its part:
/// * Nobody waits for a partner (somebody who pushes, notifies, …) while it holds anything that others wait for.
/// * Whoever waits for a partner is served at last: some workers only [`serve`](Self::serve), which never does.
pub trait Trial {
    /// As tables call it.
    fn name(&self) -> &'static str;

    /// How often it is picked, beside the others: less, if an operation takes long.
    fn share(&self) -> usize {
        8
    }

    /// One operation, or a few. May wait for a partner.
    ///
    /// # Errors
    /// The library has broken a promise.
    fn step(&mut self, me: &mut Me<'_>) -> Result<(), Broken>;

    /// The partner's part, as far as somebody waits for one. Waits for locks at the longest.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    fn serve(&mut self, me: &mut Me<'_>) -> Result<(), Broken> {
        self.step(me)
    }

    /// What must hold at any time, looked at by the supervisor: waits for nobody.
    ///
    /// # Errors
    /// It does not hold.
    fn watch(&self) -> Result<(), Broken> {
        Ok(())
    }

    /// What must hold when everybody has gone home, and that everything still works; removes what was only for the trial.
    ///
    /// # Errors
    /// It does not hold.
    fn audit(&mut self, me: &mut Me<'_>) -> Result<(), Broken>;

    /// The words of the region that tell what somebody waits for who is stuck. Waits for nobody.
    fn show(&self) -> String;
}

/// One of each.
///
/// # Errors
/// Something could not be opened.
pub fn all(world: &World) -> Result<Vec<Box<dyn Trial>>, Broken> {
    Ok(vec![
        Box::new(numbers::Numbers::open(world)?),
        Box::new(notify::Notify::open(world)?),
        Box::new(mutex::Turns::mutex(world)?),
        Box::new(mutex::Turns::spinlock(world)?),
        Box::new(bank::Bank::open(world)?),
        Box::new(ring::Rings::open(world)?),
        Box::new(objects::Objects::open(world)),
        Box::new(doors::Doors::open(world)),
        Box::new(people::People::open(world)?),
        Box::new(family::Family),
    ])
}
