//! ID tokens: who signed in, according to the provider (`OpenID` Connect Core §3.1.3.7).
//!
//! Not here: where tokens and keys come from (`oidc`, `jose::jwks`), and what every signed token is held to
//! (`jose::jws`). The gateway's own tokens are `oauth::token::access_token`.

use jwt_compact::Claims;
use serde::Deserialize;
use serde_json::Value;

use super::quirks;
use crate::jose::algorithm::Algorithm;
use crate::jose::jwks::Jwks;
use crate::jose::jws;
use crate::jose::jws::{JwsError, Unverified};
use crate::json::Node;
use crate::login::Identity;
use crate::reasons::reasons;
use crate::secret::Secret;
use crate::time::{Lifetime, Timestamp};

/// How far the provider's clock may be from ours.
pub(in crate::login) const LEEWAY: Lifetime = Lifetime(60);

const MAX_SHOWN: usize = 256;

/// Why an ID token proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdTokenError {
    /// Longer than any real one, not a JWS in compact form, or claims of the wrong type.
    Malformed,
    /// The header says it is another kind of JWT (RFC 8725 §3.11).
    WrongType,
    /// The header demands extensions the gateway does not know (RFC 7515 §4.1.11).
    CriticalExtension,
    /// Not RS256 or ES256: `none` and shared-secret algorithms above all (RFC 8725 §3.1).
    UnsupportedAlgorithm,
    /// No key id, and more than one key could be meant (Core §10.1).
    AmbiguousKey,
    /// No such key. Providers rotate keys: fetch the key set once more and try again.
    UnknownKey,
    /// The signature does not match.
    WrongSignature,
    /// Issued by someone else.
    WrongIssuer,
    /// Issued for another client.
    WrongAudience,
    /// Issued for several clients, and not to this one.
    WrongAuthorizedParty,
    /// Issued for another login.
    WrongNonce,
    /// Has no expiry, or is past it.
    Expired,
    /// Says nothing about when it was issued, or that is still to come.
    NotYetValid,
    /// A sign-in was asked for, and the person had signed in before.
    NotFresh,
    /// The subject is empty, too long or not printable ASCII (Core §2).
    UnfitSubject,
}

reasons! { IdTokenError:
    Malformed => "id_token_malformed", "The identity provider's ID token cannot be read.";
    WrongType => "id_token_wrong_type",
        "The identity provider sent another kind of token in place of an ID token.";
    CriticalExtension => "id_token_critical_extension",
        "The ID token demands an extension the gateway does not know.";
    UnsupportedAlgorithm => "id_token_unsupported_algorithm", "The ID token is not signed with RS256 or ES256.";
    AmbiguousKey => "id_token_ambiguous_key",
        "The ID token does not say which of the identity provider's keys signed it.";
    UnknownKey => "id_token_unknown_key",
        "The ID token is signed with a key the identity provider does not publish.";
    WrongSignature => "id_token_wrong_signature", "The ID token's signature does not match.";
    WrongIssuer => "id_token_wrong_issuer", "The ID token is not from the configured issuer.";
    WrongAudience => "id_token_wrong_audience", "The ID token was issued for another client than the gateway's.";
    WrongAuthorizedParty => "id_token_wrong_authorized_party",
        "The ID token was issued to another client than the gateway's.";
    WrongNonce => "id_token_wrong_nonce", "The ID token belongs to another sign-in.";
    Expired => "id_token_expired", "The ID token has expired. Compare the clocks if this happens again.";
    NotYetValid => "id_token_not_yet_valid",
        "The ID token is not valid yet. Compare the clocks if this happens again.";
    NotFresh => "id_token_not_fresh",
        "The client wanted the person to sign in anew, and the identity provider did not ask them to.";
    UnfitSubject => "id_token_unfit_subject", "The ID token's subject is not a fit name for a person.";
}

