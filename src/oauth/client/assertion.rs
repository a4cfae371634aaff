//! A client's assertion of who it is, signed with a key of its own (RFC 7523 §2.2, §3): `private_key_jwt`.
//!
//! Not here: where its keys come from (`flow::client::assertion`), the signature's arithmetic, and that each is good
//! once (`oauth::once`).

use jwt_compact::Claims;
use serde::Deserialize;

use crate::jose::algorithm::Algorithm;
use crate::jose::jwks::Jwks;
use crate::jose::jws::{self, JwsError, Signed, Unverified};
use crate::oauth::once::OnceId;
use crate::reasons::reasons;
use crate::secret::Secret;
use crate::time::{Lifetime, Timestamp};

/// The only `client_assertion_type` (RFC 7523 §2.2).
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far the client's clock may be from ours.
const LEEWAY: Lifetime = Lifetime(60);
/// How long one may be good: it has to be remembered as long.
const LONGEST: Lifetime = Lifetime::hours(1);
const LONGEST_ID: usize = 255;
/// What a `typ` may say; most say nothing that tells one kind of JWT from another.
const TYPES: [&str; 2] = ["jwt", "client-authentication+jwt"];

/// What an assertion that holds leaves to be done: it is good once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenAssertion {
    /// Its id.
    pub id: OnceId,
    /// From when on it is good no more.
    pub until: Timestamp,
}

/// Whose an assertion says that it is, to know whose keys to ask. Proves nothing.
pub fn claimed_client(text: &str) -> Option<String> {
    jws::claimed_issuer(text)
}

/// Reads an assertion without believing it.
pub fn read<'a>(assertion: &'a Secret, keys: &Jwks) -> Result<Unverified<'a>, ClientAssertionError> {
    let is_fit = |kind: Option<&str>| kind.is_none_or(|kind| TYPES.iter().any(|fit| kind.eq_ignore_ascii_case(fit)));
    jws::read(assertion.expose(), keys, is_fit, &Algorithm::ALL).map_err(ClientAssertionError::Signature)
}

/// What its client says in it: that it is this client, to this gateway, now.
pub fn proven(
    signed: &Signed<'_>,
    client_id: &str,
    audiences: [&str; 2],
    now: Timestamp,
) -> Result<ProvenAssertion, ClientAssertionError> {
    let claims: Claims<AssertionClaims> = signed.claims().map_err(ClientAssertionError::Signature)?;
    let Claims { expiration, not_before, issued_at, custom: claims, .. } = claims;
    if claims.iss.as_deref() != Some(client_id) || claims.sub.as_deref() != Some(client_id) {
        return Err(ClientAssertionError::WrongClient);
    }
    if !claims.aud.is_some_and(|audience| audience.is_one_of(audiences)) {
        return Err(ClientAssertionError::WrongAudience);
    }
    let seconds = |at: i64| Timestamp(at.max(0).unsigned_abs());
    let until = expiration.map(|at| seconds(at.timestamp()) + LEEWAY).ok_or(ClientAssertionError::Expired)?;
    if until.reached(now) {
        return Err(ClientAssertionError::Expired);
    }
    if until > now + LONGEST + LEEWAY + LEEWAY {
        return Err(ClientAssertionError::LongLived);
    }
    let begins = [not_before.map(|at| at.timestamp()), issued_at.map(|at| at.timestamp())];
    if begins.into_iter().flatten().any(|at| seconds(at) > now + LEEWAY) {
        return Err(ClientAssertionError::NotYetValid);
    }
    let id = claims.jti.filter(|id| (1..=LONGEST_ID).contains(&id.len())).ok_or(ClientAssertionError::WithoutId)?;
    Ok(ProvenAssertion { id: OnceId::new("client assertion", client_id, &id), until })
}

#[derive(Deserialize)]
struct AssertionClaims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<AssertionAudience>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AssertionAudience {
    One(String),
    Several(Vec<String>),
}

impl AssertionAudience {
    /// One that names others too could be presented by any of them.
    fn is_one_of(&self, audiences: [&str; 2]) -> bool {
        match self {
            Self::One(named) => audiences.contains(&named.as_str()),
            Self::Several(named) => !named.is_empty() && named.iter().all(|named| audiences.contains(&named.as_str())),
        }
    }
}

/// Why an assertion proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAssertionError {
    /// It cannot be read, or no key of the client has signed it.
    Signature(JwsError),
    /// `iss` or `sub` is not the client.
    WrongClient,
    /// For somebody else, or for others too.
    WrongAudience,
    /// `exp` has passed, or is not there.
    Expired,
    /// `exp` is too far away.
    LongLived,
    /// `nbf` or `iat` is still to come.
    NotYetValid,
    /// No `jti`, so it could be used again.
    WithoutId,
    /// It was used before.
    Used,
}

