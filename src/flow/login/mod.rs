//! Signing a person in: to the identity provider and back, or the development sign-in, ending in a browser session.
//!
//! Not here: OpenID Connect itself (`login::oidc`, `login::oidc::id_token`), asking the provider
//! (`flow::login::provider`, `flow::login::claims`), the session (`flow::login::session`).

pub mod claims;
mod github;
pub mod own_page;
pub mod person;
pub mod provider;
pub mod recheck;
pub mod session;

use crate::authorization_log::{AuthorizationStep, EntryKind};
use http::StatusCode;

use super::{Answered, Head, RequestContext, bound, once, profile, read_small};
use crate::config::{DevAccount, Login};
use crate::headers::{CONTENT_SECURITY_POLICY, SET_COOKIE};
use crate::login::oidc::{Demand, logout_token};
use crate::login::transaction::{LoginTransaction, ReturnTo};
use crate::login::{Identity, LoginError, dev, oidc, transaction};
use crate::oauth::subject::Profile;
use crate::page;
use crate::ports::Platform;
use crate::secret::Secret;
use crate::untrusted::Sent;
use crate::vault::Purpose;
use crate::web::cookie::{Jar, SetCookie};
use crate::web::failure::{Blame, Failure};
use crate::web::reply::Reply;
use crate::web::route::Endpoint;
use crate::web::{cookie, csrf, form};

const FORM: usize = 8 * 1024;
const SELECT_ACCOUNT: &str = "select_account";

/// Sends the browser to sign in, to come back to `return_to`, a path of ours with its query.
pub async fn begin<P: Platform>(context: &RequestContext<'_, P>, head: &Head, return_to: &str) -> Answered<P> {
    demand(context, head, return_to, Demand::default()).await
}

/// The same where it matters how the person signs in.
pub async fn demand<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    return_to: &str,
    demand: Demand,
) -> Answered<P> {
    let return_to = ReturnTo::parse(return_to).ok_or_else(too_long)?;
    let platform = context.platform;
    let transaction =
        LoginTransaction::new(platform.random(), platform.random(), platform.random(), return_to, context.now);
    let transaction = if demand.anew { transaction.anew(context.now) } else { transaction };
    let location = match &context.config.login {
        Login::Dev { .. } => {
            only_on_loopback(context)?;
            format!("{}?state={}", Endpoint::Login.path(), transaction.state.expose())
        }
        Login::Oidc(login) => {
            let provider = provider::metadata(context, login).await?;
            let redirect_uri = context.url(Endpoint::LoginCallback.path());
            let challenge = transaction.challenge();
            let (state, nonce) = (&transaction.state, &transaction.nonce);
            let (client_id, scopes) = (&login.client_id, provider::scopes(login, &provider));
            let mut url =
                oidc::authorization_url(&provider, client_id, &redirect_uri, &scopes, state, nonce, challenge.as_str());
            demand.put(&provider, &mut url);
            url.query_pairs_mut().extend_pairs(&login.parameters).extend_pairs(provider::offline(login, &provider));
            url.into()
        }
        Login::Github(login) => {
            let redirect_uri = context.url(Endpoint::LoginCallback.path());
            let memberships = github::asks_for_memberships(context, login);
            let challenge = transaction.challenge();
            let (state, chooses) = (&transaction.state, demand.anew || demand.choice);
            let (url, client_id) = (&login.url, &login.client_id);
            let url = crate::login::github::authorization_url(
                url,
                client_id,
                &redirect_uri,
                memberships,
                state,
                challenge.as_str(),
                chooses,
            );
            let mut url = url.map_err(|error| provider::misconfigured(&error))?;
            url.query_pairs_mut().extend_pairs(&login.parameters);
            url.into()
        }
        Login::Page(page) => own_page::url(context, page, &transaction, demand),
    };
    let name = cookie_name(context, &transaction.state)?;
    let sealed = context.keys.seal_json(Purpose::LoginTransaction, &[&name], platform.random(), &transaction);
    let cookie = SetCookie::new(name, Secret::new(sealed), transaction::LIFETIME, context.origin.is_secure());
    let cookie = cookie.to_header().map_err(|_| too_long())?;
    let reply = Reply::see_other(&location).and(SET_COOKIE, cookie);
    // Sign-ins begun and left pile up in the browser, and any site can begin them: without this, until no request is
    // read at all.
    let jar = Jar::parse(&head.headers);
    let left = jar.crowded(&cookie::name(transaction::COOKIE, context.origin.is_secure()));
    let gone =
        left.into_iter().filter_map(|name| SetCookie::removal(name, context.origin.is_secure()).to_header().ok());
    Ok(gone.fold(reply, |reply, cookie| reply.and(SET_COOKIE, cookie)))
}

