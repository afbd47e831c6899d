//! `hello`: who is there (R5), whether it was restored or has a double (R6), and what its owner allows (R27).

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::Class;
use vestibule_protocol::message::{Hello, HelloBody, RefusalCode, Welcome, device_signature_fits};
use vestibule_protocol::{id::Fingerprint, limits, schema};

use super::End;
use super::enrol::is_version;
use super::registry::Ears;
use super::wire::Wire;
use crate::app::App;
use crate::journal;
use crate::store::homes::{self, Right};
use crate::store::sessions::Presented;
use crate::store::tenants::Tenant;
use crate::store::{Stop, consent, delivery, handled, sessions};

/// A link of an authenticated home.
pub(super) struct Open {
    /// Row of the tenant.
    pub(super) tenant: i64,
    pub(super) right: Right,
    pub(super) fingerprint: Fingerprint,
    /// Schema that both know.
    pub(super) schema: u32,
    /// What may be sent.
    pub(super) classes: Vec<Class>,
    /// Version of the charter that the home has; 0 without one.
    pub(super) charter: u32,
    pub(super) ears: Ears,
}

pub(super) async fn answer(
    app: &App,
    tenant: &Tenant,
    origin: &str,
    nonce: &[u8; 32],
    hello: Hello,
    wire: &mut Wire,
) -> Result<Open, End> {
    let body: HelloBody = serde_json::from_str(&hello.body).map_err(|_| RefusalCode::BadMessage)?;
    if !is_version(&body.agent) || !consent::is_sound(&body.consent) || body.sent.len() > limits::SENT {
        return Err(RefusalCode::BadMessage.into());
    }
    authenticate(app, tenant, origin, nonce, &hello, &body.fingerprint).await?;
    let schema = body.schema.min(schema::VERSION);
    if schema == 0 {
        return Err(RefusalCode::Version.into());
    }
    let session = Fixed(app.store.world().random::<16>().map_err(Stop::from)?);
    let (fingerprint, classes, tenant_row) = (body.fingerprint, body.consent.classes.clone(), tenant.id);
    let charter = body.charter.unwrap_or(0);
    let presented = Presented { token: body.session, done: body.done, sent: body.sent };
    let (right, root, (sequence, done), verdict) = app
        .store
        .write(move |tx| {
            let right = homes::take_over(tx, tenant_row, &body.fingerprint, &body.agent)?;
            let mut home = homes::linked(tx, right)?;
            consent::take(tx, &mut home, &body.consent, schema)?;
            let verdict = sessions::renew(tx, right.home, &presented, &session)?;
            if verdict.restored || verdict.cloned {
                delivery::take_back(tx, right.home)?;
            }
            let known = (delivery::sequence(tx.db, right.home)?, handled::last(tx.db, right.home)?);
            Ok((right, home.root, known, verdict))
        })
        .await?;
    let ears = app.links.enter(right);
    let (restored, cloned) = (verdict.restored, verdict.cloned);
    let welcome = Welcome { root, schema, sequence, session, done, restored, cloned };
    if let Err(end) = wire.send(welcome).await {
        app.links.leave(right);
        return Err(end);
    }
    Ok(Open { tenant: tenant.id, right, fingerprint, schema, classes, charter, ears })
}

/// R5: an unknown fingerprint and a wrong signature are answered alike and cost the same.
async fn authenticate(
    app: &App,
    tenant: &Tenant,
    origin: &str,
    nonce: &[u8; 32],
    hello: &Hello,
    fingerprint: &Fingerprint,
) -> Result<(), End> {
    let (row, fingerprint) = (tenant.id, *fingerprint);
    let tag = journal::tag(&tenant.tenant, &fingerprint);
    let (key, erased) = app
        .store
        .read(move |db| Ok((homes::device_key(db, row, &fingerprint)?, homes::is_erased(db, &tag)?)))
        .await?;
    let against = key.unwrap_or(app.nobody);
    let fits = device_signature_fits(
        &against,
        &hello.signature,
        "hello",
        &tenant.tenant,
        origin,
        nonce,
        &hello.body,
    );
    match key {
        Some(_) if fits => Ok(()),
        // Nothing is left to check the signature with; whoever knows the fingerprint of an erased home learns that it is erased.
        None if erased => Err(RefusalCode::Erased.into()),
        _ => Err(RefusalCode::NotAuthentic.into()),
    }
}
