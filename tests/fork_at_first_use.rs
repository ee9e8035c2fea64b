//! A fork at the very moment when another thread first uses the library. Alone in its program: nothing else may use it before.

use sabha::Region;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use support::fork::{ends_well, fork};

#[test]
fn a_child_forked_while_another_thread_opens_the_first_region_can_open_its_own() {
    for round in 0..60 {
        // Each time in a process in which the library has not been used yet.
        ends_well(fork(move || {
            let opener = std::thread::spawn(|| {
                for _ in 0..20 {
                    Region::anonymous(4096).unwrap();
                }
            });
            std::thread::sleep(Duration::from_micros(round * 5));
            let child = fork(|| {
                let region = Region::anonymous(4096).unwrap();
                region.object::<AtomicU64>("a").unwrap();
            });
            let code = child.wait_at_most(Duration::from_secs(2));
            assert_eq!(code, Some(0), "the child hangs (round {round})");
            opener.join().unwrap();
        }));
    }
}
