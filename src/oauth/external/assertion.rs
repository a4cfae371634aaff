//! Assertions for the `jwt-bearer` grant (RFC 7523 §3): another issuer's word for which workload somebody is, or that a
//! client may act for a person (identity assertion authorization grant).
//!
//! Not here: the signature, which ids were used before (`oauth::once`), and what is issued (`flow::token`).

use super::told::{ToldClaims, Validity};
use crate::jose::jws::JwsError;
use crate::reasons::reasons;
use crate::time::{Lifetime, Timestamp};

/// The `typ` of an assertion for a person.
pub const ID_JAG: &str = "oauth-id-jag+jwt";

/// The grant type (RFC 7523 §2.1).
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An assertion is for now. One that is good for longer would have to be remembered for as long.
pub const LONGEST: Lifetime = Lifetime::days(1);

/// Why an assertion proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionError {
    /// It cannot be read, is another kind of token, or no key of the issuer has signed it.
    Signature(JwsError),
    /// No issuer whose assertions are taken.
    WrongIssuer,
    /// For another authorization server.
    WrongAudience,
    /// No end, or past it.
    Expired,
    /// Its end is too far off.
    TooLong,
    /// Not good yet.
    NotYetValid,
    /// Nobody is named.
    UnfitSubject,
    /// It lacks a claim that the operator asks for, or has another value.
    Unmet,
    /// Good only with a proof that was not given.
    Bound,
    /// Issued for another client, or for one that may not come so.
    WrongClient,
    /// For somebody who may not sign in here.
    NotAdmitted,
    /// No id, so that nobody could tell whether it was used before.
    IdMissing,
    /// It was used before.
    Used,
    /// For another resource than is asked for, or for none.
    WrongResource,
    /// It gives no scope that is asked for.
    ScopeExceeded,
    /// Everything of the subject's was revoked since it was made.
    Revoked,
}

reasons! { AssertionError:
    Signature(JwsError::Malformed) => "assertion_malformed", "the assertion cannot be read";
    Signature(JwsError::WrongType) => "assertion_wrong_type", "the assertion is another kind of token";
    Signature(JwsError::CriticalExtension) => "assertion_critical_extension",
        "the assertion demands an extension that the gateway does not know";
    Signature(JwsError::UnsupportedAlgorithm) => "assertion_unsupported_algorithm",
        "the assertion is not signed with an algorithm that has a public key";
    Signature(JwsError::AmbiguousKey) => "assertion_ambiguous_key",
        "the assertion does not say which of its issuer's keys signed it";
    Signature(JwsError::UnknownKey) => "assertion_unknown_key",
        "the assertion is signed with a key that its issuer does not publish";
    Signature(JwsError::WrongSignature) => "assertion_wrong_signature", "the assertion's signature does not fit";
    WrongIssuer => "assertion_wrong_issuer", "assertions of this issuer are not taken here";
    WrongAudience => "assertion_wrong_audience", "the assertion is for another authorization server";
    Expired => "assertion_expired", "the assertion expired, or says no end";
    TooLong => "assertion_too_long", "the assertion is good for more than a day";
    NotYetValid => "assertion_not_yet_valid", "the assertion is not valid yet";
    UnfitSubject => "assertion_unfit_subject", "the assertion does not name whom it is about";
    Unmet => "assertion_requirement_unmet", "the assertion lacks a claim that the operator asks for";
    Bound => "assertion_bound", "the assertion is bound to a key";
    WrongClient => "assertion_wrong_client", "the assertion is for another client";
    NotAdmitted => "assertion_not_admitted", "the assertion lacks a claim that login.require asks for";
    IdMissing => "assertion_id_missing", "the assertion has no jti";
    Used => "assertion_used", "the assertion was used before";
    WrongResource => "assertion_wrong_resource", "the assertion is for another resource";
    ScopeExceeded => "assertion_scope_exceeded", "the assertion does not give the scope that is asked for";
    Revoked => "assertion_subject_revoked", "everything of this subject was revoked since the assertion was made";
}

impl From<JwsError> for AssertionError {
    fn from(error: JwsError) -> Self {
        Self::Signature(error)
    }
}

