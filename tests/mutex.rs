//! The mutex and the spinlock as their users meet them: in threads, in processes, and when used wrongly.

use sabha::sync::{Block, LockError, Mutex, Policy, Spin, SpinLock};
use sabha::{Deadline, Region, Shareable, Shared};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};
use support::child::{Child, until};

#[derive(Shareable)]
#[repr(C)]
struct Place {
    mutex: Mutex<[u64; 2]>,
    blocking: Mutex<u64, Block>,
    spinning: SpinLock<u64>,
    step: AtomicU32,
}

fn place() -> Shared<Place> {
    Region::anonymous(1 << 16).unwrap().object::<Place>("place").unwrap()
}

/// Has a child take the lock and keep it until it is killed.
fn holder(place: &Shared<Place>) -> Child {
    let child = Child::spawn(|| {
        std::mem::forget(place.mutex.lock());
        place.step.store(1, SeqCst);
        std::thread::sleep(Duration::from_secs(60));
    });
    until("the lock to be taken", || place.step.load(SeqCst) == 1);
    child
}

fn counts<P: Policy>(lock: &Mutex<u64, P>) {
    let children: Vec<Child> = (0..3)
        .map(|_| {
            Child::spawn(|| {
                for _ in 0..20_000 {
                    *lock.lock().expect("locks") += 1;
                }
            })
        })
        .collect();
    for child in children {
        assert_eq!(child.wait(), 0);
    }
    assert_eq!(*lock.lock().unwrap(), 60_000);
}

#[test]
fn three_processes_count_under_each_policy() {
    let place = place();
    counts(&place.blocking);
    counts(&place.spinning);
    counts(&place.region().object::<Mutex<u64>>("adaptive").unwrap());
}

/// What a lock hands over is seen: the thread sanitizer watches this one.
#[test]
fn three_threads_count_under_each_policy() {
    /// Each starts the next once it has its seat, and outlives it: nothing but the lock orders what they count.
    fn count_with<P: Policy>(others: u32, lock: &Mutex<u64, P>) {
        drop(lock.lock().unwrap());
        std::thread::scope(|scope| {
            let next = (others > 0).then(|| scope.spawn(move || count_with(others - 1, lock)));
            for round in 0..5_000 {
                let mut count = lock.lock().unwrap();
                *count += 1;
                if round % 500 == 0 {
                    std::thread::sleep(Duration::from_micros(200)); // the others come, and sleep
                }
            }
            if let Some(next) = next {
                next.join().unwrap();
            }
        });
    }
    fn counts<P: Policy>(lock: &Mutex<u64, P>) {
        count_with(2, lock);
        assert_eq!(*lock.lock().unwrap(), 15_000);
    }
    let place = place();
    counts(&place.blocking);
    counts(&place.spinning);
    counts(&place.region().object::<Mutex<u64>>("adaptive").unwrap());
}

#[test]
fn policies_may_meet_at_one_lock() {
    let region = Region::anonymous(1 << 16).unwrap();
    // One fingerprint: the bytes are the same.
    let blocking = region.object::<Mutex<u64, Block>>("lock").unwrap();
    let spinning = region.object::<Mutex<u64, Spin>>("lock").unwrap();
    let child = Child::spawn(|| {
        for _ in 0..20_000 {
            *spinning.lock().expect("locks") += 1;
        }
    });
    for _ in 0..20_000 {
        *blocking.lock().unwrap() += 1;
    }
    assert_eq!(child.wait(), 0);
    assert_eq!(*blocking.lock().unwrap(), 40_000);
}

#[test]
fn a_killed_holder_is_reported_until_somebody_repairs() {
    let place = place();
    holder(&place).kill();
    let Err(LockError::OwnerDied(died)) = place.mutex.lock() else { panic!("not told") };
    drop(died.into_guard()); // not repaired
    let Err(LockError::OwnerDied(died)) = place.mutex.try_lock() else { panic!("forgotten") };
    let mut guard = died.into_guard();
    *guard = [7, 7];
    guard.mark_consistent();
    drop(guard);
    assert_eq!(*place.mutex.lock().unwrap(), [7, 7]);
}

