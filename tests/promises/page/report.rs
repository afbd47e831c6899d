//! The support report: read on the page, then sent exactly so or not at all, and taken back.

use super::pages::paired;
use super::stage::{PREFIX, field};
use crate::support::{SOON, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_is_sent_as_it_was_read_and_taken_back() {
    let stage = paired().await;
    let path = format!("/v1/instances/{}/support", stage.fingerprint().await);
    let kept = async || stage.portal.get(&stage.tenant, &path).await.json()["reports"].clone();
    let shown = stage.get("owner", "/report").await.text();
    let name = field(&shown, "report").unwrap();
    let read = shown.split("lang=\"en\">").last().unwrap().split("</pre>").next().unwrap();
    assert!(read.contains("In sync:"), "{read}");
    assert_eq!(stage.post("/report/send", &[("report", "00")]).await.status, 409);
    assert_eq!(kept().await.as_array().unwrap().len(), 0, "shown is not sent");
    let sent = stage.post("/report/send", &[("report", &name)]).await;
    assert_eq!(sent.headers["location"], format!("{PREFIX}/connection?done=report_sent"));
    until("the portal has it", SOON, async || {
        let kept = kept().await;
        let same = kept[0]["text"].as_str().map(str::trim) == Some(read.trim());
        if same { Ok(()) } else { Err(kept.to_string()) }
    })
    .await;
    // The same yes does not send it twice.
    assert_eq!(stage.post("/report/send", &[("report", &name)]).await.status, 409);
    let back = stage.post("/report/withdraw", &[]).await;
    assert_eq!(back.headers["location"], format!("{PREFIX}/connection?done=report_withdrawn"));
    until("the portal has none", SOON, async || {
        let kept = kept().await;
        if kept.as_array().is_some_and(Vec::is_empty) { Ok(()) } else { Err(kept.to_string()) }
    })
    .await;
}
