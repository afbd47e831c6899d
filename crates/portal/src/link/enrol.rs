//! `enrol`: an invite and a device key become a home (R3).

use vestibule_protocol::message::{Enrol, EnrolBody, Enrolled, RefusalCode, device_signature_fits};

use super::End;
use super::wire::Wire;
use crate::app::App;
use crate::store::tenants::Tenant;
use crate::store::{Stop, invites};

/// Longest name of a version that an agent may give.
pub(super) const AGENT_BYTES: usize = 64;

/// How long to wait after too many wrong invites, in seconds.
const TOO_MANY_AFTER: u32 = 60;

/// Answers and ends: the home comes again with `hello`.
pub(super) async fn answer(
    app: &App,
    tenant: &Tenant,
    origin: &str,
    nonce: &[u8; 32],
    enrol: Enrol,
    wire: &mut Wire,
) -> Result<(), End> {
    let now = app.store.now();
    if !app.enrolments.allows(now) {
        return Err(End::Refused(RefusalCode::TooMany, Some(TOO_MANY_AFTER)));
    }
    let body: EnrolBody = serde_json::from_str(&enrol.body).map_err(|_| RefusalCode::BadMessage)?;
    if !is_version(&body.agent) {
        return Err(RefusalCode::BadMessage.into());
    }
    let key = body.device_key.0;
    if !device_signature_fits(&key, &enrol.signature, "enrol", &tenant.tenant, origin, nonce, &enrol.body) {
        return Err(RefusalCode::NotAuthentic.into());
    }
    let of = tenant.clone();
    match app.store.write(move |tx| invites::redeem(tx, &of, &body)).await {
        Ok(()) => wire.send(Enrolled {}).await,
        Err(Stop::InviteRefused) => {
            app.enrolments.failed(now);
            Err(RefusalCode::InviteRefused.into())
        }
        Err(stop) => Err(stop.into()),
    }
}

/// A version as agents name themselves: short and plain.
pub(super) fn is_version(text: &str) -> bool {
    (1..=AGENT_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
