//! The command line.

use crate::arguments::{no_such, number, split};
use crate::board::WORKERS_MAX;
use crate::fault::Fault;
use std::time::{Duration, UNIX_EPOCH};

/// What `--help` prints.
pub const HELP: &str = "\
Several processes use every primitive of sabha at once, while they are killed, stopped, and replaced at random. Shows what
they do, and that no promise is broken.

usage: torture [options]

  --seconds N           how long (default: 5)
  --processes N         how many at a time (default: 8)
  --kill-every TIME     between two kills, on average: 10ms (the default), 500us, 1s; 0s: no kills
  --seed N              what the random numbers are made from (default: the clock)
  --patience TIME       a process that does nothing for so long is stuck (default: 5s)
  --json                end with one line of JSON
  --help                print this

exit status: 0 no promise was broken and nobody stuck; 1 one was, or something failed; 2 wrong usage
";

/// What the user asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// How long to torture.
    pub time: Duration,
    /// How many workers at a time.
    pub processes: usize,
    /// Between two kills, on average; zero: none.
    pub kill_every: Duration,
    /// What the random numbers are made from.
    pub seed: u64,
    /// How long a process may do nothing.
    pub patience: Duration,
    /// A last line of JSON.
    pub json: bool,
    /// Not in the help, for tests: a mistake that the workers make.
    pub fault: Option<Fault>,
}

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// Torture.
    Torture(Options),
    /// Print the help.
    Help,
}

/// More seconds than this are a typing error.
const SECONDS_MAX: usize = 1_000_000;

/// Understands `arguments` (without the program's name), or says in one sentence why not.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Request, String> {
    let mut options = Options {
        time: Duration::from_secs(5),
        processes: 8,
        kill_every: Duration::from_millis(10),
        seed: UNIX_EPOCH.elapsed().map_or(1, |now| now.subsec_nanos().into()),
        patience: Duration::from_secs(5),
        json: false,
        fault: None,
    };
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--help" | "-h" => return Ok(Request::Help),
            "--json" => options.json = true,
            option => {
                let (name, value) = split(option, || rest.next().unwrap_or_default());
                options.set(&name, &value)?;
            }
        }
    }
    Ok(Request::Torture(options))
}

impl Options {
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let fault = Fault::named(value);
        match name {
            "--seconds" => {
                self.time = Duration::from_secs(number(name, value, 1, SECONDS_MAX)? as u64);
            }
            "--processes" => self.processes = number(name, value, 1, WORKERS_MAX)?,
            "--kill-every" => self.kill_every = duration(name, value)?,
            "--seed" => self.seed = number(name, value, 0, usize::MAX)? as u64,
            "--patience" => self.patience = duration(name, value)?,
            "--break" if fault.is_some() => self.fault = fault,
            _ => return Err(no_such(name)),
        }
        Ok(())
    }
}

/// `10ms`, `500us`, `1s`.
fn duration(name: &str, value: &str) -> Result<Duration, String> {
    let digits = value.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = value.get(digits.len()..).unwrap_or("");
    let unit = match unit {
        "us" => Duration::from_micros(1),
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        _ => return Err(format!("{name} needs a time such as 10ms, 500us or 1s, not {value:?}")),
    };
    let count = number(name, digits, 0, SECONDS_MAX)?;
    Ok(unit * u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Request, String> {
        parse(line.split_whitespace().map(Into::into))
    }

    #[test]
    fn nothing_said_means_the_defaults() {
        let Ok(Request::Torture(options)) = parsed("") else { panic!("the defaults") };
        assert_eq!((options.time, options.processes), (Duration::from_secs(5), 8));
        assert_eq!(options.kill_every, Duration::from_millis(10));
        assert_eq!((options.json, options.fault), (false, None));
    }

    #[test]
    fn every_option_counts() {
        let line = "--seconds 60 --processes=2 --kill-every 500us --seed 7 --patience 1s --json --break hold";
        let expected = Options {
            time: Duration::from_secs(60),
            processes: 2,
            kill_every: Duration::from_micros(500),
            seed: 7,
            patience: Duration::from_secs(1),
            json: true,
            fault: Some(Fault::Hold),
        };
        assert_eq!(parsed(line), Ok(Request::Torture(expected)));
        assert_eq!(parsed("--seed 1 --help"), Ok(Request::Help));
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let wrong = [
            ("--processes 0", "--processes must be from 1 to 64, not 0"),
            ("--seconds", "--seconds needs a number, not \"\""),
            ("--kill-every 10", "--kill-every needs a time such as 10ms, 500us or 1s, not \"10\""),
            ("--kill-every ms", "--kill-every needs a number, not \"\""),
            ("--break nothing", "no such option: --break (see --help)"),
            ("fast", "no such option: fast (see --help)"),
        ];
        for (line, sentence) in wrong {
            assert_eq!(parsed(line), Err(sentence.to_owned()), "{line}");
        }
    }
}
