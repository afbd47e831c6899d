//! Lines side by side (Myers, "An O(ND) Difference Algorithm", 1986), with a limit on the work.

use super::{Row, RowChange};
use crate::private::Private;

/// Equal lines that are shown around a change.
const AROUND: usize = 3;
/// Rows that are shown at most; a person reads no more, and the rest is in the words.
const ROWS: usize = 4_000;
/// Differences that are looked for; beyond it, what lies between the equal beginning and end counts as changed as a whole.
const EDITS: usize = 500;
/// A longer line is cut here, in characters.
const CHARS: usize = 400;

/// A line of both sides, or of one.
type Pair = (Option<usize>, Option<usize>);

pub(super) fn rows(before: &[String], after: &[String]) -> Vec<Row> {
    let pairs = pairs(before, after);
    let changed: Vec<bool> = pairs.iter().map(|(a, b)| a.is_none() || b.is_none()).collect();
    let near = |at: usize| {
        let from = at.saturating_sub(AROUND);
        changed[from..changed.len().min(at + AROUND + 1)].contains(&true)
    };
    let mut rows: Vec<Row> = Vec::new();
    let gap = || Row { before: None, after: None, change: RowChange::Gap };
    for (at, (left, right)) in pairs.iter().enumerate() {
        if rows.len() >= ROWS {
            rows.push(gap());
            break;
        }
        if !near(at) {
            if rows.last().is_none_or(|row| row.change != RowChange::Gap) {
                rows.push(gap());
            }
            continue;
        }
        let cut = |line: &String| Private::new(line.chars().take(CHARS).collect::<String>().into());
        let change = if changed[at] { RowChange::Changed } else { RowChange::Same };
        let right = right.map(|at| cut(&after[at]));
        match left.map(|at| cut(&before[at])) {
            // A new line beside an old one that goes is the same row.
            None => match rows.iter_mut().rev().take_while(|row| is_open(row)).last() {
                Some(row) => row.after = right,
                None => rows.push(Row { before: None, after: right, change }),
            },
            left => rows.push(Row { before: left, after: right, change }),
        }
    }
    if rows.iter().all(|row| row.change == RowChange::Gap) {
        rows.clear();
    }
    rows
}

/// An old line that goes, beside which nothing stands yet.
fn is_open(row: &Row) -> bool {
    row.change == RowChange::Changed && row.after.is_none()
}

/// Lines matched with each other, in order.
fn pairs(before: &[String], after: &[String]) -> Vec<Pair> {
    let head = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let (left, right) = (&before[head..], &after[head..]);
    let tail = left.iter().rev().zip(right.iter().rev()).take_while(|(a, b)| a == b).count();
    let (left, right) = (&left[..left.len() - tail], &right[..right.len() - tail]);
    let mut pairs: Vec<Pair> = (0..head).map(|at| (Some(at), Some(at))).collect();
    match matches(left, right) {
        Some(middle) => {
            pairs.extend(middle.into_iter().map(|(a, b)| (a.map(|a| a + head), b.map(|b| b + head))))
        }
        None => {
            pairs.extend((0..left.len()).map(|at| (Some(at + head), None)));
            pairs.extend((0..right.len()).map(|at| (None, Some(at + head))));
        }
    }
    let (a, b) = (before.len() - tail, after.len() - tail);
    pairs.extend((0..tail).map(|at| (Some(a + at), Some(b + at))));
    pairs
}

/// The shortest edit, forwards; `None` if it is longer than [`EDITS`].
fn matches(left: &[String], right: &[String]) -> Option<Vec<Pair>> {
    let (n, m) = (left.len(), right.len());
    let most = (n + m).min(EDITS);
    // Furthest x on each diagonal k = x - y, at index k + most + 1.
    let zero = most + 1;
    let mut furthest = vec![0_usize; 2 * most + 3];
    let mut trace = Vec::new();
    for d in 0..=most {
        trace.push(furthest[zero - d..=zero + d].to_vec());
        for step in 0..=d {
            // k = -d, -d + 2, … d, as an index.
            let k = zero + 2 * step - d;
            let down = step == 0 || (step != d && furthest[k - 1] < furthest[k + 1]);
            let mut x = if down { furthest[k + 1] } else { furthest[k - 1] + 1 };
            let Some(mut y) = (x + zero).checked_sub(k) else { continue };
            while x < n && y < m && left[x] == right[y] {
                (x, y) = (x + 1, y + 1);
            }
            furthest[k] = x;
            if x == n && y == m {
                return Some(back(&trace, n, m, zero));
            }
        }
    }
    None
}

