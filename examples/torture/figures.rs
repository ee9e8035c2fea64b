//! What has happened so far, as tables and as JSON.

use crate::board::{Board, Event};
use crate::crew::Crew;
use crate::json::quoted;
use std::time::Duration;

/// One trial's.
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What was done.
    pub operations: u64,
    /// Counts of [`Event::ALL`].
    pub events: [u64; Event::ALL.len()],
}

/// All.
pub struct Figures {
    /// Trial by trial.
    pub rows: Vec<Row>,
    /// Processes killed, how often several at once, and processes stopped.
    pub kills: [u64; 3],
    /// Processes that did nothing for too long.
    pub wedged: u64,
    /// From a kill to the next owner: how many, and what half, 99 %, and all of them did not exceed.
    pub latency: (u64, [Duration; 3]),
}

/// Words for [`Figures::kills`].
const KILLS: [&str; 3] = ["kills", "several at once", "stops"];

impl Figures {
    /// Of now.
    pub fn of(board: &Board, names: &[&'static str], crew: &Crew, wedged: u64) -> Self {
        let row = |(trial, name): (usize, &&'static str)| Row {
            name,
            operations: board.operations(trial),
            events: Event::ALL.map(|event| board.count(trial, event)),
        };
        Self {
            rows: names.iter().enumerate().map(row).collect(),
            kills: [crew.kills, crew.at_once, crew.stops],
            wedged,
            latency: (board.latencies.len(), [500, 990, 1000].map(|s| board.latencies.quantile(s))),
        }
    }

    /// The sums over all trials.
    pub fn total(&self) -> Row {
        let events = |index: usize| self.rows.iter().map(|row| row.events[index]).sum();
        Row {
            name: "all",
            operations: self.rows.iter().map(|row| row.operations).sum(),
            events: std::array::from_fn(events),
        }
    }

    /// The operations of each trial, and of all.
    pub fn operations(&self) -> Vec<u64> {
        self.rows.iter().chain([&self.total()]).map(|row| row.operations).collect()
    }

    /// Trial by trial, with what was done in a second.
    pub fn table(&self, per_second: &[u64]) -> Vec<String> {
        let cell = |event: Event| event.name().len() + 2;
        let head = Event::ALL.map(|event| format!("{:>1$}", event.name(), cell(event))).concat();
        let mut lines = vec![format!("{:<17}{:>12}{:>12}{head}", "", "operations", "per second")];
        let total = self.total();
        for (row, speed) in self.rows.iter().chain([&total]).zip(per_second) {
            let Row { name, operations, events } = row;
            let events = Event::ALL.iter().zip(events);
            let events: String =
                events.map(|(event, count)| format!("{count:>0$}", cell(*event))).collect();
            lines.push(format!("{name:<17}{operations:>12}{speed:>12}{events}"));
        }
        lines
    }

    /// What was done to the processes, and how it went on.
    pub fn deaths(&self) -> [String; 2] {
        let kills = KILLS.iter().zip(self.kills).map(|(what, count)| format!("{what}: {count}"));
        let kills = kills.collect::<Vec<_>>().join(", ");
        let (count, [half, most, all]) = self.latency;
        let latency =
            format!("{count} times: half in {half:.0?}, 99 % in {most:.0?}, all in {all:.0?}");
        [format!("{kills}, wedged: {}", self.wedged), format!("from kill to next owner, {latency}")]
    }

    /// All of it as one JSON object, with these fields before.
    pub fn json(&self, first: &[(&str, String)]) -> String {
        let field = |name: &str, value: &dyn ToString| {
            format!("{}:{}", quoted(&name.replace(' ', "_")), value.to_string())
        };
        let mut fields: Vec<_> = first.iter().map(|(name, value)| field(name, value)).collect();
        let total = self.total();
        fields.push(field("operations", &total.operations));
        fields.extend(KILLS.iter().zip(self.kills).map(|(name, count)| field(name, &count)));
        fields.push(field("wedged", &self.wedged));
        let events = Event::ALL.iter().zip(total.events);
        fields.extend(events.map(|(event, count)| field(event.name(), &count)));
        let (count, [half, most, all]) = self.latency;
        fields.push(field("latencies", &count));
        let us = |time: Duration| time.as_micros();
        fields.extend(
            [("half_us", half), ("p99_us", most), ("max_us", all)].map(|(n, t)| field(n, &us(t))),
        );
        let rows = self.rows.iter().map(|row| format!("{}:{}", quoted(row.name), row.operations));
        let rows: Vec<_> = rows.collect();
        fields.push(format!("\"trials\":{{{}}}", rows.join(",")));
        format!("{{{}}}", fields.join(","))
    }
}
