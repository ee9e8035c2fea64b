//! What is printed in the end: for people, or as one JSON object.

use crate::alone::Alone;
use crate::crew::Counted;
use crate::files::Found;
use crate::json::quoted;
use crate::options::Options;
use crate::plan::Plan;
use crate::tally::{Difference, Tally};
use std::fmt;
use std::time::Duration;

/// Everything that there is to say.
pub struct Report<'a> {
    /// What was asked for.
    pub options: &'a Options,
    /// What was passed over.
    pub found: &'a Found,
    /// What was to be done.
    pub plan: &'a Plan,
    /// What the workers did.
    pub counted: &'a Counted,
    /// How long one process took.
    pub took_alone: Duration,
    /// Whether both counted the same.
    pub verdict: &'a Verdict,
}

/// What comparing the two counts has shown.
pub enum Verdict {
    /// Every number is the same.
    Exact,
    /// These files were not the same at both times (or some of them), so nothing can be said.
    Changed(Vec<String>),
    /// Something was lost or counted twice.
    Wrong(Vec<Difference>),
}

/// More than this is not listed.
const LISTED_MAX: usize = 10;

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_top(f)?;
        self.write_totals(f)?;
        self.write_speed(f)?;
        self.write_deaths(f)?;
        self.write_verdict(f)
    }
}

impl Report<'_> {
    fn write_top(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (word, times) in self.counted.tally.top(self.options.top) {
            writeln!(f, "{times:>10}  {word}")?;
        }
        Ok(())
    }

    fn write_totals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tally, found) = (&self.counted.tally, self.found);
        let totals = [
            (self.plan.files.len() as u64, "file"),
            (tally.bytes, "byte"),
            (tally.lines, "line"),
            (tally.words, "word"),
        ];
        let totals = totals.map(|(count, what)| number_of(count, what));
        writeln!(f, "{}, {} distinct", totals.join(", "), tally.distinct())?;
        let skipped = [
            (found.binary, "binary"),
            (found.unreadable.len() as u64, "unreadable"),
            (found.links, "symbolic links"),
            (found.special, "neither file nor directory"),
        ];
        let skipped = skipped.iter().filter(|(count, _)| *count != 0);
        let skipped: Vec<_> = skipped.map(|(count, what)| format!("{count} {what}")).collect();
        if !skipped.is_empty() {
            writeln!(f, "passed over: {}", skipped.join(", "))?;
        }
        Ok(())
    }

    fn write_speed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.counted.tally.bytes == 0 {
            return Ok(());
        }
        writeln!(
            f,
            "{}: {:.0} MB/s; one process alone: {:.0} MB/s; speed-up {:.2}",
            number_of(self.options.workers as u64, "worker"),
            self.speed(self.counted.took),
            self.speed(self.took_alone),
            self.speed_up()
        )
    }

    fn write_deaths(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (options, counted) = (self.options, self.counted);
        if options.kill == 0 && counted.replaced == 0 {
            return Ok(());
        }
        writeln!(
            f,
            "killed at work: {} of {}; replaced: {}; results cut short: {}; sent twice, folded once: {}",
            counted.killed, options.kill, counted.replaced, counted.torn, counted.doubled
        )
    }

    fn write_verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verdict {
            Verdict::Exact => writeln!(f, "exact: one process alone counts the same, word by word"),
            Verdict::Changed(files) => {
                writeln!(f, "UNCHECKED: files changed while they were counted, one or more of:")?;
                let listed = files.iter().take(LISTED_MAX);
                listed.into_iter().try_for_each(|file| writeln!(f, "  {file}"))
            }
            Verdict::Wrong(differences) => {
                writeln!(f, "WRONG: {} numbers differ, such as:", differences.len())?;
                let mut listed = differences.iter().take(LISTED_MAX);
                listed.try_for_each(|Difference { what, found, expected }| {
                    writeln!(f, "  {what}: {found}, expected {expected}")
                })
            }
        }
    }

    fn speed(&self, took: Duration) -> f64 {
        self.counted.tally.bytes as f64 / 1e6 / took.as_secs_f64().max(1e-9)
    }

    fn speed_up(&self) -> f64 {
        if self.counted.tally.bytes == 0 {
            return 0.0;
        }
        self.took_alone.as_secs_f64() / self.counted.took.as_secs_f64().max(1e-9)
    }

    /// All of it as one JSON object.
    pub fn json(&self) -> String {
        let (tally, found, counted) = (&self.counted.tally, self.found, self.counted);
        let top = tally.top(self.options.top).into_iter();
        let top: Vec<_> = top.map(|(word, n)| format!("[{},{n}]", quoted(&word))).collect();
        let unreadable: Vec<_> = found.unreadable.iter().map(|one| quoted(one)).collect();
        let fields = [
            ("check", quoted(self.verdict.word())),
            ("files", self.plan.files.len().to_string()),
            ("bytes", tally.bytes.to_string()),
            ("lines", tally.lines.to_string()),
            ("words", tally.words.to_string()),
            ("distinct", tally.distinct().to_string()),
            ("top", format!("[{}]", top.join(","))),
            ("binary", found.binary.to_string()),
            ("unreadable", format!("[{}]", unreadable.join(","))),
            ("links", found.links.to_string()),
            ("special", found.special.to_string()),
            ("workers", self.options.workers.to_string()),
            ("jobs", self.plan.jobs.len().to_string()),
            ("kills_asked", self.options.kill.to_string()),
            ("kills_landed", counted.killed.to_string()),
            ("replaced", counted.replaced.to_string()),
            ("torn_results", counted.torn.to_string()),
            ("doubled_results", counted.doubled.to_string()),
            ("seconds", format!("{:.6}", counted.took.as_secs_f64())),
            ("seconds_alone", format!("{:.6}", self.took_alone.as_secs_f64())),
            ("mb_per_s", format!("{:.1}", self.speed(counted.took))),
            ("mb_per_s_alone", format!("{:.1}", self.speed(self.took_alone))),
            ("speed_up", format!("{:.3}", self.speed_up())),
        ];
        let fields: Vec<_> = fields.map(|(name, value)| format!("\"{name}\":{value}")).into();
        format!("{{{}}}", fields.join(","))
    }
}

impl Verdict {
    /// Compares the workers' count with that of one process.
    pub fn of(tally: &Tally, alone: &Alone, plan: &Plan) -> Self {
        let differences = tally.differences(&alone.tally);
        if !alone.changed.is_empty() {
            let jobs = alone.changed.iter();
            let mut files: Vec<_> =
                jobs.flat_map(|job| plan.pieces_of(*job)).map(|piece| piece.file).collect();
            files.dedup();
            let files = files.iter().filter_map(|file| plan.files.get(*file));
            Self::Changed(files.map(|file| file.path.display().to_string()).collect())
        } else if differences.is_empty() {
            Self::Exact
        } else {
            Self::Wrong(differences)
        }
    }

    /// One word for programs.
    const fn word(&self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Changed(_) => "changed",
            Self::Wrong(_) => "wrong",
        }
    }
}

fn number_of(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
