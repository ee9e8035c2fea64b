//! What goes wrong with robust locks elsewhere, and must not here.
#![allow(unsafe_code)] // does to the process what a hostile peer, or the machine, could do

use sabha::sync::{Adaptive, Block, LockError, Mutex, Policy, Spin};
use sabha::{Error, Region, Shared};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;
use support::child::{Child, until};
use support::trace::{Stop, Traced, marker};

/// Where the objects of a region begin in its file; see `src/docs/layout.md`.
const HEAP: u64 = 102_400;

/// Where the seats of a region with this maximal length begin in its file; see `src/docs/layout.md`.
fn seats_at(region: &Region) -> u64 {
    HEAP + region.max_len()
}

fn held_by_child<P: Policy>(lock: &Shared<Mutex<u64, P>>, before_sleep: impl Fn()) -> Child {
    let step = lock.region().object::<AtomicU32>("step").unwrap();
    let child = Child::spawn(|| {
        std::mem::forget(lock.lock());
        before_sleep();
        step.store(1, SeqCst);
        std::thread::sleep(Duration::from_secs(60));
    });
    until("the lock to be taken", || step.load(SeqCst) == 1);
    child
}

/// The kernel forgets the thread's robust list: as after its limit of entries, or when the OOM reaper was faster.
fn forget_robust_list() {
    // SAFETY: registers no list for this thread.
    unsafe { libc::syscall(libc::SYS_set_robust_list, 0, 3 * size_of::<usize>()) };
}

fn an_unflagged_death_is_found<P: Policy>() {
    let region = Region::anonymous(1 << 16).unwrap();
    let lock = region.object::<Mutex<u64, P>>("lock").unwrap();
    let child = held_by_child(&lock, forget_robust_list);
    let waiter = Child::spawn(|| {
        assert!(matches!(lock.lock(), Err(LockError::OwnerDied(_))));
    });
    std::thread::sleep(Duration::from_millis(20));
    child.kill();
    assert_eq!(
        waiter.wait_at_most(Duration::from_secs(10)),
        Some(0),
        "nobody asked for the process"
    );
}

#[test]
fn a_death_that_the_kernel_never_flagged_is_found_by_its_process() {
    an_unflagged_death_is_found::<Adaptive>();
    an_unflagged_death_is_found::<Block>();
    an_unflagged_death_is_found::<Spin>();
}

#[test]
fn the_seats_of_unflagged_deaths_are_swept_when_none_is_free() {
    let region = Region::options().size(4096).seats(4).anonymous().unwrap();
    for _ in 0..20 {
        let child = Child::spawn(|| {
            region.enter().expect("a seat");
            forget_robust_list();
        });
        assert_eq!(child.wait(), 0);
    }
    assert!(region.enter().is_ok());
}

#[test]
fn locks_outlive_the_mapping_that_they_were_taken_through() {
    let name = format!("hazard-unmap-{}", std::process::id());
    let region = Region::create(&name, 1 << 16).unwrap();
    let lock = region.object::<Mutex<u64>>("lock").unwrap();
    let step = region.object::<AtomicU32>("step").unwrap();
    let child = Child::spawn(|| {
        std::mem::forget(lock.lock());
        let start = core::ptr::from_ref(&*lock).addr() & !4095;
        // SAFETY: unmaps the page with the lock, which this process does not touch again.
        unsafe { libc::munmap(start as *mut libc::c_void, 4096) };
        // The robust list leads through private pages only: it is whole.
        std::thread::sleep(Duration::from_secs(60));
    });
    child.until_asleep();
    child.kill();
    assert!(matches!(lock.lock(), Err(LockError::OwnerDied(_))));
    drop(step);
    region.unlink().unwrap();
}

#[test]
fn a_peer_that_scribbles_over_the_seats_crashes_nobody() {
    let name = format!("hazard-scribble-{}", std::process::id());
    let region = Region::options().size(1 << 16).seats(8).create(&name).unwrap();
    let lock = region.object::<Mutex<u64>>("lock").unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(format!("/dev/shm/{name}")).unwrap();
    region.unlink().unwrap();
    for byte in [0xff, 0x5a, 0x00] {
        let child = Child::spawn(|| {
            let worker = || {
                drop(lock.lock());
                // Every byte of the table that a peer can write, the tails of the pages included.
                file.write_all_at(&[byte; 8 * 4096], seats_at(&region)).expect("scribbles");
                drop(lock.try_lock());
            };
            // The thread ends: it unlinks its node, through pointers that no peer can reach.
            std::thread::scope(|scope| drop(scope.spawn(worker).join()));
        });
        assert_eq!(child.wait(), 0, "{byte:#x}");
        file.write_all_at(&[0; 8 * 4096], seats_at(&region)).unwrap();
    }
}

