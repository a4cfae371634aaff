//! The keys that a preregistered client signs its assertions with.
//!
//! Not here: reading an assertion (`oauth::client::assertion`).

use super::origin::web_url;
use super::report::{Pointer, Report};
use crate::oauth::client::keys::{ClientKeys, is_private};

pub(super) fn prove(
    inline: Option<serde_json::Value>,
    address: Option<String>,
    at: &Pointer,
    report: &mut Report,
) -> Option<ClientKeys> {
    let place = at.child("jwks");
    match (inline, address) {
        (Some(_), Some(_)) => {
            report.add(&place, "is there beside jwks_uri", "write one of them");
            None
        }
        (Some(keys), None) => {
            if is_private(&keys) {
                let problem = "holds a private key, and whoever reads the configuration could be the client";
                report.add(&place, problem, "write the public key only, and replace this pair of keys");
                return None;
            }
            let keys = ClientKeys::inline(&keys);
            if keys.is_none() {
                let fix = "write {\"keys\": [{\"kty\", …}]} with a public RSA, P-256, P-384 or Ed25519 key";
                report.add(&place, "holds no key that an assertion can be signed with", fix);
            }
            keys
        }
        (None, Some(address)) => {
            report.check(&at.child("jwks_uri"), web_url(&address)).map(|url| ClientKeys::Fetched(url.into()))
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::config::Config;
    use crate::config::tests::{complete, refused, refused_at};
    use crate::jose::test_keys::ec_jwk;

    const AT: &str = "/clients/preregistered/0";

    fn client(more: &Value) -> Value {
        let mut client = json!({"client_id": "ci", "machine": {"servers": ["docs"]}});
        client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client
    }

    #[test]
    fn a_client_has_its_public_keys_or_where_they_are() {
        for more in [
            json!({"jwks": {"keys": [ec_jwk()]}}),
            json!({"jwks": {"keys": [ec_jwk()]}, "token_endpoint_auth_method": "private_key_jwt"}),
            json!({"jwks_uri": "https://ci.example/jwks"}),
        ] {
            let mut document = complete();
            document["clients"]["preregistered"][0] = client(&more);
            let config = Config::parse(&document.to_string()).unwrap();
            assert!(config.clients.preregistered[0].keys.is_some());
        }
    }

    #[test]
    fn keys_that_are_none_or_that_nobody_may_see_are_refused() {
        let mut private = ec_jwk();
        private["d"] = json!("AAAA");
        let keys = |keys: Value| client(&json!({"jwks": {"keys": keys}}));
        let at = |place: &str| format!("{AT}{place}");
        refused_at(&at("/jwks"), AT, keys(json!([private])), &["private key"]);
        refused_at(&at("/jwks"), AT, keys(json!([{"kty": "oct", "k": "AAAA"}])), &["private key"]);
        refused_at(&at("/jwks"), AT, keys(json!([])), &["no key"]);
        refused_at(&at("/jwks"), AT, client(&json!({"jwks": 7})), &["no key"]);
        refused_at(&at("/jwks_uri"), AT, client(&json!({"jwks_uri": "http://ci.example/jwks"})), &["plain http"]);
        let both = client(&json!({"jwks": {"keys": [ec_jwk()]}, "jwks_uri": "https://ci.example/jwks"}));
        refused_at(&at("/jwks"), AT, both, &["beside jwks_uri"]);
        let secret = json!({"jwks_uri": "https://ci.example/jwks", "client_secret": {"secret": "S"}});
        refused_at(&at("/client_secret"), AT, client(&secret), &["keys"]);
        refused(&at("/token_endpoint_auth_method"), json!("private_key_jwt"), &["jwks"]);
    }
}
