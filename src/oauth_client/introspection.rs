//! Asking an issuer whether a token of its own is good (RFC 7662).
//!
//! Not here: what a good token must say (`oauth::external::access_token`), and for how long an answer is believed
//! (`flow::external`).

use http::{Request, StatusCode};
use url::form_urlencoded::Serializer;

use super::client_auth::GatewayClient;
use super::token::{Unsendable, post};
use crate::json::Node;
use crate::secret::Secret;

/// No answer is larger; `flow` reads no further.
pub const MAX_BYTES: usize = 64 * 1024;

/// RFC 7662 §2.1.
pub fn request(endpoint: &str, client: &GatewayClient, token: &Secret) -> Result<Request<Vec<u8>>, Unsendable> {
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token.expose()).append_pair("token_type_hint", "access_token");
    post(endpoint, client, form)
}

/// What an issuer says of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenStanding {
    /// It is an access token for bearers, and good: the answer says the rest.
    Active,
    /// It is not, for whatever reason (§2.2).
    Inactive,
    /// It is good, and something else: a refresh token above all, which issuers tell of as well.
    OtherToken,
}

/// Why an answer says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// The issuer does not know the gateway, or not well enough to tell it (§2.3).
    ClientRefused,
    /// Anything else that is no answer.
    Unfit,
}

/// Reads an answer. Only `true` is a yes.
pub fn standing(status: StatusCode, answer: &Node<'_>) -> Result<TokenStanding, NoAnswer> {
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST) {
        return Err(NoAnswer::ClientRefused);
    }
    let says = |name: &str, fit: fn(&str) -> bool| match answer.get(name) {
        Some(Node::Text(text)) => fit(text),
        _ => true,
    };
    match answer.get("active") {
        _ if status != StatusCode::OK => Err(NoAnswer::Unfit),
        Some(Node::Bool(false)) => Ok(TokenStanding::Inactive),
        Some(Node::Bool(true)) => {
            let for_bearers = says("token_type", |text| text.eq_ignore_ascii_case("bearer"));
            // Keycloak says the kind of token in a member of its own.
            let is_access =
                says("typ", |text| !text.eq_ignore_ascii_case("refresh") && !text.eq_ignore_ascii_case("id"));
            Ok(if for_bearers && is_access { TokenStanding::Active } else { TokenStanding::OtherToken })
        }
        _ => Err(NoAnswer::Unfit),
    }
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;
    use crate::oauth::authentication_method::AuthenticationMethod;

    #[test]
    fn the_gateway_proves_itself_and_shows_the_token() {
        let method = AuthenticationMethod::ClientSecretBasic;
        let client = GatewayClient::new("gw", Some(Secret::new("s")), method);
        let sent = request("https://as.example/introspect", &client, &Secret::new("t/1")).unwrap();
        assert_eq!(sent.headers()[AUTHORIZATION], "Basic Z3c6cw==");
        assert_eq!(sent.body(), b"token=t%2F1&token_type_hint=access_token");
    }

    #[test]
    fn only_true_is_a_yes() {
        let standing = |status: u16, json: &str| {
            standing(StatusCode::from_u16(status).unwrap(), &Node::parse(json.as_bytes()).unwrap())
        };
        assert_eq!(standing(200, r#"{"active":true,"token_type":"Bearer"}"#), Ok(TokenStanding::Active));
        assert_eq!(standing(200, r#"{"active":true}"#), Ok(TokenStanding::Active));
        assert_eq!(standing(200, r#"{"active":false}"#), Ok(TokenStanding::Inactive));
        for other in
            [r#""token_type":"DPoP""#, r#""token_type":"refresh_token""#, r#""typ":"Refresh""#, r#""typ":"ID""#]
        {
            assert_eq!(
                standing(200, &format!("{{\"active\":true,{other}}}")),
                Ok(TokenStanding::OtherToken),
                "{other}"
            );
        }
        for unfit in
            ["[]", "{}", r#"{"active":"true"}"#, r#"{"active":1}"#, r#"{"active":true,"active":false}"#, "null"]
        {
            assert_eq!(standing(200, unfit), Err(NoAnswer::Unfit), "{unfit}");
        }
        for status in [302, 404, 500, 503] {
            assert_eq!(standing(status, r#"{"active":true}"#), Err(NoAnswer::Unfit), "{status}");
        }
        assert_eq!(standing(401, r#"{"active":true}"#), Err(NoAnswer::ClientRefused));
    }
}
