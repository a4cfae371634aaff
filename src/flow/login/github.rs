//! Signing in at GitHub: the code for a token, and the token for who it is. The token is not kept.
//!
//! Not here: what GitHub asks and answers (`login::github`), and which roles that gives (`policy`).

use http::StatusCode;

use super::provider;
use crate::config::Github;
use crate::flow::{RequestContext, profile};
use crate::json::Node;
use crate::login::github::GithubQuestion;
use crate::login::oidc::claims::WantedClaims;
use crate::login::transaction::LoginTransaction;
use crate::login::{Identity, LoginError, github, oidc};
use crate::oauth::subject::Profile;
use crate::ports::{Outgoing, Platform};
use crate::secret::Secret;
use crate::web::failure::{Blame, Failure};
use crate::web::route::Endpoint;

/// Whether a sign-in has to find out in which organizations and teams somebody is.
pub(super) fn asks_for_memberships<P>(context: &RequestContext<'_, P>, login: &Github) -> bool {
    asks_for(context, login, "organizations") || asks_for(context, login, "teams")
}

fn asks_for<P>(context: &RequestContext<'_, P>, login: &Github, claim: &str) -> bool {
    let roles = login.roles.as_ref().map(|roles| &roles.claim);
    let asked = roles.into_iter().chain(login.require.keys()).chain(context.config.claims());
    asked.into_iter().any(|name| name.as_str() == claim)
}

/// Who a code stands for, and what rules ask for of them.
pub(super) async fn identify<P: Platform>(
    context: &RequestContext<'_, P>,
    login: &Github,
    code: &Secret,
    transaction: &LoginTransaction,
) -> Result<(Identity, Profile), Failure> {
    let token = redeem(context, login, code, transaction).await?;
    let user = ask(context, login, &token, GithubQuestion::User).await?;
    let emails = ask(context, login, &token, GithubQuestion::Emails).await?;
    let organizations = if asks_for(context, login, "organizations") {
        Some(ask(context, login, &token, GithubQuestion::Organizations).await?)
    } else {
        None
    };
    let teams = if asks_for(context, login, "teams") {
        Some(ask(context, login, &token, GithubQuestion::Teams).await?)
    } else {
        None
    };

    let (user, emails) = (read(GithubQuestion::User, &user)?, read(GithubQuestion::Emails, &emails)?);
    let organizations =
        organizations.iter().map(|answer| read(GithubQuestion::Organizations, answer)).next().transpose()?;
    let teams = teams.iter().map(|answer| read(GithubQuestion::Teams, answer)).next().transpose()?;
    let identity = github::identity(&login.url, &user, &emails).map_err(|error| refused(&error))?;
    let (claims, incomplete) = github::claims(&user, organizations.as_ref(), teams.as_ref());
    let text = claims.to_string();
    let claims = Node::parse(text.as_bytes()).unwrap_or(Node::Null);
    provider::admit(&login.require, &claims)?;
    let config = &context.config;
    if !profile::is_asked_for(config) {
        return Ok((identity, Profile::empty(context.now)));
    }
    let roles = login.roles.as_ref().filter(|_| !config.roles().is_empty());
    let told = WantedClaims::new(roles, config.claims()).told(&claims, None);
    let claims = told.claims.into_map();
    Ok((identity, Profile { roles: told.roles, claims, incomplete: incomplete || told.incomplete, at: context.now }))
}

async fn redeem<P: Platform>(
    context: &RequestContext<'_, P>,
    login: &Github,
    code: &Secret,
    transaction: &LoginTransaction,
) -> Result<Secret, Failure> {
    let secret = provider::secret(context, &login.client_secret)?;
    let redirect_uri = context.url(Endpoint::LoginCallback.path());
    let (url, client_id) = (&login.url, &login.client_id);
    let request = github::token_request(url, client_id, &secret, code, &transaction.verifier, &redirect_uri);
    let request = request.map_err(|error| provider::misconfigured(&error))?;
    let (status, answer) = provider::send(context, request, github::MAX_BYTES).await?;
    let sent = oidc::secrets(client_id, Some(&secret), code, &transaction.verifier);
    github::token_response(status, &answer, &sent).map_err(|error| provider::code_refused(&error))
}

async fn ask<P: Platform>(
    context: &RequestContext<'_, P>,
    login: &Github,
    token: &Secret,
    question: GithubQuestion,
) -> Result<(StatusCode, Vec<u8>), Failure> {
    let url = question.url(&login.url).map_err(|error| provider::misconfigured(&error))?;
    let headers = github::headers(token).map_err(|error| refused(&error))?;
    let request = Outgoing { headers, ..Outgoing::document(url, provider::ANSWER_DEADLINE) };
    let (status, bytes) = provider::exchange(context, request, github::MAX_BYTES).await?;
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(provider::unavailable(&format!("its API answered {}", status.as_u16())));
    }
    Ok((status, bytes))
}

fn read(question: GithubQuestion, answer: &(StatusCode, Vec<u8>)) -> Result<Node<'_>, Failure> {
    github::answer(question, answer.0, &answer.1).map_err(|error| refused(&error))
}

fn refused(error: &LoginError) -> Failure {
    Failure::new(Blame::Upstream, 502, error.reason(), error.to_string())
        .fix("Start again from your client; if it stays, the operator must check the OAuth app and its scopes.")
}