/// Whether a `typ` may be a workload's: clusters and CI write `JWT`, or nothing. What says that it is something else is
/// that.
pub fn is_workload(typ: Option<&str>) -> bool {
    typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"))
}

/// Whether a `typ` is an assertion's for a person.
pub fn is_id_jag(typ: Option<&str>) -> bool {
    typ.is_some_and(|typ| typ.eq_ignore_ascii_case(ID_JAG))
}

/// Judges what every assertion must say, and who it is about (RFC 7523 §3).
///
/// 1. It is from the issuer, character by character, and about somebody.
/// 2. It is for this authorization server, and nobody else: whoever else it is for could present it here.
/// 3. It has not ended, ends within a day, and has begun, give or take a minute.
/// 4. It is good for whoever bears it.
pub fn judge(
    told: &ToldClaims,
    issuer: &str,
    audiences: &[&str],
    now: Timestamp,
) -> Result<(String, Timestamp), AssertionError> {
    // 1.
    if told.issuer.as_deref() != Some(issuer) {
        return Err(AssertionError::WrongIssuer);
    }
    let subject = told.subject.clone().ok_or(AssertionError::UnfitSubject)?;
    // 2.
    let ours = |claimed: &String| audiences.contains(&claimed.as_str());
    if told.audience.is_empty() || !told.audience.iter().all(ours) {
        return Err(AssertionError::WrongAudience);
    }
    // 3.
    let expires = told.expires.ok_or(AssertionError::Expired)?;
    match told.stands(now) {
        Validity::Expired => return Err(AssertionError::Expired),
        Validity::NotYet => return Err(AssertionError::NotYetValid),
        Validity::Good if expires > now + LONGEST => return Err(AssertionError::TooLong),
        Validity::Good => {}
    }
    // 4.
    if told.is_bound || told.jkt.is_some() {
        return Err(AssertionError::Bound);
    }
    Ok((subject, expires))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Node;

    const GOOD: &str = r#"{"iss":"https://ci.example","aud":"https://gw","sub":"repo:a","exp":200,"iat":90}"#;

    fn judged(claims: &str) -> Result<(String, Timestamp), AssertionError> {
        let told = ToldClaims::read(&Node::parse(claims.as_bytes()).unwrap()).unwrap();
        judge(&told, "https://ci.example", &["https://gw", "https://gw/oauth/token"], Timestamp(100))
    }

    #[test]
    fn each_step_refuses_on_its_own() {
        assert_eq!(judged(GOOD), Ok(("repo:a".to_owned(), Timestamp(200))));
        assert!(judged(&GOOD.replace(r#""https://gw""#, r#"["https://gw/oauth/token"]"#)).is_ok());
        for (from, to, error) in [
            ("https://ci.example", "https://ci.example/", AssertionError::WrongIssuer),
            (r#""sub":"repo:a","#, "", AssertionError::UnfitSubject),
            (r#""https://gw""#, r#"["https://gw","https://evil.example"]"#, AssertionError::WrongAudience),
            (r#""https://gw""#, r#""https://gw/""#, AssertionError::WrongAudience),
            (r#""aud":"https://gw","#, "", AssertionError::WrongAudience),
            (r#""exp":200,"#, "", AssertionError::Expired),
            ("200", "100", AssertionError::Expired),
            ("200", "86501", AssertionError::TooLong),
            ("90", "161", AssertionError::NotYetValid),
            ("90}", r#"90,"cnf":{"jkt":"x"}}"#, AssertionError::Bound),
        ] {
            assert_eq!(judged(&GOOD.replace(from, to)), Err(error), "{to}");
        }
    }

    #[test]
    fn one_kind_of_assertion_is_not_the_other() {
        assert!(is_workload(None) && is_workload(Some("JWT")) && !is_workload(Some(ID_JAG)));
        assert!(is_id_jag(Some(ID_JAG)) && !is_id_jag(Some("JWT")) && !is_id_jag(None));
        assert!(!is_workload(Some("at+jwt")) && !is_workload(Some("dpop+jwt")));
    }
}
