//! Shows what reaches the portal, as it does.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::change::Picture;
use crate::deploy::Decision;
use crate::say;
use crate::stage::Stage;
use crate::trouble::Trouble;

/// How often the portal is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Prints each change, and listens for the owner's word, until a program of ours ends by itself.
pub(crate) async fn follow(stage: &mut Stage, mut decision: Decision) -> Result<(), Trouble> {
    let fingerprint = stage.fingerprint().to_owned();
    let first = stage.api.snapshot(&fingerprint).await?;
    let (mut root, mut picture) = (first.root, Picture::of(&first.lines));
    let mut connected = true;
    loop {
        decision.listen(stage, ASK_EVERY).await?;
        stage.look()?;
        let gone = || Trouble::new("The portal has erased the home.", "Run make demo again: it pairs anew.");
        // Asking how a home stands is no reading of it, so this leaves no trail of audit rows.
        let home = stage.api.instance(&fingerprint).await?.ok_or_else(gone)?;
        let now = home["connected"] == true;
        if std::mem::replace(&mut connected, now) != now {
            say::line(&format!(
                "{}  the home is {}",
                clock(),
                if now { "connected" } else { "not connected" }
            ));
        }
        if home["root"] == root.as_str() {
            continue;
        }
        let (new_root, lines) = match stage.api.changes(&fingerprint, &root).await? {
            Some(changes) => (changes.root, changes.lines),
            // An erased class takes the roots of its history along.
            None => {
                let all = stage.api.snapshot(&fingerprint).await?;
                let lines = picture.changes_to(&Picture::of(&all.lines));
                (all.root, lines)
            }
        };
        root = new_root;
        let time = clock();
        for change in picture.take_in(&lines) {
            say::line(&format!("{time}  {change}"));
        }
    }
}

/// The time of day in UTC.
fn clock() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}
