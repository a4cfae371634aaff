//! What can be found about registration, sign-in, credentials, and the server called with them.
//!
//! Not here: finding the authorization server (`discovery`).

use crate::upstream::check::rule::{Actor, FindingRule, MCP, fault, warning};

pub(super) const RULES: &[FindingRule] = &[
    fault(
        "upstream_without_registration",
        Actor::Operator,
        [
            "The authorization server takes no client on the way, and none is configured",
            "There is a registration_endpoint, or client ID metadata documents, or a client registered by hand",
            MCP,
            "Register a client there with the gateway's callback, and fill servers.{slug}.auth.client",
        ],
    ),
    fault(
        "upstream_registration_closed",
        Actor::Operator,
        [
            "The registration endpoint takes nobody",
            "A registration that cannot be read is refused for that, not for who sends it",
            "RFC 7591 §3.2.2",
            "Register a client there by hand, and fill servers.{slug}.auth.client; or have the endpoint opened, or \
             taken out of the metadata",
        ],
    ),
    fault(
        "upstream_client_secret_missing",
        Actor::Operator,
        [
            "The secret of the client registered there is not set",
            "Every secret that the configuration names is one of the deployment",
            "docs/deploy.md",
            "Set the secret, or correct its name in servers.{slug}.auth.client",
        ],
    ),
    fault(
        "upstream_authorization_refused",
        Actor::Operator,
        [
            "The authorization server refuses the gateway's request",
            "A request with the registered client and redirect URI leads to a sign-in",
            "RFC 6749 §4.1.2.1",
            "Compare the client id and the redirect URI with what is registered there, to the letter",
        ],
    ),
    fault(
        "upstream_scope_refused",
        Actor::Operator,
        [
            "The authorization server refuses the scope",
            "The scope that is asked for exists there",
            "RFC 6749 §4.1.2.1",
            "Set servers.{slug}.auth.scope to what the service documents",
        ],
    ),
    warning(
        "upstream_scope_unsupported",
        Actor::Operator,
        [
            "The configured scope is none of those that the metadata lists",
            "What is asked for is in scopes_supported",
            "RFC 8414 §2",
            "Correct servers.{slug}.auth.scope, unless the service documents it elsewhere",
        ],
    ),
    fault(
        "upstream_secret_missing",
        Actor::Operator,
        [
            "A secret that the server's headers need is not set",
            "Every secret that the configuration names is one of the deployment",
            "docs/deploy.md",
            "Set the secret, or correct its name in servers.{slug}.auth",
        ],
    ),
    fault(
        "shared_connection_missing",
        Actor::Operator,
        [
            "Nobody has connected the server for everybody",
            "An operator connects a server that is shared",
            "docs/servers.md",
            "Press “Connect for everybody” in the console",
        ],
    ),
    fault(
        "shared_connection_expired",
        Actor::Operator,
        [
            "The connection for everybody has ended",
            "An operator connects a server that is shared",
            "docs/servers.md",
            "Press “Connect again for everybody” in the console",
        ],
    ),
    fault(
        "upstream_unauthorized",
        Actor::Operator,
        [
            "The server refuses the gateway's own credentials",
            "What auth says is taken by the server",
            "docs/servers.md",
            "Correct servers.{slug}.auth or its secret; for Authorization it is the whole value, Bearer included",
        ],
    ),
    fault(
        "upstream_refuses_renewed",
        Actor::Server,
        [
            "The server refuses a token that its authorization server issued just now",
            "A token for the resource is taken by the resource",
            "RFC 8707 §2",
            "Compare the token's audience with what the server takes; a server that must not be named sets \
             servers.{slug}.auth.send_resource to false",
        ],
    ),
    fault(
        "upstream_account_refused",
        Actor::Person,
        [
            "The server refuses the account that is connected",
            "The connected account may use the server",
            "docs/servers.md",
            "Disconnect it at /connections and connect it again, or ask whoever runs the server for access",
        ],
    ),
    fault(
        "upstream_not_initialized",
        Actor::Server,
        [
            "The server answers neither initialize nor server/discover",
            "A server of 2025-11-25 and before answers initialize, one of 2026-07-28 server/discover",
            "MCP, lifecycle",
            "Look at the server's own log",
        ],
    ),
];
