//! A person came back from the authorization server without allowing anything. That is a choice, and they are asked how
//! to go on.
//!
//! Not here: answers that say that something is wrong (`flow::connect::callback`).

use http::StatusCode;
use url::Url;

use super::form::{ConnectForm, leads_to};
use crate::config::Server;
use crate::flow::authorize::pending;
use crate::flow::login::session::SignedIn;
use crate::flow::{Answered, RequestContext};
use crate::headers::CONTENT_SECURITY_POLICY;
use crate::page;
use crate::ports::Platform;
use crate::upstream::key::Owner;
use crate::upstream::state::{Back, State};
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::route;
use crate::web::route::Endpoint;

/// The page that asks. `failure` is how the answer was read.
pub async fn show<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    signed_in: &SignedIn,
    state: &State,
    failure: &Failure,
) -> Answered<P> {
    let intent = &state.intent;
    let waiting = match &intent.back {
        Back::Client(grant) => Some(pending::waiting(context, grant, &signed_in.session.identity.subject).await?),
        Back::Connections | Back::Page => None,
    };
    // Asked for once more as it was: a call may have wanted more than is usual.
    let ticket = ConnectForm::new(intent.clone(), state.source.scope.clone(), context.now);
    let page = page::Cancelled {
        server_name: server.name.clone(),
        host: host(&state.source.issuer),
        said: failure.message.clone(),
        client_name: waiting.as_ref().map(|allowed| allowed.client_name.clone()),
        connections: matches!(intent.owner, Owner::Subject(_)).then(|| Endpoint::Connections.path().to_owned()),
        account: intent.account.clone(),
        ticket: ticket.seal(context, signed_in),
        action: route::connect_path(server.slug.as_str()),
        reason: failure.reason,
        request_id: context.request_id().to_owned(),
    };
    let policy = leads_to(context, waiting.as_ref());
    Ok(Reply::page(StatusCode::OK, page.render()).with(CONTENT_SECURITY_POLICY, &policy).log_reason(failure.reason))
}

fn host(issuer: &str) -> String {
    let host = Url::parse(issuer).ok().and_then(|url| url.host_str().map(ToOwned::to_owned));
    host.unwrap_or_else(|| issuer.to_owned())
}
