//! What a signature covers, rendered from the very bytes that are signed (R35): of a deployment and of a charter.

use std::fmt::Write as _;

use serde::Serialize;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::charter::{self, Charter};
use vestibule_protocol::deployment::{self, Base, Deployment, DeploymentId, Item};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::{Fingerprint, TenantId};
use vestibule_protocol::problem::Problem;
use vestibule_protocol::words;

use super::abilities::Abilities;
use crate::problem::authoring as problem;
use crate::when::date;

/// A deployment as it is signed.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// Which.
    pub id: DeploymentId,
    /// Whose.
    pub tenant: TenantId,
    /// For which home.
    pub target: Fingerprint,
    /// Sequence.
    pub sequence: u64,
    /// Unix time in seconds.
    pub not_before: u64,
    /// Unix time in seconds.
    pub expires: u64,
    /// Title.
    pub title: String,
    /// Summary.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Author.
    pub author: String,
    /// BLAKE3 of the signed bytes: two people can compare it.
    pub digest: Fixed<32>,
    /// How many signatures there are; whether they count is for the home to say.
    pub signatures: usize,
    /// One line for each item.
    pub items: Vec<ShownItem>,
    /// What it can do.
    pub abilities: Abilities,
}

/// An item as it is signed.
#[derive(Debug, Serialize)]
pub struct ShownItem {
    /// Its kind.
    pub kind: &'static str,
    /// What it is about.
    pub what: String,
    /// What it was designed against.
    pub base: Base,
    /// Bytes of its content or module; absent for deletions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// BLAKE3 of its content or module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Fixed<32>>,
}

/// Reads an envelope and renders it, whoever signed it.
///
/// # Errors
/// A `Problem` when it holds no deployment that a home would read.
pub fn deployment(envelope: &Envelope) -> Result<(Deployment, Shown), Problem> {
    let deployment = deployment::read(envelope).map_err(|unfit| problem::deployment_unfit(&unfit))?;
    let payload = envelope.unverified_payload().map_err(|_| problem::envelope_unreadable())?;
    let shown = Shown {
        id: deployment.id,
        tenant: deployment.tenant,
        target: deployment.target,
        sequence: deployment.sequence,
        not_before: deployment.not_before,
        expires: deployment.expires,
        title: deployment.title.clone(),
        summary: deployment.summary.clone(),
        author: deployment.author.clone(),
        digest: digest(&payload),
        signatures: envelope.signatures.len(),
        items: deployment.items.iter().map(item).collect(),
        abilities: Abilities::of(&deployment),
    };
    Ok((deployment, shown))
}

/// The content or module of an item; deletions have none.
#[must_use]
pub fn text(item: &Item) -> Option<&str> {
    match item {
        Item::DashboardPut(put) => Some(&put.content),
        Item::CardPut(put) => Some(&put.module),
        Item::AutomationPut(put) | Item::ScriptPut(put) => Some(&put.content),
        Item::DashboardDelete(_)
        | Item::CardDelete(_)
        | Item::AutomationDelete(_)
        | Item::ScriptDelete(_) => None,
    }
}

fn item(item: &Item) -> ShownItem {
    let what = match item {
        Item::DashboardPut(put) => {
            let place = match (&put.dashboard, &put.url_path) {
                (Some(id), _) => format!("replace {id}"),
                (None, path) => format!("new at /{}", path.as_deref().unwrap_or_default()),
            };
            let mut what = place;
            for (name, text) in [("titled", &put.title), ("icon", &put.icon)] {
                if let Some(text) = text {
                    let _ = write!(what, ", {name} “{text}”");
                }
            }
            if put.sidebar == Some(false) {
                what.push_str(", not in the sidebar");
            }
            if put.admin == Some(true) {
                what.push_str(", for administrators only");
            }
            what
        }
        Item::CardPut(put) => format!("card {}", put.element),
        Item::AutomationPut(put) | Item::ScriptPut(put) => match (&put.existing, &put.id) {
            (Some(id), _) => format!("replace {id}"),
            (None, id) => format!("new with id {}", id.as_deref().unwrap_or_default()),
        },
        Item::CardDelete(delete) => format!("remove card {}", delete.element),
        Item::DashboardDelete(delete) | Item::AutomationDelete(delete) | Item::ScriptDelete(delete) => {
            format!("delete {}", delete.existing)
        }
    };
    let text = text(item);
    ShownItem {
        kind: item.kind(),
        what,
        base: item.base(),
        bytes: text.map(str::len),
        digest: text.map(|text| digest(text.as_bytes())),
    }
}

fn digest(bytes: &[u8]) -> Fixed<32> {
    Fixed(*blake3::hash(bytes).as_bytes())
}

