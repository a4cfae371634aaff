//! Signing a person in: to the identity provider and back, or the development sign-in, ending in a browser session.
//!
//! Not here: OpenID Connect itself (`login::oidc`, `login::id_token`), the session (`flow::session`).

use std::rc::Rc;

use http::StatusCode;
use http::header::{RETRY_AFTER, SET_COOKIE};

use super::{Answered, Head, Site, read_small, session};
use crate::config::{Login, Oidc};
use crate::failure::{Blame, Failure};
use crate::login::cookie::{Jar, SetCookie};
use crate::login::discovery::{self, Provider};
use crate::login::id_token::{self, IdTokenError};
use crate::login::jwks::{self, Jwks};
use crate::login::transaction::{self, LoginTransaction};
use crate::login::{Identity, oidc};
use crate::oauth::form;
use crate::oauth::pkce::S256Challenge;
use crate::page;
use crate::ports::{Outgoing, Platform, Stream};
use crate::reply::Reply;
use crate::route::Endpoint;
use crate::secret::Secret;
use crate::time::Lifetime;
use crate::vault::Purpose;

/// How long a person may take to sign in.
const TRANSACTION: Lifetime = Lifetime::minutes(10);
/// How long the identity provider may take to answer.
const PATIENCE: Lifetime = Lifetime(10);
/// How long its metadata and keys are remembered.
const REMEMBERED: Lifetime = Lifetime::hours(1);
const DOCUMENT: usize = 256 * 1024;
const FORM: usize = 8 * 1024;

/// Sends the browser to sign in, to come back to `return_to`, a path of ours.
pub async fn begin<P: Platform>(site: &Site<'_, P>, return_to: &str) -> Answered<P> {
    let transaction = LoginTransaction {
        state: site.id(),
        nonce: site.id(),
        verifier: site.secret(),
        return_to: transaction::return_to(return_to),
        expires: site.now + TRANSACTION,
    };
    let location = match &site.config.login {
        Login::Dev(_) => {
            only_on_loopback(site)?;
            format!("{}?state={}", Endpoint::Login.path(), transaction.state)
        }
        Login::Oidc(login) => {
            let provider = provider(site, login).await?;
            let challenge = S256Challenge::of(transaction.verifier.expose());
            let redirect_uri = site.url(Endpoint::LoginCallback.path());
            oidc::authorization_url(
                &provider,
                &login.client_id,
                &redirect_uri,
                &login.scopes,
                &transaction.state,
                &transaction.nonce,
                challenge.as_str(),
            )
            .into()
        }
    };
    let context = [transaction.state.as_str()];
    let sealed = site.keys.seal_json(Purpose::LoginTransaction, &context, site.platform.random(), &transaction);
    let cookie = SetCookie::transaction(&transaction.state, &sealed, TRANSACTION, site.origin.is_secure());
    Ok(Reply::see_other(&location).and(SET_COOKIE, &cookie.to_header()))
}

/// `GET /login`: the development sign-in page, or the way to the identity provider.
pub async fn show<P: Platform>(site: &Site<'_, P>, head: &Head) -> Answered<P> {
    let query = form::parse(head.query().as_bytes()).map_err(|_| lost())?;
    let Some(state) = query.one("state").map_err(|_| lost())? else { return begin(site, "/").await };
    let Login::Dev(login) = &site.config.login else { return Err(lost()) };
    only_on_loopback(site)?;
    open(site, head, state)?;
    let page = page::DevLogin {
        accounts: login
            .accounts
            .iter()
            .map(|account| page::Account {
                subject: account.subject.clone(),
                name: account.name.clone(),
                email: account.email.clone(),
            })
            .collect(),
        action: Endpoint::LoginCallback.path().to_owned(),
        state: state.to_owned(),
    };
    Ok(Reply::page(StatusCode::OK, page.render()))
}

