//! The gateway as a client of somebody else's authorization server: which client it is there, and how it proves that
//! (OAuth 2.1 §2.4).
//!
//! Not here: becoming one (`registration`), the requests that it sends (`token`, `revocation`).

use base64ct::{Base64, Encoding};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use url::form_urlencoded::{self, Serializer};

use crate::oauth::authentication_method::AuthenticationMethod;
use crate::secret::{Secret, sealed};
use crate::untrusted::Sent;

/// The gateway's identity at one issuer. Serialized only into records that are sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GatewayClient {
    /// The `client_id`.
    pub id: String,
    /// The `client_secret`; a public client has none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "sealed::optional")]
    pub secret: Option<Secret>,
    /// How it authenticates.
    pub method: AuthenticationMethod,
    /// The number of its registration at the issuer, where the gateway registered itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<u64>,
    /// Whether the issuer refuses to be told twice who it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub header_alone: bool,
}

/// What the gateway can use, the one that it likes best first.
const METHODS: [AuthenticationMethod; 3] =
    [AuthenticationMethod::ClientSecretBasic, AuthenticationMethod::ClientSecretPost, AuthenticationMethod::None];

/// The method of that name, unless the gateway cannot use it.
pub fn method_named(name: &str) -> Option<AuthenticationMethod> {
    AuthenticationMethod::named(name, &METHODS)
}

/// The method to register with: post where the issuer takes it, as it says in one place what basic leaves open. With
/// basic the official Python SDK wants the id in the form as well, and Cloudflare's provider refuses that.
pub fn method_to_register_with(supported: Option<&[String]>) -> AuthenticationMethod {
    let post = AuthenticationMethod::ClientSecretPost;
    if supported.is_some_and(|names| takes(names, post)) { post } else { choose_method(supported, true) }
}

/// The method for a client whose own is not known, by `token_endpoint_auth_methods_supported`: basic, post, none,
/// whichever comes first. An issuer that does not say takes basic (RFC 8414 §2).
pub fn choose_method(supported: Option<&[String]>, has_secret: bool) -> AuthenticationMethod {
    if has_secret { first_taken(supported, &METHODS) } else { AuthenticationMethod::None }
}

/// The same where a secret was entered to be used: it is sent, whatever the issuer says that it takes.
pub fn choose_method_for_secret(supported: Option<&[String]>) -> AuthenticationMethod {
    first_taken(supported, &[AuthenticationMethod::ClientSecretBasic, AuthenticationMethod::ClientSecretPost])
}

fn first_taken(supported: Option<&[String]>, among: &[AuthenticationMethod]) -> AuthenticationMethod {
    let names = supported.unwrap_or_default();
    among.iter().copied().find(|method| takes(names, *method)).unwrap_or(AuthenticationMethod::ClientSecretBasic)
}

fn takes(names: &[String], method: AuthenticationMethod) -> bool {
    names.iter().any(|name| name == method.as_str())
}

impl GatewayClient {
    /// A client that somebody entered, or that has no number yet.
    pub fn new(id: impl Into<String>, secret: Option<Secret>, method: AuthenticationMethod) -> Self {
        Self { id: id.into(), secret, method, registered: None, header_alone: false }
    }

    /// A public client.
    pub fn public(id: impl Into<String>) -> Self {
        Self::new(id, None, AuthenticationMethod::None)
    }

    /// Its secrets, as they are sent.
    pub fn sent(&self) -> Sent {
        sent(&self.id, self.secret.as_ref())
    }

    /// The same client named once, if it is named twice.
    pub fn named_once(&self) -> Option<Self> {
        self.is_named_twice().then(|| Self { header_alone: true, ..self.clone() })
    }

    fn is_named_twice(&self) -> bool {
        self.method == AuthenticationMethod::ClientSecretBasic
            && self.secret.is_some()
            && self.registered.is_some()
            && !self.header_alone
    }

    /// Adds the client to a form, or gives the `Authorization` header that carries it instead. One that registered
    /// itself is named in the form as well (RFC 6749 §3.2.1): the official Python SDK looks for it there only. Others
    /// refuse both (Okta), and whoever was registered by hand can be such a one's.
    pub fn authenticate(&self, form: &mut Serializer<'_, String>) -> Option<HeaderValue> {
        match (self.method, &self.secret) {
            (AuthenticationMethod::ClientSecretBasic, Some(secret)) => {
                if self.is_named_twice() {
                    form.append_pair("client_id", &self.id);
                }
                basic(&self.id, secret)
            }
            (AuthenticationMethod::ClientSecretPost, Some(secret)) => {
                form.append_pair("client_id", &self.id).append_pair("client_secret", secret.expose());
                None
            }
            (_, None) | (AuthenticationMethod::None | AuthenticationMethod::PrivateKeyJwt, _) => {
                form.append_pair("client_id", &self.id);
                None
            }
        }
    }
}

/// The secrets of a client of that id and secret, as they are sent.
pub fn sent(id: &str, secret: Option<&Secret>) -> Sent {
    let Some(secret) = secret else { return Sent::default() };
    Sent::default().with(secret).with(&joined(id, secret))
}