impl From<JwsError> for IdTokenError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Malformed => Self::Malformed,
            JwsError::WrongType => Self::WrongType,
            JwsError::CriticalExtension => Self::CriticalExtension,
            JwsError::UnsupportedAlgorithm => Self::UnsupportedAlgorithm,
            JwsError::AmbiguousKey => Self::AmbiguousKey,
            JwsError::UnknownKey => Self::UnknownKey,
            JwsError::WrongSignature => Self::WrongSignature,
        }
    }
}

/// Reads an ID token without believing it. The steps are those a token must pass until somebody is signed in; none is
/// optional.
///
/// 1. It is a JWS of the right kind, without extensions the gateway does not know.
/// 2. The signature is by a key of the provider, with the one algorithm that key is for: [`Unverified::verified`].
/// 3. `iss` is the issuer of the provider's metadata, character by character, with its tenant: this and the rest in
///    [`SignedIdToken::proven`].
/// 4. `aud` has the gateway's client id; with several audiences, or wherever there is an `azp`, that is the client id
///    as well.
/// 5. `exp`, `iat` and `nbf` hold now, give or take a minute.
/// 6. `nonce` is this login's.
/// 7. `sub` is fit to name a person for good.
/// 8. Where the person had to sign in anew, `auth_time` is not from before, give or take a minute, and can be read. Not
///    every provider tells.
pub fn read<'a>(token: &'a Secret, jwks: &Jwks) -> Result<Unverified<'a>, IdTokenError> {
    read_as(&["JWT"], token, jwks)
}

/// Steps 1 and 2 for a token of one of these kinds, or of none that it names.
pub(super) fn read_as<'a>(kinds: &[&str], token: &'a Secret, jwks: &Jwks) -> Result<Unverified<'a>, IdTokenError> {
    let is_meant = |kind: &str| kinds.iter().any(|meant| kind.eq_ignore_ascii_case(meant));
    let is_fit = |kind: Option<&str>| kind.is_none_or(is_meant);
    Ok(jws::read(token.expose(), jwks, is_fit, &[Algorithm::Rs256, Algorithm::Es256])?)
}

/// Claims that the provider has signed, not judged yet.
pub struct SignedIdToken {
    claims: Claims<IdClaims>,
    payload: Vec<u8>,
}

/// An ID token that passed every step: the only one whose claims can be seen.
pub struct Proven {
    /// Who signed in.
    pub identity: Identity,
    /// What the provider calls them.
    pub sub: String,
    payload: Vec<u8>,
}

impl Proven {
    /// All that it claims.
    pub fn claims(&self) -> Result<Node<'_>, IdTokenError> {
        Node::parse(&self.payload).map_err(|_| IdTokenError::Malformed)
    }

    /// Which of the person's sessions at the provider it is of, where the provider tells (Back-Channel Logout §2.1).
    pub fn sid(&self) -> Option<String> {
        match self.claims().ok()?.get("sid")? {
            Node::Text(sid) if is_fit(sid) => Some(sid.to_string()),
            _ => None,
        }
    }
}

impl SignedIdToken {
    /// Of a token whose signature was verified.
    pub fn of(signed: jws::Signed<'_>) -> Result<Self, IdTokenError> {
        Ok(Self { claims: signed.claims()?, payload: signed.into_payload() })
    }