/// From the end to the beginning along the trace. `trace[d]` holds the diagonals from `-d` to `d` as they were before round `d`.
fn back(trace: &[Vec<usize>], n: usize, m: usize, zero: usize) -> Vec<Pair> {
    let (mut x, mut y) = (n, m);
    let mut pairs = Vec::new();
    for (d, furthest) in trace.iter().enumerate().rev() {
        let of =
            |k: usize| (k + d).checked_sub(zero).and_then(|at| furthest.get(at)).copied().unwrap_or_default();
        let k = x + zero - y;
        let down = k == zero - d || (k != zero + d && of(k - 1) < of(k + 1));
        let before = if down { k + 1 } else { k - 1 };
        let (from_x, from_y) = if d == 0 { (0, 0) } else { (of(before), of(before) + zero - before) };
        while x > from_x && y > from_y {
            (x, y) = (x - 1, y - 1);
            pairs.push((Some(x), Some(y)));
        }
        if d > 0 {
            if down {
                y -= 1;
                pairs.push((None, Some(y)));
            } else {
                x -= 1;
                pairs.push((Some(x), None));
            }
        }
    }
    pairs.reverse();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.chars().map(|c| c.to_string()).collect()
    }

    fn sides(before: &[String], after: &[String]) -> (Vec<String>, Vec<String>) {
        let pairs = pairs(before, after);
        let left = pairs.iter().filter_map(|(a, _)| a.map(|at| before[at].clone())).collect();
        let right = pairs.iter().filter_map(|(_, b)| b.map(|at| after[at].clone())).collect();
        (left, right)
    }

    #[test]
    fn the_shortest_difference_is_found() {
        let (before, after) = (lines("abcabba"), lines("cbabac"));
        let changes = pairs(&before, &after).iter().filter(|(a, b)| a.is_none() || b.is_none()).count();
        assert_eq!(changes, 5, "the example of the paper");
    }

    #[test]
    fn rows_stand_side_by_side_with_some_around() {
        let before = lines("0123456789");
        let after = lines("01234x6789");
        let shown: Vec<String> = rows(&before, &after)
            .iter()
            .map(|row| {
                let side = |side: &Option<crate::outbound::reading::Text>| {
                    side.as_ref().map_or("-".to_owned(), |text| text.reveal_to_inbound().to_string())
                };
                format!("{}{}{:?}", side(&row.before), side(&row.after), row.change)
            })
            .collect();
        assert_eq!(
            shown,
            ["--Gap", "22Same", "33Same", "44Same", "5xChanged", "66Same", "77Same", "88Same", "--Gap"]
        );
        assert!(rows(&before, &before).is_empty());
    }

    #[test]
    fn what_has_nothing_in_common_is_shown_as_a_whole_in_little_time() {
        let before: Vec<String> = (0..30_000).map(|n| format!("a{n}")).collect();
        let after: Vec<String> = (0..30_000).map(|n| format!("b{n}")).collect();
        assert!(rows(&before, &after).len() <= ROWS + 1);
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_lost_and_only_equal_lines_are_paired(before in "[abc]{0,30}", after in "[abc]{0,30}") {
            let (before, after) = (lines(&before), lines(&after));
            let (left, right) = sides(&before, &after);
            proptest::prop_assert_eq!((&left, &right), (&before, &after));
            for (a, b) in pairs(&before, &after) {
                if let (Some(a), Some(b)) = (a, b) {
                    proptest::prop_assert_eq!(&before[a], &after[b]);
                }
            }
        }
    }
}
