//! Discovery: the documents clients read before anything else.
//!
//! Not here: their fields (`oauth::metadata`).

use http::StatusCode;

use super::{Answered, Site, default_scope, supported_scope, upstream};
use crate::config::Server;
use crate::oauth::metadata::{AuthorizationServer, Endpoints, ProtectedResource};
use crate::oauth::scope::ScopeSet;
use crate::oauth_client::registration;
use crate::ports::Platform;
use crate::web::reply::Reply;
use crate::web::route;
use crate::web::route::Endpoint;

/// RFC 9728 metadata of one server.
pub fn protected_resource<P: Platform>(site: &Site<'_, P>, server: &Server) -> Answered<P> {
    Ok(resource(site, &route::resource_url(site.origin.as_str(), server), &server.name))
}

/// RFC 9728 metadata at the root, where some clients look first: the only server's, or the gateway's own.
pub fn protected_resource_root<P: Platform>(site: &Site<'_, P>) -> Answered<P> {
    let mut servers = site.config.servers.values();
    match (servers.next(), servers.next()) {
        (Some(only), None) => protected_resource(site, only),
        _ => Ok(resource(site, site.origin.as_str(), site.config.branding.name())),
    }
}

/// RFC 8414 metadata.
pub fn authorization_server<P: Platform>(site: &Site<'_, P>) -> Answered<P> {
    Ok(document(describe(site, &endpoints(site), &supported_scope()).to_json()))
}

/// OpenID Connect discovery: the same document with the fields that specification requires.
pub fn openid_configuration<P: Platform>(site: &Site<'_, P>) -> Answered<P> {
    Ok(document(describe(site, &endpoints(site), &supported_scope()).to_openid_json()))
}

/// The gateway's client metadata document for an authorization server.
pub fn client_metadata_for<P: Platform>(site: &Site<'_, P>, at: &str, written: &str) -> Reply<P::Stream> {
    match route::named_issuer(written) {
        Some((issuer, url)) => {
            let name = upstream::client::name_for(site, Some(&url));
            described(site, at, &route::issuer_callback_path(route::of_issuer(&issuer).as_str()), &name)
        }
        None => described(site, at, &route::issuer_callback_path(written), &upstream::client::name_for(site, None)),
    }
}

/// The one for all that there was before: connections that were made with it are still renewed.
pub fn client_metadata<P: Platform>(site: &Site<'_, P>) -> Reply<P::Stream> {
    let name = upstream::client::name(site);
    described(site, Endpoint::ClientMetadata.path(), Endpoint::UpstreamCallback.path(), &name)
}

fn described<P: Platform>(site: &Site<'_, P>, at: &str, callback: &str, name: &str) -> Reply<P::Stream> {
    document(registration::document(&site.url(at), name, &site.url(callback)))
}

fn resource<P: Platform>(site: &Site<'_, P>, resource: &str, name: &str) -> Reply<P::Stream> {
    let scopes = default_scope();
    document(ProtectedResource { resource, issuer: site.origin.as_str(), scopes: &scopes, name }.to_json())
}

fn describe<'a, P: Platform>(
    site: &'a Site<'_, P>,
    endpoints: &'a Endpoints,
    scopes: &'a ScopeSet,
) -> AuthorizationServer<'a> {
    AuthorizationServer {
        issuer: site.origin.as_str(),
        endpoints,
        scopes,
        dynamic_registration: site.config.clients.dynamic_registration,
        metadata_documents: site.config.clients.metadata_documents,
        access_lifetime: site.config.tokens.access_ttl,
        refresh_lifetime: site.config.tokens.refresh_ttl,
    }
}

fn endpoints<P: Platform>(site: &Site<'_, P>) -> Endpoints {
    let url = |endpoint: Endpoint| site.url(endpoint.path());
    Endpoints {
        authorization: url(Endpoint::Authorize),
        token: url(Endpoint::Token),
        registration: url(Endpoint::Register),
        revocation: url(Endpoint::Revoke),
        jwks: url(Endpoint::Jwks),
    }
}

fn document<S>(json: Vec<u8>) -> Reply<S> {
    Reply::bytes(StatusCode::OK, "application/json", json)
}
