//! What the gateway authenticates with at a server, by kind.
//!
//! Not here: doing it (`upstream`, `flow`).

use super::document::AuthDocument;
use super::report::{Pointer, Report};
use super::secret_name::SecretName;

mod client;
mod headers;
mod oauth;

pub use client::{ConfiguredClient, MachineClient};
pub use headers::Value;
pub use oauth::OAuth;

/// How the gateway authenticates at a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// By headers: lower-case names, each once.
    Headers(Vec<(String, Value)>),
    /// By a connection that a person made, or an operator for everybody.
    OAuth(OAuth),
    /// By a token of the gateway's own.
    ClientCredentials(MachineClient),
}

impl Auth {
    pub(super) fn secret_names(&self) -> Vec<&SecretName> {
        match self {
            Self::None => Vec::new(),
            Self::Headers(headers) => headers.iter().filter_map(|(_, value)| value.secret_name()).collect(),
            Self::OAuth(oauth) => {
                oauth.client.as_ref().and_then(|client| client.client_secret.as_ref()).into_iter().collect()
            }
            Self::ClientCredentials(client) => vec![&client.client_secret],
        }
    }

    /// The part of [`super::Server::fits`] that the kind contributes: what a connection cannot outlive when it changes.
    pub(super) fn binding(&self) -> Vec<&str> {
        match self {
            Self::None => vec!["none"],
            Self::Headers(headers) => {
                let entered = headers.iter().filter(|(_, value)| matches!(value, Value::Person { .. }));
                std::iter::once("headers").chain(entered.map(|(name, _)| name.as_str())).collect()
            }
            Self::OAuth(_) => vec!["oauth"],
            Self::ClientCredentials(client) => client.binding(),
        }
    }
}

pub(super) fn prove(document: AuthDocument, at: &Pointer, report: &mut Report) -> Option<Auth> {
    match document {
        AuthDocument::None {} => Some(Auth::None),
        AuthDocument::Headers { headers } => headers::prove(headers, &at.child("headers"), report).map(Auth::Headers),
        AuthDocument::Oauth(document) => oauth::prove(document, at, report).map(Auth::OAuth),
        AuthDocument::ClientCredentials(document) => {
            client::prove_credentials(document, at, report).map(Auth::ClientCredentials)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::tests::refused_at;

    #[test]
    fn kinds_that_are_not_built_are_refused() {
        refused_at(
            "/servers/docs/auth/kind",
            "/servers/docs/auth",
            json!({"kind": "exchange"}),
            &["exchange", "\"none\", \"headers\", \"oauth\", \"client_credentials\""],
        );
    }
}
