//! Sending a person to somebody else's authorization server, and reading what they come back with (OAuth 2.1 §4.1).
//!
//! Not here: which scope to ask for (`scope`), what `state` holds (`state`), redeeming the code (`token`).

use url::Url;

use super::scope::OFFLINE_ACCESS;
use super::token::INVALID_TARGET;
use crate::oauth::pkce::S256Challenge;
use crate::reasons::{Noted, reasons};
use crate::secret::Secret;
use crate::untrusted::{Sent, presentable};
use crate::web::form;
use crate::web::form::Form;

/// What a person is sent to the issuer with.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The gateway's id there.
    pub client_id: &'a str,
    /// Where they come back to.
    pub redirect_uri: &'a str,
    /// Comes back with them.
    pub state: &'a Secret,
    /// Of the verifier that only the gateway knows.
    pub challenge: &'a S256Challenge,
    /// Which server the tokens are for, verbatim (RFC 8707 §2); left out where an operator said so.
    pub resource: Option<&'a str>,
    /// What they are asked to allow; left out where nothing says what.
    pub scope: Option<&'a str>,
}

/// Where the browser is sent.
pub fn url(endpoint: &Url, ask: &Ask<'_>) -> Url {
    let request = CodeRequest::new(endpoint, ask.client_id, ask.redirect_uri)
        .with("state", ask.state.expose())
        .challenged(ask.challenge.as_str());
    let request = if let Some(resource) = ask.resource { request.with("resource", resource) } else { request };
    let Some(scope) = ask.scope else { return request.url() };
    let request = request.with("scope", scope);
    if scope.split(' ').any(|token| token == OFFLINE_ACCESS) {
        // OpenID Connect Core §11: without it a provider ignores offline_access.
        return request.with("prompt", "consent").url();
    }
    request.url()
}

/// A request for a code, as the address that a browser is sent to. Its parameters come in the order in which they are
/// added.
pub struct CodeRequest(Url);

impl CodeRequest {
    /// What every one begins with (OAuth 2.1 §4.1.1).
    pub fn new(endpoint: &Url, client_id: &str, redirect_uri: &str) -> Self {
        let request = Self(endpoint.clone()).with("response_type", "code");
        request.with("client_id", client_id).with("redirect_uri", redirect_uri)
    }

    /// And this parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.query_pairs_mut().append_pair(name, value);
        self
    }

    /// And the challenge of a verifier that only the gateway knows (RFC 7636 §4.3).
    #[must_use]
    pub fn challenged(self, challenge: &str) -> Self {
        self.with("code_challenge", challenge).with("code_challenge_method", "S256")
    }

    /// As an address.
    pub fn url(self) -> Url {
        self.0
    }
}

/// The `state` that an answer claims to have. Proves nothing yet.
pub fn callback_state(query: &str) -> Option<Secret> {
    let form = form::parse(query.as_bytes()).ok()?;
    form.one("state").ok()?.map(Secret::new)
}

/// Whether it looks like an answer whose `state` was left out: RFC 6749 §4.1.2.1 demands it in errors as well.
pub fn lacks_state(query: &str) -> bool {
    form::parse(query.as_bytes()).is_ok_and(|form| !form.has("state") && (form.has("error") || form.has("code")))
}

/// The code of an answer whose state was opened. `issuer` and `iss_parameter` are what was recorded before the
/// redirect.
pub fn callback(query: &str, issuer: &str, iss_parameter: bool) -> Result<Secret, CallbackError> {
    let form = form::parse(query.as_bytes()).map_err(|_| CallbackError::Malformed)?;
    let sent = form.all("state").into_iter().map(Secret::new).fold(Sent::default(), |sent, state| sent.with(&state));
    code(|name| one(&form, name), issuer, iss_parameter, &sent)
}

/// The code of an answer, whoever was asked. `parameter` reads one of it, as strictly as who asked wants it, and `sent`
/// is what is not to be shown of it.
///
/// 1. `iss` is judged before anything else of the answer is looked at, its error included (MCP authorization,
///    "Authorization Response Validation"): compared character by character where sent, and missed where promised (RFC
///    9207 §2.4).
/// 2. An error ends the attempt (RFC 6749 §4.1.2.1).
/// 3. The code is taken as it is.
pub fn code<'a>(
    parameter: impl Fn(&str) -> Result<Option<&'a str>, CallbackError>,
    issuer: &str,
    iss_parameter: bool,
    sent: &Sent,
) -> Result<Secret, CallbackError> {
    // 1.
    match parameter("iss")? {
        Some(iss) if iss != issuer => return Err(CallbackError::of_other_issuer(issuer)),
        None if iss_parameter => return Err(CallbackError::IssuerMissing { expected: presentable(issuer) }),
        _ => {}
    }

    // 2.
    if let Some(error) = parameter("error")? {
        let description = parameter("error_description")?.map(|description| sent.presentable(description));
        return Err(match error {
            "access_denied" => CallbackError::Denied { description },
            "invalid_scope" => CallbackError::ScopeRefused { description },
            error => CallbackError::Refused { error: sent.presentable(error), description },
        });
    }

    // 3.
    let fits = |code: &&str| !code.is_empty() && code.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    parameter("code")?.filter(fits).map(Secret::new).ok_or(CallbackError::CodeMissing)
}

