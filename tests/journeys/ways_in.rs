//! Every way in at every kind of server, and what each is refused for.
//!
//! Not here: each way by itself (`keys`, `issuers`, `machines`, `assertions`, `agents`).

use std::cell::Cell;

use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::client::Client;
use crate::world::guarded::Guarded;
use crate::world::issuing::{AS, Issuing, Presents, call};
use crate::world::sponsored::Agent;
use crate::world::{ADMIN_TOKEN, World, upstream};

/// Whom a server wants: anybody, or a person with an account of their own there.
const SERVERS: [(&str, bool); 5] =
    [("demo", false), ("mail", false), ("machine", false), ("docs", true), ("entered", true)];

/// A gateway with each kind of server and every way in, and Alice, whose account at "docs" is connected.
struct Ways {
    world: World,
    issuing: Issuing,
    _guarded: Guarded,
    user_key: String,
    service_key: Value,
    agent: Agent,
    lender: Agent,
    used: Cell<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Own,
    UserKey,
    ServiceKey,
    External,
    Introspected,
    Machine,
    Workload,
    IdJag,
    Agent,
    LentAgent,
}

impl Way {
    const ALL: [Self; 10] = [
        Self::Own,
        Self::UserKey,
        Self::ServiceKey,
        Self::External,
        Self::Introspected,
        Self::Machine,
        Self::Workload,
        Self::IdJag,
        Self::Agent,
        Self::LentAgent,
    ];

    /// What it is told where it would need a person's account and has none; nothing where it has.
    const fn without_account(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Own | Self::UserKey | Self::LentAgent => None,
            Self::ServiceKey => Some((403, "service_key_needs_person")),
            Self::External | Self::Introspected => Some((403, "external_cannot_connect")),
            Self::Machine => Some((400, "machine_needs_person")),
            Self::Workload | Self::IdJag => Some((400, "external_cannot_connect")),
            Self::Agent => Some((400, "agent_account_not_lent")),
        }
    }
}

impl Ways {
    fn new() -> Self {
        let (world, guarded) = World::guarded();
        world.set_secret("CI_SECRET", "the program's secret");
        world.reconfigure(|config| {
            config["accepts"] = json!(["own", "keys", "agents", "corp"]);
            let asking = json!({"client_id": "gw", "client_secret": {"secret": "CORP_SECRET"}});
            config["issuers"] = json!({
                "corp": {"issuer": AS, "introspection": asking},
                "ci": Issuing::ci(),
                "idp": {"kind": "id_jag", "issuer": AS, "clients": ["company"]},
            });
            let servers: Vec<_> = SERVERS.iter().map(|(slug, _)| *slug).collect();
            config["clients"]["preregistered"] = json!([
                {"client_id": "program", "client_secret": {"secret": "CI_SECRET"}, "machine": {"servers": servers}},
                {"client_id": "company", "client_secret": {"secret": "CI_SECRET"}, "redirect_uris": ["https://company.example/cb"]},
            ]);
            let entered = json!({"kind": "headers", "headers": {"x-key": {"person": "Your key"}}});
            config["servers"]["entered"] = json!({"url": "https://entered.example/mcp", "auth": entered});
            let machine = json!({"kind": "client_credentials", "client_id": "gateway",
                "client_secret": {"secret": "MAIL_KEY"}, "token_endpoint": "https://as.example/token"});
            config["servers"]["machine"] = json!({"url": "https://machine.example/mcp", "auth": machine});
        });
        let issuing = Issuing::in_world(&world, AS);
        world.outside("https://machine.example", upstream::echo());
        world.connected("alice", "good");
        guarded.wants("good");
        guarded.gives_no_sessions();
        world.can_be_renewed("machine's");
        let mut alice = world.client("claude").connects("alice");
        let user_key = user_key(&mut alice);
        let wanted = json!({"name": "CI", "expires_in_days": 30});
        let service_key = operator(&world, "POST", "/admin/keys", &wanted).with(201).json();
        let names = SERVERS.map(|(slug, _)| format!("server:{slug}"));
        let servers: Vec<_> = names.iter().map(|name| (name.as_str(), "on")).collect();
        let agent = Agent::named_by(&mut alice, &servers);
        let lent = [&servers[..], &[("account:docs", "on"), ("account:entered", "on")]].concat();
        let lender = Agent::named_by(&mut alice, &lent);
        Self { world, issuing, _guarded: guarded, user_key, service_key, agent, lender, used: Cell::new(0) }
    }

