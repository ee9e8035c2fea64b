//! Processors, shared unfairly: a thread that is woken, and yet does not run.
#![allow(unsafe_code)] // system calls

/// Has the calling thread run on processor `cpu` only.
pub fn pin(cpu: usize) {
    // SAFETY: a set of processors is an array of integers.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: a live set; the number is checked inside.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: a live set of the size that is said.
    let rc = unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
    assert_eq!(rc, 0, "sched_setaffinity: {}", std::io::Error::last_os_error());
}

/// Has the calling thread run only when its processor has nothing else to do (almost).
pub fn yield_to_all() {
    let param = libc::sched_param { sched_priority: 0 };
    // SAFETY: a live struct.
    let rc = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const param) };
    assert_eq!(rc, 0, "sched_setscheduler: {}", std::io::Error::last_os_error());
}

/// A signal every `micros` microseconds, whose handler does nothing but disturb.
pub fn disturb_every(micros: libc::suseconds_t) {
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: an all-zero action is valid: no flags, so that system calls are interrupted.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as extern "C" fn(libc::c_int) as usize;
    // SAFETY: a live action, whose handler does nothing.
    let rc = unsafe { libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()) };
    assert_eq!(rc, 0, "sigaction: {}", std::io::Error::last_os_error());
    let every = libc::timeval { tv_sec: 0, tv_usec: micros };
    let timer = libc::itimerval { it_interval: every, it_value: every };
    // SAFETY: a live struct.
    let rc = unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
    assert_eq!(rc, 0, "setitimer: {}", std::io::Error::last_os_error());
}

/// Time-outs of the calling thread are as exact as the machine can.
pub fn exact_timers() {
    // SAFETY: takes integers.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
}
