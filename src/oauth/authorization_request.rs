//! The authorization request (OAuth 2.1 §4.1.1), read in stages so that redirecting an error to an unproven address cannot be
//! written down.
//!
//! 1. [`ClientQuery::parse`]: who asks, and where to answer. A failure is shown locally.
//! 2. [`ClientQuery::for_client`]: the redirect URI is this client's. A failure is shown locally.
//! 3. [`Redirectable::parse`]: everything else. A failure goes back to the client.
//!
//! Not here: what a failure says (`authorization_error`), where answers go (`authorization_response`), looking the client up.

use serde::{Deserialize, Serialize};

use crate::oauth::authorization_error::{LocalError, RedirectError};
use crate::oauth::authorization_response;
use crate::oauth::client::Client;
use crate::oauth::error::ErrorCode;
use crate::oauth::form::{self, Form};
use crate::oauth::pkce::S256Challenge;
use crate::oauth::redirect::RedirectUri;
use crate::oauth::resource;
use crate::oauth::scope::ScopeSet;

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
            return Err(LocalError::UnknownClient { client_id: self.client_id });
        }
        let registered = || client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect();
        let redirect = match (self.redirect_uri, client.redirect_uris.as_slice()) {
            (Some(requested), uris) => uris
                .iter()
                .find(|uri| uri.accepts(&requested))
                .and_then(|_| RedirectUri::named(&requested).ok())
                .ok_or_else(|| LocalError::UnregisteredRedirect { requested, registered: registered() })?,
            (None, [only]) => only.clone(),
            (None, _) => return Err(LocalError::MissingRedirect { registered: registered() }),
        };
        Ok(Redirectable { client_id: self.client_id, redirect, may_refresh: client.may_refresh(), form: self.form })
    }
}

/// A request whose redirect URI is proven to be the client's: from here on errors go there.
#[derive(Debug)]
pub struct Redirectable {
    client_id: String,
    redirect: RedirectUri,
    may_refresh: bool,
    form: Form,
}

impl Redirectable {
    /// Reads the rest. `resources` are the servers by slug and canonical resource URL; `supported` are all scopes there are;
    /// `default_scope` is meant by a request without scope.
    pub fn parse(
        &self,
        issuer: &str,
        resources: &[(&str, &str)],
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
        let (slug, resource) = self.resource(issuer, resources)?;
        let prompt = self.one("prompt")?.unwrap_or_default();
        Ok(AuthorizationRequest {
            client_id: self.client_id.clone(),
            redirect: self.redirect.clone(),
            state: state.map(str::to_owned),
            challenge,
            scope,
            resource: resource.to_owned(),
            slug: slug.to_owned(),
            prompt_consent: prompt.split(' ').any(|prompt| prompt == "consent"),
        })
    }

    /// Where to send the browser with an error: exactly one each of `error`, `error_description`, `state` and `iss`. A state
    /// that was sent twice, or is too long, is not echoed.
    pub fn error_location(&self, issuer: &str, error: &RedirectError) -> String {
        let state = self.one("state").ok().flatten().filter(|state| state.len() <= LONGEST_STATE);
        authorization_response::error_location(&self.redirect, issuer, state, error)
    }

    /// The proven redirect URI, for a page that shows where an error would go.
    pub fn redirect(&self) -> &RedirectUri {
        &self.redirect
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

    /// Scopes we do not have are left out, as OAuth 2.1 §1.4.1 allows, because clients ask for `openid` and the like. So is
    /// `offline_access` of a client that did not register to refresh.
    fn scope(&self, supported: &ScopeSet, default_scope: &ScopeSet) -> Result<ScopeSet, RedirectError> {
        let invalid = |description: &str| RedirectError::new(ErrorCode::InvalidScope, description);
        let asked =
            ScopeSet::parse(self.one("scope")?.unwrap_or_default()).map_err(|error| invalid(&error.to_string()))?;
        let wanted = if asked.is_empty() { default_scope.clone() } else { asked.intersection(supported) };
        let granted = if self.may_refresh { wanted } else { wanted.without(ScopeSet::OFFLINE_ACCESS) };
        if granted.is_empty() && !asked.is_empty() {
            return Err(invalid(&format!("none of the requested scopes exists here; there are: {supported}")));
        }
        Ok(granted)
    }

    /// One server per grant, because its URL becomes the one audience of the tokens (RFC 8707 §2).
    fn resource<'a>(
        &self,
        issuer: &str,
        resources: &[(&'a str, &'a str)],
    ) -> Result<(&'a str, &'a str), RedirectError> {
        let mut asked = self.form.all("resource").into_iter();
        let Some(first) = asked.next() else {
            return match resources {
                [only] => Ok(*only),
                _ => Err(RedirectError::ambiguous_target(resources)),
            };
        };
        if asked.any(|other| !resource::same(first, other)) {
            return Err(RedirectError::new(
                ErrorCode::InvalidTarget,
                "resource names several servers: ask for one at a time",
            ));
        }
        let found = resources.iter().find(|(_, known)| resource::same(known, first));
        found.copied().ok_or_else(|| RedirectError::unknown_target(first, issuer, resources))
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::oauth::client::{Authentication, GrantType, Origin};

    const ISSUER: &str = "https://gw.example";
    const DOCS: (&str, &str) = ("docs", "https://gw.example/v1/mcp/docs");
    const LINEAR: (&str, &str) = ("linear", "https://gw.example/v1/mcp/linear");
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn client(uris: &[&str]) -> Client {
        Client {
            id: "c".to_owned(),
            name: None,
            redirect_uris: uris.iter().map(|uri| RedirectUri::parse(uri).unwrap()).collect(),
            authentication: Authentication::None,
            origin: Origin::Registered,
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        }
    }

    /// A good request, with parameters replaced (`Some`), repeated or left out (`None`).
    fn query(changes: &[(&str, Option<&str>)]) -> String {
        let good = [
            ("client_id", "c"),
            ("redirect_uri", "https://a.example/cb?x=1"),
            ("response_type", "code"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "a b&c=\u{e9}"),
            ("scope", "mcp:tools offline_access"),
            ("resource", DOCS.1),
        ];
        let kept = good.into_iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        let replaced = changes.iter().filter_map(|(name, value)| value.map(|value| (*name, value)));
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept.chain(replaced)).finish()
    }

