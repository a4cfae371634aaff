//! A client's key and the proofs that it makes (RFC 9449), good ones and bent ones.
//!
//! Not here: stock implementations; those are in `tests/e2e`.

use std::cell::{Cell, RefCell};

use base64ct::{Base64UrlUnpadded, Encoding};
use jwt_compact::alg::Es256;
use jwt_compact::{AlgorithmExt, Claims, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answer::Answer;
use super::idp::Key;
use super::{Asking, World};

pub const TOKEN: &str = "http://localhost:8787/oauth/token";
pub const DEMO: &str = "http://localhost:8787/v1/mcp/demo";

/// Whoever has a key and makes a new proof with it for each request.
pub struct Prover {
    pub key: Key,
    made: Cell<u32>,
    /// The last nonce that the gateway gave out.
    pub nonce: RefCell<Option<String>>,
}

impl Prover {
    pub fn new(secret: u8) -> Self {
        Self { key: Key { id: "dpop", secret }, made: Cell::default(), nonce: RefCell::default() }
    }

    /// The public key, bare.
    pub fn jwk(&self) -> Value {
        let published = self.key.published();
        json!({"kty": "EC", "crv": "P-256", "x": published["x"], "y": published["y"]})
    }

    pub fn jkt(&self) -> String {
        let jwk = self.jwk();
        let text = |member: &str| jwk[member].as_str().unwrap().to_owned();
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, text("x"), text("y"));
        Base64UrlUnpadded::encode_string(&Sha256::digest(members.as_bytes()))
    }

    /// What a proof of now says.
    pub fn claims(&self, world: &World, method: &str, url: &str, token: Option<&str>) -> Value {
        self.made.set(self.made.get() + 1);
        let mut claims =
            json!({"jti": format!("proof {}", self.made.get()), "htm": method, "htu": url, "iat": world.now()});
        if let Some(token) = token {
            claims["ath"] = Base64UrlUnpadded::encode_string(&Sha256::digest(token.as_bytes())).into();
        }
        if let Some(nonce) = self.nonce.borrow().as_ref() {
            claims["nonce"] = nonce.as_str().into();
        }
        claims
    }

    pub fn signs(&self, claims: &Value) -> String {
        self.typed("dpop+jwt", &json!({"jwk": self.jwk()}), claims)
    }

    /// The same with another `typ` and more in its header.
    pub fn typed(&self, typ: &str, header: &Value, claims: &Value) -> String {
        let header = Header::new(header.clone()).with_token_type(typ);
        Es256.token(&header, &Claims::new(claims.clone()), &self.key.pair()).unwrap()
    }

    /// A proof for the token endpoint.
    pub fn for_token(&self, world: &World) -> String {
        self.signs(&self.claims(world, "POST", TOKEN, None))
    }

    /// A call with a token that is bound to the key, and the proof of it.
    pub fn calling(&self, world: &World, token: &str) -> Asking {
        let proof = self.signs(&self.claims(world, "POST", DEMO, Some(token)));
        calling(world, token).header("dpop", &proof)
    }

    /// The same, sent: with the nonce that the gateway asks for, once it has.
    pub fn calls(&self, world: &World, token: &str) -> Answer {
        let answer = self.calling(world, token).send();
        self.learns(&answer);
        if answer.reason() == "dpop_nonce_needed" { self.calling(world, token).send() } else { answer }
    }

    pub fn learns(&self, answer: &Answer) {
        if let Some(nonce) = answer.header("dpop-nonce") {
            *self.nonce.borrow_mut() = Some(nonce.to_owned());
        }
    }
}

/// A call of a tool with a token that is bound, without its proof.
pub fn calling(world: &World, token: &str) -> Asking {
    let params = json!({"name": "echo", "arguments": {}});
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    world.request("POST", "/v1/mcp/demo").header("authorization", &format!("DPoP {token}")).json(&message)
}