    /// What a program presents at a server, or the refusal of the token endpoint.
    fn presented(&self, way: Way, server: &str) -> Result<String, Box<Answer>> {
        let (world, resource) = (&self.world, format!("http://localhost:8787/v1/mcp/{server}"));
        self.used.set(self.used.get() + 1);
        let jti = json!(self.used.get().to_string());
        let issued = match way {
            Way::Own => {
                return Ok(world.client("own").at(server).connects("alice").access);
            }
            Way::UserKey => return Ok(self.user_key.clone()),
            Way::ServiceKey => return Ok(self.service_key["key"].as_str().unwrap().to_owned()),
            Way::External => return Ok(self.issuing.anns(world, |claims| claims["aud"] = json!(resource))),
            Way::Introspected => {
                let mut told = Issuing::claims(world);
                told["active"] = json!(true);
                told["aud"] = json!(resource);
                let token = format!("opaque-{server}-token");
                self.issuing.tokens.borrow_mut().insert(token.clone(), told);
                return Ok(token);
            }
            Way::Machine => {
                let form = [
                    ("grant_type", "client_credentials"),
                    ("client_id", "program"),
                    ("client_secret", "the program's secret"),
                    ("resource", &resource),
                ];
                world.request("POST", "/oauth/token").form(&form).send()
            }
            Way::Workload => {
                let mut job = Issuing::job(world);
                job["jti"] = jti;
                Presents::of(&self.issuing.typed("JWT", &job)).to(&resource).at(world)
            }
            Way::IdJag => {
                let claims = json!({"iss": AS, "sub": "bea", "aud": "http://localhost:8787", "client_id": "company",
                    "jti": jti, "resource": resource, "iat": world.now(), "exp": world.now() + 60});
                let assertion = self.issuing.typed("oauth-id-jag+jwt", &claims);
                Presents::of(&assertion).by("company", "the program's secret").at(world)
            }
            Way::Agent => self.agent.asks(&[("resource", &resource)]),
            Way::LentAgent => self.lender.asks(&[("resource", &resource)]),
        };
        if issued.status != 200 {
            return Err(Box::new(issued));
        }
        Ok(issued.json()["access_token"].as_str().unwrap().to_owned())
    }

    fn calls(&self, way: Way, server: &str) -> Answer {
        match self.presented(way, server) {
            Ok(token) => call(&self.world, server, &token),
            Err(refusal) => *refusal,
        }
    }

    /// The subject that operators know it by.
    fn subject(&self, way: Way) -> String {
        match way {
            Way::Own | Way::UserKey | Way::LentAgent => "dev:alice".to_owned(),
            Way::ServiceKey => self.service_key["subject"].as_str().unwrap().to_owned(),
            Way::External | Way::Introspected => "corp:ann".to_owned(),
            Way::Machine => "machine:program".to_owned(),
            Way::Workload => "ci:repo:acme/app".to_owned(),
            Way::IdJag => "idp:bea".to_owned(),
            Way::Agent => self.agent.id.clone(),
        }
    }
}

fn operator(world: &World, method: &str, path: &str, body: &Value) -> Answer {
    world.request(method, path).bearer(ADMIN_TOKEN).json(body).send()
}