    fn redirectable(query: &str) -> Redirectable {
        let client = client(&["https://a.example/cb?x=1", "http://localhost/cb"]);
        ClientQuery::parse(query).unwrap().for_client(&client).unwrap()
    }

    fn read(query: &str) -> Result<AuthorizationRequest, RedirectError> {
        let supported = ScopeSet::parse("mcp:tools offline_access").unwrap();
        let default_scope = ScopeSet::parse("mcp:tools").unwrap();
        redirectable(query).parse(ISSUER, &[DOCS, LINEAR], &supported, &default_scope)
    }

    fn parameters(location: &str) -> Vec<(String, String)> {
        Url::parse(location).unwrap().query_pairs().into_owned().collect()
    }

    #[test]
    fn nothing_is_redirected_before_client_and_redirect_uri_are_proven() {
        let parse = |query: &str| ClientQuery::parse(query).unwrap_err();
        assert_eq!(parse(&query(&[("client_id", None)])), LocalError::MissingClientId);
        assert_eq!(parse(&format!("{}&pad={}", query(&[]), "a".repeat(8192))), LocalError::TooLong);
        assert!(matches!(parse("client_id=c&state=%zz"), LocalError::Malformed(_)));
        for twice in ["client_id=c", "redirect_uri=https://a.example/cb"] {
            assert!(matches!(parse(&format!("{}&{twice}", query(&[]))), LocalError::Malformed(_)), "{twice}");
        }
        let two = client(&["https://a.example/cb", "https://b.example/cb"]);
        let registered = vec!["https://a.example/cb".to_owned(), "https://b.example/cb".to_owned()];
        let prove = |changes: &[(&str, Option<&str>)], client| {
            ClientQuery::parse(&query(changes)).unwrap().for_client(client).unwrap_err()
        };
        assert_eq!(prove(&[("client_id", Some("d"))], &two), LocalError::UnknownClient { client_id: "d".to_owned() });
        for requested in
            ["https://a.example/cb/", "https://evil.example/cb", "javascript:alert(1)", "https://a.example/cb?code=x"]
        {
            let error =
                LocalError::UnregisteredRedirect { requested: requested.to_owned(), registered: registered.clone() };
            assert_eq!(prove(&[("redirect_uri", Some(requested))], &two), error);
        }
        assert_eq!(prove(&[("redirect_uri", None)], &two), LocalError::MissingRedirect { registered });
    }

    #[test]
    fn the_redirect_uri_is_the_requested_one_or_the_only_one() {
        let supported = ScopeSet::parse("mcp:tools").unwrap();
        for (uris, sent, used) in [
            (
                &["http://localhost/cb", "https://a.example/cb"][..],
                Some("http://localhost:3118/cb"),
                "http://localhost:3118/cb",
            ),
            (&["https://a.example/cb"], None, "https://a.example/cb"),
        ] {
            let query = ClientQuery::parse(&query(&[("redirect_uri", sent)])).unwrap();
            let request =
                query.for_client(&client(uris)).unwrap().parse(ISSUER, &[DOCS], &supported, &supported).unwrap();
            assert_eq!(request.redirect.as_str(), used);
        }
    }

