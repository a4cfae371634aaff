//! How a client authenticates at the token endpoint, by its registered name (RFC 7591 §2, RFC 8414 §2): in metadata, in
//! registrations, in the configuration and in records.
//!
//! Not here: which of them the gateway takes of its clients (`oauth::client`), and which it can use where it is a
//! client itself (`oauth_client::client_auth`). A role names its own, so that a new one is no promise of the other.

#[cfg(not(target_arch = "wasm32"))]
use schemars::JsonSchema;

use serde::{Deserialize, Serialize};

/// How a client authenticates at the token endpoint (RFC 7591 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(rename_all = "snake_case", expecting = "one of the method names")]
pub enum AuthenticationMethod {
    /// Not at all: a public client.
    None,
    /// By HTTP Basic.
    ClientSecretBasic,
    /// In the form body.
    ClientSecretPost,
    /// By an assertion that it signs (RFC 7523 section 2.2).
    PrivateKeyJwt,
}

impl AuthenticationMethod {
    /// The method of that name, if it is one of `known`.
    pub fn named(name: &str, known: &[Self]) -> Option<Self> {
        known.iter().copied().find(|method| method.as_str() == name)
    }

    /// Its registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AuthenticationMethod as Method;

    #[test]
    fn it_is_written_everywhere_by_its_registered_name() {
        for method in [Method::None, Method::ClientSecretBasic, Method::ClientSecretPost, Method::PrivateKeyJwt] {
            let json = format!("\"{}\"", method.as_str());
            assert_eq!(serde_json::to_string(&method).unwrap(), json);
            assert_eq!(serde_json::from_str::<Method>(&json).unwrap(), method);
        }
    }

    #[test]
    fn a_role_knows_no_more_than_its_own() {
        let known = [Method::None, Method::ClientSecretPost];
        assert_eq!(Method::named("client_secret_post", &known), Some(Method::ClientSecretPost));
        assert_eq!(Method::named("client_secret_basic", &known), None);
        assert_eq!(Method::named("private_key_jwt", &known), None);
    }
}
