//! Finding out what connecting a server takes: its challenge, its metadata, its authorization server's (RFC 9728 §3,
//! RFC 8414 §3).
//!
//! Not here: what makes each of them valid (`upstream`), becoming a client there (`client`), the person's trip
//! (`flow::connect`).

use url::Url;

use super::{RequestContext, sentence};
use crate::config::{ConfiguredClient, OAuth, Server};
use crate::oauth_client::discovery_error::DiscoveryError;
use crate::oauth_client::metadata::IssuerMetadata;
use crate::oauth_client::scope::KnownScopes;
use crate::oauth_client::url_policy::Reach;
use crate::oauth_client::{claimed_endpoint, issuer_identifier, metadata, registration, revocation, scope};
use crate::ports::Platform;
use crate::upstream::challenge::UpstreamChallenge;
use crate::upstream::credential::Oauth;
use crate::upstream::plan::Plan;
use crate::upstream::resource_metadata;
use crate::upstream::resource_metadata::ResourceMetadata;
use crate::web::failure::{Blame, Failure};

pub mod client;
pub mod fetch;
pub mod tokens;

use fetch::FetchedDocument;

/// What a connection is to be able to do beyond the usual.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// What a call was refused for lack of.
    pub scope: Option<&'a str>,
    /// What the connection that is replaced may do.
    pub held: Option<&'a str>,
}

/// What connecting takes now. Asked anew for each person who connects: a server may have moved to another authorization
/// server.
///
/// 1. The server itself says where its metadata is, or it is looked for in the usual places.
/// 2. The metadata names the authorization server, unless the operator did. A server of 2025-03-26 has neither: then it
///    is its own.
/// 3. The authorization server says where its endpoints are, unless the operator did.
pub async fn plan<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    oauth: &OAuth,
    wanted: Wanted<'_>,
) -> Result<Plan, Failure> {
    let reach = reach(context, server, oauth);
    // 1.
    let challenge = fetch::challenge(context, server).await?.unwrap_or_default();
    let resource = resource(context, server, &challenge, &reach).await?;
    // 2. and 3.
    let issuer = issuer(context, server, oauth, resource.as_ref(), &reach).await?;
    chosen(
        context,
        server,
        oauth,
        wanted,
        Discovered { challenge: &challenge, resource: resource.as_ref(), issuer: &issuer },
    )
}

/// What was found out on the way to a plan.
#[derive(Debug, Clone, Copy)]
pub struct Discovered<'a> {
    /// What the server says to who has nothing to show.
    pub challenge: &'a UpstreamChallenge,
    /// What it says of itself, if anything.
    pub resource: Option<&'a ResourceMetadata>,
    /// Who issues its tokens.
    pub issuer: &'a IssuerMetadata,
}

/// The plan that follows from it.
pub fn chosen<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    oauth: &OAuth,
    wanted: Wanted<'_>,
    found: Discovered<'_>,
) -> Result<Plan, Failure> {
    let Discovered { challenge, resource, issuer } = found;
    let scope = scope::choose(&KnownScopes {
        configured: oauth.scope.as_deref(),
        held: wanted.held,
        wanted: wanted.scope,
        challenged: challenge.scope.as_deref(),
        of_resource: resource.and_then(|resource| resource.scopes.as_deref()),
        of_issuer: &issuer.scopes,
    });
    let way = registration::way(issuer, oauth.client.is_some(), client::has_document(context));
    let way = way.map_err(|error| refused(server, &error))?;
    let resource = resource.map_or_else(|| server.url.to_string(), |resource| resource.resource.clone());
    Ok(Plan::new(issuer, oauth.send_resource.then_some(resource), scope, way))
}

/// An issuer's metadata, where the operator named the issuer and nothing else is known.
pub async fn issuer_named<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    issuer: &str,
) -> Result<IssuerMetadata, Failure> {
    let at = Url::parse(issuer).map_err(|_| refused(server, &DiscoveryError::IssuerMalformed))?;
    let reach = Reach::new(context.origin.as_str(), [&server.url, &at]);
    found(context, server, issuer, &at, &reach).await?.ok_or_else(|| no_issuer_metadata(server, issuer))
}

