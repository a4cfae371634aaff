//! Signing in at a page of the operator's own: the browser goes there with a ticket, the page's server says who it is,
//! and the browser that began it comes back with a code.
//!
//! Nothing is stored until it is back. The code is worth nothing but to the browser that holds the sign-in's cookie,
//! and good once there. Not here: what is said and sealed (`login::own_page`).

use http::StatusCode;
use serde_json::json;

use super::provider;
use crate::authorization_log::{AuthorizationStep, EntryKind};
use crate::config::{Login, OwnPage};
use crate::flow::{Answered, Head, RequestContext, profile, read_small};
use crate::headers::{HeaderValue, WWW_AUTHENTICATE};
use crate::json::Node;
use crate::login::oidc::Demand;
use crate::login::oidc::id_token::IdTokenError;
use crate::login::own_page::{HandoverError, LoginCode, LoginTicket, SHORTEST_SECRET};
use crate::login::transaction::LoginTransaction;
use crate::login::{Identity, own_page};
use crate::oauth::once::OnceId;
use crate::oauth::subject::Profile;
use crate::ports::Platform;
use crate::secret::Secret;
use crate::vault::Purpose;
use crate::web::failure::{Blame, Failure};
use crate::web::reply::Reply;
use crate::web::route::Endpoint;

/// Whose word the ids of a page's people are. Where it stands may change; an issuer that has had the alias is somebody
/// else.
pub(super) const ISSUER: &str = "login page";

const BODY: usize = 32 * 1024;

/// Where the browser is sent, with a ticket for this sign-in.
pub(super) fn url<P: Platform>(
    context: &RequestContext<'_, P>,
    page: &OwnPage,
    transaction: &LoginTransaction,
    demand: Demand,
) -> String {
    let ticket = LoginTicket::new(&transaction.state, transaction.expires);
    let place = [context.origin.as_str(), page.url.as_str()];
    let sealed = context.keys.seal_json(Purpose::LoginTicket, &place, context.platform.random(), &ticket);
    let prompt = match (demand.anew, demand.choice) {
        (true, _) => Some("login"),
        (false, true) => Some("select_account"),
        (false, false) => None,
    };
    own_page::url(&page.url, &sealed, prompt).into()
}

/// `POST /login/complete`: the page's server says who signed in, and gets the address to send the browser to.
pub async fn complete<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    context.record.kind(EntryKind::SignIn);
    context.record.step(AuthorizationStep::ClientAuthentication);
    let Login::Page(page) = &context.config.login else { return Err(not_configured()) };
    let secret = secret(context, page)?;
    if !head.bearer().is_some_and(|presented| secret.matches(presented)) {
        return Err(refused(HandoverError::WrongSecret));
    }
    let body = read_small(body, BODY).await?;
    let body = Node::parse(&body).map_err(|_| refused(HandoverError::Malformed("it is no JSON object")))?;

    context.record.step(AuthorizationStep::State);
    let ticket = own_page::ticket(&body).map_err(refused)?;
    let place = [context.origin.as_str(), page.url.as_str()];
    let opened = context.keys.open_json(Purpose::LoginTicket, &place, ticket.expose()).ok();
    let ticket = opened.filter(|ticket: &LoginTicket| !ticket.expires.reached(context.now));
    let ticket = ticket.ok_or_else(|| refused(HandoverError::TicketGone))?;

    context.record.step(AuthorizationStep::Identity);
    let asked = context.config.roles();
    let mut code = own_page::code(&page.alias, &body, context.config.claims(), context.now).map_err(refused)?;
    // All of somebody's roles may not fit into an address.
    code.roles.retain(|role| asked.contains(role.as_str()));
    context.record.subject(&code.identity.subject);
    let place = [context.origin.as_str(), ticket.state.expose()];
    let sealed = context.keys.seal_json(Purpose::LoginCode, &place, context.platform.random(), &code);
    let sealed = own_page::fitting(sealed).map_err(refused)?;
    // Both are of base64url alone.
    let callback = context.url(Endpoint::LoginCallback.path());
    let redirect_url = format!("{callback}?state={}&code={sealed}", ticket.state.expose());
    Ok(Reply::json(StatusCode::OK, &json!({"redirect_url": redirect_url, "expires_in": own_page::CODE_LIFETIME.0})))
}

/// Who a code stands for, in the browser that began the sign-in.
pub(super) fn identify<P: Platform>(
    context: &RequestContext<'_, P>,
    code: &Secret,
    transaction: &LoginTransaction,
) -> Result<(Identity, Profile), Failure> {
    let place = [context.origin.as_str(), transaction.state.expose()];
    let opened = context.keys.open_json(Purpose::LoginCode, &place, code.expose()).ok();
    let code = opened.filter(|code: &LoginCode| !code.expires.reached(context.now)).ok_or_else(code_gone)?;
    if code.auth_time.zip(transaction.not_before).is_some_and(|(at, since)| own_page::is_stale(at, since)) {
        return Err(provider::refused(IdTokenError::NotFresh));
    }
    let profile = if profile::is_asked_for(&context.config) {
        let LoginCode { roles, claims, incomplete, .. } = code;
        Profile { roles, claims, incomplete, at: context.now }
    } else {
        Profile::empty(context.now)
    };
    Ok((code.identity, profile))
}

/// What is burned when somebody comes back: of one sign-in, however often its ticket was traded.
pub(super) fn once<P: Platform>(context: &RequestContext<'_, P>, transaction: &LoginTransaction) -> OnceId {
    OnceId::new("sign-in", context.origin.as_str(), transaction.state.expose())
}

/// What the page's server has to prove itself with.
pub fn secret<P: Platform>(context: &RequestContext<'_, P>, page: &OwnPage) -> Result<Secret, Failure> {
    let secret = provider::secret(context, &page.secret)?;
    if secret.expose().chars().count() < SHORTEST_SECRET {
        let message = format!("The secret {} has fewer than {SHORTEST_SECRET} characters.", page.secret);
        return Err(Failure::new(Blame::Operator, 503, "login_page_secret_short", message)
            .fix("The operator must set it to the output of: openssl rand -base64 32."));
    }
    Ok(secret)
}

fn refused(error: HandoverError) -> Failure {
    let status = if error == HandoverError::WrongSecret { 401 } else { 400 };
    let failure = Failure::client(status, error.reason(), error.to_string());
    match error {
        HandoverError::WrongSecret => failure
            .fix("Send the secret that login.secret names, as Authorization: Bearer.")
            .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"sign-in page\"")),
        HandoverError::TicketGone => failure.fix("Send the browser back to where it began; it gets another ticket."),
        HandoverError::Malformed(_) | HandoverError::UnfitSubject | HandoverError::TooLarge => {
            failure.fix("The sign-in page must correct its request.")
        }
    }
}

fn code_gone() -> Failure {
    Failure::client(400, "login_page_code_gone", "The sign-in was finished more than a minute ago, or elsewhere.")
        .fix("Start again from your client.")
}

fn not_configured() -> Failure {
    Failure::client(404, "login_page_not_configured", "People do not sign in here at a page of the operator's own.")
        .fix("Set login to {\"kind\": \"page\", …}.")
}
