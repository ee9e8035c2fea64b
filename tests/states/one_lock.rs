//! One lock: any number of rounds and kills, and nobody needs the pulse.

use super::lock::LockModel;
use super::menu::{A, How, alone};
use super::proof::never_wedges;
use support::long_form;

#[test]
fn four_processes_lock() {
    let model = LockModel::new(4, &[alone(How::Lock, A)]);
    never_wedges("one lock, 4 processes lock", &model);
}

#[test]
fn three_processes_lock_time_out_and_try() {
    let model = LockModel::new(3, &[How::Lock, How::Until, How::Try].map(|how| alone(how, A)));
    never_wedges("one lock, 3 processes lock, time out, try", &model);
}

#[test]
fn four_processes_lock_time_out_and_try() {
    let menu = [How::Lock, How::Until, How::Try].map(|how| alone(how, A));
    let model = LockModel::new(4, &menu);
    let model = if long_form() { model } else { LockModel { forgets: false, kills: 2, ..model } };
    never_wedges("one lock, 4 processes lock, time out, try", &model);
}
