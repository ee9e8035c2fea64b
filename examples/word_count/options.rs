//! The command line.

use crate::arguments::{no_such, number, split};
use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` prints.
pub const HELP: &str = "\
Counts words with several processes that share one region of memory, some of which may be killed.

usage: word_count [options] [PATH...]

  PATH           files and directories; without any: the text of this repository
  --workers N    worker processes (default: one per core)
  --top N        print the N most frequent words (default: 10)
  --kill K       kill (SIGKILL) K workers at random moments of their work
  --json         print one JSON object instead
  --help         print this

exit status: 0 the workers' count is exactly that of one process (unreadable files are reported,
and left out of both); 1 it is not, or something broke; 2 wrong usage or no such path;
3 files changed while they were counted, so that the two counts cannot be compared
";

/// What the user asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// Files and directories to count; none means this repository.
    pub paths: Vec<PathBuf>,
    /// How many worker processes.
    pub workers: usize,
    /// How many of the most frequent words to print.
    pub top: usize,
    /// How many workers to kill.
    pub kill: usize,
    /// One JSON object on standard output, nothing else.
    pub json: bool,
    /// Not in the help, for tests: a mistake of the reducer, which the check must notice.
    pub fault: Option<Fault>,
    /// Not in the help, for tests: where each of the first workers kills itself.
    pub die: Option<Row>,
}

/// A row of the crash table: the last thing that a killed worker did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// W1: it has taken one end of its rings, but not the other.
    Hired,
    /// W2: it has counted a part of a job.
    Counted,
    /// W3: it has sent a part of a result.
    Sent,
    /// W4: it has sent the whole result.
    Committed,
    /// W5: it has released the job.
    Released,
}

impl Row {
    const ALL: [Self; 5] =
        [Self::Hired, Self::Counted, Self::Sent, Self::Committed, Self::Released];

    /// What the command line calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hired => "hired",
            Self::Counted => "counted",
            Self::Sent => "sent",
            Self::Committed => "committed",
            Self::Released => "released",
        }
    }

    /// The row of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|row| row.name() == name)
    }
}

/// A reducer that is wrong in one of these ways must not pass the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The result of one job is lost.
    Drop,
    /// The result of one job is counted twice.
    Double,
}

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// Count.
    Count(Options),
    /// Print the help.
    Help,
}

/// More workers than this are a typing error.
pub const WORKERS_MAX: usize = 64;
/// More kills, too.
const KILLS_MAX: usize = 10_000;

impl Options {
    fn default_for(cores: usize) -> Self {
        Self {
            paths: Vec::new(),
            workers: cores.clamp(1, WORKERS_MAX),
            top: 10,
            kill: 0,
            json: false,
            fault: None,
            die: None,
        }
    }
}

/// Understands `arguments` (without the program's name), or says in one sentence why not.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    cores: usize,
) -> Result<Request, String> {
    let mut options = Options::default_for(cores);
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        match argument.to_str() {
            Some("--help" | "-h") => return Ok(Request::Help),
            Some("--json") => options.json = true,
            Some("--") => {
                options.paths.extend(rest.by_ref().map(PathBuf::from));
            }
            Some(option) if option.starts_with('-') && option != "-" => {
                let next = || rest.next().unwrap_or_default().to_string_lossy().into_owned();
                let (name, value) = split(option, next);
                options.set(&name, &value)?;
            }
            _ => options.paths.push(argument.into()),
        }
    }
    Ok(Request::Count(options))
}

impl Options {
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "--workers" => self.workers = number(name, value, 1, WORKERS_MAX)?,
            "--top" => self.top = number(name, value, 0, usize::MAX)?,
            "--kill" => self.kill = number(name, value, 0, KILLS_MAX)?,
            "--fault" if value == "drop" => self.fault = Some(Fault::Drop),
            "--fault" if value == "double" => self.fault = Some(Fault::Double),
            "--die" if Row::named(value).is_some() => self.die = Row::named(value),
            _ => return Err(no_such(name)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Options, Request, Row, parse};

    fn parsed(line: &str) -> Result<Request, String> {
        parse(line.split_whitespace().map(Into::into), 4)
    }

    #[test]
    fn nothing_said_means_the_defaults() {
        let defaults = Options {
            paths: vec![],
            workers: 4,
            top: 10,
            kill: 0,
            json: false,
            fault: None,
            die: None,
        };
        assert_eq!(parsed(""), Ok(Request::Count(defaults)));
    }

    #[test]
    fn options_and_paths_may_be_mixed() {
        let line = "a --workers 3 --top=0 b --kill 20 --json --fault drop --die sent -- --c";
        let expected = Options {
            paths: vec!["a".into(), "b".into(), "--c".into()],
            workers: 3,
            top: 0,
            kill: 20,
            json: true,
            fault: Some(Fault::Drop),
            die: Some(Row::Sent),
        };
        assert_eq!(parsed(line), Ok(Request::Count(expected)));
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let wrong = [
            ("--workers 0", "--workers must be from 1 to 64, not 0"),
            ("--workers", "--workers needs a number, not \"\""),
            ("--top -1", "--top needs a number, not \"-1\""),
            ("--fast", "no such option: --fast (see --help)"),
        ];
        for (line, sentence) in wrong {
            assert_eq!(parsed(line), Err(sentence.to_owned()));
        }
    }
}