    /// Who signed in: steps 3 to 8 of [`read`]. One that came with a refresh answers no browser, so that it needs no
    /// nonce (Core §12.2).
    pub fn proven(
        self,
        issuer: &str,
        client_id: &str,
        nonce: Option<&Secret>,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Proven, IdTokenError> {
        let Claims { expiration, not_before: valid_from, issued_at, custom: claims, .. } = self.claims;

        // 3.
        let expected = quirks::tenants_issuer(issuer, claims.tid.as_ref().and_then(Value::as_str));
        let issuer = expected.filter(|expected| claims.iss == *expected).ok_or(IdTokenError::WrongIssuer)?;

        // 4.
        if !claims.aud.contains(client_id) {
            return Err(IdTokenError::WrongAudience);
        }
        match claims.azp.as_deref() {
            Some(party) if party != client_id => return Err(IdTokenError::WrongAuthorizedParty),
            None if claims.aud.several() => return Err(IdTokenError::WrongAuthorizedParty),
            _ => {}
        }

        // 5.
        let (expiration, valid_from, issued_at) = (
            expiration.map(|at| at.timestamp()),
            valid_from.map(|at| at.timestamp()),
            issued_at.map(|at| at.timestamp()),
        );
        if expiration.is_none_or(|at| (moment(at) + LEEWAY).reached(now)) {
            return Err(IdTokenError::Expired);
        }
        if issued_at.is_none_or(|at| moment(at) > now + LEEWAY)
            || valid_from.is_some_and(|at| moment(at) > now + LEEWAY)
        {
            return Err(IdTokenError::NotYetValid);
        }

        // 6.
        if nonce.is_some_and(|nonce| !claims.nonce.as_deref().is_some_and(|claimed| nonce.matches(claimed))) {
            return Err(IdTokenError::WrongNonce);
        }

        // 7.
        if !is_fit(&claims.sub) {
            return Err(IdTokenError::UnfitSubject);
        }

        // 8.
        let told = claims.auth_time.as_ref().filter(|told| !told.is_null());
        let stale = |told: &Value, since: Timestamp| numeric_date(told).is_none_or(|at| at + LEEWAY < since);
        if told.zip(not_before).is_some_and(|(told, since)| stale(told, since)) {
            return Err(IdTokenError::NotFresh);
        }
        let sub = claims.sub.clone();
        Ok(Proven { identity: claims.identity(&issuer), sub, payload: self.payload })
    }
}

#[derive(Deserialize)]
struct IdClaims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    nonce: Option<String>,
    tid: Option<Value>,
    auth_time: Option<Value>,
    name: Option<String>,
    email: Option<String>,
    email_verified: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn contains(&self, client_id: &str) -> bool {
        match self {
            Self::One(audience) => audience == client_id,
            Self::Several(audiences) => audiences.iter().any(|audience| audience == client_id),
        }
    }

    fn several(&self) -> bool {
        matches!(self, Self::Several(audiences) if audiences.len() > 1)
    }
}

/// What the gateway calls somebody. `sub` is unique only within its issuer (Core §2), so the issuer is part of it; the
/// scheme is not.
pub fn subject(issuer: &str, sub: &str) -> String {
    let issuer = issuer.split_once("://").map_or(issuer, |(_, rest)| rest).trim_end_matches('/');
    format!("{issuer}|{sub}")
}

/// What the issuer calls somebody whom the gateway calls that.
pub fn sub_of(subject: &str) -> &str {
    subject.split_once('|').map_or(subject, |(_, sub)| sub)
}

impl IdClaims {
    fn identity(self, issuer: &str) -> Identity {
        let refuted = self.email_verified.is_some_and(|verified| verified == false || verified == "false");
        Identity {
            subject: subject(issuer, &self.sub),
            name: self.name.and_then(shown),
            email: self.email.filter(|_| !refuted).and_then(shown),
        }
    }
}

/// Whether a text of the provider's is fit to name a person or a session (Core §2).
pub(in crate::login) fn is_fit(name: &str) -> bool {
    (1..=255).contains(&name.len()) && name.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// What pages show of a claim: nothing that is empty, absurdly long or moves the text around it.
pub(in crate::login) fn shown(text: String) -> Option<String> {
    let unfit = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    (!text.is_empty() && text.len() <= MAX_SHOWN && !text.contains(unfit)).then_some(text)
}

/// `NumericDate` (RFC 7519 §2) as providers write it: whole, with a fraction, or as text.
#[expect(clippy::cast_possible_truncation, reason = "a fraction of a second decides nothing, and the cast saturates")]
fn numeric_date(value: &Value) -> Option<Timestamp> {
    let read = |text: &str| text.parse::<f64>().ok().filter(|seconds| seconds.is_finite());
    let seconds = value.as_f64().or_else(|| value.as_str().and_then(read))?;
    Some(moment(seconds as i64))
}

pub(super) fn moment(seconds: i64) -> Timestamp {
    Timestamp(seconds.max(0).unsigned_abs())
}

#[cfg(test)]
mod tests;