reasons! { ClientAssertionError:
    Signature(JwsError::Malformed) => "client_assertion_malformed", "the client's assertion cannot be read";
    Signature(JwsError::WrongType) => "client_assertion_wrong_type", "the client's assertion is another kind of token";
    Signature(JwsError::CriticalExtension) => "client_assertion_critical_extension",
        "the client's assertion demands an extension the gateway does not know";
    Signature(JwsError::UnsupportedAlgorithm) => "client_assertion_unsupported_algorithm",
        "the client's assertion is not signed with an algorithm that is taken here";
    Signature(JwsError::AmbiguousKey) => "client_assertion_ambiguous_key",
        "the client's assertion does not say which of the client's keys signed it";
    Signature(JwsError::UnknownKey) => "client_assertion_unknown_key",
        "the client's assertion is signed with a key that is none of the client's";
    Signature(JwsError::WrongSignature) => "client_assertion_wrong_signature",
        "the signature of the client's assertion does not match";
    WrongClient => "client_assertion_wrong_client", "iss and sub of the assertion have to be the client's id";
    WrongAudience => "client_assertion_wrong_audience",
        "aud of the client's assertion has to be the gateway's issuer or its token endpoint, and nothing else";
    Expired => "client_assertion_expired", "the client's assertion has expired";
    LongLived => "client_assertion_long_lived", "the client's assertion is good for more than an hour";
    NotYetValid => "client_assertion_not_yet_valid", "the client's assertion is not valid yet";
    WithoutId => "client_assertion_without_id", "the client's assertion has no jti, or one that is too long";
    Used => "client_assertion_used", "the client's assertion was used before";
}

impl std::error::Error for ClientAssertionError {}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::jose::jwks;
    use crate::jose::test_keys::{EC_ID, ec_jwk, es256, made_by};

    const NOW: Timestamp = Timestamp(1_900_000_000);
    const AUDIENCES: [&str; 2] = ["https://gw.example", "https://gw.example/oauth/token"];

    fn claims() -> Value {
        json!({"iss": "ci", "sub": "ci", "aud": AUDIENCES[0], "jti": "1", "exp": NOW.0 + 300, "iat": NOW.0})
    }

    fn judged(header: Value, claims: Value) -> Result<ProvenAssertion, ClientAssertionError> {
        let keys = jwks::parse(json!({"keys": [ec_jwk()]}).to_string().as_bytes()).unwrap();
        let token = Secret::new(es256(header, claims));
        let unverified = read(&token, &keys)?;
        let verified = unverified.keys().iter().any(|key| made_by(key, unverified.message(), unverified.signature()));
        let signed = unverified.verified(verified).map_err(ClientAssertionError::Signature)?;
        proven(&signed, "ci", AUDIENCES, NOW)
    }

    fn with(changes: &Value) -> Result<ProvenAssertion, ClientAssertionError> {
        let mut said = claims();
        let members = said.as_object_mut().unwrap();
        members.extend(changes.as_object().unwrap().clone());
        members.retain(|_, value| !value.is_null());
        judged(json!({"kid": EC_ID}), said)
    }

    #[test]
    fn one_that_holds_is_good_once_until_it_expires() {
        let proven = with(&json!({})).unwrap();
        assert_eq!(proven.id, OnceId::new("client assertion", "ci", "1"));
        assert_eq!(proven.until, NOW + Lifetime(360));
        for audience in [json!(AUDIENCES[1]), json!(AUDIENCES), json!([AUDIENCES[0]])] {
            assert!(with(&json!({"aud": audience})).is_ok(), "{audience}");
        }
        assert!(judged(json!({"kid": EC_ID, "typ": "JWT"}), claims()).is_ok());
        assert!(with(&json!({"exp": NOW.0 + 3600})).is_ok() && with(&json!({"exp": NOW.0 - 59})).is_ok());
    }

    #[test]
    fn whatever_is_missing_or_somebody_elses_is_named() {
        use ClientAssertionError as E;
        for (changes, why) in [
            (json!({"iss": "other"}), E::WrongClient),
            (json!({"sub": "other"}), E::WrongClient),
            (json!({"sub": null}), E::WrongClient),
            (json!({"aud": null}), E::WrongAudience),
            (json!({"aud": []}), E::WrongAudience),
            (json!({"aud": "https://gw.example/"}), E::WrongAudience),
            (json!({"aud": [AUDIENCES[0], "https://other.example"]}), E::WrongAudience),
            (json!({"exp": null}), E::Expired),
            (json!({"exp": NOW.0 - 61}), E::Expired),
            (json!({"exp": NOW.0 + 4000}), E::LongLived),
            (json!({"nbf": NOW.0 + 90}), E::NotYetValid),
            (json!({"iat": NOW.0 + 90}), E::NotYetValid),
            (json!({"jti": null}), E::WithoutId),
            (json!({"jti": ""}), E::WithoutId),
            (json!({"jti": "x".repeat(256)}), E::WithoutId),
        ] {
            assert_eq!(with(&changes), Err(why), "{changes}");
        }
        for typ in ["at+jwt", "oauth-id-jag+jwt", "dpop+jwt"] {
            let header = json!({"kid": EC_ID, "typ": typ});
            assert_eq!(judged(header, claims()), Err(E::Signature(JwsError::WrongType)), "{typ}");
        }
    }
}