fn write(region: &Region, at: u64, word: u32) {
    let file = File::from(region.as_fd().try_clone_to_owned().unwrap());
    file.write_all_at(&word.to_ne_bytes(), at).unwrap();
}

/// Writes what a seat, which somebody has had, says of itself.
fn forge_seat(region: &Region, slot: u64, [generation, member, live]: [u32; 3]) {
    let seat = seats_at(region) + slot * 4096;
    write(region, seat + 64, generation);
    write(region, seat + 68, member);
    write(region, seat + 4076, live);
}

const WAITERS: u32 = 1 << 31;
const DIED: u32 = 1 << 30;
/// Bit 29 is in every name.
const NAMED: u32 = 1 << 29;
const TID: u32 = 77;

/// The next seat is taken and left.
fn sit_and_leave(region: &Region) -> u32 {
    std::thread::scope(|scope| scope.spawn(|| region.enter().unwrap().slot()).join().unwrap())
}

#[test]
fn a_seat_that_is_being_taken_is_not_swept() {
    let region = Region::options().size(4096).seats(1).anonymous().unwrap();
    assert_eq!(sit_and_leave(&region), 0);
    // Who takes it was stopped before the seat could say whose it is: it still names the last one's process, which is gone.
    let gone = NAMED | 1 << 10 | 200;
    let here = region.member().unwrap().to_bits();
    forge_seat(&region, 0, [1, gone, here | DIED]);
    let full = region.enter();
    assert!(matches!(full, Err(Error::SeatsFull { capacity: 1 })), "two have one seat: {full:?}");
    forge_seat(&region, 0, [1, here, gone | DIED]); // the last one is alive, and the taker's process is killed
    assert_eq!(sit_and_leave(&region), 0);
    forge_seat(&region, 0, [2, gone, TID | WAITERS]); // it has it, and its process is killed
    assert_eq!(sit_and_leave(&region), 0);
    forge_seat(&region, 0, [2, gone, TID | DIED | WAITERS]); // it was killed while it left
    assert_eq!(sit_and_leave(&region), 0);
}

fn live(region: &Region, slot: u64) -> u32 {
    u32::from_ne_bytes(read(region, seats_at(region) + slot * 4096 + 4076))
}

fn read<const N: usize>(region: &Region, at: u64) -> [u8; N] {
    let file = File::from(region.as_fd().try_clone_to_owned().unwrap());
    let mut bytes = [0; N];
    file.read_exact_at(&mut bytes, at).unwrap();
    bytes
}

/// For whoever looks at a region in which nothing moves.
#[test]
fn a_seat_says_which_lock_its_thread_sleeps_for() {
    let region = Region::options().size(4096).seats(2).anonymous().unwrap();
    let lock = region.object::<Mutex<u64>>("lock").unwrap();
    let at = region.list().iter().find(|object| object.name == "lock").unwrap().offset;
    let guard = lock.lock().unwrap();
    let other = u64::from(sit_and_leave(&region)); // the next one takes it, too
    let says = || u64::from_ne_bytes(read(&region, seats_at(&region) + other * 4096 + 80));
    let child = Child::spawn(|| drop(lock.lock().expect("handed over")));
    until("the child to sleep", || says() != 0);
    assert_eq!(says(), 1 + HEAP + at);
    drop(guard);
    assert_eq!(child.wait(), 0);
    assert_eq!(says(), 0);
}

/// A thread that runs instruction by instruction, seen from a pid namespace in which another has the same thread id.
struct Twin<'a> {
    region: &'a Region,
    thread: Traced,
}

impl<'a> Twin<'a> {
    /// Stands at the marker in `work`.
    fn in_midst_of(region: &'a Region, work: fn(&Region)) -> Self {
        let mut thread = Traced::spawn(|| work(region));
        while thread.run() == Stop::Asleep {}
        Self { region, thread }
    }

    /// Whether the kernel would look at some word if the thread died now, apart from those on its list.
    fn has_a_pending_word(&self) -> bool {
        let (mut head, mut len) = (0u64, 0usize);
        let (pid, head_at, len_at) = (self.thread.pid, &raw mut head, &raw mut len);
        // SAFETY: two live words for the kernel to fill.
        let done = unsafe { libc::syscall(libc::SYS_get_robust_list, pid, head_at, len_at) };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
        let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
        let mut pending = [0; 8];
        memory.read_exact_at(&mut pending, head + 16).unwrap();
        pending != [0; 8]
    }

    /// The other one takes the only seat, which is free, and this one is killed: the seat stays the other's.
    fn dies_when_the_other_has_the_seat(self) {
        let taken = self.thread.pid.unsigned_abs() | WAITERS;
        forge_seat(self.region, 0, [2, self.region.member().unwrap().to_bits(), taken]);
        self.thread.kill();
        assert_eq!(live(self.region, 0), taken, "a living thread was taken for dead");
    }
}

