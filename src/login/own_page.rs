//! A sign-in page of the operator's own: what goes there with the browser, what its server says of who signed in, and
//! what comes back.
//!
//! ```text
//! browser ─ ticket ─► page        page's server ─ secret, ticket, person ─► gateway
//! browser ◄─ code ─── page        page's server ◄─ where to send the browser ─ gateway
//! ```
//!
//! A ticket and a code are sealed and bound to the state of one sign-in, which a cookie of one browser holds. Not here:
//! the sealing and the cookie (`flow::login`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::Identity;
use super::oidc::claims::{ClaimsTold, WantedClaims};
use super::oidc::id_token::{LEEWAY, is_fit, shown};
use crate::json::Node;
use crate::policy::ClaimName;
use crate::reasons::reasons;
use crate::secret::{Secret, sealed};
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;

/// How long a code is good: the browser is on its way.
pub const CODE_LIFETIME: Lifetime = Lifetime(60);

/// What somebody thinks up is shorter, and can be guessed; whoever guesses it is anybody here.
pub const SHORTEST_SECRET: usize = 20;

/// A code has to fit into the address that the browser is sent to.
const LONGEST_CODE: usize = 4096;

/// What a page may say.
const MEMBERS: [&str; 7] = ["ticket", "subject", "name", "email", "roles", "claims", "auth_time"];

/// What the browser takes to the page.
#[derive(Debug, Serialize, Deserialize)]
pub struct LoginTicket {
    v: V1,
    /// Of which sign-in.
    #[serde(with = "sealed")]
    pub state: Secret,
    /// Until when.
    pub expires: Timestamp,
}

impl LoginTicket {
    /// For a sign-in that is under way until then.
    pub fn new(state: &Secret, expires: Timestamp) -> Self {
        Self { v: V1, state: state.clone(), expires }
    }
}

/// What the browser brings back.
#[derive(Debug, Serialize, Deserialize)]
pub struct LoginCode {
    v: V1,
    /// Who signed in.
    pub identity: Identity,
    /// Their roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// What rules ask for besides.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Vec<String>>,
    /// Whether there was more of that than is read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    /// When they signed in at the page, where it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
    /// Until when it is good.
    pub expires: Timestamp,
}

/// Why a page's word is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandoverError {
    /// Not the secret of the page.
    WrongSecret,
    /// Not what a page may say, and which part of it.
    Malformed(&'static str),
    /// Not a ticket of this gateway for this page, or one that is over.
    TicketGone,
    /// The subject is empty, too long or not printable ASCII.
    UnfitSubject,
    /// More than fits into an address.
    TooLarge,
}

reasons! { HandoverError:
    WrongSecret => "login_page_secret_wrong", "The request does not carry the secret of the sign-in page.";
    Malformed(what) => "login_page_malformed", "The body is not what a sign-in page may say: {what}.";
    TicketGone => "login_page_ticket_gone",
        "The ticket is not one of this gateway for this page, or is more than ten minutes old.";
    UnfitSubject => "login_page_subject_unfit",
        "The subject is not 1 to 255 characters of printable ASCII, so it cannot name a person for good.";
    TooLarge => "login_page_too_large", "What is said of the person does not fit into the address they come back with.";
}

/// Where the browser is sent. What a client demanded of the sign-in is said in the words of `OpenID` Connect.
pub fn url(page: &Url, ticket: &str, prompt: Option<&str>) -> Url {
    let mut url = page.clone();
    url.query_pairs_mut().append_pair("ticket", ticket);
    if let Some(prompt) = prompt {
        url.query_pairs_mut().append_pair("prompt", prompt);
    }
    url
}

/// The ticket of a page's word, which is an object of members that are known and there once.
pub fn ticket(body: &Node<'_>) -> Result<Secret, HandoverError> {
    let Node::Object(members) = body else { return Err(HandoverError::Malformed("it is no JSON object")) };
    for (name, _) in members {
        if !MEMBERS.contains(&name.as_ref()) {
            return Err(HandoverError::Malformed("it has a member that means nothing"));
        }
        if body.get(name).is_none() {
            return Err(HandoverError::Malformed("it has a member twice"));
        }
    }
    match body.get("ticket") {
        Some(Node::Text(ticket)) => Ok(Secret::new(ticket.as_ref())),
        _ => Err(HandoverError::Malformed("ticket is no text")),
    }
}

/// Who signed in, by a page's word. `asked` are the claims that rules ask for.
pub fn code<'c>(
    alias: &str,
    body: &Node<'_>,
    asked: impl IntoIterator<Item = &'c ClaimName>,
    now: Timestamp,
) -> Result<LoginCode, HandoverError> {
    let Some(Node::Text(sub)) = body.get("subject") else {
        return Err(HandoverError::Malformed("subject is no text"));
    };
    if !is_fit(sub) {
        return Err(HandoverError::UnfitSubject);
    }
    let claims = match body.get("claims") {
        None => &Node::Null,
        Some(claims @ (Node::Object(_) | Node::Null)) => claims,
        Some(_) => return Err(HandoverError::Malformed("claims is no object")),
    };
    let ClaimsTold { claims, incomplete, .. } = WantedClaims::new(None, asked).told(claims, None);
    Ok(LoginCode {
        v: V1,
        identity: Identity {
            subject: format!("{alias}:{sub}"),
            name: text(body, "name").map_err(|()| HandoverError::Malformed("name is no text"))?,
            email: text(body, "email").map_err(|()| HandoverError::Malformed("email is no text"))?,
        },
        roles: roles(body)?,
        claims: claims.into_map(),
        incomplete,
        auth_time: auth_time(body)?,
        expires: now + CODE_LIFETIME,
    })
}

