//! Discovery: the documents clients read before anything else.
//!
//! Not here: their fields (`oauth::metadata`).

use http::StatusCode;

use super::{Answered, RequestContext, default_scope, upstream};
use crate::config::Server;
use crate::oauth::authentication_method::AuthenticationMethod;
use crate::oauth::metadata::{AuthorizationServer, Endpoints, ProtectedResource};
use crate::oauth::scope::ScopeSet;
use crate::oauth_client::registration;
use crate::ports::Platform;
use crate::web::reply::Reply;
use crate::web::route;
use crate::web::route::Endpoint;

/// RFC 9728 metadata of one server.
pub fn protected_resource<P: Platform>(context: &RequestContext<'_, P>, server: &Server) -> Answered<P> {
    let scopes = context.config.scope_to_ask(server, &default_scope().union(&server.policy.scopes()));
    let issuers = server.accepts.issuers.iter().filter_map(|alias| context.config.issuers.get(alias));
    let issuers = issuers.map(|issuer| issuer.issuer.as_str());
    let issuers: Vec<_> = server.accepts.own.then_some(context.origin.as_str()).into_iter().chain(issuers).collect();
    let resource = context.resource(server).url();
    let (name, requires_dpop) = (&server.name, server.requires_dpop);
    let metadata = ProtectedResource { resource: &resource, issuers: &issuers, scopes: &scopes, name, requires_dpop };
    Ok(document(metadata.to_json()))
}

/// RFC 9728 metadata at the root, where some clients look first: the only server's, or the gateway's own.
pub fn protected_resource_root<P: Platform>(context: &RequestContext<'_, P>) -> Answered<P> {
    let mut servers = context.config.servers.values();
    if let (Some(only), None) = (servers.next(), servers.next()) {
        return protected_resource(context, only);
    }
    let (origin, name) = (context.origin.as_str(), context.config.branding.name());
    let (scopes, requires_dpop) = (&default_scope(), false);
    let metadata = ProtectedResource { resource: origin, issuers: &[origin], scopes, name, requires_dpop };
    Ok(document(metadata.to_json()))
}

/// RFC 8414 metadata.
pub fn authorization_server<P: Platform>(context: &RequestContext<'_, P>) -> Answered<P> {
    Ok(document(describe(context, &endpoints(context), &context.config.supported_scope()).to_json()))
}

/// OpenID Connect discovery: the same document with the fields that specification requires.
pub fn openid_configuration<P: Platform>(context: &RequestContext<'_, P>) -> Answered<P> {
    Ok(document(describe(context, &endpoints(context), &context.config.supported_scope()).to_openid_json()))
}

/// The gateway's client metadata document for an authorization server.
pub fn client_metadata_for<P: Platform>(context: &RequestContext<'_, P>, at: &str, written: &str) -> Reply<P::Stream> {
    match route::named_issuer(written) {
        Some((issuer, url)) => {
            let name = upstream::client::name_for(context, Some(&url));
            described(context, at, &route::issuer_callback_path(route::of_issuer(&issuer).as_str()), &name)
        }
        None => {
            described(context, at, &route::issuer_callback_path(written), &upstream::client::name_for(context, None))
        }
    }
}

/// The one for all that there was before: connections that were made with it are still renewed.
pub fn client_metadata<P: Platform>(context: &RequestContext<'_, P>) -> Reply<P::Stream> {
    let name = upstream::client::name(context);
    described(context, Endpoint::ClientMetadata.path(), Endpoint::UpstreamCallback.path(), &name)
}

fn described<P: Platform>(context: &RequestContext<'_, P>, at: &str, callback: &str, name: &str) -> Reply<P::Stream> {
    document(registration::document(&context.url(at), name, &context.url(callback)))
}

fn describe<'a, P: Platform>(
    context: &'a RequestContext<'_, P>,
    endpoints: &'a Endpoints,
    scopes: &'a ScopeSet,
) -> AuthorizationServer<'a> {
    let takes_agents = context.config.servers.values().any(|server| server.accepts.agents);
    let clients = || context.config.clients.preregistered.iter();
    let open = context.config.clients.dynamic_registration || context.config.clients.metadata_documents;
    let takes_keys = open || clients().any(|client| client.keys.is_some());
    AuthorizationServer {
        issuer: context.origin.as_str(),
        endpoints,
        scopes,
        dynamic_registration: context.config.clients.dynamic_registration,
        machine_grant: (takes_agents || clients().any(|client| client.machine.is_some()))
            .then_some("client_credentials"),
        key_method: (takes_agents || takes_keys).then_some(AuthenticationMethod::PrivateKeyJwt),
        metadata_documents: context.config.clients.metadata_documents,
        access_lifetime: context.config.tokens.access_ttl,
        refresh_lifetime: context.config.tokens.refresh_ttl,
        takes_assertions: takes_agents
            || context.config.issuers.values().any(|issuer| issuer.access_tokens().is_none()),
    }
}

fn endpoints<P: Platform>(context: &RequestContext<'_, P>) -> Endpoints {
    let url = |endpoint: Endpoint| context.url(endpoint.path());
    let mut asking = context.config.clients.preregistered.iter();
    Endpoints {
        authorization: url(Endpoint::Authorize),
        token: url(Endpoint::Token),
        registration: url(Endpoint::Register),
        revocation: url(Endpoint::Revoke),
        introspection: asking.any(|client| !client.introspects.is_empty()).then(|| url(Endpoint::Introspect)),
        jwks: url(Endpoint::Jwks),
    }
}

fn document<S>(json: Vec<u8>) -> Reply<S> {
    Reply::bytes(StatusCode::OK, "application/json", json)
}