/// `/login/callback`: who came back becomes a browser session.
pub async fn callback<P: Platform>(site: &Site<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    let (identity, transaction) = match &site.config.login {
        Login::Dev(login) => {
            only_on_loopback(site)?;
            if head.method != "POST" {
                return Err(lost());
            }
            super::consent::require_own_page(site, head)?;
            let body = read_small(body, FORM).await?;
            let form = form::parse(&body).map_err(|_| lost())?;
            let field = |name| form.one(name).ok().flatten();
            let transaction = open(site, head, field("state").ok_or_else(lost)?)?;
            let account = login.accounts.iter().find(|account| Some(account.subject.as_str()) == field("account"));
            let account = account.ok_or_else(|| Failure::client(400, "login_unknown_account", "There is no such development account."))?;
            (Identity::dev(&account.subject, account.name.as_deref(), account.email.as_deref()), transaction)
        }
        Login::Oidc(login) => {
            let query = form::parse(head.query().as_bytes()).map_err(|_| lost())?;
            let state = query.one("state").ok().flatten().ok_or_else(lost)?;
            let transaction = open(site, head, state)?;
            let provider = provider(site, login).await?;
            let code = oidc::callback(head.query(), &transaction.state, &provider)
                .map_err(|error| Failure::new(Blame::Upstream, 400, error.reason(), error.to_string()).fix("Start again from your client."))?;
            (identify(site, login, &provider, &code, &transaction).await?, transaction)
        }
    };
    let session = session::start(site, head, identity).await?;
    let spent = SetCookie::clear_transaction(&transaction.state, site.origin.is_secure());
    Ok(Reply::see_other(&transaction.return_to).and(SET_COOKIE, &session.to_header()).and(SET_COOKIE, &spent.to_header()))
}

/// `/logout`: the browser session ends.
pub async fn logout<P: Platform>(site: &Site<'_, P>, head: &Head) -> Answered<P> {
    session::end(site, head).await?;
    let page = page::Notice {
        tone: page::Tone::Success,
        title: "Signed out".to_owned(),
        happened: "This browser is signed out of the gateway. Clients you allowed keep their access.".to_owned(),
        todo: "The next sign-in or consent asks who you are.".to_owned(),
        reason: None,
        request_id: site.request_id.to_owned(),
        slug: None,
        facts: Vec::new(),
        link: Some(("Sign in".to_owned(), Endpoint::Login.path().to_owned())),
    };
    let spent = SetCookie::clear_session(site.origin.is_secure());
    Ok(Reply::page(StatusCode::OK, page.render()).and(SET_COOKIE, &spent.to_header()))
}

/// The identity provider's metadata, by OpenID Connect discovery.
pub async fn provider<P: Platform>(site: &Site<'_, P>, login: &Oidc) -> Result<Rc<Provider>, Failure> {
    if let Some(provider) = site.memory.providers.get(&login.issuer, site.now) {
        return Ok(provider);
    }
    let url = discovery::url(&login.issuer).ok_or_else(|| unreachable("its issuer is not a URL"))?;
    let document = fetch(site, Outgoing::get(url, PATIENCE)).await?;
    let provider = discovery::parse(&login.issuer, &document)
        .map_err(|error| Failure::new(Blame::Operator, 503, error.reason(), error.to_string()).fix("Correct login.issuer, or the identity provider."))?;
    let provider = Rc::new(provider);
    site.memory.providers.put(login.issuer.clone(), Rc::clone(&provider), site.now + REMEMBERED, site.now);
    Ok(provider)
}

