//! The kind `oauth`: whose connection it is, when it is made, and what may be said about the authorization server.
//!
//! Not here: the client itself (`client`), discovery of whatever is left out (`upstream`).

use crate::config::document::{ConnectTime, OAuthDocument};
use crate::config::report::{Pointer, Report};
use crate::config::{origin, text};
use crate::oauth_client::issuer_identifier;

use super::client;
use super::client::ConfiguredClient;

/// A connection by the authorization code grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth {
    /// Whether an operator connects once for everybody; otherwise each person does.
    pub shared: bool,
    /// When a person is asked to connect.
    pub connect: ConnectTime,
    /// The scope to ask for, verbatim.
    pub scope: Option<String>,
    /// The only issuer to connect at, verbatim.
    pub issuer: Option<String>,
    /// Whether the issuer is told what the tokens are for (RFC 8707).
    pub send_resource: bool,
    /// The client that was registered beforehand.
    pub client: Option<ConfiguredClient>,
}

impl OAuth {
    /// Whether a connection made at this issuer is still one the operator wants. Asked of a stored connection instead
    /// of naming the issuer in what it fits: pinning the issuer that everybody has connected at must strand nobody.
    pub fn admits_issuer(&self, issuer: &str) -> bool {
        self.issuer.as_deref().is_none_or(|only| issuer_identifier::same(only, issuer))
    }
}

pub(super) fn prove(document: OAuthDocument, at: &Pointer, report: &mut Report) -> Option<OAuth> {
    let OAuthDocument { shared, connect, scope, issuer, send_resource, client } = document;
    if shared && connect.is_some() {
        let problem = "has no meaning here: an operator connects this server for everybody";
        report.add(&at.child("connect"), problem, "remove connect, or shared");
    }
    let scope = scope.and_then(|scope| report.check(&at.child("scope"), text::scope(scope)));
    // A mistake in the issuer is reported as such, not once more by what depends on having one.
    let has_issuer = issuer.is_some() || report.has_within(&at.child("issuer"));
    let issuer = issuer.and_then(|issuer| report.check(&at.child("issuer"), origin::issuer(issuer)));
    let client = match client {
        Some(document) => Some(client::prove(document, has_issuer, &at.child("client"), report)?),
        None => None,
    };
    let send_resource = send_resource.unwrap_or(true);
    let has_endpoints = client.as_ref().is_some_and(|client| client.token_endpoint.is_some());
    if !send_resource && !has_issuer && !has_endpoints {
        report.add(
            &at.child("send_resource"),
            "would let the upstream name any authorization server, and get tokens that are good elsewhere",
            "write the authorization server's issuer beside it, or both endpoints in client",
        );
    }
    Some(OAuth { shared, connect: connect.unwrap_or_default(), scope, issuer, send_resource, client })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::tests::{auth_errors, auth_of, pointers_of};
    use crate::config::{Auth, ConnectTime};

    #[test]
    fn everything_but_the_kind_can_be_left_out() {
        let Auth::OAuth(oauth) = auth_of(&json!({"kind": "oauth"})) else { panic!() };
        assert_eq!(
            (oauth.shared, oauth.connect, oauth.scope, oauth.issuer),
            (false, ConnectTime::Authorization, None, None)
        );
        assert_eq!(oauth.client, None);
        let Auth::OAuth(oauth) = auth_of(&json!({"kind": "oauth", "connect": "first_call"})) else { panic!() };
        assert_eq!(oauth.connect, ConnectTime::FirstCall);
        let Auth::OAuth(oauth) = auth_of(&json!({"kind": "oauth", "shared": true})) else { panic!() };
        assert!(oauth.shared);
    }

    #[test]
    fn the_scope_is_kept_exactly_and_is_one() {
        let scope = "write read  write".replace("  ", " ");
        let Auth::OAuth(oauth) = auth_of(&json!({"kind": "oauth", "scope": scope})) else { panic!() };
        assert_eq!(oauth.scope.as_deref(), Some("write read write"));
        for scope in ["", " read", "read ", "read  write", "a\"b", "a\\b", "lesen_ä", "a\tb"] {
            let errors = auth_errors(&json!({"kind": "oauth", "scope": scope}));
            assert_eq!(pointers_of(&errors), ["/servers/docs/auth/scope"], "{scope:?}: {errors}");
        }
    }

    #[test]
    fn the_issuer_is_kept_exactly_and_is_one() {
        let Auth::OAuth(oauth) = auth_of(&json!({"kind": "oauth", "issuer": "https://id.example.com/"})) else {
            panic!()
        };
        assert_eq!(oauth.issuer.as_deref(), Some("https://id.example.com/"));
        // With or without its slash a bare origin is the same issuer, as in discovery.
        assert!(oauth.admits_issuer("https://id.example.com/") && oauth.admits_issuer("https://id.example.com"));
        assert!(!oauth.admits_issuer("https://id.example.com/tenant") && !oauth.admits_issuer("https://other.example"));
        for issuer in
            ["id.example.com", "http://id.example.com", "https://id.example.com/?x", "https://id.example.com/#x"]
        {
            let errors = auth_errors(&json!({"kind": "oauth", "issuer": issuer}));
            assert_eq!(pointers_of(&errors), ["/servers/docs/auth/issuer"], "{errors}");
        }
    }

    #[test]
    fn a_resource_is_kept_back_only_from_an_issuer_that_the_operator_named() {
        let Auth::OAuth(oauth) = auth_of(&json!({"kind": "oauth"})) else { panic!() };
        assert!(oauth.send_resource);
        let named = json!({"kind": "oauth", "issuer": "https://id.example.com", "send_resource": false});
        let Auth::OAuth(oauth) = auth_of(&named) else { panic!() };
        assert!(!oauth.send_resource);
        let errors = auth_errors(&json!({"kind": "oauth", "send_resource": false}));
        assert_eq!(pointers_of(&errors), ["/servers/docs/auth/send_resource"], "{errors}");
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let errors = auth_errors(&json!({"kind": "oauth", "shared": true, "connect": "first_call"}));
        assert_eq!(pointers_of(&errors), ["/servers/docs/auth/connect"], "{errors}");
        assert!(errors.to_string().contains("no meaning"), "{errors}");
        let errors = auth_errors(&json!({"kind": "oauth", "connect": "never", "shared": "yes", "audience": "x"}));
        let expected = ["audience", "connect", "shared"].map(|field| format!("/servers/docs/auth/{field}"));
        assert_eq!(pointers_of(&errors), expected, "{errors}");
    }
}
