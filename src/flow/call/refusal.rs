//! What a refused or failed call says: the lift from the small enums of `mcp` and `ports` to failures with a cause and
//! a fix.
//!
//! Not here: when a call is refused (`flow::call`), and refusals of the bearer (`flow::call::bearer`).

use http::StatusCode;

use super::challenge;
use crate::config::Server;
use crate::flow::{Head, RequestContext, agents, sentence};
use crate::mcp::message::envelope::EnvelopeError;
use crate::mcp::message::error::Code;
use crate::mcp::transport::headers::HeaderMismatch;
use crate::mcp::transport::response::Disposition;
use crate::oauth::agent::AgentError;
use crate::oauth::error::ErrorCode;
use crate::ports::{FetchError, Platform};
use crate::web::failure::{Blame, Failure};
use crate::web::route;

/// A method other than POST and DELETE. The challenge of a 401 stands beside it: some clients look for authorization
/// with a GET.
pub fn method_not_allowed<P: Platform>(context: &RequestContext<'_, P>, server: &Server) -> Failure {
    let metadata = context.resource(server).metadata_url();
    let message = "This is an MCP endpoint of the Streamable HTTP transport: send messages with POST. GET opens no \
                   event stream here.";
    Failure::method_not_allowed("POST, DELETE", message)
        .fix(format!("Use POST; for a health check GET {metadata}."))
        .slug(server.slug.as_str())
        .challenge(challenge::of(context, server, None))
}

/// Refuses a body that does not claim to be JSON.
pub fn require_json(head: &Head) -> Result<(), Failure> {
    if head.media_type().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Failure::client(415, "content_type_unsupported", "A message must be sent as application/json.")
        .fix("Set Content-Type: application/json."))
}

/// A body that is no message.
pub fn envelope(error: &EnvelopeError, server: &Server) -> Failure {
    let failure = Failure::client(400, error.reason(), format!("The message was refused: {error}."))
        .rpc(error.code())
        .fix(
            "Nothing was sent to the server. Correct the message and send it again; a client that sends such messages \
              needs an update.",
        )
        .slug(server.slug.as_str());
    if error.quotes() { failure.logged("The message was refused for one of its keys.") } else { failure }
}

/// What an agent may not do, another token of its would not change.
pub fn agent<P: Platform>(context: &RequestContext<'_, P>, server: &Server, error: AgentError) -> Failure {
    let failure = Failure::client(403, error.reason(), sentence(&error)).code(ErrorCode::AccessDenied);
    failure.fix(agents::fix(context, error)).slug(server.slug.as_str())
}

/// Headers that say something else than the body.
pub fn header(error: &HeaderMismatch) -> Failure {
    Failure::client(400, error.reason(), error.to_string()).rpc(error.code()).fix(
        "Nothing was sent to the server. Header and body must say the same; a client that sends such messages \
              needs an update.",
    )
}

/// A DELETE that names no session.
pub fn session_missing() -> Failure {
    Failure::client(400, "session_missing", "A DELETE ends the session that its Mcp-Session-Id header names.")
        .fix("Send Mcp-Session-Id.")
}

/// A session that ended, or never was this caller's.
pub fn session_gone() -> Failure {
    Failure::client(404, "session_not_found", "This MCP session does not exist, or has ended.")
        .rpc(Code::SessionNotFound)
        .fix("Start a new session with initialize; clients do so by themselves.")
}

/// No answer from the server.
pub fn no_answer(error: FetchError, server: &Server) -> Failure {
    match error {
        FetchError::Unreachable => {
            upstream("upstream_unreachable", 502, "The server could not be reached, or did not speak HTTP.").fix(
                "Try again shortly; if it stays, the operator must check the server and its url in the configuration.",
            )
        }
        FetchError::TimedOut => {
            upstream("upstream_timeout", 504, format!("The server did not answer within {} seconds.", server.timeout.0))
                .fix("Try again; for slow tools the operator can raise the server's timeout_seconds.")
        }
        // Only the log reads it.
        FetchError::ClientGone => Failure::client(499, "client_gone", "The client left before the server answered."),
    }
}

/// An error status without an MCP error.
pub fn upstream_error(status: StatusCode, server: &Server) -> Failure {
    if status == StatusCode::NOT_FOUND {
        let message = format!("{} answered 404: there is no MCP server at its url.", server.name);
        return upstream("upstream_not_found", 502, message)
            .fix("The operator must check the server's url, above all its path: it usually ends in /mcp.");
    }
    upstream("upstream_error", 502, format!("{} answered {} without an MCP error.", server.name, status.as_u16()))
        .fix("Try again; if it stays, tell whoever runs the server, with the request id.")
}

/// A client asks which revisions a server speaks that cannot be asked. The code is none of the modern ones, which would
/// keep it from beginning with `initialize` (2026-07-28 versioning, dual-era clients).
pub fn era_unknown(server: &Server) -> Failure {
    let name = &server.name;
    let message = format!("{name} needs a connected account before it can say which revisions of MCP it speaks.");
    Failure::client(400, "era_unknown", message)
        .fix(
            "Begin with initialize; clients that speak both eras do so by themselves. A client that cannot must have \
              the account connected first, while it is authorized.",
        )
        .slug(server.slug.as_str())
}