async fn identify<P: Platform>(
    site: &Site<'_, P>,
    login: &Oidc,
    provider: &Provider,
    code: &Secret,
    transaction: &LoginTransaction,
) -> Result<Identity, Failure> {
    let secret = match &login.client_secret {
        Some(name) => Some(site.platform.secret(name.as_str()).ok_or_else(|| {
            Failure::new(Blame::Operator, 503, "login_secret_missing", "The identity provider's client secret is not set in this deployment.")
        })?),
        None => None,
    };
    let redirect_uri = site.url(Endpoint::LoginCallback.path());
    let verifier = transaction.verifier.expose();
    let request = oidc::token_request(provider, &login.client_id, secret.as_ref(), code, verifier, &redirect_uri);
    let (status, answer) = exchange(site, Outgoing::from_http(request, PATIENCE)).await?;
    let token = oidc::token_response(status, &answer)
        .map_err(|error| Failure::new(Blame::Upstream, 502, error.reason(), error.to_string()).fix("Start again from your client; if it stays, ask the operator to check login.client_id and its secret."))?;
    let verify = |keys: &Jwks| id_token::verify(&token, keys, &provider.issuer, &login.client_id, &transaction.nonce, site.now);
    let identity = match verify(&*keys(site, provider, false).await?) {
        // The provider may have rotated its keys since they were read.
        Err(IdTokenError::UnknownKey) => verify(&*keys(site, provider, true).await?),
        other => other,
    };
    identity.map_err(|error| Failure::new(Blame::Upstream, 502, error.reason(), format!("The identity provider's ID token was refused: {error}."))
        .fix("Start again from your client; if it stays, the operator must compare login.issuer and login.client_id with the identity provider."))
}

async fn keys<P: Platform>(site: &Site<'_, P>, provider: &Provider, anew: bool) -> Result<Rc<Jwks>, Failure> {
    if let Some(keys) = site.memory.jwks.get(&provider.issuer, site.now).filter(|_| !anew) {
        return Ok(keys);
    }
    let document = fetch(site, Outgoing::get(provider.jwks_uri.clone(), PATIENCE)).await?;
    let keys = jwks::parse(&document).map_err(|error| Failure::new(Blame::Upstream, 502, error.reason(), error.to_string()))?;
    let keys = Rc::new(keys);
    site.memory.jwks.put(provider.issuer.clone(), Rc::clone(&keys), site.now + REMEMBERED, site.now);
    Ok(keys)
}

async fn fetch<P: Platform>(site: &Site<'_, P>, request: Outgoing) -> Result<Vec<u8>, Failure> {
    match exchange(site, request).await? {
        (200, document) => Ok(document),
        (status, _) => Err(unreachable(&format!("it answered {status}"))),
    }
}

async fn exchange<P: Platform>(site: &Site<'_, P>, request: Outgoing) -> Result<(u16, Vec<u8>), Failure> {
    let answer = site.platform.fetch(request).await.map_err(|_| unreachable("it did not answer"))?;
    let body = answer.body.read(DOCUMENT, PATIENCE).await.map_err(|_| unreachable("its answer broke off"))?;
    Ok((answer.status.as_u16(), body))
}

fn open<P: Platform>(site: &Site<'_, P>, head: &Head, state: &str) -> Result<LoginTransaction, Failure> {
    let sealed = Jar::parse(&head.headers).get(&transaction::cookie_name(state, site.origin.is_secure())).map(ToOwned::to_owned);
    let transaction = sealed.and_then(|sealed| site.keys.open_json::<LoginTransaction>(Purpose::LoginTransaction, &[state], &sealed).ok());
    transaction.filter(|transaction| !transaction.expires.reached(site.now)).ok_or_else(lost)
}

fn only_on_loopback<P>(site: &Site<'_, P>) -> Result<(), Failure> {
    if site.origin.is_loopback() {
        return Ok(());
    }
    Err(Failure::new(Blame::Operator, 403, "login_dev_refused", "The development sign-in has no passwords and works on loopback only.")
        .fix("Configure login.kind \"oidc\" or \"auth0\" for this address."))
}

fn unreachable(why: &str) -> Failure {
    Failure::new(Blame::Upstream, 503, "login_unavailable", format!("The identity provider could not be used: {why}."))
        .fix("Try again shortly; if it stays, the operator must check login.issuer.")
        .header(RETRY_AFTER, "10")
}

fn lost() -> Failure {
    Failure::client(400, "login_lost", "This sign-in was not started in this browser, was already used, or is older than ten minutes.")
        .fix("Start again from your client.")
}
