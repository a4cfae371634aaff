//! A scripted authorization server beside the gateway, at <https://as.corp.example>: metadata, keys, access tokens that it
//! signs or tells of, and assertions.
//!
//! Not here: a real one; that is in `tests/e2e`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use jwt_compact::alg::Es256;
use jwt_compact::{AlgorithmExt, Claims, Header};
use mcp_edge_gateway::ports::FetchError;
use serde_json::{Value, json};

use super::World;
use super::answer::Answer;
use super::idp::Key;
use super::platform::Scripted;

pub const AS: &str = "https://as.corp.example";
pub const DEMO: &str = "http://localhost:8787/v1/mcp/demo";

/// What it answers instead: a status and a text.
type Bent = Result<(u16, String), FetchError>;

/// The authorization server.
#[derive(Clone, Default)]
pub struct Issuing {
    /// What it signs with, and what it publishes.
    pub signs_with: Rc<Cell<Key>>,
    pub publishes: Rc<RefCell<Vec<Key>>>,
    /// What it says of tokens without a form.
    pub tokens: Rc<RefCell<BTreeMap<String, Value>>>,
    /// Answers before anything else does, by path.
    pub bends: Rc<RefCell<BTreeMap<String, Bent>>>,
    /// How long an answer takes, milliseconds.
    pub takes: Rc<Cell<u32>>,
}

impl Issuing {
    /// Of which the gateway takes access tokens, at every server.
    pub fn accepted(issuer: Value) -> (World, Self) {
        Self::configured(|config| {
            config["issuers"]["corp"] = issuer;
            config["accepts"] = json!(["own", "corp"]);
        })
    }

    /// In a world with a configuration that knows it.
    pub fn configured(change: impl FnOnce(&mut Value)) -> (World, Self) {
        let world = World::configured(|config| {
            config["issuers"] = json!({});
            change(config);
        });
        let issuing = Self::in_world(&world, AS);
        (world, issuing)
    }

    /// At an origin of a world.
    pub fn in_world(world: &World, origin: &'static str) -> Self {
        let issuing = Self::default();
        issuing.publishes.borrow_mut().push(Key::default());
        let host = issuing.clone();
        world.outside(
            origin,
            Rc::new(move |request| {
                if let Some(bent) = host.bends.borrow().get(request.url.path()).cloned() {
                    return bent.map(|(status, body)| Scripted::new(status, &[], body));
                }
                Ok(match request.url.path() {
                    "/.well-known/oauth-authorization-server" => Scripted::json(&json!({
                        "issuer": origin,
                        "jwks_uri": format!("{origin}/jwks"),
                        "introspection_endpoint": format!("{origin}/introspect"),
                    })),
                    "/jwks" => {
                        let keys: Vec<_> = host.publishes.borrow().iter().map(|key| key.published()).collect();
                        Scripted::json(&json!({ "keys": keys })).after(host.takes.get())
                    }
                    "/introspect" => {
                        assert!(request.headers.contains_key("authorization"));
                        let form: BTreeMap<_, _> = url::form_urlencoded::parse(&request.body).into_owned().collect();
                        let known = host.tokens.borrow().get(&form["token"]).cloned();
                        Scripted::json(&known.unwrap_or_else(|| json!({"active": false}))).after(host.takes.get())
                    }
                    _ => Scripted::new(404, &[], ""),
                })
            }),
        );
        issuing
    }

    /// From now on it signs with another key, and publishes that too.
    pub fn rotates(&self, id: &'static str, secret: u8) {
        self.signs_with.set(Key { id, secret });
        self.publishes.borrow_mut().push(Key { id, secret });
    }

    pub fn bends(&self, path: &str, answer: Result<(u16, &str), FetchError>) {
        self.bends.borrow_mut().insert(path.to_owned(), answer.map(|(status, body)| (status, body.to_owned())));
    }

    pub fn behaves(&self) {
        self.bends.borrow_mut().clear();
    }

    /// What an access token of Ann's for the server "demo" says.
    pub fn claims(world: &World) -> Value {
        json!({
            "iss": AS, "sub": "ann", "aud": DEMO, "client_id": "agent", "scope": "mcp:tools",
            "iat": world.now() - 10, "exp": world.now() + 300, "jti": "t1",
        })
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.typed("at+jwt", claims)
    }

