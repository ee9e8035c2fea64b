//! The kit on little protocols over plain shared words, some of which are broken: it must find those, and say where. They prove
//! nothing of the library, so they leave no figures.

use super::{Report, Scene, begin, end};
use crate::figures::{self, Figure};
use crate::fork::Board;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::SeqCst;

/// Two words that must be equal, changed by one process in two stores, with a word of intent before.
fn pair(repairs: bool) -> Report {
    Scene::new(
        if repairs { "kit: a pair, repaired" } else { "kit: a pair, left as it is" },
        Board::new,
        |board| {
            begin();
            board[0].store(1, SeqCst);
            board[1].store(1, SeqCst);
            board[2].store(1, SeqCst);
            board[0].store(0, SeqCst);
            end();
        },
        move |board| {
            if repairs && board[0].load(SeqCst) == 1 {
                board[2].store(board[1].load(SeqCst), SeqCst);
            }
            assert_eq!(board[1].load(SeqCst), board[2].load(SeqCst));
            board[1].load(SeqCst) as u8
        },
    )
    .run_all()
}

fn refusal(run: impl FnOnce() -> Report) -> String {
    let refused = catch_unwind(AssertUnwindSafe(run)).expect_err("it must be found");
    *refused.downcast::<String>().expect("a message")
}

#[test]
fn what_is_repaired_passes_and_both_outcomes_are_seen() {
    let report = pair(true);
    report.saw(&[0, 1]);
    assert_eq!(report.kills, report.instructions as u64 + 1);
}

#[test]
fn a_torn_pair_is_found_and_its_place_named() {
    let said = refusal(|| pair(false));
    assert!(said.contains("BROKEN") && said.contains("SABHA_KILL='kit: a pair"), "{said}");
    assert!(said.contains("kill/tests.rs"), "the line: {said}");
}

/// Only the run that is over, and well, leaves figures.
#[test]
fn a_run_that_fails_takes_the_figures_of_the_one_before_away() {
    let (name, proof) = ("kit: whoever comes second", "kill: kit: whoever comes second");
    let nothing = |_: &Board| {
        begin();
        end();
    };
    let run = |survivor: fn(&Board) -> u8| Scene::new(name, Board::new, nothing, survivor).run();
    let kills = run(|_| 0).kills;
    let left = figures::recorded_by(proof).map(|figures| figures[&Figure::KillPoints]);
    let said = refusal(|| run(|_| panic!("a message that is expected")));
    let then = figures::recorded_by(proof);
    figures::forget(proof);
    assert_eq!((left, then), (Some(kills), None));
    assert!(said.contains("BROKEN"), "{said}");
}

#[test]
fn a_victim_that_fails_an_assertion_is_found() {
    let said = refusal(|| {
        Scene::new(
            "kit: a victim that is wrong",
            Board::new,
            |board| {
                begin();
                board[0].store(1, SeqCst);
                end();
                assert_eq!(
                    board[1].load(SeqCst),
                    0,
                    "another was here: a message that is expected"
                );
            },
            |_| 0,
        )
        .with_contender(|board| {
            begin();
            board[1].store(1, SeqCst);
            end();
        })
        .run_all()
    });
    assert!(said.contains("BROKEN: the victim, let go ended with 101"), "{said}");
}

/// A lock of one word that nobody frees when its owner is dead.
#[test]
fn whoever_waits_for_the_dead_is_found_asleep() {
    let said = refusal(|| {
        Scene::new(
            "kit: a lock without owner",
            Board::new,
            |board| {
                begin();
                board[0].store(1, SeqCst);
                board[0].store(0, SeqCst);
                end();
            },
            |board| {
                while board[0].load(SeqCst) != 0 {
                    board.sleep(0, 1);
                }
                0
            },
        )
        .run_all()
    });
    assert!(said.contains("WEDGED"), "{said}");
}

#[test]
fn a_lost_update_needs_two_and_is_found_in_their_midst() {
    let add = |board: &Board| {
        begin();
        let seen = board[0].load(SeqCst);
        board[0].store(seen + 1, SeqCst);
        board[1].fetch_add(1, SeqCst);
        end();
    };
    let said = refusal(|| {
        Scene::new("kit: a lost update", Board::new, add, |board| {
            let (sum, adds) = (board[0].load(SeqCst), board[1].load(SeqCst));
            assert!(sum >= adds, "{sum} of {adds}");
            0
        })
        .with_contender(add)
        .run_all()
    });
    assert!(said.contains("BROKEN"), "{said}");
}

#[test]
fn a_sleeper_whom_the_dead_should_have_woken_is_found() {
    let said = refusal(|| {
        Scene::new(
            "kit: a wake that is owed",
            Board::new,
            |board| {
                begin();
                board[0].store(1, SeqCst);
                board.wake(0);
                end();
            },
            |_| 0,
        )
        .with_sleeper(|board| {
            while board[0].load(SeqCst) == 0 {
                board.sleep(0, 0);
            }
        })
        .run_all()
    });
    assert!(said.contains("WEDGED") && said.contains("sleeper"), "{said}");
}

#[test]
fn a_victim_that_sleeps_is_woken_and_killed_behind_its_sleep_too() {
    let report = Scene::new(
        "kit: a sleep",
        Board::new,
        |board| {
            begin();
            while board[0].load(SeqCst) == 0 {
                board.sleep(0, 0);
            }
            board[1].store(1, SeqCst);
            end();
        },
        |board| board[1].load(SeqCst) as u8,
    )
    .with_waker(|board| {
        board[0].store(1, SeqCst);
        board.wake(0);
    })
    .run_all();
    report.saw(&[0, 1]);
}

#[test]
fn whoever_repairs_is_killed_too() {
    // One process in word 0: word 1 is in use as long as it is there. Once nobody is, word 1 must be free.
    let repair = |board: &Board| {
        begin();
        if board[0].swap(0, SeqCst) == 1 {
            board[1].store(0, SeqCst); // too late: killed before this, nobody repairs
        }
        end();
    };
    let scene = |name| {
        Scene::new(
            name,
            Board::new,
            |board| {
                begin();
                board[0].store(1, SeqCst);
                board[1].store(7, SeqCst);
                board[1].store(0, SeqCst);
                board[0].store(0, SeqCst);
                end();
            },
            move |board| {
                repair(board);
                assert_eq!(board[1].load(SeqCst), 0, "in use by nobody");
                0
            },
        )
    };
    scene("kit: a repair, not killed").run_all().saw(&[0]);
    let said = refusal(|| scene("kit: a broken repair").with_recovery(repair).run_all());
    assert!(said.contains("/recovery"), "{said}");
}

/// In a process of its own, which is forbidden to trace.
#[test]
fn where_ptrace_is_refused_the_trap_flag_finds_the_same() {
    let child = crate::fork::fork(|| {
        crate::system::refuse_system_call(libc::SYS_ptrace, libc::EPERM);
        let report = pair(true);
        report.saw(&[0, 1]);
        assert!(report.kills > 8, "{report:?}");
        let said = refusal(|| pair(false));
        assert!(said.contains("BROKEN") && said.contains("it stepped itself"), "{said}");
    });
    crate::fork::ends_well(child);
}
