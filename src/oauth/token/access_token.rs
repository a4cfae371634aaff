//! Access tokens: JWTs of RFC 9068 shape, signed with HS256, because only the gateway itself reads them.
//!
//! Not here: revocation (`flow` asks the directory), and tokens of other issuers.

use std::collections::BTreeMap;

use jwt_compact::alg::Hs256;
use jwt_compact::{AlgorithmExt, Header, UntrustedToken, ValidationError};
use serde::{Deserialize, Serialize};

use crate::oauth::agent::Sponsor;
use crate::oauth::dpop::proof::Proof;
use crate::oauth::grant::GrantId;
use crate::oauth::machine;
use crate::oauth::scope::ScopeSet;
use crate::reasons::reasons;
use crate::secret::Secret;
use crate::time::{Lifetime, Timestamp};
use crate::vault::KeyRing;

/// RFC 9068 §2.1. Our ID tokens, should there ever be some, are then no access tokens.
const TYPE: &str = "at+jwt";

/// The longest text that is looked at.
const LONGEST: usize = 8192;

/// How far in the future `iat` may lie: isolates read different clocks.
const CLOCK_SKEW: Lifetime = Lifetime::minutes(1);

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The gateway's issuer identifier.
    pub iss: String,
    /// The one resource it is for.
    pub aud: String,
    /// The subject.
    pub sub: String,
    /// The client it was issued to.
    pub client_id: String,
    /// What it allows.
    pub scope: ScopeSet,
    /// When it was issued.
    // `jwt-compact` reads `iat` and `exp` itself; `verify` fills them in.
    #[serde(skip_deserializing, default = "never")]
    pub iat: Timestamp,
    /// When it stops being good.
    #[serde(skip_deserializing, default = "never")]
    pub exp: Timestamp,
    /// 16 random bytes as base64url: no two tokens are alike.
    pub jti: String,
    /// The grant it belongs to.
    pub grant: GrantId,
    /// Which of the subject's accounts at the server it uses; `None` is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// When the session began in which it was allowed (RFC 9068 §2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
    /// The slug of the server at the resource when it was issued. Tokens of older releases do not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// The roles of the subject that policy asks for (RFC 9068 §2.2.3.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The claims of the subject's sign-in that policy asks for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Vec<String>>,
    /// The key that whoever presents it must prove to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<BoundKey>,
    /// Who stands behind it, where an agent got it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sponsor: Option<Sponsor>,
}

/// What a token is bound to (RFC 7800 §3.1, RFC 9449 §6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundKey {
    /// The thumbprint of a key (RFC 7638).
    pub jkt: String,
}

impl BoundKey {
    /// The key of a proof, where there is one.
    pub fn of(proof: Option<&Proof>) -> Option<Self> {
        proof.map(|proof| Self { jkt: proof.jkt.clone() })
    }
}

impl Claims {
    /// Whether the token was issued here, and for this server at this resource (RFC 9068 §4, steps 3 and 4): another
    /// one that is put there later gets none of its tokens. One that names no server is taken where the resource itself
    /// names it.
    pub fn check(&self, issuer: &str, resource: &str, slug: &str) -> Result<(), AccessTokenError> {
        if self.iss != issuer {
            return Err(AccessTokenError::WrongIssuer);
        }
        let named = || resource.strip_prefix(issuer).and_then(|path| path.strip_prefix("/v1/mcp/"));
        if self.aud != resource || self.slug.as_deref().or_else(named) != Some(slug) {
            return Err(AccessTokenError::WrongAudience);
        }
        Ok(())
    }

    /// How it is presented (RFC 6750, RFC 9449 §5).
    pub fn token_type(&self) -> &'static str {
        if self.cnf.is_some() { "DPoP" } else { "Bearer" }
    }

    /// Whether a client got it for itself, without a person.
    pub fn is_machine(&self) -> bool {
        self.sub == machine::subject(&self.client_id)
    }

    /// When the person proved who they are; at the latest when the token was made.
    pub fn authenticated(&self) -> Timestamp {
        self.auth_time.unwrap_or(self.iat)
    }
}

/// Why an access token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessTokenError {
    /// Not a JWT of ours at all.
    Malformed,
    /// Another `typ` than an access token's.
    WrongType,
    /// Signed with a key the ring does not hold.
    UnknownKey,
    /// Another algorithm, or a signature that does not fit.
    WrongSignature,
    /// `exp` has passed.
    Expired,
    /// `iat` lies in the future.
    NotYetIssued,
    /// Issued under another public URL.
    WrongIssuer,
    /// For another resource.
    WrongAudience,
}