/// Tells the authorization server that a connection's tokens are not needed any more. Nobody waits for whether it
/// cares.
pub async fn revoke<P: Platform>(context: &RequestContext<'_, P>, oauth: &Oauth) {
    let Some(endpoint) = &oauth.revocation_endpoint else { return };
    let (token, kind) = match &oauth.refresh_token {
        Some(token) => (token, revocation::TokenTypeHint::RefreshToken),
        None => (&oauth.token.access_token, revocation::TokenTypeHint::AccessToken),
    };
    let Ok(request) = revocation::request(endpoint, &oauth.client, token, kind) else { return };
    let Ok((refused, ..)) = fetch::send(context, request, 0).await else { return };
    if let Some(again) = revocation::spelled_out(endpoint, &oauth.client, token, kind, refused) {
        let _ = fetch::send(context, again, 0).await;
    }
}

/// Where the server's metadata may lead: the operator pointed at the server, and at whatever else the configuration
/// names.
pub fn reach<P: Platform>(context: &RequestContext<'_, P>, server: &Server, oauth: &OAuth) -> Reach {
    let issuer = oauth.issuer.as_deref().and_then(|issuer| Url::parse(issuer).ok());
    let client = oauth.client.as_ref();
    let endpoints = client.into_iter().flat_map(|client| {
        [&client.authorization_endpoint, &client.token_endpoint, &client.revocation_endpoint].into_iter().flatten()
    });
    Reach::new(context.origin.as_str(), std::iter::once(&server.url).chain(issuer.as_ref()).chain(endpoints))
}

/// What the server says of itself, where its challenge or the usual places have it.
pub async fn resource<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    challenge: &UpstreamChallenge,
    reach: &Reach,
) -> Result<Option<ResourceMetadata>, Failure> {
    let named = match &challenge.resource_metadata {
        Some(text) => Some(
            reach
                .url(text)
                .map_err(|why| refused(server, &DiscoveryError::unreachable("resource_metadata", text, why)))?,
        ),
        None => None,
    };
    // A server that names a place has nothing at the usual ones.
    let places = named.clone().map_or_else(|| resource_metadata::urls(&server.url), |named| vec![named]);
    match fetch::first(context, server, &places, resource_metadata::MAX_BYTES).await? {
        FetchedDocument::Found(document) => {
            let metadata = resource_metadata::parse(&server.url, &document);
            metadata.map(Some).map_err(|error| refused(server, &error))
        }
        FetchedDocument::Missing if named.is_some() => Err(upstream(
            "upstream_resource_metadata_missing",
            "The server names a place for its resource metadata, and there is none.",
        )
        .fix("Whoever runs the server must correct the resource_metadata of its WWW-Authenticate header.")
        .fact("resource_metadata", challenge.resource_metadata.clone().unwrap_or_default())
        .slug(server.slug.as_str())),
        FetchedDocument::Missing => Ok(None),
    }
}

/// Who issues its tokens.
pub async fn issuer<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    oauth: &OAuth,
    resource: Option<&ResourceMetadata>,
    reach: &Reach,
) -> Result<IssuerMetadata, Failure> {
    // Where the operator wrote everything down, the server is not asked who issues its tokens.
    let pinned = oauth.issuer.as_ref().and_then(|issuer| written_down(oauth.client.as_ref()?, Some(issuer)));
    if let Some(metadata) = pinned {
        return Ok(metadata);
    }
    let advertised = resource.map(|resource| resource.issuers.as_slice());
    let named = match (&oauth.issuer, advertised) {
        (Some(only), Some(issuers)) => {
            let found = issuers.iter().any(|issuer| issuer_identifier::same(issuer, only));
            let other = || DiscoveryError::UnexpectedIssuer { expected: only.clone(), advertised: issuers.join("\n") };
            if found { Some(only) } else { return Err(refused(server, &other())) }
        }
        (Some(only), None) => Some(only),
        (None, Some(issuers)) => issuers.first(),
        (None, None) => None,
    };
    if let Some(metadata) = oauth.client.as_ref().and_then(|client| written_down(client, named)) {
        return Ok(metadata);
    }
    let metadata = if let Some(named) = named {
        let at = reach
            .url(named)
            .map_err(|why| refused(server, &DiscoveryError::unreachable("authorization_servers", named, why)))?;
        found(context, server, named, &at, reach).await?.ok_or_else(|| no_issuer_metadata(server, named))?
    } else {
        let origin = server.url.origin().ascii_serialization();
        let at = reach.url(&origin).unwrap_or_else(|_| server.url.clone());
        let found = found(context, server, &origin, &at, reach).await?;
        found.unwrap_or_else(|| metadata::fallback(&server.url))
    };
    let metadata = oauth.client.as_ref().map_or(metadata.clone(), |client| with_configured(metadata, client));
    if oauth.client.as_ref().is_none_or(|client| client.authorization_endpoint.is_none()) {
        require_own_endpoint(context, server, &metadata).await?;
    }
    Ok(metadata)
}