fn basic(id: &str, secret: &Secret) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Basic {}", joined(id, secret).expose())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// OAuth 2.1 §2.4.1: both parts are form-encoded before they are joined, so the header is visible ASCII.
pub(crate) fn joined(id: &str, secret: &Secret) -> Secret {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let joined = Secret::new(format!("{}:{}", encoded(id), encoded(secret.expose())));
    Secret::new(Base64::encode_string(joined.expose().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::authentication_method::AuthenticationMethod as Method;

    fn authenticated(method: Method, secret: Option<&str>) -> (Option<String>, String) {
        sent_by(&GatewayClient {
            id: "gate way".into(),
            secret: secret.map(Secret::new),
            method,
            registered: None,
            header_alone: false,
        })
    }

    fn sent_by(client: &GatewayClient) -> (Option<String>, String) {
        let mut form = Serializer::new(String::new());
        let header = client.authenticate(&mut form);
        assert!(header.as_ref().is_none_or(HeaderValue::is_sensitive));
        (header.map(|value| value.to_str().unwrap().to_owned()), form.finish())
    }

    #[test]
    fn each_method_sends_the_secret_in_its_one_place() {
        // base64("gate+way:p%3Aw%2B")
        let basic = Some("Basic Z2F0ZSt3YXk6cCUzQXclMkI=".to_owned());
        assert_eq!(authenticated(Method::ClientSecretBasic, Some("p:w+")), (basic, String::new()));
        let post = "client_id=gate+way&client_secret=p%3Aw%2B".to_owned();
        assert_eq!(authenticated(Method::ClientSecretPost, Some("p:w+")), (None, post));
        for (method, secret) in [(Method::None, None), (Method::None, Some("p")), (Method::ClientSecretBasic, None)] {
            assert_eq!(authenticated(method, secret), (None, "client_id=gate+way".to_owned()), "{method:?}");
        }
    }

    #[test]
    fn with_basic_only_who_registered_is_named_in_the_form_as_well() {
        let secret = Some(Secret::new("p:w+"));
        let by_hand = GatewayClient {
            id: "gate way".into(),
            secret,
            method: Method::ClientSecretBasic,
            registered: None,
            header_alone: false,
        };
        let (header, form) = sent_by(&GatewayClient { registered: Some(1), ..by_hand.clone() });
        assert_eq!((header.clone(), form.as_str()), (sent_by(&by_hand).0, "client_id=gate+way"));
        assert!(header.is_some() && sent_by(&by_hand).1.is_empty());

        // Until an issuer refuses that.
        let registered = GatewayClient { registered: Some(1), ..by_hand.clone() };
        let once = registered.named_once().unwrap();
        assert_eq!(sent_by(&once), sent_by(&by_hand));
        assert!(once.named_once().is_none(), "nothing else is to be tried");
        assert!(by_hand.named_once().is_none());
    }

    #[test]
    fn it_registers_with_post_where_it_can() {
        for (supported, expected) in [
            (None, Method::ClientSecretBasic),
            (Some(&["client_secret_post", "client_secret_basic"][..]), Method::ClientSecretPost),
            (Some(&["none", "private_key_jwt", "client_secret_basic", "client_secret_post"]), Method::ClientSecretPost),
            (Some(&["client_secret_basic", "none"]), Method::ClientSecretBasic),
            (Some(&["none"]), Method::None),
            (Some(&[]), Method::ClientSecretBasic),
        ] {
            let names = supported.map(|names| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
            assert_eq!(method_to_register_with(names.as_deref()), expected, "{supported:?}");
        }
    }

    #[test]
    fn the_method_is_the_first_the_issuer_takes() {
        for (supported, has_secret, expected) in [
            (None, true, Method::ClientSecretBasic),
            (None, false, Method::None),
            (Some(&["none", "client_secret_post", "client_secret_basic"][..]), true, Method::ClientSecretBasic),
            (Some(&["none", "client_secret_post"]), true, Method::ClientSecretPost),
            (Some(&["client_secret_post"]), false, Method::None),
            (Some(&["none"]), true, Method::None),
            (Some(&["private_key_jwt"]), true, Method::ClientSecretBasic),
        ] {
            let names = supported.map(|names| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
            assert_eq!(choose_method(names.as_deref(), has_secret), expected, "{supported:?} {has_secret}");
        }
        assert_eq!(method_named("private_key_jwt"), None);
    }

    #[test]
    fn a_secret_that_was_entered_is_not_left_out() {
        for (supported, expected) in [
            (&["none"][..], Method::ClientSecretBasic),
            (&["none", "client_secret_post"], Method::ClientSecretPost),
            (&["client_secret_post", "client_secret_basic"], Method::ClientSecretBasic),
        ] {
            let names: Vec<_> = supported.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(choose_method_for_secret(Some(&names)), expected, "{supported:?}");
        }
    }

    #[test]
    fn stored_as_in_metadata_and_never_printed() {
        let secret = Some(Secret::new("hunter2"));
        let client = GatewayClient {
            id: "c".into(),
            secret,
            method: Method::ClientSecretPost,
            registered: None,
            header_alone: false,
        };
        let json = r#"{"id":"c","secret":"hunter2","method":"client_secret_post"}"#;
        assert_eq!(serde_json::to_string(&client).unwrap(), json);
        let registered = r#"{"id":"c","secret":"hunter2","method":"client_secret_post","registered":3}"#;
        assert_eq!(serde_json::to_string(&GatewayClient { registered: Some(3), ..client }).unwrap(), registered);
        let read = serde_json::from_str::<GatewayClient>(registered).unwrap();
        assert_eq!(read.registered, Some(3));
        let once = r#"{"id":"c","secret":"hunter2","method":"client_secret_post","registered":3,"header_alone":true}"#;
        assert_eq!(serde_json::to_string(&GatewayClient { header_alone: true, ..read }).unwrap(), once);
        assert_eq!(
            serde_json::from_str::<GatewayClient>(json).unwrap().registered,
            None,
            "as before there were numbers"
        );
        assert!(!format!("{:?}", serde_json::from_str::<GatewayClient>(json).unwrap()).contains("hunter2"));
        let public = r#"{"id":"c","method":"none"}"#;
        assert_eq!(serde_json::to_string(&GatewayClient::public("c")).unwrap(), public);
        assert!(serde_json::from_str::<GatewayClient>(public).unwrap().secret.is_none());
    }
}
