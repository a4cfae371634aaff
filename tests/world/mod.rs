//! The world the gateway is tested in: everything outside it in memory, and the language journeys and attacks are told
//! in. Time moves only when told.
//!
//! Not here: assertions of a particular test. The happy steps assert that they are happy.

#![allow(dead_code, reason = "each test binary speaks a part of the language")]
#![allow(missing_docs, reason = "the names are the documentation of a language this small")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on stops")]
#![allow(clippy::cast_possible_truncation, clippy::missing_panics_doc, reason = "tests only")]

pub mod answer;
pub mod apps;
pub mod archive;
pub mod browser;
pub mod client;
pub mod dpop;
pub mod guarded;
pub mod idp;
pub mod issuing;
pub mod one_reason;
pub mod platform;
pub mod protected;
pub mod recorded;
pub mod shards;
mod signatures;
pub mod sponsored;
pub mod tokens;
pub mod upstream;

use std::cell::RefCell;
use std::rc::Rc;

use mcp_edge_gateway::gateway::{Gateway, Request, StreamStanding};
use mcp_edge_gateway::headers::{HeaderMap, HeaderName, HeaderValue};
use mcp_edge_gateway::memory::Memory;
use mcp_edge_gateway::ports::{Clock, FetchError, Outgoing};
use mcp_edge_gateway::web::reply::{Body, Terms};
use serde_json::{Value, json};

use answer::Answer;
use browser::Browser;
use client::Client;
use idp::Idp;
use platform::{Bytes, Host, InMemory, Scripted, Uses};

pub const KEY_1: &str = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
pub const KEY_2: &str = "2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
pub const ADMIN_TOKEN: &str = "the operator's token";
pub const MINUTE: u64 = 60;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// Everything, shared by whoever is in it.
#[derive(Clone)]
pub struct World {
    pub platform: Rc<InMemory>,
    pub idp: Idp,
    memory: Rc<RefCell<Rc<Memory>>>,
    origin: String,
}

impl World {
    /// A gateway on this machine with the development sign-in and two servers, "demo" and "mail".
    pub fn new() -> Self {
        Self::configured(|_| ())
    }

    /// The same with a changed configuration.
    pub fn configured(change: impl FnOnce(&mut Value)) -> Self {
        let world = Self::bare("http://localhost:8787");
        let mut config = json!({
            "login": {"kind": "dev"},
            "servers": {
                "demo": {"name": "Demo", "url": "https://demo.example/mcp", "auth": {"kind": "none"}},
                "mail": {"name": "Mail", "url": "https://mail.example/mcp", "auth": {"kind": "headers", "headers": {"authorization": {"secret": "MAIL_KEY"}}}},
            },
        });
        change(&mut config);
        world.configure(&config).with(200);
        world
    }

    /// A gateway on the public internet whose people sign in at the identity provider.
    pub fn public(change: impl FnOnce(&mut Value)) -> Self {
        let world = Self { origin: "https://mcp.example.com".to_owned(), ..Self::bare("") };
        let mut config = json!({
            "public_url": "https://mcp.example.com",
            "login": {"kind": "oidc", "issuer": idp::ISSUER, "client_id": idp::CLIENT_ID, "client_secret": {"secret": "LOGIN_SECRET"}},
            "servers": {
                "demo": {"name": "Demo", "url": "https://demo.example/mcp", "auth": {"kind": "none"}},
                "mail": {"name": "Mail", "url": "https://mail.example/mcp", "auth": {"kind": "none"}, "path": "/mail/mcp"},
            },
        });
        change(&mut config);
        world.configure(&config).with(200);
        world
    }

    /// A deployment without a configuration.
    pub fn bare(origin: &str) -> Self {
        let platform = InMemory::default();
        platform.now.set(1_900_000_000);
        platform.registrations_left.set(1000);
        let secrets = [
            ("KEY_RING", KEY_1),
            ("ADMIN_TOKEN", ADMIN_TOKEN),
            ("MAIL_KEY", "Bearer key of the mail server"),
            ("LOGIN_SECRET", idp::CLIENT_SECRET),
            ("CORP_SECRET", "the gateway's secret at another issuer"),
        ];
        *platform.secrets.borrow_mut() = secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let world =
            Self { platform: Rc::new(platform), idp: Idp::default(), memory: Rc::default(), origin: origin.to_owned() };
        world.outside("https://demo.example", upstream::echo());
        world.outside("https://mail.example", upstream::echo());
        world.outside(idp::ISSUER, world.idp.host());
        world
    }

    pub fn origin(&self) -> String {
        self.origin.clone()
    }

    pub fn now(&self) -> u64 {
        self.platform.now.get()
    }

    pub fn passes(&self, seconds: u64) {
        self.platform.now.set(self.now() + seconds);
    }

