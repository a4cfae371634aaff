//! What a call authenticates with at its server: what the operator wrote down, or the caller's connection, renewed where that is due.
//!
//! Not here: connecting (a browser's business), and what a client is told meanwhile (`mcp::connect_signal`).

use http::{HeaderName, HeaderValue};

use super::{Site, refusal, secret_missing};
use crate::config::{Auth, Server, Value};
use crate::failure::Failure;
use crate::mcp::connect_signal::State;
use crate::oauth::access_token::Claims;
use crate::ports::Platform;
use crate::secret::Secret;
use crate::upstream;
use crate::upstream::challenge::Challenge;

/// What a call is sent with.
pub enum Credential {
    /// These headers.
    Ready {
        /// All that the gateway writes itself.
        headers: Vec<(HeaderName, HeaderValue)>,
        /// Which generation of the connection they are of; `None` where there is nothing to renew.
        seen: Option<u64>,
    },
    /// Somebody must connect first.
    Needed(Need),
}

/// What connecting needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Who must do what.
    pub state: State,
    /// The stable code of why.
    pub reason: &'static str,
    /// The scope to ask for, where the server or an earlier connection says so.
    pub scope: Option<String>,
}

/// The credential of a caller at a server.
pub async fn credential<P: Platform>(
    site: &Site<'_, P>,
    server: &Server,
    _claims: &Claims,
) -> Result<Credential, Failure> {
    if server.is_personal() || server.is_connected_by_operator() {
        return Ok(needed(server));
    }
    Ok(Credential::Ready { headers: own_headers(site, server)?, seen: None })
}

/// The credential after the server refused the one of generation `seen`.
pub async fn renew<P: Platform>(
    _site: &Site<'_, P>,
    server: &Server,
    _claims: &Claims,
    _seen: u64,
    challenge: Option<&Challenge>,
) -> Result<Credential, Failure> {
    Ok(match needed(server) {
        Credential::Needed(need) => {
            Credential::Needed(Need { scope: challenge.and_then(|challenge| challenge.scope.clone()), ..need })
        }
        ready @ Credential::Ready { .. } => ready,
    })
}

fn needed(server: &Server) -> Credential {
    let state = if server.is_connected_by_operator() { State::AdminConnectRequired } else { State::Authenticating };
    Credential::Needed(Need { state, reason: state.reason(), scope: None })
}

/// The headers that are the same for everybody.
fn own_headers<P: Platform>(site: &Site<'_, P>, server: &Server) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    let Auth::Headers(headers) = &server.auth else { return Ok(Vec::new()) };
    let header = |(name, value): &(String, Value)| {
        let value = match value {
            Value::Person { .. } => return Ok(None),
            Value::Literal(text) => Secret::new(text),
            Value::Secret(secret) => site
                .platform
                .secret(secret.as_str())
                .ok_or_else(|| secret_missing("upstream_secret_missing", secret, "this server needs"))?,
        };
        let header = upstream::headers::header(name, &value);
        header.map(Some).map_err(|error| refusal::header_unfit(name, &error))
    };
    headers.iter().filter_map(|own| header(own).transpose()).collect()
}
