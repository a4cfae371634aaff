//! The gateway as a client that an operator registered at an upstream's authorization server. Its secret is sent only
//! to places that the operator named.
//!
//! Not here: clients that are found out or registered on the way (`upstream`).

use url::Url;

use crate::config::clients::agree_on_method;
use crate::config::document::{ClientCredentialsDocument, UpstreamClientDocument};
use crate::config::origin::web_url;
use crate::config::report::{Complaint, Pointer, Report, shown};
use crate::config::secret_name::SecretName;
use crate::config::{origin, text};
use crate::oauth::authentication_method::AuthenticationMethod;

const CALLBACK: &str = "/oauth/upstream-callback";
const CLIENT_ID: &str = "write the id the authorization server gave to this gateway";

/// A client for the authorization code grant. What is absent comes from the authorization server's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredClient {
    /// Its id.
    pub client_id: String,
    /// Its secret; none for a public client.
    pub client_secret: Option<SecretName>,
    /// How the secret is sent.
    pub method: Option<AuthenticationMethod>,
    /// Where people are sent to.
    pub authorization_endpoint: Option<Url>,
    /// Where tokens come from.
    pub token_endpoint: Option<Url>,
    /// Where tokens are revoked.
    pub revocation_endpoint: Option<Url>,
    /// The redirect URI registered there, verbatim; otherwise the gateway's own.
    pub redirect_uri: Option<String>,
}

/// A client for the client credentials grant; it has an issuer or a token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineClient {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretName,
    /// How the secret is sent.
    pub method: Option<AuthenticationMethod>,
    /// The authorization server whose metadata names the token endpoint, verbatim.
    pub issuer: Option<String>,
    /// Where tokens come from; it goes before the metadata.
    pub token_endpoint: Option<Url>,
    /// The scope to ask for, verbatim.
    pub scope: Option<String>,
    /// The resource to ask for (RFC 8707), verbatim.
    pub resource: Option<String>,
}

impl MachineClient {
    /// Everything but the secret: a token costs one request, so it is not kept over a change of what it was asked for
    /// with.
    pub(super) fn binding(&self) -> Vec<&str> {
        let optional = [&self.issuer, &self.scope, &self.resource].map(|text| text.as_deref().unwrap_or_default());
        let endpoint = self.token_endpoint.as_ref().map(Url::as_str).unwrap_or_default();
        ["client_credentials", &self.client_id, endpoint].into_iter().chain(optional).collect()
    }
}

/// Proves a client for people's connections. `has_issuer` tells whether the operator named the authorization server.
pub(super) fn prove(
    document: UpstreamClientDocument,
    has_issuer: bool,
    at: &Pointer,
    report: &mut Report,
) -> Option<ConfiguredClient> {
    let UpstreamClientDocument { client_id, client_secret, token_endpoint_auth_method: method, .. } = document;
    let place = at.child("client_id");
    let client_id =
        report.require(&place, client_id, CLIENT_ID).and_then(|id| report.check(&place, text::client_id(id)));

    let written =
        |field: &str, value: &Option<String>, report: &Report| value.is_some() || report.has_within(&at.child(field));
    let authorizes = written("authorization_endpoint", &document.authorization_endpoint, report);
    let issues = written("token_endpoint", &document.token_endpoint, report);
    if !has_issuer && authorizes != issues {
        let missing = if issues { "authorization_endpoint" } else { "token_endpoint" };
        report.add(
            &at.child(missing),
            "is missing, and without an issuer there is no metadata to take it from",
            "write both endpoints, or the authorization server's issuer beside client",
        );
    } else if !has_issuer && !issues && client_secret.is_some() {
        report.add(
            &at.child("client_secret"),
            "would be sent to whichever authorization server the upstream names: a secret goes only where the operator \
             says",
            "write the authorization server's issuer beside client, or authorization_endpoint and token_endpoint",
        );
    }
    let mut endpoint =
        |field: &str, value: Option<String>| value.and_then(|text| report.check(&at.child(field), web_url(&text)));
    let authorization_endpoint = endpoint("authorization_endpoint", document.authorization_endpoint);
    let token_endpoint = endpoint("token_endpoint", document.token_endpoint);
    let revocation_endpoint = endpoint("revocation_endpoint", document.revocation_endpoint);

    agree_on_method(client_secret.is_some(), method, at, report);
    let client_secret = client_secret.and_then(|secret| SecretName::prove(secret, &at.child("client_secret"), report));
    let redirect_uri = document.redirect_uri;
    let redirect_uri = redirect_uri.and_then(|uri| report.check(&at.child("redirect_uri"), callback(uri)));
    Some(ConfiguredClient {
        client_id: client_id?,
        client_secret,
        method,
        authorization_endpoint,
        token_endpoint,
        revocation_endpoint,
        redirect_uri,
    })
}

/// Proves a client that acts for itself.
pub(super) fn prove_credentials(
    document: ClientCredentialsDocument,
    at: &Pointer,
    report: &mut Report,
) -> Option<MachineClient> {
    let ClientCredentialsDocument { issuer, token_endpoint, token_endpoint_auth_method: method, .. } = document;
    let place = at.child("client_id");
    let client_id = report.require(&place, document.client_id, CLIENT_ID);
    let client_id = client_id.and_then(|id| report.check(&place, text::client_id(id)));
    let place = at.child("client_secret");
    let secret = report.require(&place, document.client_secret, "write {\"secret\": \"NAME\"}");
    let client_secret = secret.and_then(|secret| SecretName::prove(secret, &place, report));
    if matches!(method, Some(AuthenticationMethod::None | AuthenticationMethod::PrivateKeyJwt)) {
        agree_on_method(true, method, at, report);
    }

    let place = at.child("token_endpoint");
    if issuer.is_none() && !report.has_within(&at.child("issuer")) {
        let fix = "write where tokens come from, or the authorization server's issuer: the secret goes only where the \
                   operator says, never where the upstream points";
        report.require(&place, token_endpoint.as_ref(), fix);
    }
    let token_endpoint = token_endpoint.and_then(|text| report.check(&place, web_url(&text)));
    let issuer = issuer.and_then(|issuer| report.check(&at.child("issuer"), origin::issuer(issuer)));
    let scope = document.scope.and_then(|scope| report.check(&at.child("scope"), text::scope(scope)));
    let resource = document.resource.and_then(|text| report.check(&at.child("resource"), resource(text)));
    Some(MachineClient {
        client_id: client_id?,
        client_secret: client_secret?,
        method,
        issuer,
        token_endpoint,
        scope,
        resource,
    })
}

fn callback(text: String) -> Result<String, Complaint> {
    let url = web_url(&text)?;
    if url.path() != CALLBACK || url.query().is_some() {
        let problem = format!("is {}, where this gateway takes no answers", shown(&text));
        let fix = format!("write the gateway's origin with {CALLBACK}, and register exactly that at the upstream");
        return Err(Complaint::new(problem, fix));
    }
    Ok(text)
}

/// RFC 8707 §2: an absolute URI without a fragment. Not necessarily a web address.
fn resource(text: String) -> Result<String, Complaint> {
    const LONGEST: usize = 2048;
    let legal = text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !legal || Url::parse(&text).is_err() {
        let problem = format!("is {}, which is not an absolute URI without a fragment", shown(&text));
        return Err(Complaint::new(problem, "write it as the authorization server knows it, scheme included"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
