//! Points in time, for people.

/// A point in time (Unix seconds), in UTC.
#[must_use]
pub fn date(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(|| "-".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}
