//! The gateway as a client of an upstream's issuer: which client it is there, and how it proves that (OAuth 2.1 §2.4).
//!
//! Not here: becoming one (`registration`), the requests that it sends (`token`, `revocation`).

use base64ct::{Base64, Encoding};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use url::form_urlencoded::{self, Serializer};

use crate::secret::{Secret, sealed};

/// The gateway's identity at one issuer. Serialized only into records that are sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UpstreamClient {
    /// The `client_id`.
    pub id: String,
    /// The `client_secret`; a public client has none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "sealed::optional")]
    pub secret: Option<Secret>,
    /// How it authenticates.
    pub method: Method,
}

/// A `token_endpoint_auth_method` that the gateway can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// The secret in `Authorization: Basic`.
    #[serde(rename = "client_secret_basic")]
    Basic,
    /// The secret in the form.
    #[serde(rename = "client_secret_post")]
    Post,
    /// A public client: only its id, in the form.
    #[serde(rename = "none")]
    None,
}

impl Method {
    /// As it stands in metadata.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::None => "none",
        }
    }

    /// The method of that name, unless the gateway does not have it.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Basic, Self::Post, Self::None].into_iter().find(|method| method.as_str() == name)
    }

    /// The method for a client whose own is not known, by `token_endpoint_auth_methods_supported`: basic, post, none, whichever
    /// comes first. An issuer that does not say takes basic (RFC 8414 §2).
    pub fn choose(supported: Option<&[String]>, has_secret: bool) -> Self {
        let takes = |method: Self| supported.is_some_and(|names| names.iter().any(|name| name == method.as_str()));
        match (has_secret, supported) {
            (false, _) => Self::None,
            (true, None) => Self::Basic,
            (true, Some(_)) => {
                [Self::Basic, Self::Post, Self::None].into_iter().find(|method| takes(*method)).unwrap_or(Self::Basic)
            }
        }
    }
}

impl UpstreamClient {
    /// A public client.
    pub fn public(id: impl Into<String>) -> Self {
        Self { id: id.into(), secret: None, method: Method::None }
    }

    /// Adds the client to a form, or gives the `Authorization` header that carries it instead.
    pub fn authenticate(&self, form: &mut Serializer<'_, String>) -> Option<HeaderValue> {
        match (self.method, &self.secret) {
            (Method::Basic, Some(secret)) => basic(&self.id, secret),
            (Method::Post, Some(secret)) => {
                form.append_pair("client_id", &self.id).append_pair("client_secret", secret.expose());
                None
            }
            (_, None) | (Method::None, _) => {
                form.append_pair("client_id", &self.id);
                None
            }
        }
    }
}

/// OAuth 2.1 §2.4.1: both parts are form-encoded before they are joined, so the header is visible ASCII.
fn basic(id: &str, secret: &Secret) -> Option<HeaderValue> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let joined = Secret::new(format!("{}:{}", encoded(id), encoded(secret.expose())));
    let mut value =
        HeaderValue::from_str(&format!("Basic {}", Base64::encode_string(joined.expose().as_bytes()))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authenticated(method: Method, secret: Option<&str>) -> (Option<String>, String) {
        let client = UpstreamClient { id: "gate way".into(), secret: secret.map(Secret::new), method };
        let mut form = Serializer::new(String::new());
        let header = client.authenticate(&mut form);
        assert!(header.as_ref().is_none_or(HeaderValue::is_sensitive));
        (header.map(|value| value.to_str().unwrap().to_owned()), form.finish())
    }

    #[test]
    fn each_method_sends_the_secret_in_its_one_place() {
        // base64("gate+way:p%3Aw%2B")
        let basic = Some("Basic Z2F0ZSt3YXk6cCUzQXclMkI=".to_owned());
        assert_eq!(authenticated(Method::Basic, Some("p:w+")), (basic, String::new()));
        let post = "client_id=gate+way&client_secret=p%3Aw%2B".to_owned();
        assert_eq!(authenticated(Method::Post, Some("p:w+")), (None, post));
        for (method, secret) in [(Method::None, None), (Method::None, Some("p")), (Method::Basic, None)] {
            assert_eq!(authenticated(method, secret), (None, "client_id=gate+way".to_owned()), "{method:?}");
        }
    }

    #[test]
    fn the_method_is_the_first_the_issuer_takes() {
        for (supported, has_secret, expected) in [
            (None, true, Method::Basic),
            (None, false, Method::None),
            (Some(&["none", "client_secret_post", "client_secret_basic"][..]), true, Method::Basic),
            (Some(&["none", "client_secret_post"]), true, Method::Post),
            (Some(&["client_secret_post"]), false, Method::None),
            (Some(&["none"]), true, Method::None),
            (Some(&["private_key_jwt"]), true, Method::Basic),
        ] {
            let names = supported.map(|names| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
            assert_eq!(Method::choose(names.as_deref(), has_secret), expected, "{supported:?} {has_secret}");
        }
        assert_eq!(Method::named("private_key_jwt"), None);
    }

    #[test]
    fn stored_as_in_metadata_and_never_printed() {
        let client = UpstreamClient { id: "c".into(), secret: Some(Secret::new("hunter2")), method: Method::Post };
        let json = r#"{"id":"c","secret":"hunter2","method":"client_secret_post"}"#;
        assert_eq!(serde_json::to_string(&client).unwrap(), json);
        assert!(!format!("{:?}", serde_json::from_str::<UpstreamClient>(json).unwrap()).contains("hunter2"));
        let public = r#"{"id":"c","method":"none"}"#;
        assert_eq!(serde_json::to_string(&UpstreamClient::public("c")).unwrap(), public);
        assert!(serde_json::from_str::<UpstreamClient>(public).unwrap().secret.is_none());
    }
}
