//! A child that is forked while another thread of its parent is in its very first operation can use regions all the same.
#![allow(unsafe_code)] // fork

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, alarm, fork};
use sabha::{Region, sync::Mutex};
use std::process::Command;
use std::thread;

fn use_a_region() {
    let region = Region::anonymous(4096).expect("a region");
    let mutex = region.object::<Mutex<u64>>("mutex").expect("an object");
    *mutex.lock().expect("free") += 1;
}

/// Run in a fresh process, where nothing has been done for the first time yet.
#[test]
#[ignore = "a role that the test below starts"]
fn role_forks_during_the_first_use() {
    let busy = thread::spawn(use_a_region);
    let mut children = Vec::new();
    for _ in 0..20 {
        // SAFETY: the child runs this block only, and ends in it.
        match unsafe { fork() }.expect("fork") {
            ForkResult::Child => {
                alarm::set(20); // ends one that hangs
                use_a_region();
                // SAFETY: ends the child, without the destructors of the test's harness.
                unsafe { libc::_exit(0) }
            }
            ForkResult::Parent { child } => children.push(child),
        }
    }
    busy.join().expect("the thread");
    for child in children {
        assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)), "a child hung");
    }
}

#[test]
fn a_child_forked_during_the_first_use_does_not_hang() {
    for _ in 0..30 {
        let role = ["--exact", "role_forks_during_the_first_use", "--ignored"];
        let output =
            Command::new(std::env::current_exe().expect("known")).args(role).output().expect("ran");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
