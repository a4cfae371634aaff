//! Agents and the person who names them: the form at `/connections`, and the assertions that an agent signs.
//!
//! Not here: stock clients; those are in `tests/e2e`.

use std::sync::atomic::{AtomicUsize, Ordering};

use jwt_compact::alg::Es256;
use jwt_compact::{AlgorithmExt, Claims, Header};
use serde_json::{Value, json};

use super::World;
use super::answer::Answer;
use super::browser::Form;
use super::client::Client;
use super::idp::Key;
use super::issuing::DEMO;

pub const PAGE: &str = "/connections";

/// What an agent signs with unless a test says otherwise.
pub const KEY: Key = Key { id: "k1", secret: 41 };

/// How many assertions were made.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// An agent as whoever runs it has it.
#[derive(Clone)]
pub struct Agent {
    pub world: World,
    /// Its id.
    pub id: String,
    pub key: Key,
}

/// A world whose servers take agents.
pub fn with_agents() -> World {
    World::configured(|config| config["accepts"] = json!(["own", "agents"]))
}

/// The form that names an agent, filled in.
pub fn form(client: &mut Client, fields: &[(&str, &str)]) -> Form {
    client.browser.goes_to(PAGE);
    let offered = client.browser.forms(PAGE).into_iter().find(|form| form.fields.contains_key("agent_name"));
    let mut form = offered.unwrap_or_else(|| panic!("no agent can be named: {}", client.browser.shows.shown()));
    let key = KEY.published().to_string();
    let defaults = [("agent_name", "Triage"), ("key", &key), ("days", "30"), ("server:demo", "on")];
    for (name, value) in defaults.iter().chain(fields) {
        form.fields.insert((*name).to_owned(), (*value).to_owned());
    }
    form.fields.retain(|_, value| !value.is_empty());
    form.fields.insert("action".to_owned(), "name_agent".to_owned());
    form
}

/// What the page answers when an agent is named.
pub fn naming(client: &mut Client, fields: &[(&str, &str)]) -> Answer {
    let form = form(client, fields);
    client.browser.submits(&form).clone()
}

impl Agent {
    /// Named by whoever uses a client.
    pub fn named_by(client: &mut Client, fields: &[(&str, &str)]) -> Self {
        let page = naming(client, fields).with(200).text();
        let id = page.rsplit("<code>agent:").next().and_then(|rest| rest.split('<').next());
        let id = format!("agent:{}", id.unwrap_or(&page));
        Self { world: client.world.clone(), id, key: KEY }
    }

    /// Named by a person of a world.
    pub fn of(world: &World, person: &str, fields: &[(&str, &str)]) -> (Client, Self) {
        let mut client = world.client("claude").connects(person);
        let agent = Self::named_by(&mut client, fields);
        (client, agent)
    }

    /// What its assertion says; each is another one.
    pub fn claims(&self) -> Value {
        let now = self.world.now();
        let jti = MADE.fetch_add(1, Ordering::Relaxed).to_string();
        json!({"iss": self.id, "sub": self.id, "aud": self.world.origin(), "jti": jti, "iat": now, "exp": now + 60})
    }

    pub fn assertion(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims();
        change(&mut claims);
        Es256.token(&Header::empty().with_key_id(self.key.id), &Claims::new(claims), &self.key.pair()).unwrap()
    }

    /// Presents an assertion at the token endpoint.
    pub fn presents(&self, assertion: &str, more: &[(&str, &str)]) -> Answer {
        let mut form = vec![("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion)];
        if !more.iter().any(|(name, _)| *name == "resource") {
            form.push(("resource", DEMO));
        }
        form.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        self.world.request("POST", "/oauth/token").form(&form).send()
    }

    /// Asks for a token.
    pub fn asks(&self, more: &[(&str, &str)]) -> Answer {
        self.presents(&self.assertion(|_| ()), more)
    }

    /// Gets one.
    pub fn token(&self, more: &[(&str, &str)]) -> String {
        self.asks(more).with(200).json()["access_token"].as_str().unwrap().to_owned()
    }
}
