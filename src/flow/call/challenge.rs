//! The challenge that tells a client where to authorize for a server.
//!
//! Not here: its syntax (`oauth::challenge`), and when it is due (`flow::call::bearer`).

use crate::config::Server;
use crate::flow::RequestContext;
use crate::headers::HeaderValue;
use crate::oauth::challenge::{Challenge, TokenScheme};
use crate::oauth::error::ErrorCode;
use crate::oauth::scope::ScopeSet;
use crate::ports::Platform;

/// The `WWW-Authenticate` value for a server (RFC 6750 §3, RFC 9728 §5.1).
pub fn of<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    error: Option<(ErrorCode, &str)>,
) -> HeaderValue {
    written(context, server, scheme(server), &ScopeSet::of(&[ScopeSet::TOOLS]), error)
}

/// The same for tokens that are bound to a key (RFC 9449 §7.1).
pub fn dpop<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    error: Option<(ErrorCode, &str)>,
) -> HeaderValue {
    written(context, server, TokenScheme::Dpop, &ScopeSet::of(&[ScopeSet::TOOLS]), error)
}

/// The same for what the caller's scope is not enough for: what to ask for, in one challenge.
pub fn for_scope<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    scope: &ScopeSet,
    description: &str,
) -> HeaderValue {
    written(context, server, scheme(server), scope, Some((ErrorCode::InsufficientScope, description)))
}

/// Clients that know of bearers alone must find their way: the other scheme is named where no bearer is taken.
fn scheme(server: &Server) -> TokenScheme {
    if server.requires_dpop { TokenScheme::Dpop } else { TokenScheme::Bearer }
}

fn written<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    scheme: TokenScheme,
    scope: &ScopeSet,
    error: Option<(ErrorCode, &str)>,
) -> HeaderValue {
    let scope = context.config.scope_to_ask(server, scope).to_string();
    let resource_metadata = context.resource(server).metadata_url();
    Challenge { scheme, resource_metadata: &resource_metadata, scope: &scope, error }.to_header()
}