    /// The same of another type; an empty one for none.
    pub fn typed(&self, typ: &str, claims: &Value) -> String {
        let key = self.signs_with.get();
        let header = Header::empty().with_key_id(key.id);
        let header = if typ.is_empty() { header } else { header.with_token_type(typ) };
        Es256.token(&header, &Claims::new(claims), &key.pair()).unwrap()
    }

    /// An access token of Ann's, with something else in it.
    pub fn anns(&self, world: &World, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = Self::claims(world);
        change(&mut claims);
        self.token(&claims)
    }
}

/// How often something was asked for since this was last asked.
pub fn asked(world: &World, path: &str) -> usize {
    world.sent().iter().filter(|sent| sent.url.path() == path).count()
}

/// A call of a tool.
pub fn call(world: &World, server: &str, token: &str) -> Answer {
    calling(world, server, token).send()
}

/// The same to be sent with others.
pub fn calling(world: &World, server: &str, token: &str) -> super::Asking {
    let params = json!({"name": "echo", "arguments": {}});
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    world.request("POST", &format!("/v1/mcp/{server}")).bearer(token).json(&message)
}

impl Issuing {
    /// How an operator lets jobs of one repository in.
    pub fn ci() -> Value {
        json!({"kind": "workload", "issuer": AS, "require": {"repository": ["acme/app", "acme/site"]}})
    }

    /// Whose word for its jobs is taken.
    pub fn trusted() -> (World, Self) {
        Self::configured(|config| config["issuers"]["ci"] = Self::ci())
    }

    /// What the token of a job says.
    pub fn job(world: &World) -> Value {
        json!({
            "iss": AS, "sub": "repo:acme/app", "aud": "http://localhost:8787", "repository": "acme/app", "jti": "job-1",
            "iat": world.now() - 10, "exp": world.now() + 300,
        })
    }

    /// In a public world whose people sign in at the same issuer.
    pub fn of_people() -> (World, Self) {
        let world = World::public(|config| {
            config["issuers"]["idp"] = json!({"kind": "id_jag", "issuer": super::idp::ISSUER, "clients": ["agent"],
                "jwks_uri": format!("{AS}/jwks")});
            config["clients"]["preregistered"] = json!([{"client_id": "agent", "redirect_uris": ["https://agent.example/cb"],
                "client_secret": {"secret": "CORP_SECRET"}}]);
        });
        world.set_secret("CORP_SECRET", "AGENT_SECRET");
        let issuing = Self::in_world(&world, AS);
        (world, issuing)
    }

    /// An assertion that a client may act for Ann at the server "mail".
    pub fn for_ann(world: &World) -> Value {
        json!({
            "iss": super::idp::ISSUER, "sub": "ann", "aud": "https://mcp.example.com", "client_id": "agent", "jti": "jag-1",
            "resource": "https://mcp.example.com/mail/mcp", "scope": "mcp:tools",
            "iat": world.now() - 10, "exp": world.now() + 300,
        })
    }
}

/// A request with an assertion at the token endpoint.
pub struct Presents {
    assertion: String,
    resource: String,
    more: Vec<(String, String)>,
}

impl Presents {
    pub fn of(assertion: &str) -> Self {
        Self { assertion: assertion.to_owned(), resource: DEMO.to_owned(), more: Vec::new() }
    }

    /// A client that proves itself, and leaves the server to the assertion.
    pub fn by(mut self, client: &str, secret: &str) -> Self {
        self.resource.clear();
        self.with("client_id", client).with("client_secret", secret)
    }

    pub fn to(mut self, resource: &str) -> Self {
        resource.clone_into(&mut self.resource);
        self
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.more.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn asking(&self, world: &World) -> super::Asking {
        let mut form =
            vec![("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", self.assertion.as_str())];
        if !self.resource.is_empty() {
            form.push(("resource", &self.resource));
        }
        form.extend(
            self.more
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        world.request("POST", "/oauth/token").form(&form)
    }

    #[track_caller]
    pub fn at(&self, world: &World) -> Answer {
        self.asking(world).send()
    }
}
