//! Who calls with an API key: known to the isolate or looked up once, not revoked, and for this server.
//!
//! Not here: the form of a key and what is known of it (`oauth::api_key`), and making one (`flow::account`,
//! `flow::admin`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

use super::presented::worthless;
use crate::caller::Caller;
use crate::config::Server;
use crate::flow::revocation::Markers;
use crate::flow::{Head, RequestContext, api_keys, profile, sentence};
use crate::memory::FoundKey;
use crate::oauth::api_key::{ApiKeyError, KeyKind, text};
use crate::oauth::error::ErrorCode;
use crate::oauth::subject::Profile;
use crate::policy::ClaimValues;
use crate::ports::Platform;
use crate::secret::Secret;
use crate::web::failure::Failure;
use crate::web::route::Endpoint;

/// The caller of an MCP request by the API key that it presents.
pub async fn authenticate<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    server: &Server,
    presented: &str,
) -> Result<Rc<Caller>, Failure> {
    if !server.accepts.keys {
        return Err(refuse(context, server, ApiKeyError::NotAccepted));
    }
    let found = match known(context, server, presented) {
        Some(found) => found,
        None => find(context, server, presented).await?,
    };
    let (key, caller) = (&found.key, &found.caller);
    if key.expires.reached(context.now) {
        return Err(refuse(context, server, ApiKeyError::Expired));
    }
    let markers = Markers { platform: context.platform, memory: context.memory, now: context.now };
    if markers.of_bearer((key.id.as_str(), key.expires), (&key.subject, key.since)).await? {
        return Err(refuse(context, server, ApiKeyError::Revoked));
    }
    context.record.caller(caller);
    key.check(server.slug.as_str(), server.is_personal()).map_err(|error| refuse(context, server, error))?;
    api_keys::note_use(context, key, network(head.header("cf-connecting-ip")));
    Ok(Rc::clone(caller))
}

fn known<P>(context: &RequestContext<'_, P>, server: &Server, presented: &str) -> Option<Rc<FoundKey>> {
    let found = context.memory.api_keys.get(&name(server, presented)?, context.now)?;
    found.text.matches(presented).then_some(found)
}

fn name(server: &Server, presented: &str) -> Option<String> {
    Some(format!("{} {}", text::ending(presented)?, server.slug))
}

async fn find<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    presented: &str,
) -> Result<Rc<FoundKey>, Failure> {
    if !text::is_well_formed(presented) {
        return Err(refuse(context, server, ApiKeyError::Malformed));
    }
    let (memory, now) = (context.memory, context.now);
    let key = api_keys::look_up(context, presented).await?;
    let key = key.ok_or_else(|| refuse(context, server, ApiKeyError::Unknown))?;
    let (roles, claims) = match key.kind {
        KeyKind::User => {
            let Profile { roles, claims, .. } = profile::of(context, &key.subject, &server.policy).await?;
            (roles, claims.into())
        }
        KeyKind::Service => (key.roles.clone(), ClaimValues::default()),
    };
    let caller = Rc::new(Caller::with_key(&key, roles, claims));
    let found = Rc::new(FoundKey { text: Secret::new(presented), key, caller });
    // As long as an access token would go on with the roles it was issued with.
    let until = now + context.config.tokens.access_ttl;
    if let Some(name) = name(server, presented) {
        memory.api_keys.put(name, Rc::clone(&found), until, now);
    }
    Ok(found)
}

/// Where a key was used from: the network, which says enough to notice a stranger and not where a person sits.
fn network(address: Option<&str>) -> Option<String> {
    let address: IpAddr = address?.parse().ok()?;
    Some(match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{}/24", Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    })
}

/// What a key may not do, authorizing again would not change, so no challenge says so. A key that is good for nothing
/// is answered as a token is: whoever can authorize finds where.
fn refuse<P: Platform>(context: &RequestContext<'_, P>, server: &Server, error: ApiKeyError) -> Failure {
    let page = context.url(Endpoint::Connections.path());
    let (description, fix) = match error {
        ApiKeyError::NotAccepted => (
            "This server takes no API keys",
            "Let the client authorize instead, or ask the operator to add \"keys\" to what the server accepts."
                .to_owned(),
        ),
        ApiKeyError::Malformed => ("Invalid or expired API key", "Copy the key anew, all of it.".to_owned()),
        ApiKeyError::Unknown | ApiKeyError::Expired | ApiKeyError::Revoked => {
            ("Invalid or expired API key", format!("Make another one at {page}, or ask the operator for one."))
        }
        ApiKeyError::NotPermitted | ApiKeyError::WrongServer => {
            return forbid(server, error, "Make another key: what a key may do, and where, never changes.".to_owned());
        }
        ApiKeyError::NeedsPerson => {
            let fix = format!(
                "Use a key that a person made at {page}, or let the client authorize as one. Where everybody may share \
                 one account, the operator can configure the server so."
            );
            return forbid(server, error, fix);
        }
    };
    worthless(context, server, error.reason(), description, format!("{} {fix}", sentence(&error)))
}

fn forbid(server: &Server, error: ApiKeyError, fix: String) -> Failure {
    let failure = Failure::client(403, error.reason(), sentence(&error)).code(ErrorCode::AccessDenied);
    failure.fix(fix).slug(server.slug.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_key_was_used_from_is_told_roughly() {
        for (address, told) in [
            (Some("192.0.2.77"), Some("192.0.2.0/24")),
            (Some("::ffff:192.0.2.77"), Some("192.0.2.0/24")),
            (Some("2001:db8:1:2:3::4"), Some("2001:db8:1::/48")),
            (Some("<b>"), None),
            (None, None),
        ] {
            assert_eq!(network(address).as_deref(), told);
        }
    }
}
