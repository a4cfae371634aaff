//! The `jwt-bearer` grant (RFC 7523): another issuer's word becomes an access token of ours, once and without a refresh
//! token. A workload brings the token that its platform gave it and no secret; a client that is known here brings one
//! for a person, who signed in where its company does.
//!
//! Not here: what an assertion must say (`oauth::external::assertion`), the issuer's keys (`flow::external::keys`).

use http::StatusCode;

use crate::authorization_log::AuthorizationStep;
use crate::config::{ExternalIssuer, IssuerKind, Server, Workload};
use crate::flow::external::{Subject, cannot_connect, is_admitted, keys, subject};
use crate::flow::{Answered, RequestContext, bound, default_scope, dpop, once, profile, revocation, sentence};
use crate::jose::jws::{self, JwsError};
use crate::json::Node;
use crate::oauth::client::assertion::ProvenAssertion;
use crate::oauth::dpop::proof::Proof;
use crate::oauth::error::ErrorCode;
use crate::oauth::external::access_token::granted;
use crate::oauth::external::assertion;
use crate::oauth::external::assertion::AssertionError;
use crate::oauth::external::told::ToldClaims;
use crate::oauth::grant::GrantId;
use crate::oauth::once::OnceId;
use crate::oauth::resource;
use crate::oauth::scope::ScopeSet;
use crate::oauth::subject::Profile;
use crate::oauth::token::access_token;
use crate::oauth::token::access_token::{BoundKey, Claims};
use crate::oauth::token::response::TokenResponse;
use crate::ports::Platform;
use crate::secret::Secret;
use crate::time::{Lifetime, Timestamp};
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::route::{Endpoint, ResourceForm};

/// The longest that a workload's access token lives: it gets another one for a new assertion.
const OF_WORKLOAD: Lifetime = Lifetime::minutes(15);

/// What is asked for.
pub(super) struct Asked<'r> {
    pub(super) assertion: Secret,
    pub(super) scope: Option<ScopeSet>,
    pub(super) resource: Option<String>,
    pub(super) proof: Option<&'r Proof>,
}

/// What an assertion is good for.
struct Accepted<'c> {
    issuer: &'c ExternalIssuer,
    subject: Subject,
    client_id: String,
    scope: ScopeSet,
    /// The roles that go with it; `None` for those of the person.
    roles: Option<Vec<String>>,
    lifetime: Lifetime,
    resources: Vec<String>,
    id: OnceId,
    since: Timestamp,
    until: Timestamp,
}

/// Issues an access token for an assertion. The client has proved itself, if there is one: a workload need not be one.
///
/// 1. It is of an issuer that is taken, and says all that it must.
/// 2. It is for a server that takes the gateway's tokens, and gives the scope that is asked for.
/// 3. Nothing of the subject's was revoked since it was made, and the subject is this issuer's.
/// 4. It was not used before, anywhere.
pub(super) async fn exchange<P: Platform>(
    context: &RequestContext<'_, P>,
    client: Option<&str>,
    asked: Asked<'_>,
) -> Answered<P> {
    // 1.
    context.record.step(AuthorizationStep::Assertion);
    let accepted = accept(context, client, asked.assertion.expose()).await?;
    let Accepted { issuer, subject, client_id, .. } = &accepted;
    context.record.subject(&subject.id);
    context.record.client(client_id);
    // 2.
    let (server, form) = server(context, asked.resource.as_deref(), &accepted.resources)?;
    context.record.server(server.slug.as_str());
    if server.is_personal() && !subject.signs_in {
        return Err(cannot_connect(server, &issuer.alias).status(400).code(ErrorCode::InvalidTarget));
    }
    let scope = match asked.scope {
        Some(scope) if !scope.is_subset(&accepted.scope) => return Err(refused(AssertionError::ScopeExceeded)),
        Some(scope) => scope,
        None => accepted.scope.clone(),
    };
    context.record.scopes(&scope.to_string());
    // 3.
    context.record.step(AuthorizationStep::Revocation);
    if revocation::is_revoked(context, &subject.id, Some(accepted.since)).await? {
        return Err(refused(AssertionError::Revoked));
    }
    if !subject.signs_in {
        bound::require(context, &subject.id, &issuer.issuer).await?;
    }
    // 4.
    context.record.step(AuthorizationStep::AccessToken);
    let proof = asked.proof;
    dpop::require(context, server, client.unwrap_or(&accepted.client_id), proof)?;
    dpop::burn(context, proof).await?;
    if !once::burn(context, &accepted.id, accepted.until).await? {
        return Err(refused(AssertionError::Used));
    }
    let policy = &server.policy;
    let Profile { roles, claims, .. } = match accepted.roles {
        Some(mut roles) => {
            roles.retain(|role| policy.roles().any(|asked| asked == role));
            Profile { roles, ..Profile::empty(context.now) }
        }
        None => profile::of(context, &subject.id, policy).await?,
    };
    let lifetime = accepted.lifetime;
    let claims = Claims {
        iss: context.origin.as_str().to_owned(),
        aud: form.url(),
        sub: accepted.subject.id,
        client_id: accepted.client_id,
        scope: scope.clone(),
        iat: context.now,
        exp: context.now + lifetime,
        jti: context.id(),
        grant: GrantId::new(context.platform.random()),
        account: None,
        auth_time: Some(accepted.since),
        slug: Some(server.slug.as_str().to_owned()),
        roles,
        claims,
        cnf: BoundKey::of(proof),
        sponsor: None,
    };
    let access = access_token::sign(&context.keys, &claims);
    let token_type = claims.token_type();
    let response =
        TokenResponse { access_token: &access, token_type, expires_in: lifetime, refresh_token: None, scope: &scope };
    Ok(Reply::bytes(StatusCode::OK, "application/json", response.to_json()))
}

