//! Access tokens of another issuer (RFC 9068 §4, RFC 7662 §4): whether one is good here, and what it allows.
//!
//! Not here: the signature, or the issuer's own answer about it.

use std::collections::BTreeMap;

use super::told::{ToldClaims, Validity};
use crate::jose::jws::JwsError;
use crate::oauth::scope::ScopeSet;
use crate::reasons::reasons;
use crate::time::Timestamp;

/// Why an access token of another issuer is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalTokenError {
    /// It cannot be read, is another kind of token, or no key of the issuer has signed it.
    Signature(JwsError),
    /// From somebody else than the issuer.
    WrongIssuer,
    /// For somebody else.
    WrongAudience,
    /// No end, or past it.
    Expired,
    /// Not good yet.
    NotYetValid,
    /// Nobody is named.
    UnfitSubject,
    /// Good only with a proof that nobody can give here.
    Bound,
    /// The issuer says that it is not good.
    Inactive,
    /// No issuer that this server takes tokens of.
    NotAccepted,
    /// Of somebody who may not sign in here.
    NotAdmitted,
}

reasons! { ExternalTokenError:
    Signature(JwsError::Malformed) => "external_token_malformed", "the access token cannot be read";
    Signature(JwsError::WrongType) => "external_token_wrong_type", "the token is not an access token";
    Signature(JwsError::CriticalExtension) => "external_token_critical_extension",
        "the access token demands an extension that the gateway does not know";
    Signature(JwsError::UnsupportedAlgorithm) => "external_token_unsupported_algorithm",
        "the access token is not signed with an algorithm that has a public key";
    Signature(JwsError::AmbiguousKey) => "external_token_ambiguous_key",
        "the access token does not say which of its issuer's keys signed it";
    Signature(JwsError::UnknownKey) => "external_token_unknown_key",
        "the access token is signed with a key that its issuer does not publish";
    Signature(JwsError::WrongSignature) => "external_token_wrong_signature",
        "the access token's signature does not fit";
    WrongIssuer => "external_token_wrong_issuer", "the access token is from another issuer than it is taken for";
    WrongAudience => "external_token_wrong_audience", "the access token is for another resource";
    Expired => "external_token_expired", "the access token expired";
    NotYetValid => "external_token_not_yet_valid", "the access token is not valid yet";
    UnfitSubject => "external_token_unfit_subject", "the access token does not name whom it is for";
    Bound => "external_token_bound", "the access token is bound to something else than a key for DPoP proofs";
    Inactive => "external_token_inactive", "the access token is not active, says its issuer";
    NotAccepted => "token_issuer_not_accepted", "this server takes no access tokens of this issuer";
    NotAdmitted => "external_token_not_admitted", "the access token lacks a claim that login.require asks for";
}

impl From<JwsError> for ExternalTokenError {
    fn from(error: JwsError) -> Self {
        Self::Signature(error)
    }
}

/// Whether a JWT's `typ` is one of an access token (RFC 9068 §2.1). `untyped` issuers write `JWT`, or nothing.
pub fn is_typed(typ: Option<&str>, untyped: bool) -> bool {
    let short =
        typ.map(|typ| typ.get(12..).filter(|_| typ.to_ascii_lowercase().starts_with("application/")).unwrap_or(typ));
    match short {
        Some(typ) => typ.eq_ignore_ascii_case("at+jwt") || untyped && typ.eq_ignore_ascii_case("JWT"),
        None => untyped,
    }
}

/// Judges what a verified token says, and who it is about.
///
/// 1. It is from the issuer, character by character. An issuer that is asked need not say so.
/// 2. It is for this resource, or what the operator wrote instead, exactly.
/// 3. It has not ended, and has begun, give or take a minute.
/// 4. It is an access token, and good for whoever bears it or has its key.
/// 5. It names whom it is about. Of a client itself an issuer that is asked says no more than which one.
pub fn judge(
    told: &ToldClaims,
    issuer: &str,
    audience: &str,
    is_answer: bool,
    now: Timestamp,
) -> Result<String, ExternalTokenError> {
    // 1.
    if told.issuer.as_deref().map_or(!is_answer, |claimed| claimed != issuer) {
        return Err(ExternalTokenError::WrongIssuer);
    }
    // 2.
    if !told.audience.iter().any(|claimed| claimed == audience) {
        return Err(ExternalTokenError::WrongAudience);
    }
    // 3.
    match told.stands(now) {
        _ if told.expires.is_none() && !is_answer => return Err(ExternalTokenError::Expired),
        Validity::Expired => return Err(ExternalTokenError::Expired),
        Validity::NotYet => return Err(ExternalTokenError::NotYetValid),
        Validity::Good => {}
    }
    // 4.
    if told.is_id_token {
        return Err(ExternalTokenError::Signature(JwsError::WrongType));
    }
    if told.is_bound {
        return Err(ExternalTokenError::Bound);
    }
    // 5.
    let client = told.client.as_ref().filter(|_| is_answer && !told.names_somebody);
    told.subject.as_ref().or(client).cloned().ok_or(ExternalTokenError::UnfitSubject)
}