/// RFC 6749 §3.1: no parameter more than once.
fn one<'form>(form: &'form Form, name: &str) -> Result<Option<&'form str>, CallbackError> {
    form.one(name).map_err(|_| CallbackError::Malformed)
}

/// Why an answer ends the attempt. Foreign text in it is presentable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackError {
    /// The query is too long, not a form, or repeats a parameter.
    Malformed,
    /// It comes from another issuer than the person was sent to: a mix-up. Nothing else of it is shown.
    OtherIssuer {
        /// The one they were sent to.
        expected: String,
    },
    /// The issuer promises `iss`, and it is not there.
    IssuerMissing {
        /// The one they were sent to.
        expected: String,
    },
    /// The person allowed nothing, or the issuer denied it.
    Denied {
        /// The issuer's description.
        description: Option<String>,
    },
    /// The issuer does not have the scope that was sent.
    ScopeRefused {
        /// Its description.
        description: Option<String>,
    },
    /// The issuer refused for another reason.
    Refused {
        /// Its code.
        error: String,
        /// Its description.
        description: Option<String>,
    },
    /// There is neither a code nor an error.
    CodeMissing,
}

impl CallbackError {
    /// Whether the issuer has nothing under the resource that it was told (RFC 8707 §2).
    pub fn is_resource_refused(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if error == INVALID_TARGET)
    }

    /// An answer that is not from this issuer.
    pub fn of_other_issuer(expected: &str) -> Self {
        Self::OtherIssuer { expected: presentable(expected) }
    }
}