/// Else it would get the lock, too: at the end of its pulse.
#[test]
fn who_sleeps_is_woken_by_the_unlock() {
    const PULSE: Duration = Duration::from_millis(100);
    const ROUNDS: usize = 11;
    let place = place();
    let is_prompt = |_: &usize| {
        let guard = place.blocking.lock().unwrap();
        let child = Child::spawn(|| drop(place.blocking.lock().expect("handed over")));
        child.until_asleep();
        let start = Instant::now();
        drop(guard);
        assert_eq!(child.wait(), 0);
        start.elapsed() < PULSE / 2
    };
    let prompt = (0..ROUNDS).filter(is_prompt).count();
    assert!(prompt > ROUNDS / 2, "{prompt} of {ROUNDS}");
}

/// A lock that is not contended any more is as cheap as before: nobody owes a wake.
#[test]
fn the_unlock_that_finds_nobody_asleep_takes_the_flag_of_those_who_were_away() {
    let lock = Region::anonymous(1 << 16).unwrap().object::<Mutex<u64>>("lock").unwrap();
    let word = || words(&lock)[0].load(SeqCst);
    let guard = lock.lock().unwrap();
    let plain = word();
    let child = Child::spawn(|| {
        let refused = lock.lock_until(Deadline::after(Duration::from_millis(5)));
        assert!(matches!(refused, Err(LockError::TimedOut { .. })));
    });
    assert_eq!(child.wait(), 0);
    assert_eq!(word(), plain | 1 << 31, "it slept");
    drop(guard);
    assert_eq!(word(), 0);
}

#[test]
fn lock_repaired_repairs_once() {
    let place = place();
    holder(&place).kill();
    let guard = place.mutex.lock_repaired(|data| *data = [1, 1]).unwrap();
    assert_eq!(*guard, [1, 1]);
    drop(guard);
    drop(place.mutex.lock_repaired(|_| panic!("nothing to repair")).unwrap());
}

#[test]
fn a_time_out_names_the_holder_and_is_never_early() {
    let place = place();
    let child = holder(&place);
    let start = Instant::now();
    let refused = place.mutex.lock_until(Deadline::after(Duration::from_millis(30)));
    let took = start.elapsed();
    let Err(LockError::TimedOut { holder }) = refused else { panic!("{refused:?}") };
    assert!(took >= Duration::from_millis(30), "{took:?}");
    assert_eq!(i64::from(holder.pid), i64::from(child.pid));
    assert_eq!(holder.tid, holder.pid, "a forked child has one thread");
    let refused = place.mutex.try_lock();
    let Err(LockError::Held { holder: ref again }) = refused else { panic!("{refused:?}") };
    assert_eq!(*again, holder);
    assert!(refused.unwrap_err().to_string().contains(&child.pid.to_string()));
}

#[test]
fn spinning_times_out_too() {
    let region = Region::anonymous(1 << 16).unwrap();
    let lock = region.object::<SpinLock<u64>>("spin").unwrap();
    std::thread::scope(|scope| {
        let guard = lock.lock().unwrap();
        let refused =
            scope.spawn(|| lock.lock_until(Deadline::after(Duration::from_millis(5))).is_err());
        assert!(refused.join().unwrap());
        drop(guard);
    });
    assert!(lock.lock().is_ok());
}

#[test]
fn locking_twice_is_an_error_not_a_hang() {
    let place = place();
    let guard = place.mutex.lock().unwrap();
    assert!(matches!(place.mutex.lock(), Err(LockError::Deadlock { .. })));
    assert!(matches!(place.mutex.try_lock(), Err(LockError::Deadlock { .. })));
    let soon = Deadline::after(Duration::from_millis(1));
    assert!(matches!(place.mutex.lock_until(soon), Err(LockError::Deadlock { .. })));
    drop(guard);
    assert!(place.mutex.lock().is_ok());
}

