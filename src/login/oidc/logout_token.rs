//! Logout tokens: who signed out, according to the provider (`OpenID` Connect Back-Channel Logout 1.0 §2.6).
//!
//! Not here: the signature, which is verified as an ID token's is (`id_token`), and what ends then (`flow::logout`).

use super::id_token;
use super::id_token::{IdTokenError, LEEWAY, is_fit, moment, subject};
use crate::jose::jwks::Jwks;
use crate::jose::jws::{Signed, Unverified};
use crate::json::Node;
use crate::reasons::reasons;
use crate::secret::{Digested, Secret};
use crate::time::Timestamp;

/// What such a token has to say (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Why a logout token ends nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutTokenError {
    /// It is no JWS that the provider signed.
    Unproven(IdTokenError),
    /// Claims are missing or of the wrong type.
    Malformed,
    /// Issued by someone else.
    WrongIssuer,
    /// Issued for another client.
    WrongAudience,
    /// Past its expiry, or has none.
    Expired,
    /// Issued at no time, or at one to come.
    NotYetValid,
    /// Not said to be about a logout: an ID token, above all.
    WrongEvent,
    /// It has a `nonce`: an ID token, whatever else it says.
    HasNonce,
    /// Names neither a person nor a session.
    NamesNobody,
}

reasons! { LogoutTokenError:
    Unproven(error) => "logout_token_unproven", "The logout token proves nothing: {}", error;
    Malformed => "logout_token_malformed", "The logout token's claims cannot be read.";
    WrongIssuer => "logout_token_wrong_issuer", "The logout token is not from the configured issuer.";
    WrongAudience => "logout_token_wrong_audience", "The logout token was issued for another client.";
    Expired => "logout_token_expired", "The logout token has expired, or does not say when it does.";
    NotYetValid => "logout_token_not_yet_valid",
        "The logout token does not say when it was issued, or is from the future.";
    WrongEvent => "logout_token_wrong_event", "The token does not say that it is about a logout.";
    HasNonce => "logout_token_has_nonce", "The token has a nonce, which no logout token has.";
    NamesNobody => "logout_token_names_nobody", "The logout token names neither a person nor a session.";
}

/// Who signed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logout {
    /// The gateway's subject, where the token names the person.
    pub subject: Option<String>,
    /// The session, where it names one: that one alone was left.
    pub session: Option<Digested>,
    /// When the token was made: what began later is none of its business.
    pub issued: Timestamp,
}

/// Reads a logout token without believing it.
///
/// 1. It is a JWS of the kind, or of none that it names, and has a signature by a key of the provider.
/// 2. `iss` is the configured issuer, and `aud` has the gateway's client id: this and the rest in [`proven`].
/// 3. `exp` and `iat` hold now, give or take a minute, and there is a `jti`.
/// 4. `events` has the logout event, as an object.
/// 5. There is no `nonce`.
/// 6. `sub` or `sid` is there, or both, and fit to name somebody.
pub fn read<'a>(token: &'a Secret, jwks: &Jwks) -> Result<Unverified<'a>, LogoutTokenError> {
    id_token::read_as(&["logout+jwt", "JWT"], token, jwks).map_err(LogoutTokenError::Unproven)
}

/// Who signed out, by a token whose signature was verified.
pub fn proven(signed: Signed<'_>, issuer: &str, client_id: &str, now: Timestamp) -> Result<Logout, LogoutTokenError> {
    let payload = signed.into_payload();
    let claims = Node::parse(&payload).map_err(|_| LogoutTokenError::Malformed)?;

    // 2.
    if text(&claims, "iss")? != Some(issuer) {
        return Err(LogoutTokenError::WrongIssuer);
    }
    let is_ours = |audience: &Node<'_>| matches!(audience, Node::Text(audience) if audience == client_id);
    let audience = match claims.get("aud") {
        Some(Node::List(audiences)) => audiences.iter().any(is_ours),
        audience => audience.is_some_and(is_ours),
    };
    if !audience {
        return Err(LogoutTokenError::WrongAudience);
    }

    // 3.
    if date(&claims, "exp").is_none_or(|at| (at + LEEWAY).reached(now)) {
        return Err(LogoutTokenError::Expired);
    }
    let made = date(&claims, "iat").filter(|at| *at <= now + LEEWAY).ok_or(LogoutTokenError::NotYetValid)?;
    text(&claims, "jti")?.ok_or(LogoutTokenError::Malformed)?;

    // 4.
    let event = claims.get("events").and_then(|events| events.get(EVENT));
    if !matches!(event, Some(Node::Object(_))) {
        return Err(LogoutTokenError::WrongEvent);
    }

    // 5. Twice is there as well, and more than `get` gives out.
    if matches!(&claims, Node::Object(members) if members.iter().any(|(name, _)| name == "nonce")) {
        return Err(LogoutTokenError::HasNonce);
    }

    // 6.
    let (sub, sid) = (text(&claims, "sub")?, text(&claims, "sid")?);
    if sub.or(sid).is_none() || !sub.is_none_or(is_fit) || !sid.is_none_or(is_fit) {
        return Err(LogoutTokenError::NamesNobody);
    }
    Ok(Logout {
        subject: sub.map(|sub| subject(issuer, sub)),
        session: sid.map(|sid| session(issuer, sid)),
        issued: made,
    })
}

/// What stands for a session at a provider: its id is unique only there, and is not to be read from storage.
pub fn session(issuer: &str, sid: &str) -> Digested {
    Digested::of(&format!("{issuer}|{sid}"))
}