    /// The next request meets an isolate that remembers nothing.
    pub fn new_isolate(&self) {
        self.memory.replace(Rc::default());
    }

    /// The same deployment as another isolate sees it, which remembers nothing yet.
    pub fn elsewhere(&self) -> Self {
        Self { memory: Rc::default(), ..self.clone() }
    }

    pub fn set_secret(&self, name: &str, value: &str) {
        self.platform.secrets.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    /// What answers at an origin outside.
    pub fn outside(&self, origin: &str, host: Host) {
        self.platform.hosts.borrow_mut().insert(origin.to_owned(), host);
    }

    /// An origin outside that always answers the same.
    pub fn outside_answers(&self, origin: &str, status: u16, headers: &[(&'static str, &str)], body: &str) {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let body = body.to_owned();
        self.outside(
            origin,
            Rc::new(move |_| {
                let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                Ok(Scripted::new(status, &headers, body.clone()))
            }),
        );
    }

    /// An origin outside that does not answer.
    pub fn outside_fails(&self, origin: &str, error: FetchError) {
        self.outside(origin, Rc::new(move |_| Err(error)));
    }

    /// Everything sent outside since this was last asked.
    pub fn sent(&self) -> Vec<Outgoing> {
        self.platform.sent.take()
    }

    /// What `act` used of the ports.
    pub fn uses_of(&self, act: impl FnOnce()) -> Uses {
        self.platform.uses.set(Uses::default());
        act();
        self.platform.uses.get()
    }

    pub fn configure(&self, config: &Value) -> Answer {
        self.request("PUT", "/admin/config").bearer(ADMIN_TOKEN).json(config).send()
    }

    pub fn configuration(&self) -> Value {
        self.request("GET", "/admin/config").bearer(ADMIN_TOKEN).send().with(200).json()
    }

    pub fn reconfigure(&self, change: impl FnOnce(&mut Value)) {
        let mut config = self.configuration()["config"].clone();
        change(&mut config);
        self.configure(&config).with(200);
    }

    pub fn client(&self, name: &str) -> Client {
        Client::new(self, name)
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self)
    }

    /// A request to the gateway, at a path of it or a whole URL.
    pub fn request(&self, method: &str, url: &str) -> Asking {
        let url = if url.starts_with('/') { format!("{}{url}", self.origin) } else { url.to_owned() };
        Asking { world: self.clone(), method: method.to_owned(), url, headers: HeaderMap::new(), body: Vec::new() }
    }

    /// What becomes of streams that were handed on, looked at together.
    pub fn look_at<'t>(&self, streams: impl IntoIterator<Item = &'t Terms>) -> Vec<StreamStanding> {
        let memory = Rc::clone(&self.memory.borrow());
        let gateway = Gateway::new(&*self.platform, &memory);
        self.platform.together(streams.into_iter().map(|terms| gateway.look(&terms.words)))
    }

    pub fn get(&self, url: &str) -> Answer {
        self.request("GET", url).send()
    }
}

/// A request being written.
#[derive(Clone)]
pub struct Asking {
    world: World,
    method: String,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Asking {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::try_from(value).unwrap());
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn cookies(self, cookies: &str) -> Self {
        if cookies.is_empty() { self } else { self.header("cookie", cookies) }
    }

    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    pub fn json(self, value: &Value) -> Self {
        self.body("application/json", value.to_string())
    }

    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body("application/x-www-form-urlencoded", body)
    }

    pub fn send(self) -> Answer {
        let platform = Rc::clone(&self.world.platform);
        let before = platform.began.replace(Some(platform.moment()));
        let answer = platform.together([self.sending()]).remove(0);
        platform.began.set(before);
        answer
    }

    /// To be sent together with others ([`InMemory::together`]).
    pub async fn sending(self) -> Answer {
        let memory = Rc::clone(&self.world.memory.borrow());
        let body = Bytes(self.body);
        let request = Request { method: self.method, url: self.url, headers: self.headers, unread: 0, body };
        let gateway = Gateway::new(&*self.world.platform, &memory);
        let reply = gateway.handle(request).await;
        let seen = one_reason::Seen::last(&self.world.platform);
        let terms = reply.terms().cloned();
        let (status, headers, body) = reply.into_parts();
        let body = match body {
            Body::Empty => Vec::new(),
            Body::Bytes(bytes) | Body::Relay(Bytes(bytes)) => bytes,
            Body::Rewritten(Bytes(bytes), mut rewriter) => [rewriter.push(&bytes), rewriter.end()].concat(),
        };
        if memory.is_unsettled() {
            gateway.settle().await;
        }
        let answer = Answer { status: status.as_u16(), headers, body, terms };
        seen.compare(&answer);
        answer
    }
}
