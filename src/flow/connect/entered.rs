//! The values that a person entered: tried at the server, and kept unless it refused them.
//!
//! Not here: how they are tried (`trial`), what becomes of a value that is refused later (`flow::connection`).

use std::collections::BTreeMap;

use super::form::{ConnectForm, shown};
use super::outcome::kept;
use super::request::ConnectRequest;
use super::trial;
use super::trial::Tried;
use crate::authorization_log::AuthorizationStep;
use crate::config::{Server, Value};
use crate::flow::connection::{sealed, store};
use crate::flow::login::session::SignedIn;
use crate::flow::{Answered, Head, RequestContext};
use crate::ports::Platform;
use crate::secret::Secret;
use crate::upstream::credential::{Credential, CredentialKind};
use crate::upstream::headers;
use crate::web::form::Form;

/// Why a form is shown again.
struct Problem {
    reason: &'static str,
    text: String,
}

/// Keeps the values of a posted form, or shows it again with what is wrong with them.
pub(super) async fn answer<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    server: &Server,
    signed_in: &SignedIn,
    headers: &[(String, Value)],
    ticket: ConnectForm,
    form: &Form,
) -> Answered<P> {
    let entered = match read(headers, form) {
        Ok(entered) => entered,
        Err(problem) => return again(context, head, server, signed_in, ticket, problem).await,
    };
    let subject = &signed_in.session.identity.subject;
    let credential = Credential::new(sealed::binding(server), context.now, CredentialKind::Headers(entered));
    if !trial::is_allowed(context, subject).await? {
        return again(context, head, server, signed_in, ticket, Some(too_often())).await;
    }
    context.record.step(AuthorizationStep::Trial);
    let tried = trial::of(context, server, &credential).await?;
    let credential = match tried {
        Tried::Refused(status) => {
            let problem = Some(refused(server, status.as_u16()));
            return again(context, head, server, signed_in, ticket, problem).await;
        }
        Tried::Taken => credential.checked(context.now),
        Tried::Unknown => credential,
    };
    context.record.step(AuthorizationStep::Kept);
    store::store(context, &ticket.intent, &credential, None, signed_in.session.since).await?;
    kept(context, &ticket.intent, &signed_in.session, tried == Tried::Taken).await
}

/// Every value there is to enter. An account chosen from the list comes without: it is asked for now, and nothing is
/// wrong.
fn read(headers: &[(String, Value)], form: &Form) -> Result<BTreeMap<String, Secret>, Option<Problem>> {
    let mut entered = BTreeMap::new();
    for (name, value) in headers {
        let Value::Person { label } = value else { continue };
        let field = format!("header:{name}");
        let value = Secret::new(form.one(&field).ok().flatten().unwrap_or_default().trim());
        if headers::header(name, &value).is_err() {
            return Err(form.has(&field).then(|| unsendable(label)));
        }
        entered.insert(name.clone(), value);
    }
    Ok(entered)
}

async fn again<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    server: &Server,
    signed_in: &SignedIn,
    ticket: ConnectForm,
    problem: Option<Problem>,
) -> Answered<P> {
    let request = ConnectRequest::again(context, server, ticket.intent, &signed_in.session.identity.subject).await?;
    let Some(Problem { reason, text }) = problem else {
        return Ok(shown(context, head, server, signed_in, &request, None, None));
    };
    context.record.refused(reason);
    let text = format!("{text} Reason: {reason}. Request: {}.", context.request_id());
    Ok(shown(context, head, server, signed_in, &request, None, Some(text)).log_reason(reason))
}

fn unsendable(label: &str) -> Problem {
    let text =
        format!("{label}: it cannot be sent as it is. Enter it on one line, and without letters that are not ASCII.");
    Problem { reason: "connection_value_unsendable", text }
}

fn refused(server: &Server, status: u16) -> Problem {
    let text = format!(
        "{} does not accept what you entered (it answered {status}), so it was not kept. Copy it anew from there and \
         try again.",
        server.name
    );
    Problem { reason: "connection_value_refused", text }
}

fn too_often() -> Problem {
    let text = "You have tried very often within a minute. Wait a minute, then try again.".to_owned();
    Problem { reason: "connection_tries_limited", text }
}
