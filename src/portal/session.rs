//! What to say on a link, and what to make of the answers. Pure: values in, values out; the loop performs what is returned.
//!
//! One thing is under way at a time. After every answer the loop asks [`Session::next`], which compares what home holds with what the
//! portal last said it holds. Nothing else is remembered about the other side: after any restart only roots are compared (R20).

use std::sync::Arc;

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::message::{
    Answer, Ask, Buckets, Charters, ConsentChanged, Deploy, Erase, FromAgent, FromPortal, Hashes, Push,
    Reads, Refusal, Report, Request, Support, Want, Welcome, Withdraw,
};
use vestibule_protocol::receipt::Receipt;
use vestibule_protocol::tree::Root;

use super::rooted::Rooted;
use crate::outbound::diff::Diff;
use crate::store::IntentId;

/// A change of more records than this goes through buckets, so that it is kept in batches and can be resumed. Below it a push is cheaper:
/// for buckets the portal has to list what it holds, 16 bytes a record. The names of 10 000 entities are just below.
const PUSH_RECORDS: usize = 15_000;
/// R19: with short hashes, with whole hashes, and then a person has to look.
const MISMATCHES: u32 = 3;

/// What the loop should do.
#[derive(Debug)]
pub enum Step {
    /// Store the session token, then go on (R6: stored before use).
    Welcomed(Welcome),
    /// Render the difference between these two and send it as a push.
    Push {
        /// What the portal holds.
        base: Arc<Rooted>,
        /// What home holds.
        target: Arc<Rooted>,
    },
    /// Send this.
    Send(FromAgent),
    /// Render what is wanted of the frozen inventory, send it in batches, then commit.
    Transfer {
        /// What home held when it sent its buckets, and still holds.
        frozen: Arc<Rooted>,
        /// What the portal asked for.
        want: Want,
        /// The portal started this itself, with a pull (R22).
        pulled: bool,
    },
    /// The portal has acknowledged the current inventory.
    InSync,
    /// An outbox item was carried out, under this id on the wire; the receipts are still unverified.
    Delivered(IntentId, Fixed<16>, Vec<vestibule_protocol::dsse::Envelope>),
    /// Something about deployments, which has nothing to do with what is under way.
    Desk(ForDesk),
    /// The portal refused the link.
    Refused(Refusal),
    /// The two sides cannot agree on a root although they exchanged everything (R19).
    Disagreement,
    /// The portal broke the protocol: cut the link and come back later.
    Broken,
}

/// What a portal may say at any time after its welcome.
#[derive(Debug)]
pub enum ForDesk {
    /// Who may approve.
    Charters(Charters),
    /// Something to be believed or not.
    Deploy(Box<Deploy>),
    /// Something that is not wanted any more.
    Withdraw(Withdraw),
    /// A question to the owner.
    Ask(Ask),
    /// Who has read what.
    Reads(Reads),
}

/// What is under way.
#[derive(Debug)]
enum Busy {
    Push(Arc<Rooted>),
    Buckets(Arc<Rooted>),
    Commit(Arc<Rooted>),
    /// An outbox item, and the id under which the portal knows it.
    Intent(IntentId, Fixed<16>),
}

/// An outbox item as it is sent: rendered at the moment of sending (R24).
#[derive(Debug, Clone)]
pub enum Intent {
    /// Tell the portal what the owner allows.
    Consent(ConsentChanged),
    /// Ask for everything, or for the support reports, to be erased.
    Erase(Erase),
    /// Say how a deployment stands.
    Report(Report),
    /// Pass on the owner's wish.
    Request(Request),
    /// Pass on the owner's answer.
    Answer(Answer),
    /// Pass on a report that the owner has read.
    Support(Support),
}

/// One link, from the portal's welcome to its end.
#[derive(Debug, Default)]
pub struct Session {
    /// The hello has been said, to a portal that has proved whom it serves.
    greeted: bool,
    portal: Option<Root>,
    busy: Option<Busy>,
    mismatches: u32,
    /// The portal has asked for buckets.
    pulled: bool,
    /// The transfer under way is the answer to a pull.
    answering_pull: bool,
    in_sync_told: bool,
    /// The next change is too large for a push.
    too_large: bool,
}

