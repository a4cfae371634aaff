//! Discovery: the documents clients read before anything else.
//!
//! Not here: their fields (`oauth::metadata`).

use http::StatusCode;

use super::{Answered, Site};
use crate::config::Server;
use crate::oauth::metadata::{AuthorizationServer, Endpoints, ProtectedResource};
use crate::oauth::scope;
use crate::ports::Platform;
use crate::reply::Reply;
use crate::route::{self, Endpoint};

/// RFC 9728 metadata of one server.
pub fn protected_resource<P: Platform>(site: &Site<'_, P>, server: &Server) -> Answered<P> {
    let resource = route::resource_url(site.origin.as_str(), server);
    Ok(Reply::json(StatusCode::OK, &ProtectedResource::new(&resource, site.origin.as_str(), scope::TOOLS, &server.name)))
}

/// RFC 9728 metadata at the root, where some clients look first: the only server's, or the gateway's own.
pub fn protected_resource_root<P: Platform>(site: &Site<'_, P>) -> Answered<P> {
    let mut servers = site.config.servers.values();
    match (servers.next(), servers.next()) {
        (Some(only), None) => protected_resource(site, only),
        _ => {
            let origin = site.origin.as_str();
            Ok(Reply::json(StatusCode::OK, &ProtectedResource::new(origin, origin, scope::TOOLS, "MCP gateway")))
        }
    }
}

/// RFC 8414 metadata.
pub fn authorization_server<P: Platform>(site: &Site<'_, P>) -> Answered<P> {
    Ok(Reply::json(StatusCode::OK, &document(site)))
}

/// OpenID Connect discovery: the same document with the fields that specification requires.
pub fn openid_configuration<P: Platform>(site: &Site<'_, P>) -> Answered<P> {
    Ok(Reply::json(StatusCode::OK, &document(site).openid()))
}

fn document<P: Platform>(site: &Site<'_, P>) -> AuthorizationServer {
    let url = |endpoint: Endpoint| site.url(endpoint.path());
    let clients = &site.config.clients;
    AuthorizationServer::new(
        site.origin.as_str(),
        &Endpoints {
            authorization: url(Endpoint::Authorize),
            token: url(Endpoint::Token),
            registration: clients.dynamic_registration.then(|| url(Endpoint::Register)),
            revocation: url(Endpoint::Revoke),
            jwks: url(Endpoint::Jwks),
        },
        clients.metadata_documents,
        site.config.tokens.access_ttl,
        site.config.tokens.refresh_ttl,
    )
}