/// Of several that are of one issuer, the first that the assertion fits.
async fn accept<'c, P: Platform>(
    context: &'c RequestContext<'_, P>,
    client: Option<&str>,
    text: &str,
) -> Result<Accepted<'c>, Failure> {
    let claimed = jws::claimed_issuer(text).ok_or_else(|| refused(AssertionError::Signature(JwsError::Malformed)))?;
    let mut error = AssertionError::WrongIssuer;
    for issuer in context.config.issuers.values().filter(|issuer| issuer.issuer == claimed) {
        let is_fit = match issuer.kind {
            IssuerKind::AccessTokens(_) => continue,
            IssuerKind::Workload(_) => assertion::is_workload,
            IssuerKind::IdJag { .. } => assertion::is_id_jag,
        };
        let judged = match keys::verified(context, issuer, text, is_fit).await? {
            Ok(signed) => judge(context, issuer, client, text, &signed.into_payload()),
            Err(error) => Err(error.into()),
        };
        match judged {
            Ok(accepted) => return Ok(accepted),
            // Of another kind that is configured too: what is wrong is said by the one that it is of.
            Err(AssertionError::Signature(JwsError::WrongType)) if error != AssertionError::WrongIssuer => {}
            Err(why) => error = why,
        }
    }
    Err(refused(error))
}

fn judge<'c, P: Platform>(
    context: &RequestContext<'_, P>,
    issuer: &'c ExternalIssuer,
    client: Option<&str>,
    text: &str,
    payload: &[u8],
) -> Result<Accepted<'c>, AssertionError> {
    let claims = Node::parse(payload).map_err(|_| AssertionError::Signature(JwsError::Malformed))?;
    let told = ToldClaims::read(&claims).ok_or(AssertionError::Signature(JwsError::Malformed))?;
    let (sub, until) = judge_told(context, issuer, &told)?;
    let (since, id) = (told.authenticated(context.now), once_id(issuer, &told, text));
    let lifetime = context.config.tokens.access_ttl;
    match &issuer.kind {
        IssuerKind::Workload(workload) => {
            require(workload, &claims)?;
            Ok(Accepted {
                issuer,
                subject: subject(context, issuer, &sub, true),
                client_id: client.unwrap_or(&issuer.alias).to_owned(),
                scope: workload.scope.clone(),
                roles: Some(workload.roles.clone()),
                lifetime: lifetime.min(OF_WORKLOAD),
                resources: Vec::new(),
                id,
                since,
                until,
            })
        }
        IssuerKind::IdJag { clients } => {
            let client = client.filter(|client| clients.iter().any(|known| known == client));
            let client = client.ok_or(AssertionError::WrongClient)?;
            if !matches!(claims.get("client_id"), Some(Node::Text(claimed)) if claimed == client) {
                return Err(AssertionError::WrongClient);
            }
            if told.id.is_none() {
                return Err(AssertionError::IdMissing);
            }
            if told.resource.is_empty() {
                return Err(AssertionError::WrongResource);
            }
            let subject = subject(context, issuer, &sub, false);
            if !is_admitted(context, &subject, &claims) {
                return Err(AssertionError::NotAdmitted);
            }
            let known = &context.config.scopes;
            let scope = match told.scope.as_slice() {
                [] => default_scope(),
                scope => granted(scope, None, |one| known.contains(one)),
            };
            let roles = (!subject.signs_in).then(Vec::new);
            let (client_id, resources) = (client.to_owned(), told.resource);
            Ok(Accepted { issuer, subject, client_id, scope, roles, lifetime, resources, id, since, until })
        }
        IssuerKind::AccessTokens(_) => Err(AssertionError::WrongIssuer),
    }
}

