//! Everything of one subject, revoked by the operator in one call: what the gateway issued before is refused from then
//! on, every listed grant and API key ends, and every listed account at a server is disconnected.
//!
//! Not here: how it ends (`flow::leaving`), revocation by the client (`flow::token::revoke`) and by the person
//! (`flow::account::connections`).

use http::StatusCode;
use serde_json::json;
use url::form_urlencoded;

use super::operator::Operator;
use super::{acts, operator};
use crate::flow::leaving::Ended;
use crate::flow::{Answered, Head, RequestContext, leaving};
use crate::oauth::machine;
use crate::ports::Platform;
use crate::untrusted::presentable;
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// `DELETE /admin/subjects/{subject}`. A subject that nothing is known of is revoked all the same, and the operator
/// told: they may have meant another.
pub async fn revoke<P: Platform>(context: &RequestContext<'_, P>, head: &Head, encoded: &str) -> Answered<P> {
    let operator = operator::authorize(context.platform, context.memory, head).await?;
    let subject = decoded(encoded);
    context.record.act("revoke_everything");
    context.record.subject(&subject);
    let Ended { grants, keys, agents, connections, known } = end(context, &operator, &subject).await?;
    if !known && machine::client_of(&subject).is_none_or(|client| context.config.machine(client).is_none()) {
        return Err(no_such_subject(&subject));
    }
    let done = json!({"subject": subject, "grants": grants, "keys": keys, "agents": agents,
        "connections": connections});
    Ok(Reply::json(StatusCode::OK, &done))
}

/// Ends everything of a subject, and writes down who did.
pub async fn end<P: Platform>(
    context: &RequestContext<'_, P>,
    operator: &Operator,
    subject: &str,
) -> Result<Ended, Failure> {
    let ended = leaving::end_everything(context, subject, context.now).await?;
    let about = json!({"subject": subject, "grants": ended.grants, "keys": ended.keys, "agents": ended.agents,
            "connections": ended.connections});
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
