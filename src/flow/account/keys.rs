//! A person's own API keys: shown beside what they have connected, made there, and revoked.
//!
//! Not here: the form's protection (`flow::account::connections`), its fields (`form`), and where keys are kept
//! (`flow::api_keys`).

use super::form::{LIFETIMES, SUGGESTED, choice, lifetime, line};
use crate::flow::login::session::SignedIn;
use crate::flow::{LONGEST_NAME, RequestContext, api_keys};
use crate::oauth::api_key::{ApiKey, KeyId, KeyKind};
use crate::oauth::scope::ScopeSet;
use crate::oauth::subject::{KeyUse, ListedKey};
use crate::page;
use crate::ports::Platform;
use crate::web::failure::Failure;
use crate::web::form::Form;
use crate::web::route::Endpoint;

/// What a key is called that was given no name.
const NAMELESS: &str = "API key";

/// The keys, and what another can be made for; nothing where there are none and no server takes any.
pub(super) fn card<P: Platform>(context: &RequestContext<'_, P>, listed: &[ListedKey]) -> Option<page::KeysCard> {
    let servers: Vec<_> = taking_keys(context).map(|(slug, name)| choice(slug, name)).collect();
    let scopes = &context.config.scopes;
    let offer = (!servers.is_empty()).then(|| page::KeyOffer {
        servers,
        scopes: scopes.names().map(|name| choice(name, scopes.title(name).unwrap_or_default())).collect(),
        lifetimes: LIFETIMES.map(|(days, _, said)| choice(days, said)).to_vec(),
        suggested: SUGGESTED,
    });
    (offer.is_some() || !listed.is_empty())
        .then(|| page::KeysCard { keys: listed.iter().map(|key| entry(context, key)).collect(), offer })
}

/// Makes the key that a form asks for. It can do no more than the person, and what they chose of that.
pub(super) async fn make<P: Platform>(
    context: &RequestContext<'_, P>,
    signed_in: &SignedIn,
    form: &Form,
) -> Result<page::MadeKey, Failure> {
    let lifetime = lifetime(form).ok_or_else(unfit)?;
    let every = form.has("every_server");
    let chosen: Vec<String> = taking_keys(context)
        .filter(|(slug, _)| form.has(&page::server_choice(slug)))
        .map(|(slug, _)| slug.to_owned())
        .collect();
    if chosen.is_empty() && !every {
        return Err(unfit());
    }
    let scopes: Vec<&str> = context.config.scopes.names().filter(|scope| form.has(&page::choice(scope))).collect();
    let name = line(form, "name");
    let subject = signed_in.session.identity.subject.clone();
    let expires = context.now + lifetime;
    let id = KeyId::new(context.platform.random());
    let mut key = ApiKey::new(id, KeyKind::User, subject, signed_in.session.since, expires);
    key.servers = (!every).then_some(chosen);
    key.scope = ScopeSet::of(&scopes);
    let (listed, text) =
        api_keys::make(context, &key, name.unwrap_or(NAMELESS).chars().take(LONGEST_NAME).collect()).await?;
    Ok(page::MadeKey { name: listed.name, text: text.expose().to_owned() })
}

/// Revokes one of the person's keys. One that is not there any more is as good as revoked.
pub(super) async fn revoke<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: &str,
    listed: &[ListedKey],
    id: &str,
) -> Result<(), Failure> {
    match listed.iter().find(|key| key.id.as_str() == id) {
        Some(key) => api_keys::revoke(context, subject, key).await,
        None => Ok(()),
    }
}

/// The servers that take keys, by slug and name.
fn taking_keys<'c, P>(context: &'c RequestContext<'_, P>) -> impl Iterator<Item = (&'c str, &'c str)> {
    let servers = context.config.servers.values().filter(|server| server.accepts.keys);
    servers.map(|server| (server.slug.as_str(), server.name.as_str()))
}

fn entry<P>(context: &RequestContext<'_, P>, key: &ListedKey) -> page::KeyEntry {
    let name = |slug: &String| context.config.servers.get(slug.as_str()).map_or(slug, |server| &server.name).clone();
    page::KeyEntry {
        id: key.id.to_string(),
        name: key.name.clone(),
        servers: key.servers.as_ref().map(|servers| servers.iter().map(name).collect()),
        scopes: key.scope.iter().map(ToOwned::to_owned).collect(),
        since: key.at,
        until: key.expires,
        has_expired: key.expires.reached(context.now),
        used: key.used.as_ref().map(|KeyUse { at, from }| (*at, from.clone())),
    }
}

fn unfit() -> Failure {
    Failure::client(400, "api_key_choice_missing", "A key is for one server at least, and ends some day.")
        .fix("Choose what the key is for and how long it lasts, then make it.")
        .way_on("Your connections", Endpoint::Connections.path())
}
