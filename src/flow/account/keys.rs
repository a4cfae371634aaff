//! A person's own API keys: shown beside what they have connected, made there, and revoked.
//!
//! Not here: the form's protection (`flow::account::connections`), and where keys are kept (`flow::api_keys`).

use crate::flow::login::session::SignedIn;
use crate::flow::{RequestContext, api_keys};
use crate::oauth::api_key::{ApiKey, KeyId, KeyKind};
use crate::oauth::scope::ScopeSet;
use crate::oauth::subject::{KeyUse, ListedKey};
use crate::page;
use crate::ports::Platform;
use crate::time::Lifetime;
use crate::web::failure::Failure;
use crate::web::form::Form;
use crate::web::route::Endpoint;

/// The longest name of a key, characters.
pub(super) const LONGEST_NAME: usize = 80;

/// What a key is called that was given no name.
const NAMELESS: &str = "API key";

/// How long a person's key or agent may last: days, and how they are said.
pub(super) const LIFETIMES: [(&str, u64, &str); 4] =
    [("7", 7, "7 days"), ("30", 30, "30 days"), ("90", 90, "90 days"), ("365", 365, "One year")];
pub(super) const SUGGESTED: &str = "90";

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

/// How long what a form asks for is to last.
pub(super) fn lifetime(form: &Form) -> Option<Lifetime> {
    let days = form.one("days").ok().flatten();
    LIFETIMES.into_iter().find(|(name, ..)| Some(*name) == days).map(|(_, days, _)| Lifetime::days(days))
}

/// What was written in one line; the form has a field for a whole text too.
pub(super) fn line<'f>(form: &'f Form, name: &str) -> Option<&'f str> {
    let text = form.one(name).ok().flatten()?.trim();
    Some(text).filter(|text| !text.is_empty() && !text.contains(char::is_control))
}

pub(super) fn choice(name: &str, title: &str) -> page::KeyChoice {
    page::KeyChoice { name: name.to_owned(), title: title.to_owned() }
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
