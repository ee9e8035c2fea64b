//! A progress bar on standard error, if that is a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(100);
const WIDTH: u64 = 30;

/// The bar of one stage of the work; it vanishes when it is dropped.
pub struct Progress {
    stage: &'static str,
    bytes_total: u64,
    begun: Instant,
    next: Option<Instant>,
}

impl Progress {
    /// The bar of `stage`, which is over at `bytes_total`.
    pub fn new(stage: &'static str, bytes_total: u64) -> Self {
        let begun = Instant::now();
        Self {
            stage,
            bytes_total,
            begun,
            next: io::stderr().is_terminal().then_some(begun + EVERY),
        }
    }

    /// Draws the bar, if it is time to.
    pub fn show(&mut self, bytes_done: u64) {
        let now = Instant::now();
        if self.next.is_some_and(|next| now >= next) {
            self.next = Some(now + EVERY);
            let line = line(self.stage, bytes_done, self.bytes_total, now - self.begun);
            // A terminal that is gone is no reason to stop counting.
            let _ = write!(io::stderr(), "\r\x1b[K{line}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.next.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(stage: &str, done: u64, total: u64, elapsed: Duration) -> String {
    let (done, total) = (done.min(total), total.max(1));
    let of_total = |parts: u64| u128::from(done) * u128::from(parts) / u128::from(total);
    let full: String = (0..of_total(WIDTH)).map(|_| '━').collect();
    let empty: String = (of_total(WIDTH)..u128::from(WIDTH)).map(|_| '─').collect();
    let speed = done as f64 / 1e6 / elapsed.as_secs_f64().max(1e-9);
    format!("{stage} {full}{empty} {:3} %  {speed:.0} MB/s", of_total(100))
}

#[cfg(test)]
mod tests {
    use super::line;
    use std::time::Duration;

    #[test]
    fn the_bar_fills_up() {
        let at = |done| line("x", done, 60_000_000, Duration::from_secs(1));
        assert_eq!(at(0), format!("x {}   0 %  0 MB/s", "─".repeat(30)));
        assert_eq!(
            at(30_000_000),
            format!("x {}{}  50 %  30 MB/s", "━".repeat(15), "─".repeat(15))
        );
        assert_eq!(at(90_000_000), format!("x {} 100 %  60 MB/s", "━".repeat(30)));
        assert!(line("x", 0, 0, Duration::ZERO).contains("  0 %"));
    }
}
