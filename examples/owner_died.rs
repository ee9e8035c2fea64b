//! Two processes, one lock, one murder.
//!
//! Run: `cargo run --example owner_died`
//! You should see: "child holds the lock", "child killed", "OwnerDied", "repaired, total = 1000"; all in well under a second.
//! Proves: a SIGKILL inside the critical section neither wedges nor corrupts the survivor, who is told and repairs.

use sabha::sync::{LockError, Mutex};
use sabha::{Region, Shareable};
use std::env;
use std::error::Error;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use zerocopy::FromBytes;

/// Two accounts; together they always hold 1000, except in the middle of a transfer.
#[derive(Shareable, FromBytes, Clone, Copy, Debug)]
#[repr(C)]
struct Accounts {
    ours: u64,
    theirs: u64,
}

impl Accounts {
    fn total(&self) -> u64 {
        self.ours + self.theirs
    }
}

/// Takes 10 from one account, and is killed before it can put them into the other.
fn child(name: &str) -> Result<(), Box<dyn Error>> {
    let accounts = Region::open(name)?.object::<Mutex<Accounts>>("accounts")?;
    let mut accounts = accounts.lock().map_err(sabha::Error::from)?;
    accounts.ours -= 10;
    std::io::stdout().write_all(b".")?; // tells the parent, through the pipe
    std::io::stdout().flush()?;
    loop {
        thread::park();
    }
}

fn parent() -> Result<(), Box<dyn Error>> {
    let name = format!("sabha-owner-died-{}", std::process::id());
    let region = Region::create(&name, 1 << 16)?;
    let accounts = region.object::<Mutex<Accounts>>("accounts")?;
    *accounts.lock().map_err(sabha::Error::from)? = Accounts { ours: 500, theirs: 500 };

    let mut child = Command::new(env::current_exe()?).arg(&name).stdout(Stdio::piped()).spawn()?;
    child.stdout.as_mut().ok_or("no pipe")?.read_exact(&mut [0])?;
    region.unlink()?;
    if let Err(LockError::Held { holder }) = accounts.try_lock() {
        println!("child holds the lock: {holder}");
    }

    let killer = thread::spawn(move || kill_soon(child));
    let told = accounts.lock(); // asleep when the child is killed
    let locked_at = Instant::now();
    let killed_at = killer.join().map_err(|_| "the killer panicked")??;
    let Err(LockError::OwnerDied(died)) = told else {
        return Err(format!("the survivor was not told: {told:?}").into());
    };
    println!("child killed; {:?} later the survivor has the lock", locked_at - killed_at);

    let mut guard = died.into_guard();
    println!("OwnerDied: found {:?}, total = {}", *guard, guard.total());
    guard.ours = 1000 - guard.theirs; // the transfer never happened
    guard.mark_consistent();
    println!("repaired, total = {}", guard.total());
    drop(guard);

    let after = accounts.lock().map_err(sabha::Error::from)?; // to be told again would be an error
    println!("locked again, nothing to report: {:?}", *after);
    if (after.ours, after.theirs) == (500, 500) { Ok(()) } else { Err("not repaired".into()) }
}

fn kill_soon(mut child: Child) -> std::io::Result<Instant> {
    thread::sleep(Duration::from_millis(100));
    let at = Instant::now();
    child.kill()?; // SIGKILL
    child.wait()?;
    Ok(at)
}

fn main() -> Result<(), Box<dyn Error>> {
    env::args().nth(1).map_or_else(parent, |name| child(&name))
}
