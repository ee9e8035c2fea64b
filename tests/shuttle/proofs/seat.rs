//! Seats: many come, leave, watch; one sweeps.

use super::mortal;
use crate::kernel::Rules;
use crate::scene::seat::{Role, scene};
use crate::wander::wander;

const OTHERS: [Role; 4] = [Role::ComeAndLeave, Role::Watch, Role::Come, Role::Ask];

fn crew(processes: usize, odds: u32) -> String {
    let mut parts = vec![(Role::Leave, mortal(odds)), (Role::Sweep, mortal(odds))];
    parts.extend((2..processes).map(|index| (OTHERS[index % OTHERS.len()], mortal(odds))));
    scene(Rules::PLAIN, &parts)
}

/// The newcomer sits, unless somebody living does.
fn the_seat_is_not_lost(told: &str) -> bool {
    let told: Vec<_> = told.split(' ').collect();
    let (newcomer, others) = told.split_last().expect("the newcomer's");
    let sits = others.iter().any(|told| told.ends_with('s'));
    *newcomer == if sits { "f" } else { "s" }
}

#[test]
fn any_number_comes_and_goes_and_is_killed() {
    for processes in 3..=8 {
        let scene = move || crew(processes, 30);
        wander(&format!("seat: {processes}"), scene, the_seat_is_not_lost);
    }
}