/// What survives a link: the last inventory that the portal acknowledged, so that the first change after a reconnect is still a push.
pub type Acknowledged = Option<Arc<Rooted>>;

impl Session {
    /// What the portal holds, as it last said.
    #[must_use]
    pub const fn portal_root(&self) -> Option<Root> {
        self.portal
    }

    /// Whether an answer is awaited.
    #[must_use]
    pub const fn busy(&self) -> bool {
        self.busy.is_some()
    }

    /// Whether buckets were sent and the portal has not said yet what it wants: the inventory must not change meanwhile.
    #[must_use]
    pub const fn frozen(&self) -> bool {
        matches!(self.busy, Some(Busy::Buckets(_)))
    }

    /// The portal has been welcomed; from here on [`Self::next`] has something to say.
    #[must_use]
    pub const fn welcomed(&self) -> bool {
        self.portal.is_some()
    }

    /// Notes that the hello is said now. `false` if it has been: each link hears one, so that nobody collects signatures (R5).
    pub const fn greet(&mut self) -> bool {
        !std::mem::replace(&mut self.greeted, true)
    }

    /// Takes a message of the portal. `None`: nothing to do but to ask [`Self::next`].
    pub fn receive(&mut self, message: FromPortal, acknowledged: &mut Acknowledged) -> Option<Step> {
        match (message, self.busy.take()) {
            // R2: a welcome without a hello comes from somebody who has not proved whom it serves.
            (FromPortal::Welcome(welcome), None) if self.greeted && self.portal.is_none() => {
                self.portal = Some(welcome.root);
                Some(Step::Welcomed(welcome))
            }
            (FromPortal::Ack(ack), Some(Busy::Push(target) | Busy::Commit(target)))
                if ack.root == target.root() =>
            {
                self.portal = Some(ack.root);
                self.mismatches = 0;
                *acknowledged = Some(target);
                None
            }
            (FromPortal::Mismatch(mismatch), Some(Busy::Push(_))) => {
                self.portal = Some(mismatch.root);
                *acknowledged = None;
                None
            }
            (FromPortal::Mismatch(mismatch), Some(Busy::Commit(_) | Busy::Buckets(_))) => {
                self.portal = Some(mismatch.root);
                *acknowledged = None;
                self.mismatches += 1;
                (self.mismatches >= MISMATCHES).then_some(Step::Disagreement)
            }
            (FromPortal::Want(want), Some(Busy::Buckets(frozen))) => {
                self.busy = Some(Busy::Commit(Arc::clone(&frozen)));
                Some(Step::Transfer { frozen, want, pulled: self.answering_pull })
            }
            (FromPortal::Done(done), Some(Busy::Intent(id, wire))) if done.id == wire => {
                self.portal = Some(done.root);
                Some(Step::Delivered(id, done.id, done.receipts))
            }
            (FromPortal::Erased(erased), Some(Busy::Intent(id, wire))) if erased.id == wire => {
                Some(Step::Delivered(id, erased.id, vec![erased.receipt]))
            }
            (FromPortal::Pull(_), busy) if self.portal.is_some() => {
                self.busy = busy;
                self.pulled = true;
                None
            }
            (FromPortal::Charters(message), busy) if self.portal.is_some() => {
                self.beside(busy, ForDesk::Charters(message))
            }
            (FromPortal::Deploy(message), busy) if self.portal.is_some() => {
                self.beside(busy, ForDesk::Deploy(Box::new(message)))
            }
            (FromPortal::Withdraw(message), busy) if self.portal.is_some() => {
                self.beside(busy, ForDesk::Withdraw(message))
            }
            (FromPortal::Ask(message), busy) if self.portal.is_some() => {
                self.beside(busy, ForDesk::Ask(message))
            }
            (FromPortal::Reads(message), busy) if self.portal.is_some() => {
                self.beside(busy, ForDesk::Reads(message))
            }
            (FromPortal::Refusal(refusal), _) => Some(Step::Refused(refusal)),
            (
                FromPortal::Challenge(_)
                | FromPortal::Enrolled(_)
                | FromPortal::Welcome(_)
                | FromPortal::Ack(_)
                | FromPortal::Mismatch(_)
                | FromPortal::Want(_)
                | FromPortal::Pull(_)
                | FromPortal::Done(_)
                | FromPortal::Erased(_)
                | FromPortal::Charters(_)
                | FromPortal::Deploy(_)
                | FromPortal::Withdraw(_)
                | FromPortal::Ask(_)
                | FromPortal::Reads(_),
                _,
            ) => Some(Step::Broken),
        }
    }

