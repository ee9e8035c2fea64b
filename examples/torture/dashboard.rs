//! What is shown while it goes on: a table that is drawn again and again, if standard output is a terminal; else a line
//! now and then.

use crate::figures::Figures;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Between two drawings.
const FRAME: Duration = Duration::from_millis(200);
/// Between two lines.
const LINE: Duration = Duration::from_secs(5);

/// See the module.
pub struct Dashboard {
    terminal: bool,
    begun: Instant,
    next: Instant,
    /// Lines that were drawn, above the cursor.
    drawn: usize,
    /// The operations of the last drawing, and when it was.
    before: (Vec<u64>, Instant),
}

impl Dashboard {
    /// Begins with nothing.
    pub fn new() -> Self {
        let now = Instant::now();
        let terminal = io::stdout().is_terminal();
        let next = now + if terminal { FRAME } else { LINE };
        Self { terminal, begun: now, next, drawn: 0, before: (Vec::new(), now) }
    }

    /// Shows it, if it is time to; `figures` are asked for then only.
    pub fn show(
        &mut self,
        headline: impl FnOnce(Duration) -> String,
        figures: impl FnOnce() -> Figures,
    ) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        let figures = figures();
        let headline = headline(self.begun.elapsed());
        if self.terminal {
            self.next = now + FRAME;
            let speeds = self.speeds(&figures, now);
            let mut lines = vec![headline, String::new()];
            lines.extend(figures.table(&speeds));
            lines.push(String::new());
            lines.extend(figures.deaths());
            self.draw(&lines);
        } else {
            self.next = now + LINE;
            let operations = figures.total().operations;
            say(&format!(
                "{headline}: operations: {operations}, {}\n",
                figures.deaths().join("; ")
            ));
        }
    }

    /// Operations in a second, since the last drawing.
    fn speeds(&mut self, figures: &Figures, now: Instant) -> Vec<u64> {
        let counts = figures.operations();
        let (before, then) = std::mem::replace(&mut self.before, (counts.clone(), now));
        let since = counts.iter().enumerate().map(|(i, count)| count - before.get(i).unwrap_or(&0));
        since.map(|count| per_second(count, now - then)).collect()
    }

    /// Over what was drawn before.
    fn draw(&mut self, lines: &[String]) {
        let up = if self.drawn > 0 { format!("\x1b[{}A", self.drawn) } else { String::new() };
        let lines: Vec<_> = lines.iter().map(|line| format!("\r{line}\x1b[K\n")).collect();
        self.drawn = lines.len();
        // What is wider than the terminal is cut meanwhile, not wrapped.
        say(&format!("\x1b[?7l{up}{}\x1b[?7h", lines.concat()));
    }
}

/// So many in that time, in a second.
pub fn per_second(count: u64, time: Duration) -> u64 {
    (count as f64 / time.as_secs_f64().max(1e-9)) as u64
}

/// To whoever is there to see it.
pub fn say(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush());
}
