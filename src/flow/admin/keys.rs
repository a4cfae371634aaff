//! API keys as the operator has them: those of services, made, listed and revoked, and those of a person, listed and
//! revoked.
//!
//! Nobody makes a key that acts for another person. Not here: a person's own (`flow::account`), and where keys are kept
//! (`flow::api_keys`).

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::operator::Operator;
use super::{acts, operator};
use crate::flow::{Answered, Head, LONGEST_NAME, RequestContext, api_keys, read_small};
use crate::json;
use crate::oauth::api_key::{ApiKey, KeyId, KeyKind, SERVICES};
use crate::oauth::scope::ScopeSet;
use crate::oauth::subject::{Command, ListedKey, Outcome};
use crate::ports::{Platform, Unavailable};
use crate::time::Lifetime;
use crate::web::failure::Failure;
use crate::web::form;
use crate::web::reply::Reply;

const BODY: usize = 16 * 1024;
/// The roles of one key, and their length: what policy asks for is shorter.
const MOST_ROLES: usize = 32;
const LONGEST_ROLE: usize = 256;

/// The key that is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    /// The servers it is for; without them every one.
    servers: Option<Vec<String>>,
    /// What it may do at the gateway; without them calling servers.
    permissions: Option<Vec<String>>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    roles: Vec<String>,
    expires_in_days: u64,
}

/// `GET`, `POST` and `DELETE /admin/keys`.
pub async fn answer<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    let operator = operator::authorize(context.platform, context.memory, head).await?;
    let query = form::parse(head.query().as_bytes()).map_err(|_| malformed("its query is none"))?;
    let field = |name| query.one(name).map_err(|_| malformed("its query says something twice"));
    let owner = field("subject")?.unwrap_or(SERVICES);
    match head.method.as_str() {
        "POST" => make(context, &operator, &read_small(body, BODY).await?).await,
        "DELETE" => revoke(context, &operator, owner, field("id")?.unwrap_or_default()).await,
        _ => {
            let keys: Vec<Value> = listed(context, owner).await?.iter().map(shown).collect();
            Ok(Reply::json(StatusCode::OK, &json!({"keys": keys})))
        }
    }
}

/// Makes a service key. Its text is in this answer, and nowhere else.
async fn make<P: Platform>(context: &RequestContext<'_, P>, operator: &Operator, body: &[u8]) -> Answered<P> {
    let wanted: Wanted = json::read(body).map_err(|error| malformed(&error.to_string()))?;
    let key = service(context, &wanted).map_err(|why| malformed(&why))?;
    let (listed, text) = api_keys::make(context, &key, wanted.name.trim().to_owned()).await?;
    acts::note(context.platform, context.record, operator, "make_key", json!({"key": listed.id}));
    let mut answer = shown(&listed);
    if let Some(members) = answer.as_object_mut() {
        members.insert("subject".to_owned(), key.subject.into());
        members.insert("key".to_owned(), text.expose().into());
    }
    Ok(Reply::json(StatusCode::CREATED, &answer))
}

async fn revoke<P: Platform>(
    context: &RequestContext<'_, P>,
    operator: &Operator,
    owner: &str,
    id: &str,
) -> Answered<P> {
    let listed = listed(context, owner).await?;
    let key = listed.iter().find(|key| key.id.as_str() == id).ok_or_else(no_such_key)?;
    api_keys::revoke(context, owner, key).await?;
    let about = json!({"key": id, "subject": owner});
    acts::note(context.platform, context.record, operator, "revoke_key", about);
    Ok(Reply::json(StatusCode::OK, &json!({"id": id, "revoked": true})))
}