/// Which of an issuer's workloads an assertion is about, and that it is good once.
pub(super) async fn of_workload<P: Platform>(
    context: &RequestContext<'_, P>,
    issuer: &ExternalIssuer,
    workload: &Workload,
    text: &str,
) -> Result<(String, ProvenAssertion), Failure> {
    let signed = keys::verified(context, issuer, text, assertion::is_workload).await?;
    let payload = signed.map_err(|error| refused(error.into()))?.into_payload();
    let malformed = || refused(AssertionError::Signature(JwsError::Malformed));
    let claims = Node::parse(&payload).map_err(|_| malformed())?;
    let told = ToldClaims::read(&claims).ok_or_else(malformed)?;
    let (sub, until) = judge_told(context, issuer, &told).map_err(refused)?;
    require(workload, &claims).map_err(refused)?;
    Ok((sub, ProvenAssertion { id: once_id(issuer, &told, text), until }))
}

fn judge_told<P: Platform>(
    context: &RequestContext<'_, P>,
    issuer: &ExternalIssuer,
    told: &ToldClaims,
) -> Result<(String, Timestamp), AssertionError> {
    let (own, endpoint) = (context.origin.as_str(), context.url(Endpoint::Token.path()));
    let audiences = match (&issuer.audience, &issuer.kind) {
        (Some(audience), _) => vec![audience.as_str()],
        (None, IssuerKind::IdJag { .. }) => vec![own],
        (None, _) => vec![own, endpoint.as_str()],
    };
    assertion::judge(told, &issuer.issuer, &audiences, context.now)
}

/// Of one without an id what was signed is the id: a signature can be written in two ways.
fn once_id(issuer: &ExternalIssuer, told: &ToldClaims, text: &str) -> OnceId {
    let id = told.id.as_deref().or_else(|| text.rsplit_once('.').map(|(message, _)| message)).unwrap_or(text);
    OnceId::new("assertion", &issuer.issuer, id)
}

fn require(workload: &Workload, claims: &Node<'_>) -> Result<(), AssertionError> {
    let has = |(name, wanted): (&crate::policy::ClaimName, &Vec<String>)| {
        name.values_in(claims).iter().any(|value| wanted.contains(value))
    };
    if workload.require.iter().all(has) { Ok(()) } else { Err(AssertionError::Unmet) }
}

/// The one server that it is for, in the form that is meant: what is asked for, which the assertion must name where it
/// names any. Where neither names a form it is the one that people are told.
fn server<'c, P>(
    context: &'c RequestContext<'_, P>,
    asked: Option<&str>,
    named: &[String],
) -> Result<(&'c Server, ResourceForm<'c>), Failure> {
    let fits = |form: ResourceForm<'_>| {
        let url = form.url();
        asked.is_none_or(|asked| resource::same(&url, asked))
            && (named.is_empty() || named.iter().any(|named| resource::same(&url, named)))
    };
    let servers = context.config.servers.values().filter(|server| server.accepts.own);
    let mut meant = servers.filter_map(|server| {
        let shown = Some(ResourceForm::shown(&context.origin, server)).filter(|form| fits(*form));
        let form = shown.or_else(|| ResourceForm::all(&context.origin, server).find(|form| fits(*form)));
        form.map(|form| (server, form))
    });
    match (meant.next(), meant.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(refused(AssertionError::WrongResource)),
    }
}

fn refused(error: AssertionError) -> Failure {
    let code = match error {
        AssertionError::WrongResource => ErrorCode::InvalidTarget,
        AssertionError::ScopeExceeded => ErrorCode::InvalidScope,
        _ => ErrorCode::InvalidGrant,
    };
    let fix = match error {
        AssertionError::Used | AssertionError::Expired | AssertionError::Revoked => {
            "Get a new assertion from its issuer: each is good once."
        }
        AssertionError::WrongAudience => {
            "Have it issued for this authorization server alone: for its issuer identifier, or the configured audience."
        }
        AssertionError::WrongResource => "Send the URL of one server as resource; the assertion must be for it.",
        AssertionError::WrongClient => "The client must authenticate, and the operator must name it for this issuer.",
        AssertionError::Unmet => "Compare the assertion's claims with what the operator requires for this issuer.",
        _ => "Compare the assertion with what the operator configured for its issuer.",
    };
    Failure::oauth(code, error.reason(), sentence(&error)).fix(fix)
}
