//! A scripted server whose tokens end, and the authorization server that renews them: rotating, with each of the ways
//! in which one can go wrong.
//!
//! Not here: getting connected (`protected`); the connection is put where the gateway keeps it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use mcp_edge_gateway::oauth::client::Method;
use mcp_edge_gateway::oauth_client::client::UpstreamClient;
use mcp_edge_gateway::ports::{FetchError, Ledger, Outgoing};
use mcp_edge_gateway::secret::{Digested, Secret};
use mcp_edge_gateway::time::Timestamp;
use mcp_edge_gateway::upstream::connection::{Command, Outcome};
use mcp_edge_gateway::upstream::credential::{Credential, CredentialKind, Oauth, Token};
use mcp_edge_gateway::upstream::key::{ConnectionKey, FIRST_ACCOUNT, Owner};
use mcp_edge_gateway::vault::{KeyRing, Purpose};
use serde_json::{Value, json};

use super::client::Client;
use super::platform::Scripted;
use super::{KEY_1, World, upstream};

type Fields = BTreeMap<String, String>;
type Bend = Rc<dyn Fn(&Tokens, &Fields) -> Option<Result<Scripted, FetchError>>>;

/// The tokens at <https://docs.example/mcp> and <https://as.docs.example>.
#[derive(Clone)]
pub struct Tokens {
    world: World,
    /// How many refreshes were asked for.
    pub asked: Rc<RefCell<Vec<Fields>>>,
    /// The access token that is good, and the refresh token.
    pub good: Rc<RefCell<(String, String)>>,
    /// Whether refresh tokens are replaced, and what `expires_in` says.
    pub rotates: Rc<Cell<bool>>,
    pub expires_in: Rc<RefCell<Value>>,
    /// How long an answer takes, milliseconds.
    pub takes: Rc<Cell<u32>>,
    /// Answers before anything else does.
    pub bend: Rc<RefCell<Option<Bend>>>,
}

impl Tokens {
    /// A world with the server "docs" and its authorization server.
    pub fn in_world() -> (World, Self) {
        let world = World::configured(|config| {
            let auth = json!({"kind": "oauth", "connect": "first_call"});
            config["servers"]["docs"] = json!({"name": "Docs", "url": "https://docs.example/mcp", "auth": auth});
        });
        let tokens = Self {
            world: world.clone(),
            asked: Rc::default(),
            good: Rc::new(RefCell::new(("at-0".to_owned(), "rt-0".to_owned()))),
            rotates: Rc::new(Cell::new(true)),
            expires_in: Rc::new(RefCell::new(json!(3600))),
            takes: Rc::default(),
            bend: Rc::default(),
        };
        let server = tokens.clone();
        world.outside("https://docs.example", Rc::new(move |request| Ok(server.serve(request))));
        let issuer = tokens.clone();
        world.outside("https://as.docs.example", Rc::new(move |request| issuer.issue(request)));
        (world, tokens)
    }

    /// Alice's connection, with an access token that ends in so many seconds, and her client.
    pub fn connected(&self, expires_in: Option<u64>) -> Client {
        self.store("dev:alice", FIRST_ACCOUNT, |oauth| {
            oauth.token.expires = expires_in.map(|seconds| Timestamp(self.world.now() + seconds));
        });
        self.world.client("claude").at("docs").connects("alice")
    }

    /// Puts a connection where the gateway keeps it.
    pub fn store(&self, subject: &str, account: &str, change: impl FnOnce(&mut Oauth)) -> ConnectionKey {
        let key = ConnectionKey::new(Owner::Subject(subject.to_owned()), "docs", account);
        let now = Timestamp(self.world.now());
        let (access_token, refresh_token) = self.good.borrow().clone();
        let mut oauth = Oauth {
            issuer: "https://as.docs.example".to_owned(),
            resource: Some("https://docs.example/mcp".to_owned()),
            client: UpstreamClient {
                id: "gateway".to_owned(),
                secret: None,
                method: Method::None,
                registered: None,
                header_alone: false,
            },
            token_endpoint: "https://as.docs.example/token".to_owned(),
            revocation_endpoint: Some("https://as.docs.example/revoke".to_owned()),
            refresh_token: Some(Secret::new(refresh_token)),
            token: Token {
                access_token: Secret::new(access_token),
                expires: None,
                obtained: now,
                scope: Some("read".to_owned()),
            },
        };
        change(&mut oauth);
        let fits = Digested::of("https://docs.example/mcp\noauth");
        let credential = Credential::new(fits, now, CredentialKind::Oauth(Box::new(oauth)));
        let keys = KeyRing::parse(&Secret::new(KEY_1)).unwrap();
        let sealed = keys.seal_json(Purpose::Connection, &key.place(), [9; 12], &credential);
        self.world.now_does(self.world.platform.connection(&key, Command::Store { sealed })).unwrap();
        key
    }