impl Shown {
    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = format!("Deployment  {}\nTitle       {}\n", self.id, plain(&self.title));
        if !self.summary.is_empty() {
            let _ = writeln!(text, "Summary     {}", plain(&self.summary));
        }
        let author = if self.author.is_empty() { "not named".into() } else { plain(&self.author) };
        let _ = writeln!(text, "Author      {author}");
        let _ = writeln!(text, "For home    {}\nTenant      {}", self.target, self.tenant);
        let _ = writeln!(text, "Words       {}", words::of(&self.tenant).join(" "));
        let _ = writeln!(text, "Valid       {} to {}", date(self.not_before), date(self.expires));
        let _ = writeln!(text, "Sequence    {}\nDigest      {}", self.sequence, self.digest);
        let _ = writeln!(text, "Signatures  {}\n\nItems", self.signatures);
        for (number, item) in (1..).zip(&self.items) {
            let _ = writeln!(text, "{number:>4}  {:<18} {}", item.kind, plain(&item.what));
            match item.base {
                Base::None => text.push_str("      for an empty place"),
                Base::Hash(base) => {
                    let _ = write!(text, "      in place of {base}");
                }
            }
            match (item.bytes, item.digest) {
                (Some(bytes), Some(digest)) => {
                    let _ = writeln!(text, "; {bytes} bytes, digest {digest}");
                }
                _ => text.push('\n'),
            }
        }
        let abilities = self.abilities.lines();
        text.push_str(if abilities.is_empty() {
            "\nIt shows things and does nothing else, as far as can be seen here.\n"
        } else {
            "\nIt can do more than show things\n"
        });
        for line in abilities {
            let _ = writeln!(text, "      {line}");
        }
        text
    }
}

/// A charter as it is signed.
#[derive(Debug, Serialize)]
pub struct ShownCharter {
    /// The charter itself.
    #[serde(flatten)]
    pub charter: Charter,
    /// BLAKE3 of the signed bytes.
    pub digest: Fixed<32>,
    /// Root keys of this charter that have signed it.
    pub signed_by: Vec<Fixed<32>>,
    /// Whether enough of its own root keys have; those of the version before have to agree as well.
    pub complete: bool,
}

/// Reads an envelope and renders it, whoever signed it.
///
/// # Errors
/// A `Problem` when it holds no charter.
pub fn charter(envelope: &Envelope) -> Result<ShownCharter, Problem> {
    if envelope.payload_type != charter::PAYLOAD_TYPE {
        return Err(problem::charter_unreadable());
    }
    let payload = envelope.unverified_payload().map_err(|_| problem::charter_unreadable())?;
    let charter: Charter = serde_json::from_slice(&payload).map_err(|_| problem::charter_unreadable())?;
    let roots: Vec<[u8; 32]> = charter.roots.iter().map(|key| key.0).collect();
    let signed = if envelope.signatures.is_empty() {
        Vec::new()
    } else {
        envelope.signers(&roots).map_err(|_| problem::charter_unreadable())?
    };
    let complete = match charter.version {
        1 => Charter::first(envelope, &charter.tenant).is_ok(),
        _ => signed.len() >= charter.root_threshold as usize,
    };
    let signed_by = signed.into_iter().map(Fixed).collect();
    Ok(ShownCharter { charter, digest: digest(&payload), signed_by, complete })
}

impl ShownCharter {
    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        let it = &self.charter;
        let mut text = format!("Charter     version {}\nTenant      {}\n", it.version, it.tenant);
        let _ = writeln!(text, "Words       {}", words::of(&it.tenant).join(" "));
        let _ = writeln!(text, "Valid       {} to {}", date(it.issued), date(it.expires));
        let _ = writeln!(text, "Digest      {}", self.digest);
        let _ = writeln!(text, "\nDeployments are approved by {} of", it.threshold);
        for approver in &it.approvers {
            let _ = writeln!(text, "      {}  {}", approver.key, plain(&approver.person));
        }
        let _ = writeln!(text, "\nThe next charter is signed by {} of", it.root_threshold);
        for root in &it.roots {
            let signed = if self.signed_by.contains(root) { "  has signed this one" } else { "" };
            let _ = writeln!(text, "      {root}{signed}");
        }
        if !self.complete {
            text.push_str("\nSignatures are missing: see `charter sign`.\n");
        }
        text
    }
}

/// Somebody else's text on a terminal: what steers it, or turns the direction of writing, is spelled out.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut plain, c| {
        let steers = c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if steers {
            plain.extend(c.escape_unicode());
        } else {
            plain.push(c);
        }
        plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::author::earlier::tests::{deployment as designed, new_dashboard};

    #[test]
    fn r35_what_is_signed_is_rendered_from_its_bytes() {
        let envelope = designed(vec![new_dashboard("kitchen-board", "{\"views\":[]}")]).unsigned().unwrap();
        let (_, shown) = deployment(&envelope).unwrap();
        insta::assert_snapshot!(shown.words());
    }

    #[test]
    fn r35_a_text_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c\nd"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}d");
        assert_eq!(plain("Küche 🏠"), "Küche 🏠");
    }

    #[test]
    fn other_envelopes_are_refused() {
        let other = Envelope::unsigned("text/plain", b"{}");
        assert_eq!(deployment(&other).unwrap_err().code, "deployment_unfit");
        assert_eq!(charter(&other).unwrap_err().code, "charter_unreadable");
    }
}