/// What pages show; what they cannot show is left out.
fn text(body: &Node<'_>, name: &str) -> Result<Option<String>, ()> {
    match body.get(name) {
        None | Some(Node::Null) => Ok(None),
        Some(Node::Text(text)) => Ok(shown(text.to_string())),
        Some(_) => Err(()),
    }
}

fn roles(body: &Node<'_>) -> Result<Vec<String>, HandoverError> {
    let entry = |node: &Node<'_>| match node {
        Node::Text(role) => Some(role.to_string()),
        _ => None,
    };
    let roles = match body.get("roles") {
        None | Some(Node::Null) => Some(Vec::new()),
        Some(Node::List(roles)) => roles.iter().map(entry).collect(),
        Some(_) => None,
    };
    let mut roles = roles.ok_or(HandoverError::Malformed("roles is no list of texts"))?;
    roles.sort_unstable();
    roles.dedup();
    Ok(roles)
}

fn auth_time(body: &Node<'_>) -> Result<Option<Timestamp>, HandoverError> {
    match body.get("auth_time") {
        None | Some(Node::Null) => Ok(None),
        Some(Node::Number(at)) if at.is_u64() => Ok(at.as_u64().map(Timestamp)),
        Some(_) => Err(HandoverError::Malformed("auth_time is no whole number of seconds")),
    }
}

/// Whether somebody signed in at the page before they had to anew, give or take a minute.
pub fn is_stale(at: Timestamp, since: Timestamp) -> bool {
    at + LEEWAY < since
}

/// A sealed code that still fits into an address.
pub fn fitting(sealed: String) -> Result<String, HandoverError> {
    if sealed.len() <= LONGEST_CODE { Ok(sealed) } else { Err(HandoverError::TooLarge) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn said(body: &str) -> Result<LoginCode, HandoverError> {
        let body = Node::parse(body.as_bytes()).unwrap();
        ticket(&body)?;
        let asked = ["team"].map(|name| ClaimName::parse(name).unwrap());
        code("app", &body, &asked, NOW)
    }

    #[test]
    fn the_sealed_forms_are_pinned() {
        let body = r#"{"ticket":"t","subject":"7","name":"Alice","roles":["support","a","a"],"claims":{"team":"ops","x":1},"auth_time":900}"#;
        let golden = r#"{"v":1,"identity":{"subject":"app:7","name":"Alice"},"roles":["a","support"],"claims":{"team":["ops"]},"auth_time":900,"expires":1060}"#;
        assert_eq!(serde_json::to_string(&said(body).unwrap()).unwrap(), golden);
        assert_eq!(serde_json::from_str::<LoginCode>(golden).unwrap().expires, Timestamp(1_060));
        let bare = r#"{"v":1,"identity":{"subject":"app:7"},"expires":1060}"#;
        assert_eq!(serde_json::to_string(&said(r#"{"ticket":"t","subject":"7"}"#).unwrap()).unwrap(), bare);
        let ticket = serde_json::to_string(&LoginTicket::new(&Secret::new("s"), NOW)).unwrap();
        assert_eq!(ticket, r#"{"v":1,"state":"s","expires":1000}"#);
        assert!(!format!("{:?}", LoginTicket::new(&Secret::new("of-a-state"), NOW)).contains("of-a-state"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (body, reason, words) in [
            ("[]", "login_page_malformed", "no JSON object"),
            ("{}", "login_page_malformed", "ticket"),
            (r#"{"ticket":7}"#, "login_page_malformed", "ticket"),
            (r#"{"ticket":"t"}"#, "login_page_malformed", "subject"),
            (r#"{"ticket":"t","subject":7}"#, "login_page_malformed", "subject"),
            (r#"{"ticket":"t","subject":"7","subject":"8"}"#, "login_page_malformed", "twice"),
            (r#"{"ticket":"t","subject":"7","role":"admin"}"#, "login_page_malformed", "means nothing"),
            (r#"{"ticket":"t","subject":"7","email":["a"]}"#, "login_page_malformed", "email"),
            (r#"{"ticket":"t","subject":"7","name":{}}"#, "login_page_malformed", "name"),
            (r#"{"ticket":"t","subject":"7","roles":"admin"}"#, "login_page_malformed", "roles"),
            (r#"{"ticket":"t","subject":"7","roles":[1]}"#, "login_page_malformed", "roles"),
            (r#"{"ticket":"t","subject":"7","claims":[]}"#, "login_page_malformed", "claims"),
            (r#"{"ticket":"t","subject":"7","auth_time":"now"}"#, "login_page_malformed", "auth_time"),
            (r#"{"ticket":"t","subject":""}"#, "login_page_subject_unfit", "255"),
            (r#"{"ticket":"t","subject":"a\nb"}"#, "login_page_subject_unfit", "255"),
        ] {
            let error = said(body).map(|code| code.identity).unwrap_err();
            assert_eq!(error.reason(), reason, "{body}");
            assert!(error.to_string().contains(words), "{error}");
        }
        assert_eq!(fitting("a".repeat(LONGEST_CODE + 1)), Err(HandoverError::TooLarge));
        let shown = said(r#"{"ticket":"t","subject":"7","name":"a\u202eb","email":null}"#).unwrap().identity;
        assert_eq!((shown.name, shown.email), (None, None));
    }

    #[test]
    fn the_page_keeps_its_own_query() {
        let page = Url::parse("https://app.example.com/sign-in?a=b").unwrap();
        assert_eq!(url(&page, "t", None).as_str(), "https://app.example.com/sign-in?a=b&ticket=t");
        let anew = url(&page, "t", Some("login"));
        assert_eq!(anew.as_str(), "https://app.example.com/sign-in?a=b&ticket=t&prompt=login");
        assert!(is_stale(Timestamp(900), Timestamp(961)) && !is_stale(Timestamp(900), Timestamp(960)));
    }
}
