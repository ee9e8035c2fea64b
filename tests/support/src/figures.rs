//! The figures that proofs leave: how much was tried, and what went wrong.
//!
//! Every test program runs in a process of its own, so each leaves its figures in a file, and the last one prints the table of
//! all (`tests/table.rs` of this package, which cargo runs last).

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Something that is counted. The order is the table's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Figure {
    /// Real processes that were killed behind a chosen instruction.
    KillPoints,
    /// Those of them that were killed while they repaired what another had left.
    RecoveryKillPoints,
    /// Interleavings of machine code: one process stopped at an instruction while another ran.
    Schedules,
    /// Executions that loom explored.
    LoomExecutions,
    /// Schedules that shuttle tried.
    ShuttleSchedules,
    /// States of the exhaustive models.
    ModelStates,
    /// Variants that are known to be broken, and were caught.
    KnownBadCaught,
    /// Memory orderings that were weakened, and turned a model red.
    WeakenedCaught,
    /// Deaths, simulated in models and real.
    Deaths,
    /// Runs against hostile bytes.
    HostileRuns,
    /// Recorded histories that were checked for linearizability.
    Histories,
    /// Parties that slept for ever. Must be 0.
    Wedged,
    /// Messages or wakes that got lost. Must be 0.
    Lost,
    /// Messages that came twice unannounced. Must be 0.
    Duplicated,
    /// Values of which only a part was seen, and other broken promises. Must be 0.
    Torn,
}

impl Figure {
    /// All, in order.
    pub const ALL: [Self; 15] = [
        Self::KillPoints,
        Self::RecoveryKillPoints,
        Self::Schedules,
        Self::LoomExecutions,
        Self::ShuttleSchedules,
        Self::ModelStates,
        Self::KnownBadCaught,
        Self::WeakenedCaught,
        Self::Deaths,
        Self::HostileRuns,
        Self::Histories,
        Self::Wedged,
        Self::Lost,
        Self::Duplicated,
        Self::Torn,
    ];

    /// As the table calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KillPoints => "kill points",
            Self::RecoveryKillPoints => "kill points in recovery",
            Self::Schedules => "machine-code schedules",
            Self::LoomExecutions => "loom executions",
            Self::ShuttleSchedules => "shuttle schedules",
            Self::ModelStates => "model states",
            Self::KnownBadCaught => "known-bad variants caught",
            Self::WeakenedCaught => "weakened orderings caught",
            Self::Deaths => "deaths",
            Self::HostileRuns => "hostile runs",
            Self::Histories => "histories",
            Self::Wedged => "wedged",
            Self::Lost => "lost",
            Self::Duplicated => "duplicated",
            Self::Torn => "torn or broken",
        }
    }

    /// Whether anything but 0 is a defect.
    #[must_use]
    pub const fn must_be_zero(self) -> bool {
        matches!(self, Self::Wedged | Self::Lost | Self::Duplicated | Self::Torn)
    }
}

/// Leaves the figures of `proof`, which replace those of its last run. A proof names itself as the table shall show it:
/// `kill: mutex.lock`, `loom: seat lock`.
pub fn record(proof: &str, figures: &[(Figure, u64)]) {
    let (directory, file) = (directory(), file(proof));
    fs::create_dir_all(&directory).expect("a directory for the figures");
    let lines: String =
        figures.iter().map(|(figure, count)| format!("{}\t{count}\n", figure.name())).collect();
    // Whole or not at all: another program may be reading.
    let whole = directory.join(format!("{file}.{}", std::process::id()));
    fs::write(&whole, format!("{proof}\n{lines}")).expect("the figures");
    fs::rename(&whole, directory.join(file)).expect("the figures");
}

/// Takes away what `proof` left: a run that fails must not stand behind the figures of the one before.
pub fn forget(proof: &str) {
    match fs::remove_file(directory().join(file(proof))) {
        Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
        _ => {}
    }
}

