//! Asking an `OpenID` provider again about somebody who signed in there, with the refresh token that it gave for that
//! (Core §12).
//!
//! Not here: where the token is kept (`flow::login::recheck`), when the provider is asked and what ends then
//! (`flow::token::recheck`).

use http::{Request, StatusCode};

use super::discovery::Provider;
use super::{MAX_BYTES, client};
use crate::json::Node;
use crate::login::LoginError;
use crate::oauth_client::client_auth;
use crate::oauth_client::error_response::OauthErrorBody;
use crate::oauth_client::token;
use crate::oauth_client::token::{GrantRequest, Unsendable};
use crate::secret::Secret;
use crate::time::{Lifetime, Timestamp};
use crate::untrusted::Sent;

/// Errors that say that the person is not let in, or not without being asked (RFC 6749 §5.2, Core §3.1.2.6). Whatever
/// else a provider answers says something of the gateway, or of the provider.
const GONE: &[&str] = &[
    "invalid_grant",
    "access_denied",
    "consent_required",
    "interaction_required",
    "login_required",
    "account_selection_required",
];

/// How old the provider's last word on somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// It counts.
    Fresh,
    /// It is asked again, and the last word counts where it does not answer.
    Due,
    /// It is asked again, and nothing counts but its answer.
    Overdue,
}

impl Age {
    /// Of a word of that moment, where one is good for so long.
    pub fn of(last: Timestamp, interval: Lifetime, now: Timestamp) -> Self {
        match last + interval {
            due if !due.reached(now) => Self::Fresh,
            due if !(due + interval).reached(now) => Self::Due,
            _ => Self::Overdue,
        }
    }
}

/// What a provider gave, whose word is good again.
#[derive(Debug)]
pub struct Renewed {
    /// Not verified yet. Providers need not send one (Core §12.2).
    pub id_token: Option<Secret>,
    /// For the userinfo endpoint. It is not kept.
    pub access_token: Option<Secret>,
    /// In place of the one that was sent, where that is worth nothing any more.
    pub refresh_token: Option<Secret>,
}

/// Why there is nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum NotRenewed {
    /// The person is out.
    Gone,
    /// It is not known whether they are.
    Unanswered(LoginError),
}

/// Asks again.
pub fn request(
    provider: &Provider,
    client_id: &str,
    secret: Option<&Secret>,
    refresh_token: &Secret,
) -> Result<Request<Vec<u8>>, LoginError> {
    let grant = GrantRequest::Refresh(refresh_token);
    token::request(provider.token_endpoint.as_str(), &client(provider, client_id, secret), &grant, None)
        .map_err(|Unsendable| LoginError::UnfitUrl("token_endpoint"))
}

/// What of such a request must not come back in a text.
pub fn secrets(client_id: &str, secret: Option<&Secret>, refresh_token: &Secret) -> Sent {
    client_auth::sent(client_id, secret).with(refresh_token)
}

/// Reads the answer.
///
/// 1. A provider that is overloaded or broken says nothing of the person, and neither does one that refuses the
///    gateway.
/// 2. Success is an object; nothing in it has to be there.
pub fn read(status: StatusCode, bytes: &[u8], sent: &Sent) -> Result<Renewed, NotRenewed> {
    let bytes = Some(bytes).filter(|bytes| bytes.len() <= MAX_BYTES).unwrap_or_default();

    // 1.
    if status != StatusCode::OK {
        let refusal = OauthErrorBody::read(bytes);
        if status.is_client_error() && refusal.code().is_some_and(|code| GONE.contains(&code)) {
            return Err(NotRenewed::Gone);
        }
        let error = refusal.shown_code(sent);
        return Err(NotRenewed::Unanswered(LoginError::TokenRefused { status: status.as_u16(), error }));
    }

    // 2.
    let answer = Node::parse(bytes).ok().filter(|answer| matches!(answer, Node::Object(_)));
    let answer = answer.ok_or(NotRenewed::Unanswered(LoginError::TokenMalformed))?;
    let token = |name| match answer.get(name) {
        Some(Node::Text(token)) if !token.is_empty() => Some(Secret::new(token.as_ref())),
        _ => None,
    };
    Ok(Renewed {
        id_token: token("id_token"),
        access_token: token("access_token"),
        refresh_token: token("refresh_token"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_good_for_its_interval_and_one_more_where_nobody_answers() {
        let age = |at| Age::of(Timestamp(1_000), Lifetime(100), Timestamp(at));
        for (at, wanted) in [
            (0, Age::Fresh),
            (1_099, Age::Fresh),
            (1_100, Age::Due),
            (1_199, Age::Due),
            (1_200, Age::Overdue),
            (9_999, Age::Overdue),
        ] {
            assert_eq!(age(at), wanted, "{at}");
        }
    }

    fn answered(status: u16, body: &str) -> Result<Renewed, NotRenewed> {
        let sent = Sent::default().with(&Secret::new("rt-of-alice"));
        read(StatusCode::from_u16(status).unwrap(), body.as_bytes(), &sent)
    }

    #[test]
    fn only_what_is_said_of_the_person_puts_them_out() {
        for code in GONE {
            assert_eq!(answered(400, &format!(r#"{{"error":"{code}"}}"#)).unwrap_err(), NotRenewed::Gone, "{code}");
        }
        for (status, body) in [
            (401, r#"{"error":"invalid_client"}"#),
            (400, r#"{"error":"unsupported_grant_type"}"#),
            (400, r#"{"error":["invalid_grant"]}"#),
            (400, "invalid_grant"),
            (500, r#"{"error":"invalid_grant"}"#),
            (503, ""),
            (302, ""),
            (200, "<html>"),
            (200, "[]"),
        ] {
            assert!(matches!(answered(status, body).unwrap_err(), NotRenewed::Unanswered(_)), "{status} {body}");
        }
        let NotRenewed::Unanswered(error) = answered(400, r#"{"error":"no rt-of-alice"}"#).unwrap_err() else {
            panic!()
        };
        assert!(!error.to_string().contains("rt-of-alice"), "{error}");
    }

    #[test]
    fn an_answer_need_not_have_anything() {
        let bare = answered(200, r#"{"token_type":"Bearer","refresh_token":""}"#).unwrap();
        assert!(bare.id_token.is_none() && bare.access_token.is_none() && bare.refresh_token.is_none());
        let full = answered(200, r#"{"id_token":"a.b.c","access_token":"at","refresh_token":"rt1"}"#).unwrap();
        let text = |token: Option<Secret>| token.map(|token| token.expose().to_owned());
        assert_eq!(text(full.id_token).as_deref(), Some("a.b.c"));
        assert_eq!(
            (text(full.access_token).as_deref(), text(full.refresh_token).as_deref()),
            (Some("at"), Some("rt1"))
        );
        assert!(!format!("{:?}", answered(200, r#"{"refresh_token":"rt1"}"#)).contains("rt1"));
    }
}