/// What of a token's scope means anything here, by the operator's map, or by the same names. `is_known` tells which
/// names there are.
pub fn granted(
    scope: &[String],
    map: Option<&BTreeMap<String, ScopeSet>>,
    is_known: impl Fn(&str) -> bool,
) -> ScopeSet {
    if let Some(map) = map {
        return scope.iter().filter_map(|one| map.get(one)).fold(ScopeSet::default(), |all, one| all.union(one));
    }
    let known = scope.iter().map(String::as_str).filter(|one| *one == ScopeSet::TOOLS || is_known(one));
    ScopeSet::of(&known.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Node;

    const GOOD: &str = r#"{"iss":"https://as.example","aud":["x","https://gw/docs"],"sub":"a","exp":200,"iat":90}"#;

    fn judged(claims: &str, is_answer: bool) -> Result<String, ExternalTokenError> {
        let told = ToldClaims::read(&Node::parse(claims.as_bytes()).unwrap()).unwrap();
        judge(&told, "https://as.example", "https://gw/docs", is_answer, Timestamp(100))
    }

    #[test]
    fn each_step_refuses_on_its_own() {
        assert_eq!(judged(GOOD, false), Ok("a".to_owned()));
        for (from, to, error) in [
            ("https://as.example", "https://as.example/", ExternalTokenError::WrongIssuer),
            (r#""iss":"https://as.example","#, "", ExternalTokenError::WrongIssuer),
            ("https://gw/docs", "https://gw/docs/", ExternalTokenError::WrongAudience),
            ("https://gw/docs", "https://gw/doc", ExternalTokenError::WrongAudience),
            (r#""aud":["x","https://gw/docs"],"#, "", ExternalTokenError::WrongAudience),
            (r#""exp":200,"#, "", ExternalTokenError::Expired),
            (r#""exp":200"#, r#""exp":100"#, ExternalTokenError::Expired),
            (r#""iat":90"#, r#""iat":161"#, ExternalTokenError::NotYetValid),
            (r#""iat":90"#, r#""iat":90,"nonce":"n""#, ExternalTokenError::Signature(JwsError::WrongType)),
            (r#""iat":90"#, r#""iat":90,"at_hash":"n""#, ExternalTokenError::Signature(JwsError::WrongType)),
            (r#""iat":90"#, r#""iat":90,"cnf":{"x5t#S256":"x"}"#, ExternalTokenError::Bound),
            (r#""sub":"a","#, "", ExternalTokenError::UnfitSubject),
        ] {
            assert_eq!(judged(&GOOD.replace(from, to), false), Err(error), "{to}");
        }
    }

    #[test]
    fn an_issuer_that_is_asked_says_less() {
        let answer = r#"{"active":true,"aud":"https://gw/docs","sub":"a"}"#;
        assert_eq!(judged(answer, true), Ok("a".to_owned()));
        assert_eq!(judged(answer, false), Err(ExternalTokenError::WrongIssuer));
        assert_eq!(
            judged(r#"{"iss":"https://evil.example","aud":"https://gw/docs","sub":"a"}"#, true),
            Err(ExternalTokenError::WrongIssuer)
        );
        assert_eq!(judged(r#"{"sub":"a"}"#, true), Err(ExternalTokenError::WrongAudience));
        assert_eq!(judged(r#"{"aud":"https://gw/docs","sub":"a","exp":99}"#, true), Err(ExternalTokenError::Expired));
    }

    #[test]
    fn a_type_is_an_access_tokens() {
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
            assert!(is_typed(Some(typ), false) && is_typed(Some(typ), true), "{typ}");
        }
        for typ in [Some("JWT"), None] {
            assert!(!is_typed(typ, false) && is_typed(typ, true), "{typ:?}");
        }
        for typ in ["oauth-id-jag+jwt", "dpop+jwt", "logout+jwt", "application/", "ä"] {
            assert!(!is_typed(Some(typ), false) && !is_typed(Some(typ), true), "{typ}");
        }
    }

    #[test]
    fn scopes_mean_what_the_operator_says() {
        let scope = ["read", "mcp:tools", "admin", "tools:write"].map(str::to_owned);
        let map = BTreeMap::from([("read".to_owned(), ScopeSet::parse("mcp:tools tools:read").unwrap())]);
        assert_eq!(granted(&scope, Some(&map), |_| true).to_string(), "mcp:tools tools:read");
        assert_eq!(granted(&scope, None, |one| one == "tools:write").to_string(), "mcp:tools tools:write");
        assert!(granted(&[], None, |_| true).is_empty());
    }
}