/// `GET /login`: the development sign-in page, or the way to the identity provider.
pub async fn show<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    let query = form::parse(head.query().as_bytes()).map_err(|_| lost())?;
    let field = |name| query.one(name).ok().flatten();
    let Some(state) = field("state") else {
        // Without a choice the identity provider would send the same person straight back.
        let choice = field("prompt") == Some(SELECT_ACCOUNT);
        return demand(context, head, field("return_to").unwrap_or("/"), Demand { anew: false, choice }).await;
    };
    let Login::Dev { accounts } = &context.config.login else { return Err(lost()) };
    only_on_loopback(context)?;
    let transaction = open(context, head, &Secret::new(state))?;
    let page = page::DevLogin {
        accounts: accounts.iter().map(shown).collect(),
        action: Endpoint::LoginCallback.path().to_owned(),
        state: state.to_owned(),
    };
    // With consent given before, this form's redirects end at the client, and browsers hold them to the form's policy.
    let way_on = redirect_uri_of(&transaction.return_to);
    let policy = page::security::csp(&way_on.as_deref().into_iter().collect::<Vec<_>>());
    Ok(Reply::page(StatusCode::OK, page.render()).with(CONTENT_SECURITY_POLICY, &policy))
}

/// `/login/callback`: who came back becomes a browser session.
pub async fn callback<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    context.record.kind(EntryKind::SignIn);
    context.record.step(AuthorizationStep::State);
    let mut askable = true;
    let (identity, profile, sid, transaction) = match &context.config.login {
        Login::Dev { accounts } => {
            let (identity, profile, transaction) = chosen(context, head, body, accounts).await?;
            (identity, profile, None, transaction)
        }
        Login::Oidc(login) => {
            let transaction = returned(context, head)?;
            let provider = provider::metadata(context, login).await?;
            let issuer = &provider.issuer;
            let code = code(head, &transaction, issuer, provider.iss_parameter)?;
            let redeemed = provider::identify(context, login, &provider, &code, &transaction).await?;
            let told = redeemed.proven.claims().map_err(provider::refused)?;
            provider::admit(&login.require, &told)?;
            let (sub, access_token) = (&redeemed.proven.sub, redeemed.access_token.as_ref());
            let profile = claims::profile(context, login, &provider, &told, sub, access_token).await?;
            if login.recheck.is_some() {
                let subject = &redeemed.proven.identity.subject;
                askable = recheck::keep(context, login, &provider, subject, redeemed.refresh_token).await?;
            }
            let sid = redeemed.proven.sid().map(|sid| logout_token::session(issuer, &sid));
            (redeemed.proven.identity, profile, sid, transaction)
        }
        Login::Github(login) => {
            let transaction = returned(context, head)?;
            let code = code(head, &transaction, &crate::login::github::issuer(&login.url), false)?;
            let (identity, profile) = github::identify(context, login, &code, &transaction).await?;
            (identity, profile, None, transaction)
        }
        Login::Page(page) => {
            let transaction = returned(context, head)?;
            let code = code(head, &transaction, page.url.as_str(), false)?;
            let (identity, profile) = own_page::identify(context, &code, &transaction)?;
            bound::require(context, &identity.subject, own_page::ISSUER).await?;
            if !once::burn(context, &own_page::once(context, &transaction), transaction.expires).await? {
                return Err(lost());
            }
            (identity, profile, None, transaction)
        }
    };
    let subject = identity.subject.clone();
    context.record.step(AuthorizationStep::Session);
    let incomplete = profile.incomplete;
    profile::note(context, &identity.subject, profile).await?;
    person::note(context, &identity).await;
    let mut cookies = session::start(context, head, identity, sid.as_ref()).await?;
    // Not before: the session that ended may have been somebody else's.
    context.record.subject(&subject);
    cookies.push(SetCookie::removal(cookie_name(context, &transaction.state)?, context.origin.is_secure()));
    let reply = Reply::see_other(transaction.return_to.as_str());
    let reply = match (incomplete, askable) {
        (true, _) => reply.log_reason(claims::INCOMPLETE),
        (false, false) => reply.log_reason(recheck::UNASKABLE),
        (false, true) => reply,
    };
    with_cookies(reply, &cookies)
}

