//! What the login said of a subject when they last signed in: noted then, and read when a token is issued, which is as
//! old as its roles and claims ever get.
//!
//! Where no rule speaks of roles or claims, nothing is noted, and what was noted before is forgotten: it would be out
//! of date when a rule does. Not here: which claims mean which roles (`policy`).

use crate::config::Config;
use crate::flow::RequestContext;
use crate::oauth::subject;
use crate::oauth::subject::Profile;
use crate::policy::Policy;
use crate::ports::{Platform, Unavailable};
use crate::time::Timestamp;
use crate::web::failure::Failure;

/// So many roles, and values of each claim, are noted although no rule asks for them: one that is added later finds
/// them. What rules ask for is noted however much it is.
const MOST_OTHERS: usize = 100;

/// The longest of those, bytes.
const LONGEST: usize = 256;

/// Whether any rule asks for a role or a claim.
pub(super) fn is_asked_for(config: &Config) -> bool {
    !config.roles().is_empty() || !config.claims().is_empty()
}

/// Notes what the login said. Where that fails the person is not signed in: a role that was taken away must be gone.
pub(super) async fn note<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: &str,
    mut profile: Profile,
) -> Result<(), Failure> {
    let command = if is_asked_for(&context.config) {
        keep(&context.config, &mut profile, MOST_OTHERS);
        subject::Command::SignIn { profile }
    } else {
        subject::Command::ForgetProfile { at: profile.at }
    };
    context.platform.account(subject, command).await.map(|_| ()).map_err(|Unavailable| Failure::storage())
}

/// What the rules of a server ask for of what was noted.
pub(super) async fn of<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: &str,
    policy: &Policy,
) -> Result<Profile, Failure> {
    let mut known = None;
    if policy.roles().next().is_some() || policy.claims().next().is_some() {
        known = noted(context, subject).await?;
    }
    Ok(as_asked(known, policy, context.now))
}

/// What rules ask for of what was noted, if anything was.
pub(super) fn as_asked(noted: Option<Profile>, policy: &Policy, now: Timestamp) -> Profile {
    let mut profile = noted.unwrap_or_else(|| Profile::empty(now));
    profile.roles.retain(|role| policy.roles().any(|asked| asked == role));
    profile.claims.retain(|name, values| {
        values.retain(|value| policy.asks_for_claim(name, value));
        !values.is_empty()
    });
    profile
}

/// What was noted, where rules ask for anything.
pub(super) async fn noted<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: &str,
) -> Result<Option<Profile>, Failure> {
    if !is_asked_for(&context.config) {
        return Ok(None);
    }
    match context.platform.account(subject, subject::Command::Profile).await {
        Ok(subject::Outcome::Profile { profile }) => Ok(profile),
        _ => Err(Failure::storage()),
    }
}

/// Drops the roles and values that no rule asks for, but for so many.
fn keep(config: &Config, profile: &mut Profile, others: usize) {
    let (roles, claims) = (config.roles(), config.claims());
    retain(&mut profile.roles, others, |role| roles.contains(role));
    profile.claims.retain(|name, values| {
        retain(values, others, |value| config.asks_for_claim(name, value));
        !values.is_empty() && claims.iter().any(|claim| claim.as_str() == name)
    });
}

fn retain(values: &mut Vec<String>, mut others: usize, is_asked_for: impl Fn(&str) -> bool) {
    values.retain(|value| {
        if is_asked_for(value) {
            return true;
        }
        let kept = others > 0 && value.len() <= LONGEST;
        others -= usize::from(kept);
        kept
    });
}
