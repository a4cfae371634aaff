//! Telling an issuer that a token is not needed any more (RFC 7009), when a person disconnects.
//!
//! Not here: whether the connection is gone. It is, whatever the issuer answers.

use http::{Request, StatusCode};
use url::form_urlencoded::Serializer;

use super::client::UpstreamClient;
use super::token::{Unsendable, post};
use crate::oauth::client::Method;
use crate::secret::Secret;

/// Which kind of token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenTypeHint {
    /// Revoking it should end the access tokens too (RFC 7009 §2.1), so where there is one, it is the one to revoke.
    RefreshToken,
    /// For issuers that gave no refresh token.
    AccessToken,
}

/// RFC 7009 §2.1.
pub fn request(
    endpoint: &str,
    client: &UpstreamClient,
    token: &Secret,
    kind: TokenTypeHint,
) -> Result<Request<Vec<u8>>, Unsendable> {
    post(endpoint, client, naming(token, kind))
}

/// The same once more where an endpoint did not understand it: with an empty `client_secret`, which means none (RFC
/// 6749 §2.3.1). The official Python SDK's endpoint misses the parameter, whatever the client was registered to send.
pub fn spelled_out(
    endpoint: &str,
    client: &UpstreamClient,
    token: &Secret,
    kind: TokenTypeHint,
    refused: StatusCode,
) -> Option<Request<Vec<u8>>> {
    let misses = refused == StatusCode::BAD_REQUEST && client.registered.is_some() && client.method != Method::Post;
    let mut form = naming(token, kind);
    form.append_pair("client_secret", "");
    post(endpoint, client, form).ok().filter(|_| misses)
}

fn naming(token: &Secret, kind: TokenTypeHint) -> Serializer<'static, String> {
    let hint = match kind {
        TokenTypeHint::RefreshToken => "refresh_token",
        TokenTypeHint::AccessToken => "access_token",
    };
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token.expose()).append_pair("token_type_hint", hint);
    form
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;

    #[test]
    fn the_client_proves_itself() {
        let endpoint = "https://as.example/revoke";
        let client = UpstreamClient {
            id: "gw".into(),
            secret: Some(Secret::new("s")),
            method: Method::Basic,
            registered: None,
            header_alone: false,
        };
        let sent = request(endpoint, &client, &Secret::new("r/1"), TokenTypeHint::RefreshToken).unwrap();
        assert_eq!(sent.headers()[AUTHORIZATION], "Basic Z3c6cw==");
        assert_eq!(sent.body(), b"token=r%2F1&token_type_hint=refresh_token");
        let sent =
            request(endpoint, &UpstreamClient::public("gw"), &Secret::new("a"), TokenTypeHint::AccessToken).unwrap();
        assert_eq!(sent.body(), b"token=a&token_type_hint=access_token&client_id=gw");
    }

    #[test]
    fn an_empty_secret_is_sent_only_where_a_client_that_registered_was_not_understood() {
        let secret = Some(Secret::new("s"));
        let basic =
            UpstreamClient { id: "gw".into(), secret, method: Method::Basic, registered: Some(1), header_alone: false };
        let again = |client: &UpstreamClient, refused| {
            spelled_out("https://as.example/revoke", client, &Secret::new("r"), TokenTypeHint::RefreshToken, refused)
        };
        let sent = again(&basic, StatusCode::BAD_REQUEST).unwrap();
        assert_eq!(sent.headers()[AUTHORIZATION], "Basic Z3c6cw==");
        assert_eq!(sent.body(), b"token=r&token_type_hint=refresh_token&client_secret=&client_id=gw");
        for refused in [StatusCode::OK, StatusCode::UNAUTHORIZED, StatusCode::SERVICE_UNAVAILABLE] {
            assert!(again(&basic, refused).is_none(), "{refused}");
        }
        let post = UpstreamClient { method: Method::Post, ..basic.clone() };
        let by_hand = UpstreamClient { registered: None, ..basic };
        assert!(again(&post, StatusCode::BAD_REQUEST).is_none() && again(&by_hand, StatusCode::BAD_REQUEST).is_none());
    }
}