/// The sign-in that the browser comes back with.
fn returned<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Result<LoginTransaction, Failure> {
    let state = oidc::callback_state(head.query()).ok_or_else(lost)?;
    let transaction = open(context, head, &state)?;
    context.record.step(AuthorizationStep::Identity);
    Ok(transaction)
}

/// The code that it comes back with.
fn code(head: &Head, transaction: &LoginTransaction, issuer: &str, iss_parameter: bool) -> Result<Secret, Failure> {
    let sent = Sent::default().with(&transaction.state).with(&transaction.nonce);
    let code = oidc::callback(head.query(), &transaction.state, issuer, iss_parameter, &sent);
    code.map_err(|error| refused(&error))
}

/// `GET /logout`: whether to sign out. Any site can lead a browser here, so this ends nothing.
pub fn sign_out_page<P: Platform>(head: &Head) -> Reply<P::Stream> {
    let query = Some(head.query()).filter(|query| !query.is_empty()).map(|query| format!("?{query}"));
    let page = page::SignOut { action: format!("{}{}", Endpoint::Logout.path(), query.unwrap_or_default()) };
    Reply::page(StatusCode::OK, page.render())
}

/// `POST /logout`: the browser session ends. Leads back to `return_to` by a link, not by itself: browsers hold a form's
/// redirects to its page's policy, and the way back may lead through the identity provider.
pub async fn logout<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    csrf::require_own_page(context, head)?;
    session::end(context, head).await?;
    let query = form::parse(head.query().as_bytes()).ok();
    let asked = query.as_ref().and_then(|query| query.one("return_to").ok().flatten());
    let return_to = asked.and_then(ReturnTo::parse).unwrap_or_else(ReturnTo::home);
    let page = page::Notice {
        tone: page::Tone::Success,
        title: "Signed out".to_owned(),
        happened: "This browser is signed out of the gateway. Clients you allowed keep their access.".to_owned(),
        todo: String::new(),
        reason: None,
        request_id: context.request_id().to_owned(),
        slug: None,
        facts: Vec::new(),
        link: Some(if asked.is_some() {
            page::PageLink::new("Sign in as somebody else", format!("{}&prompt={SELECT_ACCOUNT}", sign_in(&return_to)))
        } else {
            page::PageLink::new("Sign in again", sign_in(&return_to))
        }),
        support: None,
    };
    with_cookies(Reply::page(StatusCode::OK, page.render()), &session::removals(context))
}

/// Where "Sign in as somebody else" on a page leads, to come back there.
pub fn sign_out(return_to: &str) -> String {
    with_return(Endpoint::Logout, return_to)
}

fn sign_in(return_to: &ReturnTo) -> String {
    with_return(Endpoint::Login, return_to.as_str())
}

fn with_return(endpoint: Endpoint, return_to: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    format!("{}?{}", endpoint.path(), query.append_pair("return_to", return_to).finish())
}