/// A text that is there once, or none; whatever else is there is no logout token.
fn text<'n>(claims: &'n Node<'_>, name: &str) -> Result<Option<&'n str>, LogoutTokenError> {
    let Node::Object(members) = claims else { return Err(LogoutTokenError::Malformed) };
    let mut named = members.iter().filter(|(other, _)| other == name).map(|(_, node)| node);
    match (named.next(), named.next()) {
        (None, _) => Ok(None),
        (Some(Node::Text(text)), None) => Ok(Some(text)),
        _ => Err(LogoutTokenError::Malformed),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a fraction of a second decides nothing, and the cast saturates")]
fn date(claims: &Node<'_>, name: &str) -> Option<Timestamp> {
    match claims.get(name)? {
        Node::Number(number) => number.as_f64().map(|seconds| moment(seconds as i64)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::jose::jwks;
    use crate::jose::test_keys::{EC_ID, ec_jwk, es256, made_by};

    const ISSUER: &str = "https://id.example.com/";
    const NOW: u64 = 1_700_000_000;

    fn claims() -> Value {
        json!({
            "iss": ISSUER, "aud": "gateway", "iat": NOW - 5, "exp": NOW + 120, "jti": "1", "sub": "7", "sid": "s",
            "events": {EVENT: {}},
        })
    }

    fn with(member: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[member] = value;
        claims
    }

    fn without(members: &[&str]) -> Value {
        let mut claims = claims();
        for member in members {
            claims.as_object_mut().unwrap().remove(*member);
        }
        claims
    }

    fn judged(kind: &str, claims: Value) -> Result<Logout, LogoutTokenError> {
        let keys = jwks::parse(json!({"keys": [ec_jwk()]}).to_string().as_bytes()).unwrap();
        let token = Secret::new(es256(json!({"kid": EC_ID, "typ": kind}), claims));
        let token = read(&token, &keys)?;
        let verified = token.keys().iter().any(|key| made_by(key, token.message(), token.signature()));
        let signed = token.verified(verified).map_err(|error| LogoutTokenError::Unproven(error.into()))?;
        proven(signed, ISSUER, "gateway", Timestamp(NOW))
    }

    #[test]
    fn a_logout_names_a_person_or_a_session_or_both() {
        let (person, session) = (Some("id.example.com|7".to_owned()), Some(session(ISSUER, "s")));
        for (kind, claims, subject, session) in [
            ("logout+jwt", claims(), person.clone(), session.clone()),
            ("JWT", claims(), person.clone(), session.clone()),
            ("logout+jwt", without(&["sid"]), person.clone(), None),
            ("logout+jwt", without(&["sub"]), None, session.clone()),
            ("logout+jwt", with("aud", json!(["other", "gateway"])), person, session),
        ] {
            let logout = Logout { subject, session, issued: Timestamp(NOW - 5) };
            assert_eq!(judged(kind, claims.clone()), Ok(logout), "{claims}");
        }
    }

    #[test]
    fn what_is_not_the_providers_word_on_a_logout_is_refused() {
        use LogoutTokenError as Error;
        for (claims, error) in [
            (with("iss", json!("https://id.example.com")), Error::WrongIssuer),
            (without(&["iss"]), Error::WrongIssuer),
            (with("aud", json!("other")), Error::WrongAudience),
            (with("aud", json!(["other"])), Error::WrongAudience),
            (without(&["aud"]), Error::WrongAudience),
            (with("exp", json!(NOW - 60)), Error::Expired),
            (without(&["exp"]), Error::Expired),
            (with("iat", json!(NOW + 61)), Error::NotYetValid),
            (without(&["iat"]), Error::NotYetValid),
            (without(&["jti"]), Error::Malformed),
            (with("jti", json!(7)), Error::Malformed),
            (without(&["events"]), Error::WrongEvent),
            (with("events", json!({})), Error::WrongEvent),
            (with("events", json!({EVENT: true})), Error::WrongEvent),
            (with("events", json!([EVENT])), Error::WrongEvent),
            (with("events", json!({"http://schemas.openid.net/event/other": {}})), Error::WrongEvent),
            (with("nonce", json!("n")), Error::HasNonce),
            (with("nonce", json!(null)), Error::HasNonce),
            (without(&["sub", "sid"]), Error::NamesNobody),
            (with("sub", json!("")), Error::NamesNobody),
            (with("sid", json!("a\nb")), Error::NamesNobody),
            (with("sub", json!(7)), Error::Malformed),
        ] {
            assert_eq!(judged("logout+jwt", claims.clone()), Err(error), "{claims}");
        }
        let unproven = judged("at+jwt", claims());
        assert_eq!(unproven, Err(Error::Unproven(IdTokenError::WrongType)));
    }

    #[test]
    fn a_logout_token_is_no_id_token() {
        let keys = jwks::parse(json!({"keys": [ec_jwk()]}).to_string().as_bytes()).unwrap();
        let token = Secret::new(es256(json!({"kid": EC_ID, "typ": "logout+jwt"}), with("nonce", json!("n1"))));
        assert_eq!(id_token::read(&token, &keys).err(), Some(IdTokenError::WrongType));
    }

    #[test]
    fn a_session_is_its_providers() {
        assert_ne!(session(ISSUER, "s"), session("https://other.example.com/", "s"));
        assert_eq!(session(ISSUER, "s").as_str(), "MVoWRmWHuaZP4S8AprC2d_an85VppKNPVdY7jSZ356k");
    }
}
