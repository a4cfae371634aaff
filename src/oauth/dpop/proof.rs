//! A proof (RFC 9449 §4.2): a JWT about one request, signed with the key that it brings.
//!
//! Not here: its signature's arithmetic, and whether the key is the one that a token is bound to (`flow::dpop`).

use std::collections::BTreeSet;

use url::Url;

use crate::jose::algorithm::Algorithm;
use crate::jose::jws::{self, JwsError, Signed, Unverified};
use crate::json::Node;
use crate::oauth::once::OnceId;
use crate::reasons::reasons;
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};

/// Its `typ`.
const TYPE: &str = "dpop+jwt";
/// The longest that is looked at: an RSA key and a signature of 4096 bits have 1.4 KB.
const LONGEST: usize = 4096;
const LONGEST_ID: usize = 255;
/// How old one may be: as long its id has to be remembered.
const OLDEST: Lifetime = Lifetime::minutes(5);
/// How far the client's clock may be before ours.
const LEEWAY: Lifetime = Lifetime(60);
/// How long a proof is good from the moment it is seen, at most.
pub const GOOD_AT_MOST: Lifetime = OLDEST.and(LEEWAY);

/// The request that a proof is for.
#[derive(Debug, Clone, Copy)]
pub struct ProvenRequest<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its address, without query and fragment.
    pub url: &'a str,
    /// The access token that comes with it.
    pub token: Option<&'a str>,
}

/// What a proof that holds says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The thumbprint of its key (RFC 7638).
    pub jkt: String,
    /// The nonce that it answers.
    pub nonce: Option<String>,
    /// Its id, which is one of its key.
    pub id: OnceId,
    /// From when on it is good no more.
    pub until: Timestamp,
}

/// Reads a proof without believing it, and the thumbprint of its key. RFC 9449 §4.3, steps 2 to 7.
pub fn read(text: &str) -> Result<(Unverified<'_>, String), ProofError> {
    if text.len() > LONGEST {
        return Err(ProofError::Malformed);
    }
    Ok(jws::read_with_own_key(text, |typ| typ.is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE)), &Algorithm::ALL)?)
}

/// Whether what was signed is about this request and moment. RFC 9449 §4.3, steps 3, 8, 9, 11 and 12.
pub fn judge(signed: Signed<'_>, jkt: String, request: ProvenRequest<'_>, now: Timestamp) -> Result<Proof, ProofError> {
    let payload = signed.into_payload();
    let claims = Node::parse(&payload).map_err(|_| ProofError::Malformed)?;
    let Node::Object(members) = &claims else { return Err(ProofError::Malformed) };
    let names: BTreeSet<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
    if names.len() != members.len() {
        return Err(ProofError::Malformed);
    }
    let text = |name| match claims.get(name) {
        Some(Node::Text(text)) => Some(text.as_ref()),
        _ => None,
    };
    let id = text("jti").filter(|id| (1..=LONGEST_ID).contains(&id.len())).ok_or(ProofError::Malformed)?;
    let (method, url) = text("htm").zip(text("htu")).ok_or(ProofError::Malformed)?;
    if method != request.method || !is_address(url, request.url) {
        return Err(ProofError::Elsewhere);
    }
    let Some(Node::Number(issued)) = claims.get("iat") else { return Err(ProofError::Malformed) };
    let issued = issued.as_f64().filter(|at| (0.0..1e15).contains(at)).ok_or(ProofError::Malformed)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in between")]
    let issued = Timestamp(issued as u64);
    let until = issued + OLDEST;
    if until.reached(now) || issued > now + LEEWAY {
        return Err(ProofError::Stale);
    }
    if request.token.is_some_and(|token| text("ath") != Some(Digested::of(token).as_str())) {
        return Err(ProofError::OtherToken);
    }
    let id = OnceId::new("dpop", &jkt, id);
    Ok(Proof { nonce: text("nonce").map(str::to_owned), id, until, jkt })
}

/// The same address after normalization, whatever follows as query and fragment (RFC 9449 §4.3).
fn is_address(claimed: &str, own: &str) -> bool {
    let bare = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    bare(own).is_some_and(|own| bare(claimed) == Some(own))
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofError {
    /// There is none, or more than one.
    Missing,
    /// It cannot be read, or lacks a claim.
    Malformed,
    /// Another kind of JWT.
    WrongType,
    /// Not an algorithm with a public key.
    Algorithm,
    /// It brings no public key that fits, or a private one.
    Key,
    /// Its key has not signed it.
    Signature,
    /// For another request.
    Elsewhere,
    /// Too old, or from the future.
    Stale,
    /// For another access token.
    OtherToken,
    /// Of another key than the token's.
    OtherKey,
    /// It was used before.
    Used,
    /// Without a nonce of ours, or with one that has ended.
    Nonce,
}

impl From<JwsError> for ProofError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::WrongType => Self::WrongType,
            JwsError::UnsupportedAlgorithm => Self::Algorithm,
            JwsError::UnknownKey => Self::Key,
            JwsError::WrongSignature => Self::Signature,
            JwsError::Malformed | JwsError::CriticalExtension | JwsError::AmbiguousKey => Self::Malformed,
        }
    }
}

reasons! { ProofError:
    Missing => "dpop_proof_missing", "one DPoP header with a proof is needed";
    Malformed => "dpop_proof_malformed", "the DPoP proof cannot be read, or lacks jti, htm, htu or iat";
    WrongType => "dpop_proof_wrong_type", "typ of the DPoP proof has to be dpop+jwt";
    Algorithm => "dpop_proof_algorithm", "the DPoP proof is not signed with an algorithm that has a public key";
    Key => "dpop_proof_key", "the DPoP proof has to bring the public key that it is signed with, and nothing private";
    Signature => "dpop_proof_signature", "the signature of the DPoP proof does not match its key";
    Elsewhere => "dpop_proof_elsewhere", "htm and htu of the DPoP proof have to be those of this request";
    Stale => "dpop_proof_stale", "the DPoP proof was made more than five minutes ago, or in the future";
    OtherToken => "dpop_proof_other_token", "ath of the DPoP proof has to be the digest of the access token";
    OtherKey => "dpop_proof_other_key", "the DPoP proof is of another key than the token is bound to";
    Used => "dpop_proof_used", "the DPoP proof was used before";
    Nonce => "dpop_nonce_needed", "the DPoP proof has to answer a nonce that was given out moments ago";
}

impl std::error::Error for ProofError {}
