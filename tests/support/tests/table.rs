//! Prints the figures of all proofs, and fails if one of them is what it must not be. Cargo runs this program last: the
//! table stands below all tests.

use std::process::ExitCode;
use support::figures::{self, Figure};

fn main() -> ExitCode {
    let recorded = figures::recorded();
    println!("\nFigures of {} proofs\n\n{}", recorded.len(), figures::table(&recorded));
    let sums = figures::sums(&recorded);
    let defects =
        Figure::ALL.into_iter().filter(|figure| figure.must_be_zero() && sums[figure] > 0);
    match defects.count() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
