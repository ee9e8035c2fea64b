//! The table of seats.

use crate::explore::{bound, explore, killed_everywhere};
use crate::kernel::Rules;
use crate::process::Fate;
use crate::scene::table::{Role, scene};

#[test]
fn whose_name_is_read_is_found() {
    let report = explore(bound(1, 2), || {
        let parts = [Role::Sit, Role::Sit, Role::Look].map(|role| (role, Fate::LIVES));
        scene(Rules::PLAIN, &parts)
    });
    report.census("table: two sit down, one looks", &["s s a s", "s s n s"]);
}

#[test]
fn a_claimer_is_killed_anywhere() {
    let report = killed_everywhere(bound(1, 2), |fate| {
        scene(Rules::PLAIN, &[(Role::Sit, fate), (Role::Sit, Fate::LIVES)])
    });
    report.census("table: two sit down, one is killed", &["s s s", "sx s s", "x s s"]);
}
