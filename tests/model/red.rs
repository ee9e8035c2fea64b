//! One proof, run in a process of its own with something [altered](crate::alter).

use super::alter::{VARIABLE, What};
use std::fs;
use std::path::Path;
use std::process::Command;

/// An operation, by the file that it stands in (below the package's folder) and its line: the last of these lines, which
/// stand there once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    pub(crate) file: &'static str,
    pub(crate) lines: &'static [&'static str],
}

impl Site {
    fn line(self) -> usize {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(self.file);
        let source = fs::read_to_string(&path).expect("the file is there");
        let source: Vec<_> = source.lines().map(str::trim).collect();
        let mut hits = source.windows(self.lines.len()).enumerate();
        let mut hits = hits.by_ref().filter(|(_, there)| *there == self.lines);
        let (first, _) = hits.next().unwrap_or_else(|| panic!("{self:?} is nowhere"));
        assert!(hits.next().is_none(), "{self:?} is in two places");
        first + self.lines.len()
    }
}

/// An alteration of what stands at that line of the file.
pub(crate) fn alteration(file: &str, line: usize, what: What) -> String {
    let compiled_as = file.strip_prefix("tests/").unwrap_or(file); // tests/loom/../model/…
    format!("{compiled_as}:{line}:{}", what.text())
}

/// The same, of a site.
pub(crate) fn altered(site: Site, what: What) -> String {
    alteration(site.file, site.line(), what)
}

/// Runs the proof; the first line of its failure, `None` if it holds.
pub(crate) fn failure(proof: &str, alterations: &str) -> Option<String> {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .args(["--exact", "--nocapture", "--test-threads=1", &format!("proofs::{proof}")])
        .env(VARIABLE, alterations)
        .env("RUST_BACKTRACE", "0")
        .env_remove("SABHA_LONG")
        .output()
        .expect("it runs");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(out.contains("running 1 test"), "no proof {proof}");
    if output.status.success() {
        return None;
    }
    let mut lines = err.lines().skip_while(|line| !line.contains("panicked at"));
    let said = lines.nth(1).unwrap_or_else(|| panic!("{proof} ended without a word: {err}"));
    Some(said.to_owned())
}
