//! What an authorization server calls the account that its tokens are of, so that a person can tell two of them apart.
//!
//! Nothing is decided by it: the signature of an ID token is not checked, although one that comes from the token
//! endpoint itself needs none (OpenID Connect Core §3.1.3.7). Not here: who signs in at the gateway, which is `login`'s
//! to prove.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use serde_json::Value;

use crate::json;

/// Longer than any address or name a person tells accounts apart by.
const LONGEST: usize = 80;

#[derive(Deserialize)]
struct Claims {
    email: Option<Value>,
    preferred_username: Option<Value>,
    name: Option<Value>,
}

/// The address in an ID token; else the name the person signs in with, or is called by.
pub fn of_id_token(token: &str) -> Option<String> {
    let payload = token.split('.').nth(1)?;
    let claims: Claims = json::read(&Base64UrlUnpadded::decode_vec(payload.trim_end_matches('=')).ok()?).ok()?;
    let names = [claims.email, claims.preferred_username, claims.name];
    names.iter().flatten().filter_map(Value::as_str).find_map(shown)
}

fn shown(name: &str) -> Option<String> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= LONGEST && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn name(claims: &Value) -> Option<String> {
        of_id_token(&format!("e30.{}.c2ln", Base64UrlUnpadded::encode_string(claims.to_string().as_bytes())))
    }

    #[test]
    fn an_address_tells_more_than_a_name() {
        let claims = json!({"sub": "7", "name": "Alice", "preferred_username": "alice", "email": "alice@work.example"});
        assert_eq!(name(&claims).as_deref(), Some("alice@work.example"));
        assert_eq!(name(&json!({"sub": "7", "name": "Alice", "email": null})).as_deref(), Some("Alice"));
        assert_eq!(name(&json!({"email": " ", "preferred_username": "alice"})).as_deref(), Some("alice"));
    }

    #[test]
    fn what_is_no_name_is_none() {
        for claims in
            [json!({"sub": "7"}), json!({"name": 7}), json!({"name": "a\nb"}), json!({"name": "x".repeat(81)})]
        {
            assert_eq!(name(&claims), None, "{claims}");
        }
        for token in ["", "a", "a.b", "a.!.c", "opaque"] {
            assert_eq!(of_id_token(token), None, "{token}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(token in "\\PC{0,40}", bytes: Vec<u8>) {
            let _ = of_id_token(&token);
            let _ = of_id_token(&format!("a.{}.", Base64UrlUnpadded::encode_string(&bytes)));
        }
    }
}
