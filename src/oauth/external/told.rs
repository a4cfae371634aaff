//! What a token of another issuer says, as far as anybody here reads it: the claims of RFC 7519 §4.1, RFC 9068 §2.2 and
//! RFC 7662 §2.2, which have the same names.
//!
//! Not here: whether it suffices (`access_token`, `assertion`).

use std::collections::BTreeSet;

use crate::json::Node;
use crate::time::{Lifetime, Timestamp};

/// How far the issuer's clock may be from ours.
pub(super) const LEEWAY: Lifetime = Lifetime(60);

/// So many audiences and scopes of one token are looked at.
const MOST: usize = 100;
/// The longest name of a subject, a client or an id.
const LONGEST: usize = 255;

/// The claims of a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToldClaims {
    /// Who issued it.
    pub issuer: Option<String>,
    /// Whom it is about, if that is fit to name anybody for good: short, and printable ASCII.
    pub subject: Option<String>,
    /// Whether it says whom it is about, in whatever form: what is not fit to name a person is no client either.
    pub names_somebody: bool,
    /// Whom it is for.
    pub audience: Vec<String>,
    /// The client it was issued to.
    pub client: Option<String>,
    /// What it allows.
    pub scope: Vec<String>,
    /// The resource that an assertion asks for.
    pub resource: Vec<String>,
    /// Its id.
    pub id: Option<String>,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When the person proved who they are.
    pub signed_in: Option<Timestamp>,
    /// From when on it is good, and when it was issued: none of it lies ahead.
    pub since: Option<Timestamp>,
    begins: Option<Timestamp>,
    /// The key that whoever sends it must prove to have (RFC 9449 §6).
    pub jkt: Option<String>,
    /// Whether something else must be proven (RFC 7800 §3.1), which nobody can here.
    pub is_bound: bool,
    /// Whether it has what only ID tokens have (`OpenID` Connect Core §2, §3.3.2.11).
    pub is_id_token: bool,
}

impl ToldClaims {
    /// Reads claims. `None` for what is no object, says anything twice, or has a time that is none.
    pub fn read(claims: &Node<'_>) -> Option<Self> {
        let Node::Object(members) = claims else { return None };
        let names: BTreeSet<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
        if names.len() != members.len() {
            return None;
        }
        let time = |name| match claims.get(name) {
            None | Some(Node::Null) => Some(None),
            Some(Node::Number(number)) => number.as_f64().map(|seconds| Some(moment(seconds))),
            Some(_) => None,
        };
        let texts = |names: &[&str]| names.iter().find_map(|name| claims.get(name)).map(list).unwrap_or_default();
        let text = |names: &[&str]| names.iter().find_map(|name| named(claims.get(name)?));
        let (issued, begins) = (time("iat")?, time("nbf")?);
        let bound = claims.get("cnf").filter(|node| **node != Node::Null);
        let is_free = bound.is_none();
        // A key, and nothing beside it.
        let jkt = match bound {
            Some(Node::Object(members)) if members.len() == 1 => bound.and_then(|bound| named(bound.get("jkt")?)),
            _ => None,
        };
        Some(Self {
            // One that names nobody is not the same as none.
            issuer: claims.get("iss").filter(|node| **node != Node::Null).map(|node| named(node).unwrap_or_default()),
            subject: text(&["sub"]),
            names_somebody: ["sub", "username"]
                .iter()
                .any(|name| claims.get(name).is_some_and(|node| *node != Node::Null)),
            audience: match claims.get("aud") {
                Some(Node::Text(one)) => vec![one.to_string()],
                Some(several) => list(several),
                None => Vec::new(),
            },
            // RFC 9068, OpenID Connect, Okta, Entra.
            client: text(&["client_id", "azp", "cid", "appid"]),
            scope: texts(&["scope", "scp"]),
            resource: texts(&["resource"]),
            id: text(&["jti"]),
            expires: time("exp")?,
            signed_in: time("auth_time")?,
            since: issued,
            begins: issued.max(begins),
            is_bound: !is_free && jkt.is_none(),
            jkt,
            is_id_token: ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.get(name).is_some()),
        })
    }

    /// Whether it is good now. That it ends is said by whoever issued it, and not forgiven.
    pub fn stands(&self, now: Timestamp) -> Validity {
        match (self.expires, self.begins) {
            (Some(end), _) if end.reached(now) => Validity::Expired,
            (_, Some(begin)) if begin > now + LEEWAY => Validity::NotYet,
            _ => Validity::Good,
        }
    }

    /// When the person proved who they are; at the latest when the token was issued. Of one that does not say, any
    /// revocation was later.
    pub fn authenticated(&self, now: Timestamp) -> Timestamp {
        self.signed_in.or(self.since).unwrap_or(Timestamp(0)).min(now)
    }

    /// Whether it is about a client itself, and no person (RFC 9068 §2.2, `sub`).
    pub fn is_machine(&self) -> bool {
        !self.names_somebody || (self.subject.is_some() && self.subject == self.client)
    }
}

