//! What was measured, beside what DESIGN allows: one table for people, one file for machines.

use std::io::Write as _;

use serde::Serialize;

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// What was measured.
    what: String,
    /// The home it was measured on.
    home: String,
    value: f64,
    unit: &'static str,
    /// The most that it may be; none for figures that are only shown beside others.
    limit: Option<f64>,
    /// Whether the limit is a least instead of a most.
    least: bool,
    ok: bool,
}

/// All figures of one run.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    /// What could not be measured here, and why.
    skipped: Vec<String>,
    /// What went wrong while measuring.
    failed: Vec<String>,
}

impl Table {
    /// A figure that must not be larger than `limit`.
    pub(crate) fn most(&mut self, what: &str, home: &str, value: f64, unit: &'static str, limit: f64) {
        self.put(what, home, value, unit, Some(limit), false);
    }

    /// A figure that must not be smaller than `limit`.
    pub(crate) fn least(&mut self, what: &str, home: &str, value: f64, unit: &'static str, limit: f64) {
        self.put(what, home, value, unit, Some(limit), true);
    }

    /// A figure to compare others with.
    pub(crate) fn shown(&mut self, what: &str, home: &str, value: f64, unit: &'static str) {
        self.put(what, home, value, unit, None, false);
    }

    /// Something that cannot be measured on this machine.
    pub(crate) fn skipped(&mut self, what: &str, why: &str) {
        line(&format!("skipped: {what}: {why}"));
        self.skipped.push(format!("{what}: {why}"));
    }

    /// A measurement that came to no end: as bad as a missed limit.
    pub(crate) fn failed(&mut self, what: &str, why: &str) {
        line(&format!("FAILED: {what}: {why}"));
        self.failed.push(format!("{what}: {why}"));
    }

    fn put(
        &mut self,
        what: &str,
        home: &str,
        value: f64,
        unit: &'static str,
        limit: Option<f64>,
        least: bool,
    ) {
        let ok = limit.is_none_or(|limit| if least { value >= limit } else { value <= limit });
        let row = Row { what: what.to_owned(), home: home.to_owned(), value, unit, limit, least, ok };
        line(&row.words());
        self.rows.push(row);
    }

    /// Prints everything once more, in one piece, and writes it as JSON. Gives the number of missed limits.
    pub(crate) fn finish(&self, file: &std::path::Path) -> std::io::Result<usize> {
        line("");
        for row in &self.rows {
            line(&row.words());
        }
        for skipped in &self.skipped {
            line(&format!("skipped: {skipped}"));
        }
        for failed in &self.failed {
            line(&format!("FAILED: {failed}"));
        }
        let json = serde_json::json!({"rows": self.rows, "skipped": self.skipped, "failed": self.failed});
        std::fs::write(file, format!("{json:#}\n"))?;
        let missed = self.rows.iter().filter(|row| !row.ok).count() + self.failed.len();
        line(&format!("\n{missed} limits missed or not measured; written to {}", file.display()));
        Ok(missed)
    }
}

impl Row {
    fn words(&self) -> String {
        let limit = self.limit.map_or_else(String::new, |limit| {
            let word = if self.least { "at least" } else { "at most" };
            format!("{word} {limit} {}", self.unit)
        });
        let verdict = match (self.limit, self.ok) {
            (None, _) => "",
            (_, true) => "ok",
            (_, false) => "MISSED",
        };
        let value = format!("{:.2} {}", self.value, self.unit);
        format!("{:<58} {:<16} {value:>16}  {limit:<22} {verdict}", self.what, self.home)
            .trim_end()
            .to_owned()
    }
}

/// The only place that prints. A reader that hung up is no problem of ours.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
