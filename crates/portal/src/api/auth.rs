//! Who asks: a bearer token of staff. Everything else is asked under that person's tenant.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::error::Answer;
use crate::app::App;
use crate::role::Role;
use crate::store::staff::{self, Staff};
use crate::store::{Stop, audit};

impl FromRequestParts<App> for Staff {
    type Rejection = Answer;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Answer> {
        let token = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim().to_owned())
            .ok_or_else(Answer::unauthorised)?;
        let now = app.store.now();
        let staff = match app.store.read(move |db| staff::by_token(db, &token, now)).await {
            Ok(staff) => staff,
            Err(Stop::NotFound) => return Err(Answer::unauthorised()),
            Err(stop) => return Err(stop.into()),
        };
        if staff.use_is_due(now) {
            let id = staff.id;
            app.store.write(move |tx| staff::used(tx, id)).await?;
        }
        Ok(staff)
    }
}

/// Lets through whoever has at least this role.
///
/// # Errors
/// 403 for everybody else.
pub fn at_least(staff: &Staff, role: Role) -> Result<(), Answer> {
    if staff.role >= role { Ok(()) } else { Err(Answer::forbidden()) }
}

/// The name of a person in the audit trail: a number, so that it says nothing once the person has been removed.
#[must_use]
pub fn actor(staff: &Staff) -> String {
    format!("staff:{}", staff.id)
}

/// Writes down that somebody has read a home's records (R30), and tells the home if it is there. The answer waits for it.
///
/// # Errors
/// When the database cannot be written.
pub(super) async fn was_read(
    app: &App,
    staff: &Staff,
    home: i64,
    verb: &'static str,
    details: String,
) -> Result<(), Answer> {
    let (tenant, actor) = (staff.tenant, actor(staff));
    app.store
        .write(move |tx| audit::write(tx, Some(tenant), &actor, verb, "home", Some(home), &details))
        .await?;
    app.links.ring(home);
    Ok(())
}

/// The same for overviews, which programs look at again and again: within an hour it counts as one reading.
///
/// # Errors
/// As [`was_read`].
pub(super) async fn was_looked_at(
    app: &App,
    staff: &Staff,
    home: i64,
    verb: &'static str,
) -> Result<(), Answer> {
    if app.looks.is_due(staff.id, home, verb, app.store.now()) {
        was_read(app, staff, home, verb, "{}".to_owned()).await?;
    }
    Ok(())
}