    /// What was under way goes on.
    fn beside(&mut self, busy: Option<Busy>, what: ForDesk) -> Option<Step> {
        self.busy = busy;
        Some(Step::Desk(what))
    }

    /// The outbox item that is under way, and its id on the wire.
    #[must_use]
    pub const fn flying(&self) -> Option<(IntentId, Fixed<16>)> {
        match self.busy {
            Some(Busy::Intent(id, wire)) => Some((id, wire)),
            _ => None,
        }
    }

    /// The next thing to say, if nothing is under way. `current` is absent while the home cannot be read or nothing may be sent.
    pub fn next(
        &mut self,
        current: Option<&Arc<Rooted>>,
        intent: Option<(IntentId, Intent)>,
        acknowledged: &mut Acknowledged,
    ) -> Option<Step> {
        let portal = self.portal?;
        if self.busy.is_some() {
            return None;
        }
        if let Some((id, intent)) = intent {
            // That the owner took a wish back goes under the wish's own id.
            let wire = if let Intent::Request(request) = &intent { request.id } else { Fixed(id.0) };
            self.busy = Some(Busy::Intent(id, wire));
            return Some(Step::Send(match intent {
                Intent::Consent(message) => message.into(),
                Intent::Erase(message) => message.into(),
                Intent::Report(message) => message.into(),
                Intent::Request(message) => message.into(),
                Intent::Answer(message) => message.into(),
                Intent::Support(message) => message.into(),
            }));
        }
        let current = current?;
        if portal == current.root() && !self.pulled {
            *acknowledged = Some(Arc::clone(current));
            return (!std::mem::replace(&mut self.in_sync_told, true)).then_some(Step::InSync);
        }
        self.in_sync_told = false;
        if let Some(base) = acknowledged
            .as_ref()
            .filter(|base| !self.pulled && !self.too_large && base.root_as(current) == portal)
        {
            let difference = Diff::between(base, current);
            if difference.changed.len() + difference.gone.len() <= PUSH_RECORDS {
                self.busy = Some(Busy::Push(Arc::clone(current)));
                return Some(Step::Push { base: Arc::clone(base), target: Arc::clone(current) });
            }
        }
        self.too_large = false;
        self.answering_pull = std::mem::take(&mut self.pulled);
        let nothing_there = portal == current.empty_root();
        let hashes = if nothing_there {
            Hashes::default()
        } else {
            Hashes::of_buckets(&current.buckets(), self.mismatches > 0)
        };
        self.busy = Some(Busy::Buckets(Arc::clone(current)));
        Some(Step::Send(Buckets { root: current.root(), hashes }.into()))
    }

    /// The push that [`Step::Push`] asked for is larger than a message may be: buckets, then.
    pub fn cannot_push(&mut self) {
        self.busy = None;
        self.too_large = true;
    }

    /// Whether a push turned out to be too large.
    #[must_use]
    pub const fn wants_buckets(&self) -> bool {
        self.too_large
    }

    /// Makes the push that [`Step::Push`] asked for.
    #[must_use]
    pub fn push(
        base: Root,
        target: Root,
        puts: vestibule_protocol::message::Puts,
        deletes: Vec<String>,
    ) -> FromAgent {
        Push { base, root: target, puts, deletes }.into()
    }
}

/// Whether a receipt is the pinned portal key's for this very request.
#[must_use]
pub fn receipt_fits(
    envelope: &vestibule_protocol::dsse::Envelope,
    portal_key: &[u8; 32],
    id: IntentId,
) -> Option<Receipt> {
    Receipt::verify(envelope, portal_key).ok().filter(|receipt| receipt.id.0 == id.0)
}