    /// What the connection's object has.
    pub fn kept(&self) -> Outcome {
        let key = ConnectionKey::new(Owner::Subject("dev:alice".to_owned()), "docs", FIRST_ACCOUNT);
        self.world.now_does(self.world.platform.connection(&key, Command::Read)).unwrap()
    }

    /// How often a refresh was asked for.
    pub fn refreshes(&self) -> usize {
        self.asked.borrow().iter().filter(|fields| fields.contains_key("refresh_token")).count()
    }

    /// From now on the authorization server answers like this, where it answers at all.
    pub fn bends(&self, bend: impl Fn(&Self, &Fields) -> Option<Result<Scripted, FetchError>> + 'static) {
        *self.bend.borrow_mut() = Some(Rc::new(bend));
    }

    /// It behaves again.
    pub fn behaves(&self) {
        *self.bend.borrow_mut() = None;
    }

    /// What it does with a refresh when nothing is wrong.
    pub fn renews(&self, fields: &Fields) -> Scripted {
        if fields["refresh_token"] != self.good.borrow().1 {
            return refuses("invalid_grant");
        }
        let number = self.asked.borrow().len();
        let mut good = self.good.borrow_mut();
        good.0 = format!("at-{number}");
        let mut answer = json!({"access_token": good.0, "token_type": "Bearer"});
        if self.rotates.get() {
            good.1 = format!("rt-{number}");
            answer["refresh_token"] = good.1.clone().into();
        }
        if !self.expires_in.borrow().is_null() {
            answer["expires_in"] = self.expires_in.borrow().clone();
        }
        Scripted::json(&answer).after(self.takes.get())
    }

    /// The server ends the access token, although nobody said that it would.
    pub fn ends_access(&self) {
        "ended".clone_into(&mut self.good.borrow_mut().0);
    }

    fn serve(&self, request: &Outgoing) -> Scripted {
        let presented = request.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        if presented.as_deref() != Some(&format!("Bearer {}", self.good.borrow().0)) {
            return Scripted::new(401, &[("www-authenticate", "Bearer error=\"invalid_token\"")], "");
        }
        upstream::echo()(request).unwrap()
    }

    fn issue(&self, request: &Outgoing) -> Result<Scripted, FetchError> {
        let fields: Fields = url::form_urlencoded::parse(&request.body).into_owned().collect();
        self.asked.borrow_mut().push(fields.clone());
        if request.url.path() == "/revoke" {
            return Ok(Scripted::new(200, &[], ""));
        }
        let bend = self.bend.borrow().clone();
        bend.and_then(|bend| bend(self, &fields)).unwrap_or_else(|| Ok(self.renews(&fields)))
    }
}

/// An error of the token endpoint.
pub fn refuses(error: &str) -> Scripted {
    Scripted::new(400, &[("content-type", "application/json")], json!({"error": error}).to_string())
}

impl World {
    /// Runs one future to its end.
    pub fn now_does<T>(&self, future: impl Future<Output = T>) -> T {
        self.platform.together([future]).remove(0)
    }
}

impl Client {
    /// A call to be made together with others, from another isolate where `elsewhere` is one.
    pub async fn calling(&self, elsewhere: &World) -> super::answer::Answer {
        let message =
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search", "arguments": {}}});
        elsewhere.request("POST", &self.resource()).bearer(&self.access).json(&message).sending().await
    }
}