/// Whether something is good at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// It is.
    Good,
    /// Not any more.
    Expired,
    /// Its issuer says that it begins later, or was issued in the future.
    NotYet,
}

/// Texts with one space between them, or a list.
fn list(node: &Node<'_>) -> Vec<String> {
    match node {
        Node::Text(text) => text.split(' ').filter(|one| !one.is_empty()).take(MOST).map(str::to_owned).collect(),
        Node::List(entries) => entries
            .iter()
            .take(MOST)
            .filter_map(|entry| match entry {
                Node::Text(text) => Some(text.to_string()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn named(node: &Node<'_>) -> Option<String> {
    let Node::Text(text) = node else { return None };
    let fit = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    fit.then(|| text.to_string())
}

/// `NumericDate` (RFC 7519 §2).
#[expect(clippy::cast_possible_truncation, reason = "a fraction of a second decides nothing, and the cast saturates")]
#[expect(clippy::cast_sign_loss, reason = "what is before the epoch is over")]
fn moment(seconds: f64) -> Timestamp {
    Timestamp(seconds.max(0.0) as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(json: &str) -> Option<ToldClaims> {
        ToldClaims::read(&Node::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn claims_are_read_in_each_of_their_forms() {
        let one =
            told(r#"{"iss":"i","sub":"s","aud":"a b","scope":"x y","client_id":"c","exp":9.9,"iat":1,"jti":"j"}"#);
        let one = one.unwrap();
        assert_eq!(
            (one.audience.as_slice(), one.scope.as_slice()),
            (["a b".to_owned()].as_slice(), ["x".to_owned(), "y".to_owned()].as_slice())
        );
        assert_eq!((one.expires, one.client.as_deref()), (Some(Timestamp(9)), Some("c")));
        let other = told(r#"{"aud":["a",7,"b"],"scp":["x","y"],"azp":"c"}"#).unwrap();
        assert_eq!((other.audience.len(), other.scope.len(), other.client.as_deref()), (2, 2, Some("c")));
    }

    #[test]
    fn what_says_anything_twice_or_no_time_is_not_read() {
        for json in ["[]", r#"{"cnf":{},"cnf":null}"#, r#"{"exp":1,"exp":9}"#, r#"{"exp":"1"}"#, r#"{"nbf":{}}"#] {
            assert_eq!(told(json), None, "{json}");
        }
        for json in [r#"{"sub":""}"#, r#"{"sub":7}"#, "{\"sub\":\"a\\nb\"}", r#"{"sub":"ä"}"#] {
            assert_eq!(told(json).unwrap().subject, None, "{json}");
        }
    }

    #[test]
    fn a_time_is_judged_by_one_clock() {
        let stands = |json| told(json).unwrap().stands(Timestamp(100));
        assert_eq!(stands(r#"{"exp":101,"iat":100,"nbf":160}"#), Validity::Good);
        assert_eq!(stands(r#"{"exp":100}"#), Validity::Expired);
        assert_eq!(stands(r#"{"exp":-1}"#), Validity::Expired);
        assert_eq!(stands(r#"{"exp":1e300,"iat":161}"#), Validity::NotYet);
        assert_eq!(stands(r#"{"exp":200,"nbf":161,"iat":1}"#), Validity::NotYet);
        assert_eq!(told(r#"{"iat":150}"#).unwrap().authenticated(Timestamp(100)), Timestamp(100));
        assert_eq!(told(r#"{"iat":50,"auth_time":7}"#).unwrap().authenticated(Timestamp(100)), Timestamp(7));
        assert_eq!(told("{}").unwrap().authenticated(Timestamp(100)), Timestamp(0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_claims_are_read_without_harm(name in "(iss|sub|aud|exp|nbf|iat|scope|cnf)", value in "(\\PC{0,8}|-?[0-9]{1,30}|[a-z\" \\[\\],]{0,12})") {
            if let Ok(node) = Node::parse(format!("{{\"{name}\":{value}}}").as_bytes()) {
                let _ = ToldClaims::read(&node).map(|told| told.stands(Timestamp(1)));
            }
        }
    }
}
