//! A scripted OpenID Provider at <https://id.example>: discovery, keys, and codes for whoever a test signs in.
//!
//! Not here: a certified one; that is in `tests/e2e`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use jwt_compact::alg::{Es256, SigningKey};
use jwt_compact::jwk::JsonWebKey;
use jwt_compact::{Algorithm, AlgorithmExt, Claims, Header};
use mcp_edge_gateway::ports::FetchError;
use serde_json::{Value, json};
use url::Url;

use super::World;
use super::answer::{Answer, parameter};
use super::platform::{Host, Scripted};

pub const ISSUER: &str = "https://id.example";
pub const CLIENT_ID: &str = "gateway";
pub const CLIENT_SECRET: &str = "the gateway's secret at the provider";

/// What its userinfo endpoint is asked with.
pub const ACCESS_TOKEN: &str = "an-access-token-of-the-provider";

/// A key pair of the provider, or of whoever wants to be taken for it.
#[derive(Clone, Copy)]
pub struct Key {
    pub id: &'static str,
    pub secret: u8,
}

impl Default for Key {
    fn default() -> Self {
        Self { id: "key-1", secret: 7 }
    }
}

/// A status and a text, or none.
pub type Bent = Result<(u16, String), FetchError>;

/// The provider.
#[derive(Clone, Default)]
pub struct Idp {
    /// Claims of the ID token each code will get.
    codes: Rc<RefCell<BTreeMap<String, Value>>>,
    /// What it signs with, and what it says it signs with.
    pub signs_with: Rc<Cell<Key>>,
    pub publishes: Rc<Cell<Key>>,
    /// What its ID tokens claim besides.
    pub claims: Rc<RefCell<Value>>,
    /// The status and the text that its userinfo endpoint answers; none for a provider without one.
    pub userinfo: Rc<RefCell<Option<(u16, String)>>>,
    /// As whom it knows the gateway, where that is another client by now.
    pub client_id: Rc<Cell<Option<&'static str>>>,
    /// When it says that people signed in.
    pub signed_in: Rc<Cell<Option<u64>>>,
    /// Whom it gave which refresh token.
    pub refresh_tokens: Rc<RefCell<BTreeMap<String, String>>>,
    /// What it claims of somebody when it is asked again; none for an answer without an ID token.
    pub again: Rc<RefCell<Option<Value>>>,
    /// Whether it gives no refresh tokens, and whether it gives the same again.
    pub gives_none: Rc<Cell<bool>>,
    pub keeps_the_same: Rc<Cell<bool>>,
    /// How long it takes to answer who asks again, and at its userinfo endpoint, milliseconds.
    pub slow: Rc<Cell<u32>>,
    /// What its token endpoint answers who asks again, instead.
    pub bent: Rc<RefCell<Option<Bent>>>,
}