/// A session of the legacy era at a server that has no such sessions.
pub fn modern_only(server: &Server) -> Failure {
    let name = &server.name;
    upstream(
        "upstream_modern_only",
        502,
        format!(
            "{name} speaks only revisions of MCP from 2026-07-28 on, and this \
                                                   session is of an older one."
        ),
    )
    .fix(
        "Connect the client again: now that the server can be asked, one that speaks both eras finds out by \
              itself. One that does not cannot use this server.",
    )
}

/// The server does not want the client that the gateway introduces.
pub fn not_initialized(server: &Server) -> Failure {
    upstream(
        "upstream_not_initialized",
        502,
        format!("{} did not accept the client when it was initialized.", server.name),
    )
    .fix("Connect the client again; if it stays, tell whoever runs the server, with the request id.")
}

/// An answer that is not handed on.
pub fn disposition(disposition: Disposition, status: StatusCode, server: &Server) -> Failure {
    match disposition {
        Disposition::Redirected => {
            upstream("upstream_redirected", 502, "The server answered with a redirect, which is never followed.")
                .fix("The operator must configure the url that the server redirects to.")
        }
        Disposition::Unauthorized => upstream(
            "upstream_unauthorized",
            502,
            format!("The server refused the gateway's own credentials ({}).", status.as_u16()),
        )
        .fix("The operator must check the server's auth in the configuration."),
        Disposition::Gone => session_gone(),
        Disposition::NotAllowed => {
            Failure::method_not_allowed("POST", "This server does not let clients end sessions.")
                .fix("Nothing; just stop using the session.")
        }
        Disposition::NotMcp => {
            upstream("upstream_not_mcp", 502, "The server's answer is neither JSON nor an event stream.")
                .fix("The operator must check the server's url; it usually ends in /mcp.")
        }
        Disposition::Garbled => upstream("upstream_garbled", 502, "The server's answer says it is JSON and is not.")
            .fix("Try again; if it stays, tell whoever runs the server, with the request id."),
        Disposition::Relay | Disposition::Accepted | Disposition::ReadError => upstream_error(status, server),
    }
}

/// The server refuses what has only just been renewed: renewing again would go on for ever.
pub fn renewed_in_vain(status: StatusCode, server: &Server) -> Failure {
    let (name, status) = (&server.name, status.as_u16());
    upstream(
        "upstream_refuses_renewed",
        502,
        format!("{name} refused credentials that had just been renewed ({status})."),
    )
    .fix("Try again in a minute; if it stays, disconnect it at /connections and connect it again.")
}

/// The account that is connected may not do this, and no scope would change that.
pub fn forbidden(server: &Server) -> Failure {
    let message = format!("{} does not allow this to the account that is connected.", server.name);
    upstream("upstream_forbidden", 502, message)
        .fix("Ask whoever runs it for access, or connect another account at /connections.")
}

/// A `requestState` of the gateway's that is not for this request, this person or this time.
pub fn request_state_unfit() -> Failure {
    Failure::client(400, "request_state_unfit", "The requestState is not for this request, or it has expired.")
        .rpc(Code::InvalidParams)
        .fix("Send the request again without requestState and inputResponses.")
}

/// A slug that names no server.
pub fn no_such_server(slug: &str) -> Failure {
    Failure::client(404, "no_such_server", format!("There is no such server: {slug:?}."))
        .fix("Check the slug; the page at / lists the servers and their URLs.")
        .slug(slug)
}

/// The place of the servers, and none of them.
pub fn slug_missing<P: Platform>(context: &RequestContext<'_, P>) -> Failure {
    Failure::client(404, "slug_missing", "This address names no server.").fix(format!(
        "Use the address of one server: {} and its slug. The page at / lists the servers and their URLs.",
        context.url(route::SERVERS)
    ))
}

/// An address with slashes at its end that are not part of it.
pub fn trailing_slash<P: Platform>(context: &RequestContext<'_, P>, bare: &str) -> Failure {
    Failure::client(404, "trailing_slash", "This address has no slash at its end.")
        .fix(format!("Use {}.", context.here(bare)))
        .way_on("Go there", bare)
}

/// A path that a server's own host does not have. What people and clients look for is at the gateway's own origin.
pub fn not_at_host<P: Platform>(context: &RequestContext<'_, P>, path: &str) -> Failure {
    let there = context.url(path);
    Failure::client(404, "not_at_this_host", "This host is one MCP server's: it is at /mcp, and nothing else is here.")
        .fix(format!(
            "What this gateway has at this path is at {there}; clients authorize at {}.",
            context.origin.as_str()
        ))
        .way_on("Go there", there)
}

/// A server that no person connects with an account of their own.
pub fn not_personal(server: &Server) -> Failure {
    Failure::client(404, "server_not_personal", "Nobody connects this server with an account of their own.")
        .fix("Use it from your client as it is; if it wants authorization, that is the operator's to arrange.")
        .slug(server.slug.as_str())
}

fn upstream(reason: &'static str, status: u16, message: impl Into<String>) -> Failure {
    Failure::new(Blame::Upstream, status, reason, message)
}