reasons! { CallbackError:
    Malformed => "upstream_answer_malformed", "the authorization server's answer cannot be read";
    OtherIssuer { .. } => "upstream_answer_of_other_issuer",
        "the answer did not come from the authorization server that was asked, so it was not used";
    IssuerMissing { .. } => "upstream_answer_without_issuer",
        "the authorization server's answer does not say who it is from, so it was not used";
    Denied { description } => "upstream_access_denied",
        "the authorization server refused: access_denied{}", Noted(description);
    ScopeRefused { description } => "upstream_scope_refused",
        "the authorization server refused: invalid_scope{}", Noted(description);
    Refused { error, description } => "upstream_authorization_refused",
        "the authorization server refused: {error}{}", Noted(description);
    CodeMissing => "upstream_answer_without_code", "the authorization server's answer carries no code";
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ISSUER: &str = "https://as.example";

    fn sent(scope: Option<&str>, resource: &str) -> String {
        let (state, challenge) = (Secret::new("s"), S256Challenge::of("v"));
        let ask = Ask {
            client_id: "https://gw.example/oauth/client-metadata.json",
            redirect_uri: "https://gw.example/oauth/upstream-callback",
            state: &state,
            challenge: &challenge,
            resource: Some(resource),
            scope,
        };
        url(&Url::parse("https://as.example/authorize?tenant=a").unwrap(), &ask).into()
    }

    fn answered(query: &str, iss_parameter: bool) -> Result<String, CallbackError> {
        callback(query, ISSUER, iss_parameter).map(|code| code.expose().to_owned())
    }

    #[test]
    fn the_browser_is_sent_with_everything() {
        let expected = "https://as.example/authorize?tenant=a&response_type=code\
             &client_id=https%3A%2F%2Fgw.example%2Foauth%2Fclient-metadata.json\
             &redirect_uri=https%3A%2F%2Fgw.example%2Foauth%2Fupstream-callback&state=s\
             &code_challenge=TJQUNMpzd5yAM5Rpc1lCCr6mxTKdAS4PkRO1G8CIZmQ&code_challenge_method=S256\
             &resource=https%3A%2F%2Fup.example%2Fmcp&scope=a+b";
        let challenge = S256Challenge::of("v");
        let expected = expected.replace("TJQUNMpzd5yAM5Rpc1lCCr6mxTKdAS4PkRO1G8CIZmQ", challenge.as_str());
        assert_eq!(sent(Some("a b"), "https://up.example/mcp"), expected);
        assert!(!sent(None, "https://up.example").contains("scope="));
    }

    #[test]
    fn the_resource_is_sent_as_it_is_written() {
        assert!(sent(None, "https://up.example").contains("&resource=https%3A%2F%2Fup.example"));
        assert!(!sent(None, "https://up.example").contains("up.example%2F"));
        assert!(sent(None, "https://up.example/").contains("up.example%2F"));
    }

    #[test]
    fn offline_access_asks_for_the_consent_it_needs() {
        assert!(sent(Some("a offline_access"), "r:x").ends_with("&scope=a+offline_access&prompt=consent"));
        assert!(!sent(Some("not_offline_access"), "r:x").contains("prompt"));
    }

    #[test]
    fn a_code_is_taken() {
        assert_eq!(answered("code=4%2F0A&state=s&session_state=x", false), Ok("4/0A".into()));
        assert_eq!(callback_state("code=c&state=s1").unwrap().expose(), "s1");
        for query in ["code=c", "state=", "state=a&state=b"] {
            assert!(callback_state(query).is_none(), "{query}");
        }
    }

    #[test]
    fn an_answer_without_its_state_is_told_from_a_visit() {
        assert!(lacks_state("error=access_denied") && lacks_state("code=c"));
        assert!(!lacks_state("") && !lacks_state("error=x&state=s") && !lacks_state("utm=1"));
    }

    #[test]
    fn the_issuer_table() {
        let other = Err(CallbackError::OtherIssuer { expected: ISSUER.into() });
        let missing = Err(CallbackError::IssuerMissing { expected: ISSUER.into() });
        for (promised, iss, expected) in [
            (true, "&iss=https%3A%2F%2Fas.example", Ok("c".to_owned())),
            (true, "", missing.clone()),
            (true, "&iss=", missing),
            (true, "&iss=https%3A%2F%2Fevil.example", other.clone()),
            (false, "&iss=https%3A%2F%2Fas.example", Ok("c".to_owned())),
            (false, "", Ok("c".to_owned())),
            (false, "&iss=https%3A%2F%2Fas.example%2F", other.clone()),
            (false, "&iss=https%3A%2F%2FAS.example", other.clone()),
            (false, "&iss=https%3A%2F%2Fevil.example", other),
        ] {
            assert_eq!(answered(&format!("code=c&state=s{iss}"), promised), expected, "{promised} {iss}");
        }
    }

    #[test]
    fn an_error_of_another_issuer_is_not_shown() {
        let query = "error=access_denied&error_description=click+here&iss=https%3A%2F%2Fevil.example";
        let error = answered(query, false).unwrap_err();
        assert_eq!(error, CallbackError::OtherIssuer { expected: ISSUER.into() });
        assert!(!error.to_string().contains("click"));
        assert!(matches!(answered("error=access_denied", true), Err(CallbackError::IssuerMissing { .. })));
    }

    #[test]
    fn a_refusal_is_shown_safely() {
        let error = answered("error=access_denied&error_description=No+%22seat%22&code=c", false).unwrap_err();
        assert_eq!(error.to_string(), "the authorization server refused: access_denied (No ?seat?)");
        assert_eq!(error.reason(), "upstream_access_denied");
        assert_eq!(answered("error=invalid_scope", false).unwrap_err().reason(), "upstream_scope_refused");
    }

    #[test]
    fn what_was_sent_is_not_shown() {
        let error = answered("state=sealed-state-of-alice&error=no&error_description=bad+sealed-state-of-alice", false);
        assert_eq!(error.unwrap_err().to_string(), "the authorization server refused: no (bad [cut])");
    }

    #[test]
    fn what_cannot_be_read_once_is_refused() {
        for query in ["code=a&code=b", "iss=a&iss=b&code=c", "error=a&error=b", "code=%zz", "code=a%0a"] {
            assert_eq!(answered(query, false), Err(CallbackError::Malformed), "{query}");
        }
        for query in ["", "state=s", "code=", "code=%c3%a9"] {
            assert_eq!(answered(query, false), Err(CallbackError::CodeMissing), "{query}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_answer_is_read_without_harm(query in "[a-z0-9=&%+]{0,60}", tail in "\\PC{0,20}") {
            let query = format!("{query}{tail}");
            let _ = callback_state(&query);
            prop_assert!(answered(&query, true).is_err(), "the issuer is not guessed");
        }
    }
}
