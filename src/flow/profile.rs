//! What the login said of a subject when they last signed in: noted then, and read when a token is issued, which is as
//! old as its roles and claims ever get.
//!
//! Where no rule speaks of roles or claims, nothing is noted. Not here: which claims mean which roles (`policy`).

use crate::config::Config;
use crate::flow::RequestContext;
use crate::oauth::subject;
use crate::oauth::subject::Profile;
use crate::ports::{Platform, Unavailable};
use crate::web::failure::Failure;

/// Whether any rule asks for a role or a claim.
pub(super) fn is_asked_for(config: &Config) -> bool {
    !config.roles().is_empty() || !config.claims().is_empty()
}

/// Notes what the login said. Where that fails the person is not signed in: a role that was taken away must be gone.
pub(super) async fn note<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: &str,
    profile: Profile,
) -> Result<(), Failure> {
    let command = subject::Command::SignIn { profile };
    context.platform.account(subject, command).await.map(|_| ()).map_err(|Unavailable| Failure::storage())
}

/// What rules ask for of what was noted.
pub(super) async fn of<P: Platform>(context: &RequestContext<'_, P>, subject: &str) -> Result<Profile, Failure> {
    let mut profile = Profile { roles: Vec::new(), claims: [].into(), at: context.now };
    if is_asked_for(&context.config) {
        let noted = context.platform.account(subject, subject::Command::Profile).await;
        if let subject::Outcome::Profile { profile: Some(noted) } = noted.map_err(|Unavailable| Failure::storage())? {
            profile = noted;
        }
        let (roles, claims) = (context.config.roles(), context.config.claims());
        profile.roles.retain(|role| roles.contains(role.as_str()));
        profile.claims.retain(|name, _| claims.iter().any(|claim| claim.as_str() == name));
    }
    Ok(profile)
}
