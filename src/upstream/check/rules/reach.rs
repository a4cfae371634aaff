//! What can be found on the way to the server itself.
//!
//! Not here: its metadata (`discovery`).

use crate::upstream::check::rule::{Actor, FindingRule, TRANSPORT, fault, warning};

pub(super) const RULES: &[FindingRule] = &[
    fault(
        "upstream_unreachable",
        Actor::Server,
        [
            "The server cannot be reached",
            "The server answers at the url of its entry",
            "RFC 9110 §15.6.3",
            "Correct servers.{slug}.url, or start the server. Its name has to resolve on the internet, its certificate \
             has to be valid, and no firewall may drop requests from Cloudflare",
        ],
    ),
    fault(
        "upstream_timeout",
        Actor::Server,
        [
            "The server does not answer in time",
            "An answer comes within seconds",
            "RFC 9110 §15.6.5",
            "Look at the server's own log, and for a firewall that drops packets",
        ],
    ),
    fault(
        "upstream_redirected",
        Actor::Operator,
        [
            "The server answers with a redirect",
            "Nothing is redirected: a redirect would carry credentials away",
            TRANSPORT,
            "Set servers.{slug}.url to where it redirects to, if that is the server's",
        ],
    ),
    fault(
        "upstream_blocked",
        Actor::Server,
        [
            "Something in front of the server refuses programs",
            "A request is judged by its token",
            "developers.cloudflare.com/bots",
            "Whoever runs the server must let its firewall or bot protection pass requests to the MCP path and the \
             well-known paths; the gateway's come from Cloudflare's network",
        ],
    ),
    fault(
        "upstream_error",
        Actor::Server,
        [
            "The server fails",
            "An unauthorized request is a 401, and an authorized one is answered",
            "RFC 9110 §15.6",
            "Look at the server's own log",
        ],
    ),
    fault(
        "upstream_garbled",
        Actor::Server,
        [
            "The server's answer says it is JSON and is not",
            "The body is what the Content-Type says",
            TRANSPORT,
            "Correct what the server, or a proxy in front of it, answers",
        ],
    ),
    fault(
        "upstream_not_mcp",
        Actor::Operator,
        [
            "What answers there is no MCP server",
            "A POST is answered with JSON-RPC, in JSON or as an event stream",
            TRANSPORT,
            "Correct servers.{slug}.url; it usually ends in /mcp",
        ],
    ),
    fault(
        "upstream_wants_credentials",
        Actor::Operator,
        [
            "The server wants credentials, and the configuration has none for it",
            "auth says how callers are authenticated there",
            "docs/servers.md",
            "Set servers.{slug}.auth: oauth where each person has an account, headers for a key",
        ],
    ),
    warning(
        "upstream_challenge_missing",
        Actor::Server,
        [
            "The server's refusal does not say where to authorize",
            "A 401 has WWW-Authenticate: Bearer with resource_metadata",
            "RFC 9728 §5.1",
            "Add the header to the server's 401. Until then the metadata is looked for in the usual places",
        ],
    ),
];
