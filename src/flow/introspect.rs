//! Introspection (RFC 7662): whether a token of ours is good now, for operators, and for resource servers as far as it
//! is meant for them. Whatever they are not to see is inactive, like what there never was.
//!
//! Not here: what is said of a token (`oauth::token::introspection`), and asking other issuers (`flow::external`).

use http::StatusCode;
use serde_json::json;

use super::admin::operator;
use super::revocation::Markers;
use super::{Answered, Head, RequestContext, api_keys, read_small, revocation, token};
use crate::authorization_log::{AuthorizationStep, EntryKind};
use crate::caller::{By, Caller};
use crate::config::Server;
use crate::oauth::api_key;
use crate::oauth::error::ErrorCode;
use crate::oauth::grant;
use crate::oauth::grant::GrantId;
use crate::oauth::machine::Machine;
use crate::oauth::token::introspection::{ActiveToken, IntrospectionRequest};
use crate::oauth::token::opaque::OpaqueKind;
use crate::oauth::token::{access_token, opaque, request};
use crate::ports::{Platform, Unavailable};
use crate::secret::Digested;
use crate::web::failure::Failure;
use crate::web::form::Form;
use crate::web::reply::Reply;
use crate::web::route::ResourceForm;

/// Who asks.
enum Asker {
    /// By the operator's token: of everything.
    Operator,
    /// A resource server, of what is meant for it: the slugs of its servers.
    ResourceServer(Vec<String>),
}

impl Asker {
    fn serves(&self, server: &Server) -> bool {
        match self {
            Self::Operator => true,
            Self::ResourceServer(slugs) => slugs.iter().any(|slug| slug == server.slug.as_str()),
        }
    }
}

/// `POST /oauth/introspect`.
///
/// 1. Who asks proves who they are, before the token is looked at.
/// 2. The token is one of ours: what somebody made up asks nothing of storage.
/// 3. It is meant for who asks.
/// 4. It would be taken now.
pub async fn introspect<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    context.record.kind(EntryKind::Introspection);
    context.record.step(AuthorizationStep::Request);
    let body = read_small(body, token::FORM).await?;
    let form = token::read_form(head, &body)?;
    let asker = asker(context, head, &form).await?;
    let request = IntrospectionRequest::parse(&form).map_err(|error| token::lift(&error))?;
    let Some(active) = active(context, &asker, request.token.expose()).await? else {
        context.record.outcome("inactive");
        return Ok(Reply::json(StatusCode::OK, &json!({"active": false})));
    };
    context.record.subject(&active.sub);
    context.record.scopes(&active.scope.to_string());
    Ok(Reply::json(StatusCode::OK, &active))
}

async fn asker<P: Platform>(context: &RequestContext<'_, P>, head: &Head, form: &Form) -> Result<Asker, Failure> {
    context.record.step(AuthorizationStep::ClientAuthentication);
    if head.bearer().is_some() {
        operator::authorize(context.platform, context.memory, head).await?;
        context.record.act("introspect_token");
        return Ok(Asker::Operator);
    }
    let credentials = request::credentials(&head.headers, form).map_err(|error| token::lift(&error))?;
    let client = token::authenticate(context, head, &credentials).await?;
    match context.config.introspects(&client) {
        [] => Err(not_allowed()),
        slugs => Ok(Asker::ResourceServer(slugs.to_vec())),
    }
}

async fn active<P: Platform>(
    context: &RequestContext<'_, P>,
    asker: &Asker,
    text: &str,
) -> Result<Option<ActiveToken>, Failure> {
    if text.starts_with(api_key::text::PREFIX) {
        return key(context, asker, text).await;
    }
    if let Some((grant, presented)) = opaque::parse(&context.keys, OpaqueKind::Refresh, text) {
        return refresh_token(context, asker, grant, presented).await;
    }
    access_token(context, asker, text).await
}