fn with_cookies<S>(reply: Reply<S>, cookies: &[SetCookie]) -> Result<Reply<S>, Failure> {
    cookies
        .iter()
        .try_fold(reply, |reply, cookie| Ok(reply.and(SET_COOKIE, cookie.to_header().map_err(|_| too_long())?)))
}

async fn chosen<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    body: P::Stream,
    accounts: &[DevAccount],
) -> Result<(Identity, Profile, LoginTransaction), Failure> {
    only_on_loopback(context)?;
    if head.method != "POST" {
        return Err(lost());
    }
    csrf::require_own_page(context, head)?;
    let body = read_small(body, FORM).await?;
    let form = form::parse(&body).map_err(|_| lost())?;
    let field = |name| form.one(name).ok().flatten();
    let transaction = open(context, head, &Secret::new(field("state").ok_or_else(lost)?))?;
    let chosen = field("account").unwrap_or_default();
    let roles = accounts.iter().find(|account| account.subject == chosen).map(|account| account.roles.clone());
    let accounts = accounts.iter().map(|account| dev::DevIdentity {
        subject: &account.subject,
        name: account.name.as_deref(),
        email: account.email.as_deref(),
    });
    let identity = dev::identity(accounts, chosen);
    let unknown = || {
        Failure::client(400, "login_unknown_account", "There is no such development account.")
            .fix("Choose one of the page.")
    };
    let profile = Profile { roles: roles.unwrap_or_default(), ..Profile::empty(context.now) };
    Ok((identity.ok_or_else(unknown)?, profile, transaction))
}

/// The transaction this browser holds for a state. Its cookie is taken away when it is used, so it works once.
fn open<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    state: &Secret,
) -> Result<LoginTransaction, Failure> {
    let name = cookie_name(context, state)?;
    let sealed = Jar::parse(&head.headers).get(&name).cloned().ok_or_else(lost)?;
    let transaction: LoginTransaction =
        context.keys.open_json(Purpose::LoginTransaction, &[&name], sealed.expose()).map_err(|_| lost())?;
    if transaction.expired(context.now) { Err(lost()) } else { Ok(transaction) }
}

fn cookie_name<P>(context: &RequestContext<'_, P>, state: &Secret) -> Result<String, Failure> {
    let base = transaction::cookie_base(state).ok_or_else(lost)?;
    Ok(cookie::name(&base, context.origin.is_secure()))
}

fn redirect_uri_of(return_to: &ReturnTo) -> Option<String> {
    let (_, query) = return_to.as_str().split_once('?')?;
    form::parse(query.as_bytes()).ok()?.one("redirect_uri").ok()?.map(ToOwned::to_owned)
}

fn shown(account: &DevAccount) -> page::DevLoginAccount {
    page::DevLoginAccount { subject: account.subject.clone(), name: account.name.clone(), email: account.email.clone() }
}

fn only_on_loopback<P>(context: &RequestContext<'_, P>) -> Result<(), Failure> {
    if context.origin.is_loopback() {
        return Ok(());
    }
    Err(Failure::new(
        Blame::Operator,
        403,
        "login_dev_refused",
        "The development sign-in has no passwords and works on loopback only.",
    )
    .fix("Configure another login.kind for this address, such as \"oidc\"."))
}

fn refused(error: &LoginError) -> Failure {
    Failure::new(Blame::Upstream, 400, error.reason(), error.to_string()).fix("Start again from your client.")
}

fn too_long() -> Failure {
    Failure::client(
        400,
        "authorization_request_too_long",
        "The authorization request is too long, or has characters \
                                                            no URL has, so it would not survive the sign-in.",
    )
    .fix(
        "Start again from your client; a client that sends more than 2600 characters needs a shorter state or \
              redirect URI.",
    )
}

fn lost() -> Failure {
    Failure::client(
        400,
        "login_lost",
        "This sign-in was not started in this browser, was already used, or is older than ten minutes.",
    )
    .fix("Start again from your client.")
}