#[test]
fn a_thread_that_is_killed_sitting_down_takes_nobody_of_its_id_for_dead() {
    let region = Region::options().size(4096).seats(1).anonymous().unwrap();
    assert_eq!(sit_and_leave(&region), 0);
    let mut twin = Twin::in_midst_of(&region, |region| {
        region.member().unwrap();
        marker();
        let _ = region.enter();
    });
    while live(&region, 0) == 0 && !twin.has_a_pending_word() {
        assert!(matches!(twin.thread.step(), Stop::Step | Stop::Asleep));
    }
    // It has written its name, and nobody else can; or the kernel would look at a word of the free seat.
    if live(&region, 0) == 0 {
        twin.dies_when_the_other_has_the_seat();
    }
}

#[test]
fn a_thread_that_is_killed_leaving_takes_nobody_of_its_id_for_dead() {
    let region = Region::options().size(4096).seats(1).anonymous().unwrap();
    assert_eq!(sit_and_leave(&region), 0);
    let mut twin = Twin::in_midst_of(&region, |region| {
        region.enter().unwrap();
        marker();
        // SAFETY: ends the child; the ends of this thread's own variables are among what runs.
        unsafe { libc::exit(0) }
    });
    while live(&region, 0) != 0 {
        assert!(matches!(twin.thread.step(), Stop::Step | Stop::Asleep));
    }
    twin.dies_when_the_other_has_the_seat();
}

#[test]
fn a_seat_that_says_of_no_process_whose_it_is_holds_nothing() {
    let region = Region::options().size(4096).seats(2).anonymous().unwrap();
    let lock = region.object::<Mutex<u64>>("lock").unwrap();
    assert_eq!(sit_and_leave(&region), 1);
    forge_seat(&region, 1, [5, 0x1234, TID | WAITERS]);
    write(&region, 102_400 + region.list()[0].offset, NAMED | 5 << 10 | 1); // the lock is its
    let heir = lock.lock_until(Duration::from_secs(5).into());
    assert!(matches!(heir, Err(LockError::OwnerDied(_))), "{heir:?}");
}

#[test]
fn a_core_dump_leaves_the_region_out() {
    let region = Region::anonymous(1 << 16).unwrap();
    let object = region.object::<AtomicU32>("object").unwrap();
    let address = core::ptr::from_ref(&*object).addr();
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut flags = None;
    let mut inside = false;
    for line in maps.lines() {
        let range = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
        let parse = |text| usize::from_str_radix(text, 16);
        if let Some((Ok(start), Ok(end))) = range.map(|(start, end)| (parse(start), parse(end))) {
            inside = (start..end).contains(&address);
        } else if inside && line.starts_with("VmFlags:") {
            flags = Some(line.to_owned());
        }
    }
    // Otherwise the dump of a killed holder would come before the hand-over of its locks.
    assert!(flags.unwrap().split(' ').any(|flag| flag == "dd"));
}

#[test]
fn a_signal_handler_may_lock_while_its_thread_locks() {
    static PLACE: std::sync::OnceLock<[Shared<Mutex<u64>>; 2]> = std::sync::OnceLock::new();
    extern "C" fn handler(_signal: i32) {
        if let Some([_, other]) = PLACE.get()
            && let Ok(mut count) = other.lock()
        {
            *count += 1;
        }
    }
    let region = Region::anonymous(1 << 16).unwrap();
    let locks = ["one", "other"].map(|name| region.object::<Mutex<u64>>(name).unwrap());
    let [one, other] = locks;
    PLACE.set([one.clone(), other.clone()]).map_err(drop).unwrap();
    let child = Child::spawn(|| {
        region.enter().expect("a seat");
        // SAFETY: installs a handler that takes a lock which this thread takes nowhere else.
        unsafe { libc::signal(libc::SIGUSR1, handler as *const () as libc::sighandler_t) };
        loop {
            *one.lock().expect("locks") += 1;
        }
    });
    until("the child to lock", || one.lock().is_ok_and(|count| *count > 0));
    for _ in 0..2000 {
        child.signal(libc::SIGUSR1);
        drop(one.lock().unwrap());
    }
    until("the handler to lock", || other.lock().is_ok_and(|count| *count > 0));
    child.kill();
    // A balanced lock and unlock in the handler left the list and its pending word as they were.
    assert!(matches!(one.lock(), Ok(_) | Err(LockError::OwnerDied(_))));
    assert!(matches!(other.lock(), Ok(_) | Err(LockError::OwnerDied(_))));
}