impl Idp {
    /// Somebody signs in at the page the browser was sent to: where the provider sends the browser back.
    pub fn signs_in(&self, world: &World, page: &Url, name: &str) -> Url {
        let client_id = self.client_id.get().unwrap_or(CLIENT_ID);
        assert_eq!(parameter(page, "client_id"), client_id);
        assert_eq!(parameter(page, "code_challenge_method"), "S256");
        let code = format!("idp-code-{}", self.codes.borrow().len());
        let claims = json!({
            "iss": ISSUER, "aud": client_id, "sub": name, "name": name, "nonce": parameter(page, "nonce"),
            "iat": world.now(), "exp": world.now() + 300,
        });
        let mut claims = claims;
        if let Some(at) = self.signed_in.get() {
            claims["auth_time"] = at.into();
        }
        if let Some(more) = self.claims.borrow().as_object() {
            claims.as_object_mut().unwrap().extend(more.clone());
        }
        if parameter(page, "scope").contains("offline_access") && !self.gives_none.get() {
            claims["asked"] = "offline_access".into();
        }
        self.codes.borrow_mut().insert(code.clone(), claims);
        let mut back = Url::parse(&parameter(page, "redirect_uri")).unwrap();
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &parameter(page, "state"))
            .append_pair("iss", ISSUER);
        back
    }

    /// Puts a claim into the ID tokens from now on.
    pub fn says(&self, claims: Value) {
        *self.claims.borrow_mut() = claims;
    }

    /// Has a userinfo endpoint from now on, which answers this. To be said before anybody reads the provider's
    /// document.
    pub fn tells(&self, status: u16, answer: &(impl ToString + ?Sized)) {
        *self.userinfo.borrow_mut() = Some((status, answer.to_string()));
    }

    /// A logout token of the provider's, with these claims instead of its own; `null` for none.
    pub fn logout_token(&self, world: &World, change: &Value) -> String {
        self.signed("logout+jwt", logout_claims(world, change))
    }

    /// Says that somebody signed out.
    pub fn says_goodbye(&self, world: &World, change: &Value) -> Answer {
        let token = self.logout_token(world, change);
        world.request("POST", "/oauth/backchannel-logout").form(&[("logout_token", &token)]).send()
    }

    /// A token that it signs now.
    pub fn signed(&self, kind: &str, claims: Value) -> String {
        self.signs_with.get().signed(kind, claims)
    }

    /// As a host outside.
    pub fn host(&self) -> Host {
        let idp = self.clone();
        Rc::new(move |request| {
            Ok(match request.url.path() {
                "/.well-known/openid-configuration" => Scripted::json(&discovery(idp.userinfo.borrow().is_some())),
                "/jwks" => Scripted::json(&json!({"keys": [idp.publishes.get().published()]})),
                "/token" if request.body.starts_with(b"grant_type=refresh_token") => {
                    idp.refreshed(&request.body)?.after(idp.slow.get())
                }
                "/token" => idp.token(&request.body),
                "/userinfo" => {
                    assert_eq!(request.headers["authorization"], format!("Bearer {ACCESS_TOKEN}"));
                    let (status, answer) = idp.userinfo.borrow().clone().unwrap();
                    Scripted::new(status, &[("content-type", "application/json")], answer).after(idp.slow.get())
                }
                _ => Scripted::new(404, &[], ""),
            })
        })
    }

    fn token(&self, form: &[u8]) -> Scripted {
        let form: BTreeMap<_, _> = url::form_urlencoded::parse(form).into_owned().collect();
        assert!(form.contains_key("code_verifier"));
        let Some(claims) = self.codes.borrow_mut().remove(&form["code"]) else {
            return Scripted::new(400, &[("content-type", "application/json")], r#"{"error":"invalid_grant"}"#);
        };
        let refresh = claims.get("asked").map(|_| self.gives(claims["sub"].as_str().unwrap()));
        let key = self.signs_with.get();
        let token = key.signs(claims);
        let mut answer = json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": token});
        if let Some(refresh) = refresh {
            answer["refresh_token"] = refresh.into();
        }
        Scripted::json(&answer)
    }

    fn gives(&self, sub: &str) -> String {
        let mut given = self.refresh_tokens.borrow_mut();
        let token = format!("idp-refresh-{sub}-{}", given.len());
        given.insert(token.clone(), sub.to_owned());
        token
    }

    /// It lets somebody in no more.
    pub fn puts_out(&self, sub: &str) {
        self.refresh_tokens.borrow_mut().values_mut().filter(|whose| *whose == sub).for_each(String::clear);
    }

    fn refreshed(&self, form: &[u8]) -> Result<Scripted, FetchError> {
        let json_of = |status, body: String| Scripted::new(status, &[("content-type", "application/json")], body);
        if let Some(bent) = self.bent.borrow().clone() {
            return bent.map(|(status, body)| json_of(status, body));
        }
        let form: BTreeMap<_, _> = url::form_urlencoded::parse(form).into_owned().collect();
        let token = &form["refresh_token"];
        let sub = self.refresh_tokens.borrow().get(token).cloned().unwrap_or_default();
        if sub.is_empty() {
            return Ok(json_of(400, r#"{"error":"invalid_grant"}"#.to_owned()));
        }
        let mut answer = json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer"});
        if !self.keeps_the_same.get() {
            answer["refresh_token"] = self.gives(&sub).into();
            self.refresh_tokens.borrow_mut().insert(token.clone(), String::new());
        }
        if let Some(claims) = self.again.borrow().clone() {
            answer["id_token"] = self.signs_with.get().signs(claims).into();
        }
        Ok(Scripted::json(&answer))
    }
}

/// What a logout token claims of somebody.
pub fn logout_claims(world: &World, change: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": CLIENT_ID, "iat": world.now(), "exp": world.now() + 120, "jti": "one",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    let claimed = claims.as_object_mut().unwrap();
    claimed.extend(change.as_object().unwrap().clone());
    claimed.retain(|_, value| !value.is_null());
    claims
}

fn discovery(has_userinfo: bool) -> Value {
    let mut document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": format!("{ISSUER}/authorize"),
        "token_endpoint": format!("{ISSUER}/token"),
        "jwks_uri": format!("{ISSUER}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": true,
    });
    if has_userinfo {
        document["userinfo_endpoint"] = format!("{ISSUER}/userinfo").into();
    }
    document
}

impl Key {
    pub fn pair(self) -> <Es256 as Algorithm>::SigningKey {
        SigningKey::<Es256>::from_slice(&[self.secret; 32]).unwrap()
    }

    /// A token of a kind, signed with it.
    pub fn signed(self, kind: &str, claims: Value) -> String {
        let header = Header::empty().with_key_id(self.id).with_token_type(kind);
        Es256.token(&header, &Claims::new(claims), &self.pair()).unwrap()
    }

    /// A JWT of these claims.
    pub fn signs(self, claims: Value) -> String {
        Es256.token(&Header::empty().with_key_id(self.id), &Claims::new(claims), &self.pair()).unwrap()
    }

    /// The public key.
    pub fn published(self) -> Value {
        let public = self.pair().to_verifying_key();
        let mut jwk = serde_json::to_value(JsonWebKey::from(&public)).unwrap();
        jwk["kid"] = self.id.into();
        jwk["use"] = "sig".into();
        jwk["alg"] = "ES256".into();
        jwk
    }
}