/// What `proof` left in its last run; nothing if that failed.
#[must_use]
pub fn recorded_by(proof: &str) -> Option<BTreeMap<Figure, u64>> {
    read(&directory().join(file(proof))).map(|(_, figures)| figures)
}

/// The name of its file.
fn file(proof: &str) -> String {
    proof.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// What each proof left in its last run.
pub type Recorded = BTreeMap<String, BTreeMap<Figure, u64>>;

/// All that was recorded.
#[must_use]
pub fn recorded() -> Recorded {
    let files = fs::read_dir(directory()).into_iter().flatten();
    let files = files.map(|entry| entry.expect("an entry").path());
    files.filter(|path| path.extension().is_none()).filter_map(|path| read(&path)).collect()
}

/// `None` if it is not there, or no more.
fn read(path: &Path) -> Option<(String, BTreeMap<Figure, u64>)> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        text => text.expect("the figures"),
    };
    let (proof, lines) = text.split_once('\n').expect("a proof's name");
    let figures = lines.lines().map(|line| {
        let (name, count) = line.split_once('\t').expect("a figure and its count");
        let figure = Figure::ALL.into_iter().find(|figure| figure.name() == name);
        (figure.expect("a known figure"), count.parse().expect("a count"))
    });
    Some((proof.to_owned(), figures.collect()))
}

/// The sums over all proofs.
#[must_use]
pub fn sums(recorded: &Recorded) -> BTreeMap<Figure, u64> {
    let mut sums: BTreeMap<Figure, u64> = Figure::ALL.map(|figure| (figure, 0)).into();
    for (figure, count) in recorded.values().flatten() {
        *sums.entry(*figure).or_default() += count;
    }
    sums
}

/// The table that the README quotes.
#[must_use]
pub fn table(recorded: &Recorded) -> String {
    let rows = sums(recorded);
    let rows =
        rows.iter().map(|(figure, count)| format!("| {} | {} |\n", figure.name(), grouped(*count)));
    format!("| figure | count |\n|---|---|\n{}", rows.collect::<String>())
}

/// `1234567` as `1 234 567`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let from_the_end = |index: usize| digits.len() - index;
    let spaced = digits.char_indices().flat_map(|(index, digit)| {
        let space = index > 0 && from_the_end(index).is_multiple_of(3);
        space.then_some(' ').into_iter().chain([digit])
    });
    spaced.collect()
}

/// Beside the programs of all packages: `target/<profile>/figures`.
fn directory() -> PathBuf {
    let program = std::env::current_exe().expect("this program");
    let profile = program.ancestors().find(|path| path.ends_with("deps"));
    let profile = profile.and_then(|deps| deps.parent());
    profile.unwrap_or_else(|| program.parent().expect("a directory")).join("figures")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_last_is_read_and_summed() {
        let own = |recorded: Recorded| -> Recorded {
            recorded.into_iter().filter(|(proof, _)| proof.starts_with("test of figures")).collect()
        };
        record("test of figures: a", &[(Figure::Deaths, 99)]);
        record("test of figures: a", &[(Figure::Deaths, 3), (Figure::Torn, 0)]);
        record("test of figures: b", &[(Figure::Deaths, 4_000)]);
        let found = own(recorded());
        assert_eq!(recorded_by("test of figures: b").as_ref(), found.get("test of figures: b"));
        ["test of figures: a", "test of figures: b"].into_iter().for_each(forget);
        assert_eq!(found.len(), 2);
        assert_eq!(sums(&found)[&Figure::Deaths], 4_003);
        assert!(table(&found).contains("| deaths | 4 003 |\n"));
        assert!(own(recorded()).is_empty());
        forget("test of figures: a"); // which is no error
    }

    #[test]
    fn digits_are_grouped_in_threes() {
        let said = [0, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(said, ["0", "999", "1 000", "12 345", "1 234 567"]);
    }
}
