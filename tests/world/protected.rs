//! A scripted MCP server that wants a token, and the authorization server that issues it: discovery, registration,
//! codes with PKCE, rotating refresh tokens. What it says can be bent.
//!
//! Not here: real ones; those are in `tests/e2e`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding};
use mcp_edge_gateway::ports::Outgoing;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::answer::parameter;
use super::platform::{Host, Scripted};
use super::{World, upstream};

type Fields = BTreeMap<String, String>;
type Answering = Rc<dyn Fn(&Outgoing) -> Option<Scripted>>;

/// The server and its authorization server.
#[derive(Clone)]
pub struct Protected {
    pub url: String,
    pub issuer: String,
    pub says: Rc<RefCell<Says>>,
    state: Rc<RefCell<State>>,
}

/// What both say about themselves.
pub struct Says {
    pub challenge: String,
    pub resource: Value,
    pub issuer: Value,
    /// Answers before anything else does.
    pub instead: Option<Answering>,
}

#[derive(Default)]
struct State {
    codes: BTreeMap<String, Fields>,
    refresh: BTreeMap<String, String>,
    live: BTreeSet<String>,
    clients: BTreeMap<String, String>,
    seen: Vec<(String, Fields)>,
    count: usize,
}

impl Protected {
    /// At `https://{name}.example/mcp`, with its issuer at `https://as.{name}.example`.
    pub fn new(world: &World, name: &str) -> Self {
        let (origin, issuer) = (format!("https://{name}.example"), format!("https://as.{name}.example"));
        let url = format!("{origin}/mcp");
        let metadata = format!("{origin}/.well-known/oauth-protected-resource/mcp");
        let says = Says {
            challenge: format!("Bearer resource_metadata=\"{metadata}\", scope=\"read\""),
            resource: json!({"resource": url, "authorization_servers": [issuer]}),
            issuer: json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "registration_endpoint": format!("{issuer}/register"),
                "revocation_endpoint": format!("{issuer}/revoke"),
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": true,
            }),
            instead: None,
        };
        let server = Self { url, issuer, says: Rc::new(RefCell::new(says)), state: Rc::default() };
        world.outside(&origin, server.host(Self::serve));
        world.outside(&server.issuer, server.host(Self::issue));
        server
    }

    /// Its entry in the configuration, with more in `auth`.
    pub fn configured(&self, name: &str, auth: &Value) -> Value {
        let mut entry = json!({"name": name, "url": self.url, "auth": {"kind": "oauth"}});
        for (member, value) in auth.as_object().unwrap() {
            entry["auth"][member] = value.clone();
        }
        entry
    }

    /// What both were sent at a path, as forms or JSON of strings.
    pub fn seen(&self, path: &str) -> Vec<Fields> {
        let state = self.state.borrow();
        state.seen.iter().filter(|(at, _)| at == path).map(|(_, fields)| fields.clone()).collect()
    }

    /// Somebody signs in and allows what the browser was sent with: where they are sent back to.
    pub fn approves(&self, page: &Url) -> Url {
        assert!(page.as_str().starts_with(&format!("{}/authorize", self.issuer)), "{page}");
        assert_eq!(parameter(page, "code_challenge_method"), "S256");
        let mut state = self.state.borrow_mut();
        state.count += 1;
        let code = format!("code-{}", state.count);
        state.codes.insert(code.clone(), page.query_pairs().into_owned().collect());
        drop(state);
        Self::back(page, &[("code", &code), ("iss", &self.issuer)])
    }

    /// Or sends back something else.
    pub fn back(page: &Url, with: &[(&str, &str)]) -> Url {
        let mut back = Url::parse(&parameter(page, "redirect_uri")).unwrap();
        back.query_pairs_mut().append_pair("state", &parameter(page, "state")).extend_pairs(with);
        back
    }

    /// The authorization server ends every grant: nothing it issued is good any more.
    pub fn revokes_everything(&self) {
        let mut state = self.state.borrow_mut();
        state.refresh.clear();
        state.live.clear();
    }

    fn host(&self, answer: fn(&Self, &Outgoing) -> Scripted) -> Host {
        let server = self.clone();
        Rc::new(move |request| {
            let instead = server.says.borrow().instead.clone();
            Ok(instead.and_then(|instead| instead(request)).unwrap_or_else(|| answer(&server, request)))
        })
    }

    fn serve(&self, request: &Outgoing) -> Scripted {
        let says = self.says.borrow();
        if request.url.path().starts_with("/.well-known/") {
            let known = request.url.path() == "/.well-known/oauth-protected-resource/mcp" && !says.resource.is_null();
            return if known { Scripted::json(&says.resource) } else { Scripted::new(404, &[], "") };
        }
        let token = request.headers.get("authorization").map(|value| value.to_str().unwrap());
        let token = token.and_then(|value| value.strip_prefix("Bearer "));
        if !token.is_some_and(|token| self.state.borrow().live.contains(token)) {
            return Scripted::new(401, &[("www-authenticate", &says.challenge)], "");
        }
        upstream::echo()(request).unwrap()
    }

    fn issue(&self, request: &Outgoing) -> Scripted {
        let path = request.url.path();
        if path.starts_with("/.well-known/oauth-authorization-server") {
            let says = self.says.borrow();
            return if says.issuer.is_null() { Scripted::new(404, &[], "") } else { Scripted::json(&says.issuer) };
        }
        let fields: Fields = if path == "/register" {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            body.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
        } else {
            url::form_urlencoded::parse(&request.body).into_owned().collect()
        };
        self.state.borrow_mut().seen.push((path.to_owned(), fields.clone()));
        match path {
            "/register" => self.register(),
            "/token" => self.token(request, &fields),
            "/revoke" => {
                let mut state = self.state.borrow_mut();
                if let Some(access) = state.refresh.remove(&fields["token"]) {
                    state.live.remove(&access);
                }
                Scripted::new(200, &[], "")
            }
            _ => Scripted::new(404, &[], ""),
        }
    }

    fn register(&self) -> Scripted {
        let mut state = self.state.borrow_mut();
        let id = format!("client-{}", state.clients.len() + 1);
        state.clients.insert(id.clone(), "registered secret".to_owned());
        Scripted::json(&json!({"client_id": id, "client_secret": "registered secret"}))
    }

    fn token(&self, request: &Outgoing, fields: &Fields) -> Scripted {
        let refuse =
            |error| Scripted::new(400, &[("content-type", "application/json")], json!({"error": error}).to_string());
        let mut state = self.state.borrow_mut();
        let basic = request.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let expected = state.clients.iter().map(|(id, secret)| {
            let secret: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            format!("Basic {}", base64ct::Base64::encode_string(format!("{id}:{secret}").as_bytes()))
        });
        let known =
            fields.contains_key("client_id") || expected.collect::<Vec<_>>().contains(&basic.unwrap_or_default());
        if !known {
            return refuse("invalid_client");
        }
        match fields["grant_type"].as_str() {
            "authorization_code" => {
                let Some(asked) = state.codes.remove(&fields["code"]) else { return refuse("invalid_grant") };
                let challenge = Base64UrlUnpadded::encode_string(&Sha256::digest(fields["code_verifier"].as_bytes()));
                if asked["code_challenge"] != challenge || asked["redirect_uri"] != fields["redirect_uri"] {
                    return refuse("invalid_grant");
                }
                if asked["resource"] != fields["resource"] {
                    return refuse("invalid_target");
                }
            }
            "refresh_token" => {
                let Some(access) = state.refresh.remove(&fields["refresh_token"]) else {
                    return refuse("invalid_grant");
                };
                state.live.remove(&access);
            }
            _ => return refuse("unsupported_grant_type"),
        }
        state.count += 1;
        let (access, refresh) = (format!("at-{}-{}", self.issuer, state.count), format!("rt-{}", state.count));
        state.live.insert(access.clone());
        state.refresh.insert(refresh.clone(), access.clone());
        Scripted::json(
            &json!({"access_token": access, "token_type": "bearer", "expires_in": 3600, "refresh_token": refresh}),
        )
    }
}
