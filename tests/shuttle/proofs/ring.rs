//! The ring: two ends that wait for one another, or change hands again and again.

use super::{count, mortal};
use crate::kernel::Rules;
use crate::process::Fate;
use crate::scene::ring::{ALL, Part, Role, scene};
use crate::wander::wander;

/// A waker may be killed between its change and its wake: sleepers lean on the pulse.
const PULSE: Rules = Rules { pulse: true, ..Rules::PLAIN };
const MORTAL: Fate = mortal(40);

fn crew(capacity: usize, roles: impl Iterator<Item = Role>) -> String {
    let parts: Vec<_> = roles.map(|role| Part::new(role).with(MORTAL)).collect();
    scene(PULSE, capacity, &parts)
}

/// What was pushed comes out in order, each at least once, and no more often than there were deaths beside.
fn nothing_is_lost(told: &str) -> bool {
    let told = told.split(' ').filter(|told| !told.starts_with('#')).collect::<Vec<_>>().join(" ");
    let popped: Vec<_> = told.chars().filter_map(|c| c.to_digit(10)).collect();
    let last = popped.iter().copied().max().unwrap_or(0);
    let all = (1..=last).all(|position| popped.contains(&position));
    let again = popped.len() - last as usize;
    all && count(&told, 'p') <= last as usize && again <= count(&told, 'x')
}

#[test]
fn nobody_waits_for_ever_for_the_dead() {
    let ends =
        [Role::Produce { items: 3, close: true }, Role::Consume { items: ALL, close: false }];
    for processes in 3..=8 {
        let roles = move || ends.into_iter().chain([Role::Count; 6]).take(processes);
        let scene = move || crew(1, roles());
        wander(&format!("ring: {processes}, some of whom count"), scene, nothing_is_lost);
    }
}

#[test]
fn ends_change_hands_under_any_number_of_deaths() {
    for processes in 3..=8 {
        let roles = move || [Role::PushOne, Role::Drain].into_iter().cycle().take(processes);
        let scene = move || crew(2, roles());
        wander(&format!("ring: {processes}, who inherit"), scene, nothing_is_lost);
    }
}
