//! The authorization request (OAuth 2.1 §4.1.1), read in stages so that redirecting an error to an unproven address
//! cannot be written down.
//!
//! 1. [`ClientQuery::parse`]: who asks, and where to answer. A failure is shown locally.
//! 2. [`ClientQuery::for_client`]: the redirect URI is this client's. A failure is shown locally.
//! 3. [`Redirectable::parse`]: everything else. A failure goes back to the client.
//!
//! Not here: what a failure says (`authorization_error`), where answers go (`authorization_response`), looking the
//! client up.

use serde::{Deserialize, Serialize};

use super::error::{LocalError, RedirectError};
use super::prompt::Prompt;
use super::response;
use crate::oauth::client::redirect::RedirectUri;
use crate::oauth::client::{Client, Refreshing};
use crate::oauth::error::ErrorCode;
use crate::oauth::pkce::S256Challenge;
use crate::oauth::resource;
use crate::oauth::scope::ScopeSet;
use crate::secret::Digested;
use crate::web::form;
use crate::web::form::Form;

#[cfg(test)]
mod tests;

const LONGEST_QUERY: usize = 8192;
const LONGEST_STATE: usize = 2048;

/// A query of which only client and redirect URI are read yet. Nothing of it is proven.
#[derive(Debug)]
pub struct ClientQuery {
    /// `client_id`: look this client up.
    pub client_id: String,
    /// `redirect_uri`, if sent.
    pub redirect_uri: Option<String>,
    form: Form,
}

impl ClientQuery {
    /// Reads the query of the authorization endpoint, without its `?`.
    pub fn parse(query: &str) -> Result<Self, LocalError> {
        if query.len() > LONGEST_QUERY {
            return Err(LocalError::TooLong);
        }
        let form = form::parse(query.as_bytes()).map_err(LocalError::Malformed)?;
        let client_id = form.one("client_id").map_err(LocalError::Malformed)?.ok_or(LocalError::MissingClientId)?;
        let redirect_uri = form.one("redirect_uri").map_err(LocalError::Malformed)?.map(str::to_owned);
        Ok(Self { client_id: client_id.to_owned(), redirect_uri, form })
    }

    /// Proves that the answer may go where the request says: a redirect URI of this client, or its only one (OAuth 2.1
    /// §4.1.2.1 forbids to redirect otherwise).
    pub fn for_client(self, client: &Client) -> Result<Redirectable, LocalError> {
        if client.id != self.client_id {
            return Err(LocalError::UnknownClient);
        }
        let named = self.redirect_uri.is_some();
        let redirect = match (self.redirect_uri, client.redirect_uris.as_slice()) {
            (Some(requested), uris) => uris
                .iter()
                .find(|uri| uri.accepts(&requested))
                .and_then(|_| RedirectUri::named(&requested).ok())
                .ok_or_else(|| LocalError::UnregisteredRedirect {
                    requested,
                    // What the operator wrote is shown to nobody: whoever opens the page is a stranger to the operator.
                    registered: (!client.is_preregistered())
                        .then(|| uris.iter().map(|uri| uri.as_str().to_owned()).collect()),
                })?,
            (None, [only]) => only.clone(),
            (None, _) => return Err(LocalError::MissingRedirect),
        };
        Ok(Redirectable {
            client_id: self.client_id,
            redirect,
            named,
            refreshing: client.refreshing(),
            dpop_bound: client.dpop_bound,
            confidential: client.authenticates(),
            form: self.form,
        })
    }
}

/// The servers a request may be for.
#[derive(Debug, Clone, Copy)]
pub struct KnownServers<'a> {
    /// By slug and canonical resource URL; a server that has several has them one after the other.
    pub all: &'a [(&'a str, &'a str)],
    /// Whether whoever reads a refusal may see which there are.
    pub listed: bool,
}

impl<'a> KnownServers<'a> {
    fn shown(&self) -> Option<&'a [(&'a str, &'a str)]> {
        self.listed.then_some(self.all)
    }
}

/// A request whose redirect URI is proven to be the client's: from here on errors go there.
#[derive(Debug)]
pub struct Redirectable {
    client_id: String,
    redirect: RedirectUri,
    named: bool,
    refreshing: Refreshing,
    dpop_bound: bool,
    confidential: bool,
    form: Form,
}

impl Redirectable {
    /// Reads the rest. `supported` are all scopes there are; `default_scope` is meant by a request without scope.
    pub fn parse(
        &self,
        issuer: &str,
        servers: &KnownServers<'_>,
        supported: &ScopeSet,
        default_scope: &ScopeSet,
    ) -> Result<AuthorizationRequest, RedirectError> {
        let state = self.one("state")?;
        if state.is_some_and(|state| state.len() > LONGEST_STATE) {
            return Err(RedirectError::request("state is longer than 2048 bytes"));
        }
        for parameter in ["request", "request_uri"] {
            if self.form.has(parameter) {
                return Err(RedirectError::request(&format!("{parameter} is not supported: send plain parameters")));
            }
        }
        match self.one("response_type")? {
            Some("code") => {}
            Some(_) => {
                return Err(RedirectError::new(ErrorCode::UnsupportedResponseType, "response_type has to be code"));
            }
            None => return Err(RedirectError::request("response_type is missing: it has to be code")),
        }
        if self.one("response_mode")?.is_some_and(|mode| mode != "query") {
            return Err(RedirectError::request("response_mode has to be query"));
        }
        let challenge = self.challenge()?;
        let scope = self.scope(supported, default_scope)?;
        let (slug, resource) = self.resource(issuer, servers)?;
        let prompt = self.prompt()?;
        Ok(AuthorizationRequest {
            client_id: self.client_id.clone(),
            redirect: self.redirect.clone(),
            state: state.map(str::to_owned),
            challenge,
            scope,
            resource: resource.to_owned(),
            slug: slug.to_owned(),
            prompt_consent: prompt.consent,
            dpop_jkt: self.key()?,
            dpop_bound: self.dpop_bound,
            confidential: self.confidential,
        })
    }

