//! Wait and notify: many wait for a word, several change it, and any of them is killed.

use super::{count, mortal};
use crate::kernel::Rules;
use crate::process::Fate;
use crate::scene::wait::{Part, Role, Width, scene};
use crate::wander::wander;

const ALL: u32 = u32::MAX;
const ROLES: [Role; 4] =
    [Role::Wait, Role::Change(&[2, 3], ALL), Role::Until, Role::Change(&[4], ALL)];

fn crew(processes: usize, width: Width, fate: fn() -> Fate) -> String {
    let mut parts: Vec<Part> = vec![(Role::Wait, fate()), (Role::Wait, fate())];
    parts.extend((2..processes - 1).map(|index| (ROLES[index % ROLES.len()], fate())));
    parts.push((Role::Change(&[1], ALL), fate()));
    scene(Rules::PLAIN, width, &parts)
}

/// As many were woken as notifies say, if nobody was killed: who is, takes its words with it.
fn the_sum_is_exact(told: &str) -> bool {
    let sum: u32 = told.chars().filter_map(|c| c.to_digit(10)).sum();
    count(told, 'x') > 0 || sum as usize == count(told, 'W')
}

#[test]
fn any_number_waits_and_changes_and_is_killed() {
    for processes in 3..=8 {
        for width in [Width::Narrow, Width::Wide] {
            let scene = move || crew(processes, width, || mortal(40));
            let proof = format!("wait: {processes}, {width:?}");
            wander(&proof, scene, the_sum_is_exact);
        }
    }
}

#[test]
fn as_many_wake_as_notifies_say() {
    for processes in 3..=8 {
        let scene = move || crew(processes, Width::Wide, || Fate::LIVES);
        wander(&format!("wait: {processes}, nobody dies"), scene, the_sum_is_exact);
    }
}