fn user_key(alice: &mut Client) -> String {
    alice.browser.goes_to("/connections");
    let mut form =
        alice.browser.forms("/connections").into_iter().find(|form| form.fields.contains_key("name")).unwrap();
    for (name, value) in [("name", "CI"), ("days", "90"), ("every_server", "on"), ("action", "make_key")] {
        form.fields.insert(name.to_owned(), value.to_owned());
    }
    let page = alice.browser.submits(&form).clone().with(200).text();
    let key = page.split("<code>mcpg_key_").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
    format!("mcpg_key_{key}")
}

#[test]
fn every_way_in_is_good_at_every_server_that_it_suffices_for() {
    let ways = Ways::new();
    for way in Way::ALL {
        for (server, personal) in SERVERS {
            if way == Way::Own && server == "entered" {
                continue; // people connect it before a client gets a token
            }
            let answer = ways.calls(way, server);
            let said = format!("{way:?} at {server}: {} {}", answer.status, answer.text());
            match way.without_account().filter(|_| personal) {
                Some(refusal) => assert_eq!((answer.status, answer.reason().as_str()), refusal, "{said}"),
                // Nobody has connected it: a person is told where, and an agent whom to ask.
                None if server == "entered" && way == Way::LentAgent => {
                    assert_eq!(answer.reason(), "agent_sponsor_not_connected", "{said}");
                }
                None if server == "entered" => assert!(answer.text().contains("/connect/entered"), "{said}"),
                None => assert_eq!((answer.status, answer.reason().as_str()), (200, ""), "{said}"),
            }
        }
    }
}

#[test]
fn what_is_for_one_server_is_refused_at_another() {
    let ways = Ways::new();
    for way in Way::ALL {
        let reason = match way {
            Way::UserKey | Way::ServiceKey => continue, // these are for every server
            Way::External | Way::Introspected => "external_token_wrong_audience",
            _ => "token_wrong_audience",
        };
        let token = ways.presented(way, "demo").unwrap_or_else(|refusal| panic!("{way:?}: {}", refusal.text()));
        call(&ways.world, "mail", &token).refused(401, reason);
    }
}

#[test]
fn whatever_was_issued_before_everything_was_revoked_is_refused() {
    for way in Way::ALL {
        let ways = Ways::new();
        let token = ways.presented(way, "demo").unwrap_or_else(|refusal| panic!("{way:?}: {}", refusal.text()));
        call(&ways.world, "demo", &token).with(200);
        ways.world.passes(1);
        let subject = ways.subject(way).replace(':', "%3A").replace('/', "%2F");
        operator(&ways.world, "DELETE", &format!("/admin/subjects/{subject}"), &json!({}));
        let reason = if matches!(way, Way::UserKey | Way::ServiceKey) { "api_key_revoked" } else { "token_revoked" };
        call(&ways.world, "demo", &token).refused(401, reason);
    }
}

#[test]
fn a_way_that_the_operator_shuts_is_shut_for_what_was_issued_before() {
    let ways = Ways::new();
    for way in Way::ALL {
        let (accepts, status, reason) = match way {
            Way::UserKey | Way::ServiceKey => (json!(["own", "agents", "corp"]), 401, "api_key_not_accepted"),
            Way::External | Way::Introspected => (json!(["own", "keys", "agents"]), 401, "token_malformed"),
            Way::Agent | Way::LentAgent => (json!(["own", "keys", "corp"]), 403, "agent_not_accepted"),
            Way::Own | Way::Machine | Way::Workload | Way::IdJag => {
                (json!(["keys", "corp"]), 401, "token_issuer_not_accepted")
            }
        };
        let token = ways.presented(way, "demo").unwrap_or_else(|refusal| panic!("{way:?}: {}", refusal.text()));
        call(&ways.world, "demo", &token).with(200);
        ways.world.reconfigure(|config| config["accepts"] = accepts);
        let answer = call(&ways.world, "demo", &token);
        let said = format!("{way:?}: {}", answer.text());
        assert_eq!(answer.status, status, "{said}");
        if way != Way::External {
            assert_eq!(answer.reason(), reason, "{said}");
        }
        ways.world.reconfigure(|config| config["accepts"] = json!(["own", "keys", "agents", "corp"]));
    }
}