/// Refuses an issuer that would send people to another one's page: that one's code would be redeemed here.
async fn require_own_endpoint<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    issuer: &IssuerMetadata,
) -> Result<(), Failure> {
    for places in claimed_endpoint::places(issuer) {
        if let FetchedDocument::Found(document) = fetch::first(context, server, &places, metadata::MAX_BYTES).await? {
            claimed_endpoint::require_unclaimed(issuer, &document).map_err(|error| refused(server, &error))?;
        }
    }
    Ok(())
}

/// The metadata of an issuer, if it has any.
async fn found<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    issuer: &str,
    at: &Url,
    reach: &Reach,
) -> Result<Option<IssuerMetadata>, Failure> {
    match fetch::first(context, server, &metadata::urls(at), metadata::MAX_BYTES).await? {
        FetchedDocument::Found(document) => {
            let metadata = metadata::parse(issuer, &document, reach);
            metadata.map(Some).map_err(|error| refused(server, &error))
        }
        FetchedDocument::Missing => Ok(None),
    }
}

/// Metadata is not asked for where the operator wrote down all that a trip takes.
fn written_down(client: &ConfiguredClient, issuer: Option<&String>) -> Option<IssuerMetadata> {
    let (authorization, token) = (client.authorization_endpoint.as_ref()?, client.token_endpoint.as_ref()?);
    Some(IssuerMetadata {
        issuer: issuer.cloned().unwrap_or_else(|| authorization.origin().ascii_serialization()),
        authorization_endpoint: authorization.clone(),
        token_endpoint: token.clone(),
        registration_endpoint: None,
        revocation_endpoint: client.revocation_endpoint.clone(),
        auth_methods: None,
        scopes: Vec::new(),
        iss_parameter: false,
        client_documents: false,
    })
}

/// What the operator wrote down goes before what the metadata says.
fn with_configured(mut metadata: IssuerMetadata, client: &ConfiguredClient) -> IssuerMetadata {
    let ConfiguredClient { authorization_endpoint, token_endpoint, revocation_endpoint, .. } = client;
    metadata.authorization_endpoint = authorization_endpoint.clone().unwrap_or(metadata.authorization_endpoint);
    metadata.token_endpoint = token_endpoint.clone().unwrap_or(metadata.token_endpoint);
    metadata.revocation_endpoint = revocation_endpoint.clone().or(metadata.revocation_endpoint);
    metadata
}

/// Metadata that is not used, as a failure with what was expected and what came.
fn refused(server: &Server, error: &DiscoveryError) -> Failure {
    let blame = if matches!(error, DiscoveryError::NoRegistration { .. }) { Blame::Operator } else { Blame::Upstream };
    let failure = Failure::new(blame, 502, error.reason(), sentence(error)).fix(error.fix(server.slug.as_str()));
    error
        .facts()
        .into_iter()
        .fold(failure, |failure, (label, value)| failure.fact(label, value))
        .slug(server.slug.as_str())
}

fn no_issuer_metadata(server: &Server, issuer: &str) -> Failure {
    upstream(
        "upstream_issuer_metadata_missing",
        "The server's authorization server has no metadata where it must have \
                                                  some.",
    )
    .fix(format!(
        "Whoever runs it must publish RFC 8414 metadata; or the operator writes its endpoints into \
             servers.{}.auth.client.",
        server.slug
    ))
    .fact("issuer", issuer)
    .slug(server.slug.as_str())
}

/// Somebody else's service did not play along, in a browser's request.
fn upstream(reason: &'static str, message: impl Into<String>) -> Failure {
    Failure::new(Blame::Upstream, 502, reason, message)
}