reasons! { AccessTokenError:
    Malformed => "token_malformed", "the access token is malformed";
    WrongType => "token_wrong_type", "the token is not an access token";
    UnknownKey => "token_unknown_key", "the access token was signed with a key that is not in use any more";
    WrongSignature => "token_wrong_signature", "the access token's signature does not fit";
    Expired => "token_expired", "the access token expired";
    NotYetIssued => "token_not_yet_issued", "the access token was issued in the future";
    WrongIssuer => "token_wrong_issuer", "the access token was issued under another public URL";
    WrongAudience => "token_wrong_audience", "the access token is for another resource";
}

impl std::error::Error for AccessTokenError {}

/// Signs claims with the newest key.
pub fn sign(ring: &KeyRing, claims: &Claims) -> Secret {
    let (version, key) = ring.signing_key();
    let header = Header::empty().with_token_type(TYPE).with_key_id(version.to_string());
    // Strings and numbers always have a JSON form; the empty text, were there ever one without, is no token.
    Secret::new(Hs256.token(&header, &jwt_compact::Claims::new(claims), &key).unwrap_or_default())
}

/// Reads a token: signature by the key its `kid` names, always HS256, then `typ`, `exp` and `iat`.
pub fn verify(ring: &KeyRing, text: &str, now: Timestamp) -> Result<Claims, AccessTokenError> {
    if text.len() > LONGEST {
        return Err(AccessTokenError::Malformed);
    }
    let token = UntrustedToken::new(text).map_err(|_| AccessTokenError::Malformed)?;
    let version =
        token.header().key_id.as_deref().and_then(|kid| kid.parse().ok()).ok_or(AccessTokenError::UnknownKey)?;
    let key = ring.signing_key_of(version).ok_or(AccessTokenError::UnknownKey)?;
    let token = Hs256.validator::<Claims>(&key).validate(&token).map_err(|error| match error {
        ValidationError::MalformedClaims(_) => AccessTokenError::Malformed,
        _ => AccessTokenError::WrongSignature,
    })?;
    if token.header().token_type.as_deref() != Some(TYPE) {
        return Err(AccessTokenError::WrongType);
    }
    let (_, registered) = token.into_parts();
    let seconds = |time: i64| u64::try_from(time).map(Timestamp).ok();
    let exp = registered.expiration.and_then(|exp| seconds(exp.timestamp())).ok_or(AccessTokenError::Malformed)?;
    let iat = registered.issued_at.and_then(|iat| seconds(iat.timestamp())).ok_or(AccessTokenError::Malformed)?;
    if exp.reached(now) {
        return Err(AccessTokenError::Expired);
    }
    if iat > now + CLOCK_SKEW {
        return Err(AccessTokenError::NotYetIssued);
    }
    Ok(Claims { iat, exp, ..registered.custom })
}