#[test]
fn a_thread_that_ends_with_the_lock_has_died() {
    let place = place();
    std::thread::scope(|scope| {
        scope.spawn(|| std::mem::forget(place.mutex.lock().unwrap())).join().unwrap();
    });
    assert!(matches!(place.mutex.lock(), Err(LockError::OwnerDied(_))));
}

#[test]
fn a_waiter_is_told_when_the_holding_thread_ends() {
    let place = place();
    std::thread::scope(|scope| {
        let holder = scope.spawn(|| {
            std::mem::forget(place.mutex.lock().unwrap());
            place.step.store(1, SeqCst);
            std::thread::sleep(Duration::from_millis(30));
        });
        until("the lock to be taken", || place.step.load(SeqCst) == 1);
        assert!(matches!(place.mutex.lock(), Err(LockError::OwnerDied(_))));
        holder.join().unwrap();
    });
}

#[test]
fn a_forked_child_cannot_unlock_what_its_parent_holds() {
    let place = place();
    let guard = place.mutex.lock().unwrap();
    let slot = std::cell::Cell::new(Some(guard));
    let child = Child::spawn(|| {
        drop(slot.take()); // the inherited guard: refuses to act
        let refused = place.mutex.lock_until(Deadline::after(Duration::from_millis(20)));
        assert!(matches!(refused, Err(LockError::TimedOut { .. })), "no false deadlock");
    });
    assert_eq!(child.wait(), 0);
    let still = place.mutex.try_lock();
    assert!(matches!(still, Err(LockError::Deadlock { .. })), "still ours: {still:?}");
    drop(slot.take());
    assert!(place.mutex.lock().is_ok());
}

#[test]
fn a_child_made_by_a_raw_clone_has_no_seat_of_its_parents() {
    let place = place();
    let guard = place.mutex.lock().unwrap();
    drop(guard);
    // In a process of one thread: what other threads hold at a raw clone, the C library's heap for one, is held for ever.
    let alone = Child::spawn(|| {
        let guard = place.mutex.lock().expect("free");
        let code = raw_clone(|| {
            let seen = core::mem::ManuallyDrop::new(place.mutex.try_lock());
            i32::from(!matches!(*seen, Err(LockError::Held { .. } | LockError::Seat(_))))
        });
        assert_eq!(code, 0, "the clone took the lock for its own");
        drop(guard);
        assert!(place.mutex.try_lock().is_ok(), "the clone has changed the lock");
    });
    assert_eq!(alone.wait(), 0);
}

#[allow(unsafe_code)] // the point of the test
fn raw_clone(work: impl FnOnce() -> i32) -> i32 {
    // SAFETY: like fork, without the C library knowing; the child runs only `work`.
    let pid = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
    if pid == 0 {
        let code = work();
        // SAFETY: ends the process.
        unsafe { libc::_exit(code) }
    }
    let mut status = 0;
    // SAFETY: our own child, and a live word.
    unsafe { libc::waitpid(i32::try_from(pid).unwrap(), &raw mut status, 0) };
    assert!(libc::WIFEXITED(status), "the child was killed: {status:#x}");
    libc::WEXITSTATUS(status)
}

#[test]
fn exec_while_holding_counts_as_death() {
    let place = place();
    let child = Child::spawn(|| {
        std::mem::forget(place.mutex.lock());
        use std::os::unix::process::CommandExt;
        let _ = std::process::Command::new("sleep").arg("5").exec();
    });
    until("the exec", || matches!(place.mutex.try_lock(), Err(LockError::OwnerDied(_))));
    assert!(!"Z?".contains(child.state()), "the process itself lives on");
}

