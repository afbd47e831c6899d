//! Who of the company's staff has read what, as the portal states it: the newest on *Ledger*, all of it on a page of its own.

use askama::Template;

use super::answer::{Call, Shown, html};
use super::frame::Frame;
use super::show::Moment;
use crate::control::Request;
use crate::store::ReadRow;

/// So many stand on *Ledger*.
const NEWEST: usize = 5;
/// So many stand on a page of their own.
const ON_A_PAGE: usize = 100;

/// One reading.
pub(super) struct Reading {
    pub(super) time: Moment,
    /// A person of the company, as the portal names them.
    pub(super) who: String,
    /// Such as `snapshot`.
    pub(super) what: String,
}

impl From<ReadRow> for Reading {
    fn from(row: ReadRow) -> Self {
        Self { time: Moment::of_s(i64::try_from(row.time).unwrap_or(i64::MAX)), who: row.who, what: row.what }
    }
}

/// The newest, and whether there are more.
pub(super) async fn newest(call: &Call<'_>) -> Result<(Vec<Reading>, bool), super::answer::Fault> {
    let rows: Vec<ReadRow> = call.page.ask(Request::Reads).await?;
    let more = rows.len() > NEWEST;
    Ok((rows.into_iter().take(NEWEST).map(Reading::from).collect(), more))
}

#[derive(Template)]
#[template(path = "reads.html")]
struct ReadsPage {
    f: Frame,
    reads: Vec<Reading>,
    after: Option<usize>,
}

/// All of them, newest first.
pub(super) async fn page(call: &Call<'_>) -> Shown {
    let rows: Vec<ReadRow> = call.page.ask(Request::Reads).await?;
    let from = call.query.number("from").and_then(|from| usize::try_from(from).ok()).unwrap_or(0);
    let to = from.saturating_add(ON_A_PAGE);
    let after = (to < rows.len()).then_some(to);
    let reads = rows.into_iter().skip(from).take(ON_A_PAGE).map(Reading::from).collect();
    Ok(html(&ReadsPage { f: call.frame("/ledger"), reads, after }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::frame::EVIL;

    #[test]
    fn r17_names_of_staff_are_no_markup() {
        let row = |what: &str| ReadRow { n: 1, time: u64::MAX, who: EVIL.into(), what: what.into() };
        let f = Frame::of_a_test("/ledger");
        let reads = ["snapshot", EVIL].map(|what| Reading::from(row(what))).into();
        let text = ReadsPage { f, reads, after: Some(100) }.render().unwrap();
        assert!(!text.contains("<script>alert") && !text.contains("\"'>"), "{text}");
        assert!(text.contains("all records") && text.contains("?from=100"), "{text}");
    }
}
