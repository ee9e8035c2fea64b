//! A region's length.

use crate::explore::{bound, killed_everywhere};
use crate::kernel::Rules;
use crate::process::Fate;
use crate::scene::length::{Role, scene};

#[test]
fn no_length_is_told_that_the_file_has_not() {
    let report = killed_everywhere(bound(3, 4), |fate| {
        let roles =
            [(Role::Grow(1), Fate::LIVES), (Role::Grow(2), fate), (Role::Look, Fate::LIVES)];
        scene(Rules::PLAIN, &roles)
    });
    let mut legal = vec!["1 2 0 2", "1 2 1 2", "1 2 2 2", "2 2 0 2", "2 2 2 2"];
    legal.extend(["1 x 0 1", "1 x 1 1"]);
    report.census("length: two grow, one is killed, one looks", &legal);
}