#[test]
fn the_c_librarys_robust_mutexes_and_ours_share_the_threads_list() {
    let place = place();
    let region = place.region().clone();
    let raw = region.slice::<AtomicU32>("pthread", 16).unwrap();
    robust::init(&raw);
    let child = Child::spawn(|| {
        robust::lock(&raw);
        std::mem::forget(place.mutex.lock());
        robust::unlock(&raw);
        robust::lock(&raw);
        place.step.store(1, SeqCst);
        std::thread::sleep(Duration::from_secs(60));
    });
    until("both locks", || place.step.load(SeqCst) == 1);
    child.kill();
    assert_eq!(robust::lock(&raw), libc::EOWNERDEAD);
    assert!(matches!(place.mutex.lock(), Err(LockError::OwnerDied(_))));
}

/// The C library's robust mutex in shared memory.
#[allow(unsafe_code)]
mod robust {
    use std::sync::atomic::AtomicU32;

    fn at(place: &[AtomicU32]) -> *mut libc::pthread_mutex_t {
        assert!(size_of_val(place) >= size_of::<libc::pthread_mutex_t>());
        place.as_ptr().cast_mut().cast()
    }

    pub fn init(place: &[AtomicU32]) {
        let mut attributes = core::mem::MaybeUninit::uninit();
        // SAFETY: memory for attributes, initialised here.
        unsafe { libc::pthread_mutexattr_init(attributes.as_mut_ptr()) };
        // SAFETY: initialised above.
        unsafe { libc::pthread_mutexattr_setpshared(attributes.as_mut_ptr(), 1) };
        // SAFETY: initialised above.
        unsafe { libc::pthread_mutexattr_setrobust(attributes.as_mut_ptr(), 1) };
        // SAFETY: shared memory large enough for a mutex, initialised here.
        unsafe { libc::pthread_mutex_init(at(place), attributes.as_ptr()) };
    }

    pub fn lock(place: &[AtomicU32]) -> i32 {
        // SAFETY: initialised by `init`.
        unsafe { libc::pthread_mutex_lock(at(place)) }
    }

    pub fn unlock(place: &[AtomicU32]) {
        // SAFETY: locked by the caller.
        unsafe { libc::pthread_mutex_unlock(at(place)) };
    }
}

#[test]
fn three_thousand_held_locks_are_all_handed_over() {
    let region = Region::anonymous(1 << 20).unwrap();
    let locks = region.slice::<Mutex<u64>>("locks", 3000).unwrap();
    let child = Child::spawn(|| {
        for lock in locks.iter() {
            std::mem::forget(lock.lock());
        }
    });
    assert_eq!(child.wait(), 0);
    for lock in locks.iter() {
        // One robust word for each thread, not for each lock: the kernel's limit of 2048 does not matter.
        assert!(matches!(lock.lock(), Err(LockError::OwnerDied(_))));
    }
}

#[test]
fn any_bytes_in_the_lock_word_are_survived() {
    let region = Region::anonymous(1 << 16).unwrap();
    let mut random = support::child::Random::new(11);
    for round in 0..2000 {
        let name = format!("lock{}", round % 8);
        let lock = region.object::<Mutex<u64>>(&name).unwrap();
        scribble(&lock, u32::try_from(random.below(1 << 32)).unwrap(), round % 3 == 0);
        let soon = Deadline::after(Duration::from_micros(200));
        // It may look held by a living seat (ours, even), or orphaned, or free: an answer comes, that is all.
        let _ = lock.lock_until(soon).map(drop);
        scribble(&lock, 0, true);
        drop(lock.lock().unwrap());
    }
}

/// Its word, and the one on which its sleepers queue.
#[allow(unsafe_code)]
fn words(lock: &Mutex<u64>) -> &[AtomicU32; 2] {
    // SAFETY: the first eight bytes of a mutex are two atomic words.
    unsafe { &*core::ptr::from_ref(lock).cast() }
}

/// A hostile peer.
fn scribble(lock: &Mutex<u64>, word: u32, park: bool) {
    let [first, second] = words(lock);
    first.store(word, SeqCst);
    if park {
        second.store(word >> 1, SeqCst);
    }
}