    /// How the client wants the person to be asked. Apart from the request, which waits for the answer: what is done is
    /// not asked again.
    pub fn prompt(&self) -> Result<Prompt, RedirectError> {
        let text = self.one("prompt")?.unwrap_or_default();
        Prompt::parse(text).map_err(|error| RedirectError::request(&error.to_string()))
    }

    /// Where to send the browser with an error: exactly one each of `error`, `error_description`, `state` and `iss`. A
    /// state that was sent twice, or is too long, is not echoed.
    pub fn error_location(&self, issuer: &str, error: &RedirectError) -> String {
        let state = self.one("state").ok().flatten().filter(|state| state.len() <= LONGEST_STATE);
        response::error_location(&self.redirect, issuer, state, error)
    }

    /// The proven redirect URI.
    pub fn redirect(&self) -> &RedirectUri {
        &self.redirect
    }

    /// The same where the request itself named it: to show it then tells nobody anything new.
    pub fn named_redirect(&self) -> Option<&RedirectUri> {
        self.named.then_some(&self.redirect)
    }

    /// PKCE is for every client, and S256 the only method: without a method `plain` is meant (RFC 7636 §4.3).
    fn challenge(&self) -> Result<S256Challenge, RedirectError> {
        let challenge = self
            .one("code_challenge")?
            .ok_or_else(|| RedirectError::request("code_challenge is missing: PKCE with S256 is required"))?;
        if self.one("code_challenge_method")? != Some("S256") {
            return Err(RedirectError::request("code_challenge_method has to be S256"));
        }
        S256Challenge::parse(challenge).map_err(|error| RedirectError::request(&error.to_string()))
    }

    fn key(&self) -> Result<Option<String>, RedirectError> {
        match self.one("dpop_jkt")? {
            Some(key) if !Digested::is_one(key) => {
                Err(RedirectError::request("dpop_jkt has to be the SHA-256 thumbprint of a key"))
            }
            key => Ok(key.map(str::to_owned)),
        }
    }

    /// Scopes we do not have are left out, as OAuth 2.1 §1.4.1 allows, because clients ask for `openid` and the like.
    /// So is `offline_access` of a client that did not register to refresh.
    fn scope(&self, supported: &ScopeSet, default_scope: &ScopeSet) -> Result<ScopeSet, RedirectError> {
        let invalid = |description: &str| RedirectError::new(ErrorCode::InvalidScope, description);
        let asked =
            ScopeSet::parse(self.one("scope")?.unwrap_or_default()).map_err(|error| invalid(&error.to_string()))?;
        let wanted = if asked.is_empty() { default_scope.clone() } else { asked.intersection(supported) };
        let granted = match self.refreshing {
            Refreshing::Never => wanted.without(ScopeSet::OFFLINE_ACCESS),
            Refreshing::ByScope => wanted,
            Refreshing::ByGrantType => wanted.union(&ScopeSet::of(&[ScopeSet::OFFLINE_ACCESS]).intersection(supported)),
        };
        if granted.is_empty() && !asked.is_empty() {
            return Err(invalid(&format!("none of the requested scopes exists here; there are: {supported}")));
        }
        Ok(granted)
    }

    /// One server per grant, because its URL becomes the one audience of the tokens (RFC 8707 §2).
    fn resource<'a>(&self, issuer: &str, servers: &KnownServers<'a>) -> Result<(&'a str, &'a str), RedirectError> {
        let mut asked = self.form.all("resource").into_iter();
        let Some(first) = asked.next() else {
            return match servers.all {
                [only, forms @ ..] if forms.iter().all(|(slug, _)| *slug == only.0) => Ok(*only),
                _ => Err(RedirectError::ambiguous_target(servers.shown())),
            };
        };
        if asked.any(|other| !resource::same(first, other)) {
            return Err(RedirectError::new(
                ErrorCode::InvalidTarget,
                "resource names several servers: ask for one at a time",
            ));
        }
        let found = servers.all.iter().find(|(_, known)| resource::same(known, first));
        found.copied().ok_or_else(|| RedirectError::unknown_target(first, issuer, servers.shown()))
    }

    fn one(&self, name: &str) -> Result<Option<&str>, RedirectError> {
        self.form.one(name).map_err(|error| RedirectError::request(&error.to_string()))
    }
}

/// A request in which everything is proven. It waits, sealed, for login and consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: String,
    /// Where the answer goes, as the request wrote it.
    pub redirect: RedirectUri,
    /// Echoed as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// What the code's redeemer has to know.
    pub challenge: S256Challenge,
    /// What is asked for; all of it exists.
    pub scope: ScopeSet,
    /// The server's canonical resource URL.
    pub resource: String,
    /// The server.
    pub slug: String,
    /// Whether the client wants the person to be asked again (`prompt=consent`).
    pub prompt_consent: bool,
    /// The key that the code shall be for (RFC 9449 §10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// Whether the client wants no access token without a key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dpop_bound: bool,
    /// Whether the client has a secret or keys.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confidential: bool,
}

impl AuthorizationRequest {
    /// Where to send the browser with the code.
    pub fn success_location(&self, issuer: &str, code: &str) -> String {
        response::success_location(&self.redirect, issuer, self.state.as_deref(), code)
    }

    /// Where to send the browser when consent is refused or we fail.
    pub fn error_location(&self, issuer: &str, error: &RedirectError) -> String {
        response::error_location(&self.redirect, issuer, self.state.as_deref(), error)
    }
}