/// The key, or what is wrong with what is asked for. A slip of writing would be a key that can do nothing.
fn service<P: Platform>(context: &RequestContext<'_, P>, wanted: &Wanted) -> Result<ApiKey, String> {
    let config = &context.config;
    let name = wanted.name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(format!("its name is empty or longer than {LONGEST_NAME} characters"));
    }
    for slug in wanted.servers.iter().flatten() {
        if config.servers.get(slug.as_str()).is_none_or(|server| !server.accepts.keys) {
            return Err(format!("there is no server {slug:?} that accepts keys"));
        }
    }
    if wanted.servers.as_ref().is_some_and(Vec::is_empty) {
        return Err("it is for no server; leave \"servers\" out for every one".to_owned());
    }
    let permissions = wanted.permissions.as_deref();
    if let Some(other) = permissions.into_iter().flatten().find(|permission| *permission != ApiKey::INVOKE) {
        return Err(format!("there is no permission {other:?}, only {:?}", ApiKey::INVOKE));
    }
    if let Some(other) = wanted.scopes.iter().find(|scope| !config.scopes.names().any(|name| name == *scope)) {
        return Err(format!("the configuration defines no scope {other:?}"));
    }
    if wanted.roles.len() > MOST_ROLES || wanted.roles.iter().any(|role| role.len() > LONGEST_ROLE) {
        return Err(format!("it has more than {MOST_ROLES} roles, or one of more than {LONGEST_ROLE} bytes"));
    }
    let lifetime = Lifetime::days(wanted.expires_in_days.min(u64::from(u32::MAX)));
    if wanted.expires_in_days == 0 || lifetime.0 > ApiKey::LONGEST.0 {
        return Err(format!("expires_in_days is not from 1 to {}", ApiKey::LONGEST.0 / Lifetime::days(1).0));
    }
    let set = |names: &[String]| ScopeSet::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let id = KeyId::new(context.platform.random());
    let subject = id.subject();
    let mut key = ApiKey::new(id, KeyKind::Service, subject, context.now, context.now + lifetime);
    key.servers.clone_from(&wanted.servers);
    key.permissions = permissions.map_or(key.permissions, set);
    key.scope = set(&wanted.scopes);
    key.roles.clone_from(&wanted.roles);
    Ok(key)
}

async fn listed<P: Platform>(context: &RequestContext<'_, P>, owner: &str) -> Result<Vec<ListedKey>, Failure> {
    match context.platform.account(owner, Command::List).await {
        Ok(Outcome::Listed { keys, .. }) => Ok(keys),
        Ok(_) | Err(Unavailable) => Err(Failure::storage()),
    }
}

/// What is known of a service's key, or of one of a person's, by its id.
pub async fn known<P: Platform>(
    context: &RequestContext<'_, P>,
    person: Option<&str>,
    id: &str,
) -> Result<ApiKey, Failure> {
    let listed = listed(context, person.unwrap_or(SERVICES)).await?;
    let key = listed.iter().find(|key| key.id.as_str() == id).ok_or_else(no_such_key)?;
    api_keys::find(context, &key.digest).await?.ok_or_else(no_such_key)
}

/// A key as programs are told of it.
pub fn shown(key: &ListedKey) -> Value {
    let (permissions, scopes): (Vec<&str>, Vec<&str>) = key.scope.iter().partition(|name| *name == ApiKey::INVOKE);
    let ListedKey { id, name, servers, at, expires, used, .. } = key;
    json!({
        "id": id, "name": name, "servers": servers, "permissions": permissions, "scopes": scopes, "made_at": at,
        "expires_at": expires, "last_used": used,
    })
}

fn no_such_key() -> Failure {
    Failure::client(404, "no_such_key", "There is no such API key.").fix(
        "DELETE /admin/keys?id= names a service key by its id, and &subject= the person whose key it is; GET lists \
         them.",
    )
}

fn malformed(why: &str) -> Failure {
    Failure::client(400, "key_request_malformed", format!("The request for API keys cannot be read: {why}."))
        .logged("The request for API keys cannot be read.")
        .fix(r#"Send JSON such as {"name": "Nightly report", "servers": ["docs"], "expires_in_days": 90}."#)
}
