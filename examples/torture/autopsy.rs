//! What the system says of a process: whether it runs, and on which words it sleeps.

use nix::unistd::Pid;
use sabha::{ObjectInfo, Region};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// Its state as one letter, and the processor time it has used, in nanoseconds.
pub fn state_and_time(pid: Pid) -> (char, u64) {
    let (stat, times) = (read(pid, "stat"), read(pid, "schedstat"));
    let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ran = times.split_whitespace().next().and_then(|time| time.parse().ok());
    (rest.chars().next().unwrap_or('?'), ran.unwrap_or(0))
}

/// Where it is, line by line.
pub fn of(pid: Pid) -> Vec<String> {
    let (state, ns) = state_and_time(pid);
    let [channel, call] = ["wchan", "syscall"].map(|file| read(pid, file));
    let mut lines =
        vec![format!("state {state}, ran for {ns} ns, waits in {channel}, system call {call}")];
    let numbers: Vec<u64> = call.split_whitespace().filter_map(number).collect();
    lines.extend(words_of(&numbers, pid).into_iter().map(|word| word.describe(pid)));
    lines.extend(read(pid, "stack").lines().take(4).map(str::to_owned));
    let children =
        fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
        lines.push(format!("its child {child}:"));
        lines.extend(of(Pid::from_raw(child)).into_iter().map(|line| format!("    {line}")));
    }
    lines
}

/// A word that somebody sleeps on, as long as it holds what is expected.
struct Word {
    address: u64,
    expected: u64,
}

/// The words of the system call with this number and these arguments.
fn words_of(call: &[u64], pid: Pid) -> Vec<Word> {
    let is = |number: i64| call.first().copied() == Some(number.cast_unsigned());
    match call {
        [_, address, _, expected, ..] if is(libc::SYS_futex) => {
            vec![Word { address: *address, expected: *expected }]
        }
        [_, waiters, count, ..] if is(libc::SYS_futex_waitv) => {
            let waiter = |index| {
                let [expected, address] =
                    [0, 8].map(|at| load::<8>(pid, waiters + 24 * index + at));
                Some(Word {
                    address: u64::from_ne_bytes(address?),
                    expected: u64::from_ne_bytes(expected?),
                })
            };
            (0..(*count).min(128)).filter_map(waiter).collect()
        }
        _ => Vec::new(),
    }
}

impl Word {
    /// Where it lies, and what it holds.
    fn describe(&self, pid: Pid) -> String {
        let Self { address, expected } = self;
        let holds = load::<4>(pid, *address).map_or(0, u32::from_ne_bytes);
        let maps = read(pid, "maps");
        let place = maps.lines().find_map(|line| place_in(line, *address));
        let place = place.unwrap_or_else(|| format!("{address:#x}"));
        format!("sleeps while {place} holds {expected:#x}; it holds {holds:#x}")
    }
}

/// The file of a mapping and the offset in it, if the address lies there.
fn place_in(line: &str, address: u64) -> Option<String> {
    let mut fields = line.split_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let hex = |text| u64::from_str_radix(text, 16).ok();
    let (start, end) = (hex(start)?, hex(end)?);
    let offset = hex(fields.nth(1)?)?;
    let file = fields.nth(2).unwrap_or("[private]");
    (start..end).contains(&address).then(|| format!("{file} + {:#x}", address - start + offset))
}

/// Where objects begin in a region's file: see `sabha::layout`.
const HEAP_AT: u64 = 102_400;
/// The most that is shown of an object, in words: a ring's positions, owners and notes are in the first 80.
const SHOWN: u64 = 80;

/// The first words of an object that are not 0, read from the region's file: waits for nobody.
pub fn dump(region: &Region, object: &ObjectInfo) -> String {
    let Ok(file) = region.as_fd().try_clone_to_owned().map(File::from) else {
        return String::new();
    };
    let word = |index| {
        let mut bytes = [0; 8];
        let read = file.read_exact_at(&mut bytes, HEAP_AT + object.offset + 8 * index);
        let word = u64::from_ne_bytes(bytes);
        (read.is_ok() && word != 0).then(|| format!("+{}: {word:#x}", 8 * index))
    };
    let words: Vec<_> = (0..SHOWN.min(object.layout.bytes / 8)).filter_map(word).collect();
    format!("    {:?} at {:#x}: {}", object.name, HEAP_AT + object.offset, words.join(", "))
}

/// Bytes of another process's memory.
fn load<const N: usize>(pid: Pid, address: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    File::open(format!("/proc/{pid}/mem")).ok()?.read_exact_at(&mut bytes, address).ok()?;
    Some(bytes)
}

/// A number of `/proc/PID/syscall`.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn read(pid: Pid, file: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}"));
    text.map_or_else(|why| format!("({why})"), |text| text.trim_end().to_owned())
}