    #[test]
    fn each_rule_has_its_error_and_it_goes_back_with_state_and_issuer() {
        use ErrorCode as E;
        let long = "s".repeat(2049);
        let verifier = "v".repeat(64);
        for (changes, error, says) in [
            (&[("response_type", None)][..], E::InvalidRequest, "response_type is missing"),
            (&[("response_type", Some("token"))], E::UnsupportedResponseType, "code"),
            (&[("response_type", Some("code")), ("response_type", Some("code"))], E::InvalidRequest, "more than once"),
            (&[("response_mode", Some("fragment"))], E::InvalidRequest, "query"),
            (&[("request", Some("x"))], E::InvalidRequest, "request is not supported"),
            (&[("request_uri", Some("https://a.example/r"))], E::InvalidRequest, "request_uri is not supported"),
            (&[("code_challenge", None)], E::InvalidRequest, "PKCE"),
            (&[("code_challenge", None), ("code_challenge_method", None)], E::InvalidRequest, "PKCE"),
            (&[("code_challenge_method", None)], E::InvalidRequest, "S256"),
            (&[("code_challenge_method", Some("plain"))], E::InvalidRequest, "S256"),
            (&[("code_challenge", Some(&verifier))], E::InvalidRequest, "43 characters"),
            (
                &[("code_challenge", Some(CHALLENGE)), ("code_challenge", Some(CHALLENGE))],
                E::InvalidRequest,
                "more than once",
            ),
            (&[("state", Some(&long))], E::InvalidRequest, "state"),
            (&[("state", Some("a")), ("state", Some("b"))], E::InvalidRequest, "more than once"),
            (&[("scope", Some("openid profile"))], E::InvalidScope, "mcp:tools"),
            (&[("scope", Some("a\"b"))], E::InvalidScope, "character"),
            (&[("scope", Some("a")), ("scope", Some("b"))], E::InvalidRequest, "more than once"),
            (&[("resource", None)], E::InvalidTarget, LINEAR.1),
            (&[("resource", Some("https://gw.example/v1/mcp/x"))], E::InvalidTarget, "no server here"),
            (&[("resource", Some("https://old.example/v1/mcp/docs"))], E::InvalidTarget, "remove the server"),
            (&[("resource", Some("/v1/mcp/docs"))], E::InvalidTarget, "no server here"),
            (&[("resource", Some(&format!("{}#x", DOCS.1)))], E::InvalidTarget, "no server here"),
            (&[("resource", Some(DOCS.1)), ("resource", Some(LINEAR.1))], E::InvalidTarget, "one at a time"),
        ] {
            let query = query(changes);
            let failed = read(&query).unwrap_err();
            assert!(failed.error == error && failed.description().contains(says), "{changes:?} {failed:?}");
            let told = parameters(&redirectable(&query).error_location(ISSUER, &failed));
            for (name, times) in [("error", 1), ("iss", 1), ("code", 0)] {
                assert_eq!(told.iter().filter(|(held, _)| held == name).count(), times, "{changes:?} {told:?}");
            }
            let echoed = told.iter().filter(|(name, _)| name == "state").count();
            assert_eq!(echoed, usize::from(!changes.iter().any(|(name, _)| *name == "state")), "{told:?}");
        }
    }

    #[test]
    fn scope_is_what_exists_and_the_client_may_have() {
        let scope = |sent| read(&query(&[("scope", sent)])).unwrap().scope.to_string();
        assert_eq!(scope(Some("openid mcp:tools email")), "mcp:tools");
        assert_eq!((scope(None), scope(Some(""))), ("mcp:tools".to_owned(), "mcp:tools".to_owned()));
        let mut cannot_refresh = redirectable(&query(&[]));
        cannot_refresh.may_refresh = false;
        let all = ScopeSet::parse("mcp:tools offline_access").unwrap();
        assert_eq!(cannot_refresh.parse(ISSUER, &[DOCS], &all, &all).unwrap().scope.to_string(), "mcp:tools");
    }

    #[test]
    fn resource_is_found_in_every_spelling_and_may_repeat_itself() {
        let upper = "HTTPS://GW.example/v1/mcp/docs/";
        assert_eq!(read(&query(&[("resource", Some(upper)), ("resource", Some(DOCS.1))])).unwrap().resource, DOCS.1);
        let only = redirectable(&query(&[("resource", None)]));
        let scopes = ScopeSet::parse("mcp:tools").unwrap();
        assert_eq!(only.parse(ISSUER, &[LINEAR], &scopes, &scopes).unwrap().slug, "linear");
        assert_eq!(only.parse(ISSUER, &[], &scopes, &scopes).unwrap_err().error, ErrorCode::InvalidTarget);
    }

    #[test]
    fn a_good_request_reads_into_these_sealed_bytes() {
        let request = read(&query(&[("prompt", Some("login consent"))])).unwrap();
        let golden = concat!(
            r#"{"client_id":"c","redirect":"https://a.example/cb?x=1","state":"a b&c=é","#,
            r#""challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","scope":"mcp:tools offline_access","#,
            r#""resource":"https://gw.example/v1/mcp/docs","slug":"docs","prompt_consent":true}"#,
        );
        assert_eq!(serde_json::to_string(&request).unwrap(), golden);
        assert_eq!(serde_json::from_str::<AuthorizationRequest>(golden).unwrap(), request);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_query_reads_or_is_refused(tail in "[ -~]{0,60}") {
            let scopes = ScopeSet::parse("mcp:tools").unwrap();
            let _ = ClientQuery::parse(&tail);
            if let Ok(read) = ClientQuery::parse(&format!("{}&{tail}", query(&[]))) {
                let proven = read.for_client(&client(&["https://a.example/cb?x=1"])).unwrap();
                let _ = proven.parse(ISSUER, &[DOCS], &scopes, &scopes);
            }
        }
    }
}