async fn access_token<P: Platform>(
    context: &RequestContext<'_, P>,
    asker: &Asker,
    text: &str,
) -> Result<Option<ActiveToken>, Failure> {
    context.record.step(AuthorizationStep::AccessToken);
    let Ok(claims) = access_token::verify(&context.keys, text, context.now) else { return Ok(None) };
    let (issuer, servers) = (context.origin.as_str(), context.config.servers.values());
    let is_for = |server: &&Server| {
        let mut forms = ResourceForm::all(&context.origin, server);
        forms.any(|form| claims.check(issuer, &form.url(), server.slug.as_str()).is_ok())
    };
    let takes = |server: &&Server| server.accepts.own && (claims.cnf.is_some() || !server.requires_dpop);
    let server = servers.filter(|server| takes(server) && asker.serves(server)).find(is_for);
    let Some(server) = server else { return Ok(None) };
    context.record.server(server.slug.as_str());
    let caller = Caller::from(&claims);
    if let By::Machine { client, .. } = &caller.by {
        let machine = context.config.machine(client);
        let slug = server.slug.as_str();
        if Machine::admit(machine, slug, server.is_personal(), &caller.scope, &caller.roles).is_err() {
            return Ok(None);
        }
    }
    context.record.step(AuthorizationStep::Revocation);
    let markers = Markers { platform: context.platform, memory: context.memory, now: context.now };
    if let Some(sponsor) = caller.sponsor() {
        let admitted = sponsor.admit(server.accepts.agents, server.is_personal());
        if admitted.is_err() || markers.of_subject(&sponsor.subject, Some(sponsor.since)).await? {
            return Ok(None);
        }
    }
    let of_grant = (claims.grant.as_str(), claims.exp);
    let revoked = markers.of_bearer(of_grant, (&caller.subject, caller.since)).await?;
    Ok((!revoked).then(|| ActiveToken::access(claims)))
}

/// A refresh token is good at the token endpoint alone: no resource server has any business with one.
async fn refresh_token<P: Platform>(
    context: &RequestContext<'_, P>,
    asker: &Asker,
    grant: GrantId,
    presented: Digested,
) -> Result<Option<ActiveToken>, Failure> {
    context.record.step(AuthorizationStep::RefreshToken);
    let Asker::Operator = asker else { return Ok(None) };
    let command = grant::Command::Inspect { presented, refresh_max: context.config.tokens.refresh_max };
    let outcome = context.platform.grant(&grant, command).await.map_err(|Unavailable| Failure::storage())?;
    let grant::Outcome::Inspected { granted, until } = outcome else { return Ok(None) };
    context.record.server(&granted.slug);
    if token::served(&context.config, &context.origin, &granted).is_none() {
        return Ok(None);
    }
    context.record.step(AuthorizationStep::Revocation);
    let revoked = revocation::is_revoked(context, &granted.subject, granted.signed_in).await?;
    Ok((!revoked).then(|| ActiveToken::refresh(granted, until, context.origin.as_str())))
}

async fn key<P: Platform>(
    context: &RequestContext<'_, P>,
    asker: &Asker,
    text: &str,
) -> Result<Option<ActiveToken>, Failure> {
    context.record.step(AuthorizationStep::AccessToken);
    let Some(key) = api_keys::look_up(context, text).await? else { return Ok(None) };
    let takes = |server: &&Server| {
        let is_good = || key.check(server.slug.as_str(), server.is_personal()).is_ok();
        server.accepts.keys && asker.serves(server) && is_good()
    };
    let servers = context.config.servers.values().filter(takes);
    let resources: Vec<_> = servers.map(|server| ResourceForm::shown(&context.origin, server).url()).collect();
    if resources.is_empty() || key.expires.reached(context.now) {
        return Ok(None);
    }
    context.record.step(AuthorizationStep::Revocation);
    let markers = Markers { platform: context.platform, memory: context.memory, now: context.now };
    let revoked = markers.of_bearer((key.id.as_str(), key.expires), (&key.subject, key.since)).await?;
    Ok((!revoked).then(|| ActiveToken::key(&key, resources, context.origin.as_str())))
}

fn not_allowed() -> Failure {
    let message = "This client may not ask about tokens.";
    Failure::client(403, "introspection_not_allowed", message)
        .code(ErrorCode::UnauthorizedClient)
        .fix("The operator can write the servers that it serves as introspects of its entry in clients.preregistered.")
}
