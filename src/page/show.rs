//! How values are shown: times, sizes, JSON. Pure.

use jiff::Timestamp;

/// A moment: for machines and scripts, and for people without a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// RFC 3339.
    pub(super) iso: String,
    /// Like `2026-11-25 19:02 UTC`.
    pub(super) text: String,
}

impl Moment {
    /// Of Unix milliseconds.
    pub(super) fn of_ms(ms: i64) -> Self {
        let iso = Timestamp::from_millisecond(ms).map(|time| time.to_string()).unwrap_or_default();
        let text = iso.get(..16).map(|minute| minute.replace('T', " ") + " UTC").unwrap_or_default();
        Self { iso, text }
    }

    /// Of Unix seconds.
    pub(super) fn of_s(s: i64) -> Self {
        Self::of_ms(s.saturating_mul(1000))
    }
}

/// A number of bytes, in at most five signs and a unit.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    // Tenths of the unit, so that no floating point is needed.
    let mut tenths = count / 100;
    for unit in UNITS {
        if tenths < 10_000 || unit == UNITS[3] {
            return if tenths < 1000 {
                format!("{}.{} {unit}", tenths / 10, tenths % 10)
            } else {
                format!("{} {unit}", tenths / 10)
            };
        }
        tenths /= 1000;
    }
    String::new()
}

/// A text of at most so many characters, with a sign where something is left out.
pub(super) fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
        None => text.to_owned(),
    }
}

/// JSON text with line breaks and indents, at most about `limit` bytes; says whether that was all. Copies what it does not understand.
pub(super) fn indented(json: &str, limit: usize) -> (String, bool) {
    let mut out = String::with_capacity(json.len().min(limit) + 256);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        if out.len() >= limit {
            return (out, false);
        }
        if quoted {
            out.push(letter);
            quoted = escaped || letter != '"';
            escaped = letter == '\\' && !escaped;
            continue;
        }
        match letter {
            '"' => {
                quoted = true;
                out.push(letter);
            }
            '{' | '[' => {
                out.push(letter);
                let closes = if letter == '{' { '}' } else { ']' };
                match letters.next_if_eq(&closes) {
                    Some(closing) => out.push(closing),
                    None => {
                        depth += 1;
                        line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            ' ' | '\n' | '\r' | '\t' => {}
            other => out.push(other),
        }
    }
    (out, true)
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(64)));
}

/// One bar of a chart, in the chart's own measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) x: usize,
    pub(super) y: u64,
    pub(super) height: u64,
}

/// A chart of equal steps of time, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chart {
    pub(super) bars: Vec<Bar>,
    pub(super) width: usize,
    pub(super) sent: String,
    pub(super) received: String,
    /// Bytes in the highest bar.
    pub(super) most: String,
}

impl Chart {
    /// Height of the highest bar.
    pub(super) const HEIGHT: u64 = 48;
    const STEP: usize = 10;

    /// Of bytes sent and received in each step.
    pub(super) fn of(steps: &[(u64, u64)]) -> Self {
        let most = steps.iter().map(|(sent, received)| sent + received).max().unwrap_or_default();
        let bar = |(at, (sent, received)): (usize, &(u64, u64))| {
            let all = sent + received;
            // Little is still something.
            let height = (all * Self::HEIGHT).checked_div(most).unwrap_or_default().max(u64::from(all > 0));
            Bar { x: at * Self::STEP, y: Self::HEIGHT - height, height }
        };
        Self {
            bars: steps.iter().enumerate().map(bar).filter(|bar| bar.height > 0).collect(),
            width: steps.len() * Self::STEP,
            sent: bytes(steps.iter().map(|(sent, _)| sent).sum()),
            received: bytes(steps.iter().map(|(_, received)| received).sum()),
            most: bytes(most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (count, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (3_149, "3.1 kB"),
            (123_456, "123 kB"),
            (1_500_000, "1.5 MB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn long_texts_are_shortened_between_characters() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äö ü", 3), "äö…");
        assert_eq!(shortened("", 3), "");
    }

    #[test]
    fn json_is_indented_and_strings_are_left_alone() {
        let (text, all) = indented(r#"{"a":[1,{}],"b":"x,{\"y\":1}\\","c":[]}"#, 1000);
        assert!(all);
        assert_eq!(
            text,
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x,{\\\"y\\\":1}\\\\\",\n  \"c\": []\n}"
        );
        let (text, all) = indented(&"[".repeat(5000), 300);
        assert!(!all && text.len() < 600);
    }

    #[test]
    fn moments_are_readable_without_a_script() {
        assert_eq!(Moment::of_s(0).text, "1970-01-01 00:00 UTC");
        assert_eq!(Moment::of_ms(i64::MAX).text, "");
    }

    #[test]
    fn charts_fit() {
        let chart = Chart::of(&[(0, 0), (50, 50), (1, 0)]);
        assert_eq!(chart.bars.len(), 2);
        assert_eq!(chart.bars[0], Bar { x: 10, y: 0, height: 48 });
        assert_eq!(chart.bars[1], Bar { x: 20, y: 47, height: 1 });
        assert_eq!(Chart::of(&[]).bars, []);
    }
}
