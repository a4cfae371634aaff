//! Everything of one subject, revoked by the operator in one call: what the gateway issued before is refused from then
//! on, every listed grant and API key ends, and every listed account at a server is disconnected.
//!
//! Not here: revocation by the client (`flow::token::revoke`) and by the person (`flow::account::connections`).

use http::StatusCode;
use serde_json::json;
use url::form_urlencoded;

use super::operator::Operator;
use super::{acts, operator};
use crate::flow::connection::store;
use crate::flow::revocation::REMEMBERED;
use crate::flow::{Answered, Head, RequestContext, api_keys, revocation};
use crate::oauth::{machine, subject};
use crate::ports::{Platform, Unavailable};
use crate::time::Lifetime;
use crate::untrusted::presentable;
use crate::upstream::key::{ConnectionKey, Owner};
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// Longer than any refresh token lives.
const MARKED: Lifetime = Lifetime::days(400);

/// What was ended.
pub struct Ended {
    /// How many grants of clients.
    pub grants: usize,
    /// How many API keys.
    pub keys: usize,
    /// How many accounts at servers.
    pub connections: usize,
    /// Whether anything was known of the subject.
    pub known: bool,
}

/// `DELETE /admin/subjects/{subject}`. A subject that nothing is known of is revoked all the same, and the operator
/// told: they may have meant another.
pub async fn revoke<P: Platform>(context: &RequestContext<'_, P>, head: &Head, encoded: &str) -> Answered<P> {
    let operator = operator::authorize(context.platform, context.memory, head).await?;
    let subject = decoded(encoded);
    context.record.act("revoke_everything");
    context.record.subject(&subject);
    let Ended { grants, keys, connections, known } = end(context, &operator, &subject).await?;
    if !known && machine::client_of(&subject).is_none_or(|client| context.config.machine(client).is_none()) {
        return Err(no_such_subject(&subject));
    }
    let done = json!({"subject": subject, "grants": grants, "keys": keys, "connections": connections});
    Ok(Reply::json(StatusCode::OK, &done))
}

/// Ends everything of a subject. Can be said again: what an interrupted one left undone is done by the next.
///
/// 1. The moment is marked: it holds for what is listed nowhere, too. The account is told, so that nothing is connected
///    from then on, not even where nobody has heard of it yet.
/// 2. Listed grants and API keys end, and upstreams are told of listed accounts.
/// 3. The list is emptied, so that every client and every server is asked about again.
pub async fn end<P: Platform>(
    context: &RequestContext<'_, P>,
    operator: &Operator,
    subject: &str,
) -> Result<Ended, Failure> {
    // 1.
    let at = serde_json::to_string(&context.now).unwrap_or_default();
    let marked = context.platform.put(&revocation::subject_key(subject), &at, Some(MARKED)).await;
    marked.map_err(|Unavailable| Failure::storage())?;
    context.memory.subjects.put(subject, Some(context.now), context.now + REMEMBERED, context.now);
    let told = context.platform.account(subject, subject::Command::Revoke { at: context.now }).await;
    told.map_err(|Unavailable| Failure::storage())?;
    // 2.
    let listed = context.platform.account(subject, subject::Command::List).await;
    let subject::Outcome::Listed { connections, grants, keys, known, .. } =
        listed.map_err(|Unavailable| Failure::storage())?
    else {
        return Err(Failure::storage());
    };
    for listed in &grants {
        revocation::end_grant(context, &listed.grant).await?;
    }
    for listed in &keys {
        api_keys::revoke(context, subject, listed).await?;
    }
    for listed in &connections {
        let key = ConnectionKey::new(Owner::Subject(subject.to_owned()), listed.slug.as_str(), listed.account.as_str());
        store::drop(context, &key).await?;
    }
    // 3.
    let forgotten = context.platform.account(subject, subject::Command::ForgetEverything).await;
    forgotten.map_err(|Unavailable| Failure::storage())?;
    let ended = Ended { grants: grants.len(), keys: keys.len(), connections: connections.len(), known };
    let about =
        json!({"subject": subject, "grants": ended.grants, "keys": ended.keys, "connections": ended.connections});
    acts::note(context.platform, context.record, operator, "revoke_everything", about);
    Ok(ended)
}

fn no_such_subject(subject: &str) -> Failure {
    let message = format!("Nothing is known here of a subject {:?}: no client, no connection.", presentable(subject));
    let failure = Failure::client(404, "no_such_subject", message).logged("Nothing is known of that subject.");
    failure.fix(
        "Should there be one, it is signed out and revoked all the same. A subject is an id, shown on the consent and \
         connections pages; /admin/subjects?q= finds it by the address that somebody signs in with.",
    )
}

/// A path is percent-encoded; what separates and joins in a form is itself there.
fn decoded(encoded: &str) -> String {
    let form = encoded.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(form.as_bytes()).next().map(|(subject, _)| subject.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_read_as_it_was_encoded() {
        for (encoded, subject) in [
            ("dev:alice", "dev:alice"),
            ("https:%2F%2Fid.example%7C7", "https://id.example|7"),
            ("a+b%20c", "a+b c"),
            ("https:%2F%2Fid.example%7CZm9v=&7", "https://id.example|Zm9v=&7"),
        ] {
            assert_eq!(decoded(encoded), subject);
        }
    }
}