fn never() -> Timestamp {
    Timestamp(0)
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64UrlUnpadded, Encoding};
    use jwt_compact::alg::Hs256Key;
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000);
    const ONE: &str = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const TWO: &str = "2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";

    fn ring(text: &str) -> KeyRing {
        KeyRing::parse(&Secret::new(text)).unwrap()
    }

    fn claims() -> Claims {
        Claims {
            iss: "https://gw.example".to_owned(),
            aud: "https://gw.example/v1/mcp/docs".to_owned(),
            sub: "dev:alice".to_owned(),
            client_id: "claude".to_owned(),
            scope: ScopeSet::parse("mcp:tools").unwrap(),
            iat: NOW,
            exp: NOW + Lifetime::hours(1),
            jti: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            grant: GrantId::new([1; 16]),
            account: None,
            auth_time: None,
            slug: None,
            roles: Vec::new(),
            claims: BTreeMap::new(),
            cnf: None,
            sponsor: None,
        }
    }

    /// A token with any header and the right signature over it.
    fn signed(header: &str, claims: &str, key: &Hs256Key) -> String {
        use jwt_compact::{Algorithm, AlgorithmSignature};
        let text = [header, claims].map(|part| Base64UrlUnpadded::encode_string(part.as_bytes())).join(".");
        let signature = Hs256.sign(key, text.as_bytes());
        format!("{text}.{}", Base64UrlUnpadded::encode_string(&signature.as_bytes()))
    }

    #[test]
    fn what_is_signed_is_what_is_read() {
        let ring = ring(ONE);
        let token = sign(&ring, &claims());
        assert_eq!(verify(&ring, token.expose(), NOW), Ok(claims()));
        let parts: Vec<_> =
            token.expose().split('.').take(2).map(|part| Base64UrlUnpadded::decode_vec(part).unwrap()).collect();
        assert_eq!(std::str::from_utf8(&parts[0]).unwrap(), r#"{"alg":"HS256","kid":"1","typ":"at+jwt"}"#);
        assert_eq!(
            std::str::from_utf8(&parts[1]).unwrap(),
            r#"{"iss":"https://gw.example","aud":"https://gw.example/v1/mcp/docs","sub":"dev:alice","client_id":"claude","scope":"mcp:tools","iat":1000,"exp":4600,"jti":"AAAAAAAAAAAAAAAAAAAAAA","grant":"AQEBAQEBAQEBAQEBAQEBAQ"}"#
        );
    }

    #[test]
    fn another_account_than_the_first_and_the_sign_in_are_named() {
        let second = Claims { account: Some("2".to_owned()), auth_time: Some(Timestamp(900)), ..claims() };
        let token = sign(&ring(ONE), &second);
        assert_eq!(verify(&ring(ONE), token.expose(), NOW), Ok(second));
        let payload = Base64UrlUnpadded::decode_vec(token.expose().split('.').nth(1).unwrap()).unwrap();
        assert!(std::str::from_utf8(&payload).unwrap().ends_with(r#","account":"2","auth_time":900}"#));
    }

    #[test]
    fn the_sponsor_of_an_agent_is_named() {
        let sponsor = Sponsor { subject: "dev:alice".to_owned(), since: Timestamp(900), lends: true };
        let agents = Claims { sponsor: Some(sponsor), ..claims() };
        let token = sign(&ring(ONE), &agents);
        assert_eq!(verify(&ring(ONE), token.expose(), NOW), Ok(agents));
        let payload = Base64UrlUnpadded::decode_vec(token.expose().split('.').nth(1).unwrap()).unwrap();
        let golden = r#","sponsor":{"sub":"dev:alice","auth_time":900,"lends":true}}"#;
        assert!(std::str::from_utf8(&payload).unwrap().ends_with(golden));
    }

    #[test]
    fn the_server_is_named() {
        let named = Claims { slug: Some("docs".to_owned()), ..claims() };
        let token = sign(&ring(ONE), &named);
        assert_eq!(verify(&ring(ONE), token.expose(), NOW), Ok(named));
        let payload = Base64UrlUnpadded::decode_vec(token.expose().split('.').nth(1).unwrap()).unwrap();
        assert!(std::str::from_utf8(&payload).unwrap().ends_with(r#","slug":"docs"}"#));
    }

    #[test]
    fn a_token_ends_on_its_second_and_begins_a_minute_early() {
        let ring = ring(ONE);
        let token = sign(&ring, &claims());
        assert!(verify(&ring, token.expose(), Timestamp(4_599)).is_ok());
        assert_eq!(verify(&ring, token.expose(), Timestamp(4_600)), Err(AccessTokenError::Expired));
        assert!(verify(&ring, token.expose(), Timestamp(940)).is_ok());
        assert_eq!(verify(&ring, token.expose(), Timestamp(939)), Err(AccessTokenError::NotYetIssued));
    }

    #[test]
    fn keys_rotate_without_ending_tokens_until_the_old_key_goes() {
        let token = sign(&ring(ONE), &claims());
        let both = ring(&format!("{ONE},{TWO}"));
        assert!(verify(&both, token.expose(), NOW).is_ok());
        assert!(verify(&both, sign(&both, &claims()).expose(), NOW).is_ok());
        assert_eq!(verify(&ring(TWO), token.expose(), NOW), Err(AccessTokenError::UnknownKey));
    }

    #[test]
    fn only_our_algorithm_type_and_key_are_accepted() {
        let ring = ring(ONE);
        let key = ring.signing_key().1;
        let payload = serde_json::to_string(&claims()).unwrap();
        let check = |header: &str, key: &Hs256Key| verify(&ring, &signed(header, &payload, key), NOW);
        assert!(check(r#"{"alg":"HS256","typ":"at+jwt","kid":"1"}"#, &key).is_ok());
        assert_eq!(check(r#"{"alg":"none","typ":"at+jwt","kid":"1"}"#, &key), Err(AccessTokenError::WrongSignature));
        assert_eq!(check(r#"{"alg":"HS512","typ":"at+jwt","kid":"1"}"#, &key), Err(AccessTokenError::WrongSignature));
        assert_eq!(check(r#"{"alg":"HS256","typ":"JWT","kid":"1"}"#, &key), Err(AccessTokenError::WrongType));
        assert_eq!(check(r#"{"alg":"HS256","kid":"1"}"#, &key), Err(AccessTokenError::WrongType));
        assert_eq!(check(r#"{"alg":"HS256","typ":"at+jwt"}"#, &key), Err(AccessTokenError::UnknownKey));
        assert_eq!(check(r#"{"alg":"HS256","typ":"at+jwt","kid":"2"}"#, &key), Err(AccessTokenError::UnknownKey));
        let other = Hs256Key::new([9; 64]);
        assert_eq!(check(r#"{"alg":"HS256","typ":"at+jwt","kid":"1"}"#, &other), Err(AccessTokenError::WrongSignature));
        let unsigned = signed(r#"{"alg":"none","typ":"at+jwt","kid":"1"}"#, &payload, &key);
        let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
        assert_eq!(verify(&ring, &unsigned, NOW), Err(AccessTokenError::WrongSignature));
    }

    #[test]
    fn a_token_without_its_claims_is_malformed() {
        let ring = ring(ONE);
        let key = ring.signing_key().1;
        let whole = serde_json::to_value(claims()).unwrap();
        for name in ["iss", "aud", "sub", "client_id", "scope", "iat", "exp", "jti", "grant"] {
            let mut partial = whole.clone();
            partial.as_object_mut().unwrap().remove(name);
            let token = signed(r#"{"alg":"HS256","typ":"at+jwt","kid":"1"}"#, &partial.to_string(), &key);
            assert_eq!(verify(&ring, &token, NOW), Err(AccessTokenError::Malformed), "{name}");
        }
    }

    #[test]
    fn issuer_and_audience_are_compared_whole() {
        let claims = claims();
        assert_eq!(claims.check("https://gw.example", "https://gw.example/v1/mcp/docs", "docs"), Ok(()));
        assert_eq!(claims.check("https://old.example", &claims.aud, "docs"), Err(AccessTokenError::WrongIssuer));
        assert_eq!(
            claims.check(&claims.iss, "https://gw.example/v1/mcp/doc", "doc"),
            Err(AccessTokenError::WrongAudience)
        );
    }

    #[test]
    fn a_token_is_for_its_server_and_for_no_other_at_its_address() {
        let at = |path: &str, slug: Option<&str>| Claims {
            aud: format!("https://gw.example{path}"),
            slug: slug.map(str::to_owned),
            ..claims()
        };
        let check = |claims: &Claims, slug| claims.check(&claims.iss, &claims.aud, slug);
        let wrong = Err(AccessTokenError::WrongAudience);
        for path in ["/v1/mcp/docs", "/docs/mcp"] {
            assert_eq!(check(&at(path, Some("docs")), "docs"), Ok(()));
            assert_eq!(check(&at(path, Some("docs")), "mail"), wrong);
        }
        // Of a release that did not name the server.
        assert_eq!(check(&at("/v1/mcp/docs", None), "docs"), Ok(()));
        assert_eq!(check(&at("/v1/mcp/docs", None), "mail"), wrong);
        assert_eq!(check(&at("/docs/mcp", None), "docs"), wrong);
    }

    #[test]
    fn a_long_text_is_not_looked_at() {
        let long = Claims { sub: "a".repeat(LONGEST), ..claims() };
        assert_eq!(verify(&ring(ONE), sign(&ring(ONE), &long).expose(), NOW), Err(AccessTokenError::Malformed));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn any_text_is_refused(text in "\\PC{0,120}|[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{43}") {
            prop_assert!(verify(&ring(ONE), &text, NOW).is_err());
        }

        #[test]
        fn one_changed_character_is_noticed(at: proptest::sample::Index, to in "[A-Za-z0-9_.-]") {
            let token = sign(&ring(ONE), &claims());
            let at = at.index(token.expose().len());
            let mut changed = token.expose().to_owned();
            changed.replace_range(at..=at, &to);
            prop_assert_eq!(verify(&ring(ONE), &changed, NOW).is_ok(), changed == token.expose());
        }
    }
}
