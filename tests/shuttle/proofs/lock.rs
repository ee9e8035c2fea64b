//! The seat lock. No sleep is bounded here: at one lock, nobody leans on the pulse, however many die.

use crate::kernel::Rules;
use crate::process::{Fate, When};
use crate::scene::lock::{Turn, scene};
use crate::wander::wander;

const MIXED: [&[Turn]; 4] = [
    &[Turn::Lock, Turn::Lock, Turn::Try],
    &[Turn::Until, Turn::Lock, Turn::Until],
    &[Turn::Lock, Turn::Negligent, Turn::Lock],
    &[Turn::Try, Turn::Until, Turn::Lock],
];

/// Processes that lock in every way and may be killed, but for the last: somebody must go on.
fn crew(processes: usize, turns: &[&'static [Turn]], odds: u32, rules: Rules) -> String {
    let mortal = Fate { killed: When::Sometimes(odds), late: When::Sometimes(4) };
    let last = Fate { killed: When::Never, ..mortal };
    let parts: Vec<_> = (0..processes)
        .map(|index| {
            let fate = if index + 1 == processes { last } else { mortal };
            (turns[index % turns.len()], fate)
        })
        .collect();
    scene(rules, &parts)
}

/// Nobody is told of more deaths than there were; and the newcomer gets the lock.
fn each_death_is_told_once(told: &str) -> bool {
    let count = |what| told.chars().filter(|c| *c == what).count();
    let newcomer = told.chars().last();
    count('d') <= count('x') && matches!(newcomer, Some('c' | 'd'))
}

#[test]
fn turns_of_many_of_whom_any_number_is_killed() {
    for processes in 3..=8 {
        let scene = move || crew(processes, &[&[Turn::Lock; 3]], 30, Rules::PLAIN);
        let proof = format!("lock: {processes} of whom any number is killed");
        wander(&proof, scene, each_death_is_told_once);
    }
}

#[test]
fn all_ways_to_lock_under_any_number_of_deaths() {
    let newcomer_gets_it = |told: &str| matches!(told.chars().last(), Some('c' | 'd'));
    for processes in 3..=8 {
        let scene = move || crew(processes, &MIXED, 30, Rules::PLAIN);
        let proof = format!("lock: {processes} in every way");
        wander(&proof, scene, newcomer_gets_it);
    }
}
