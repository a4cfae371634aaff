//! Telling an issuer that a token is not needed any more (RFC 7009), when a person disconnects.
//!
//! Not here: whether the connection is gone. It is, whatever the issuer answers.

use http::Request;
use url::form_urlencoded::Serializer;

use super::client::UpstreamClient;
use super::token::{Unsendable, post};
use crate::secret::Secret;

/// Which kind of token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
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
    kind: Kind,
) -> Result<Request<Vec<u8>>, Unsendable> {
    let hint = match kind {
        Kind::RefreshToken => "refresh_token",
        Kind::AccessToken => "access_token",
    };
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token.expose()).append_pair("token_type_hint", hint);
    post(endpoint, client, form)
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;
    use crate::upstream::client::Method;

    #[test]
    fn the_client_proves_itself() {
        let endpoint = "https://as.example/revoke";
        let client =
            UpstreamClient { id: "gw".into(), secret: Some(Secret::new("s")), method: Method::Basic, registered: None };
        let sent = request(endpoint, &client, &Secret::new("r/1"), Kind::RefreshToken).unwrap();
        assert_eq!(sent.headers()[AUTHORIZATION], "Basic Z3c6cw==");
        assert_eq!(sent.body(), b"token=r%2F1&token_type_hint=refresh_token");
        let sent = request(endpoint, &UpstreamClient::public("gw"), &Secret::new("a"), Kind::AccessToken).unwrap();
        assert_eq!(sent.body(), b"token=a&token_type_hint=access_token&client_id=gw");
    }
}
