//! The configuration, parsed once into types that prove it: `gateway.json` in, [`Config`] or every error out.
//!
//! Not here: I/O, the clock, randomness. Secrets are names here, and stay names until `flow` asks for them.

use std::collections::{BTreeMap, BTreeSet};

use crate::oauth::machine::Machine;
use crate::oauth::scope::ScopeSet;
use crate::policy::{ClaimName, Scopes};
use crate::time::Lifetime;

mod accepts;
mod admission;
mod alias;
mod auth;
mod branding;
mod client_keys;
mod clients;
mod consent;
mod dev_accounts;
mod difference;
mod document;
mod issuers;
mod limits;
mod login;
mod machine;
mod near;
mod operators;
mod origin;
mod own_host;
mod own_page;
mod parameters;
mod policy;
mod reading;
mod report;
mod roles;
#[cfg(not(target_arch = "wasm32"))]
mod schema;
mod scopes;
mod secret_name;
mod server;
#[cfg(test)]
mod tests;
mod text;
mod tree;

pub use accepts::Accepts;
pub use auth::{Auth, ConfiguredClient, MachineClient, OAuth, Value};
pub use branding::Branding;
pub use clients::{Clients, Preregistered};
pub use consent::{Asker, Question};
pub use dev_accounts::DevAccount;
pub use difference::{Difference, differences};
pub use document::{
    BackchannelLogout, CatalogueOwner, ConnectTime, ConsentPolicy, LogLevel, LoggedCalls, LoggedSubjects,
};
pub use issuers::{AccessTokens, ExternalIssuer, Introspection, IssuerKind, Workload};
pub use limits::{Limits, ServerLimits};
pub use login::{Github, Login, Oidc};
pub use operators::Operators;
pub use origin::Origin;
pub use own_page::OwnPage;
pub use report::{ConfigError, ConfigErrors};
#[cfg(not(target_arch = "wasm32"))]
pub use schema::schema;
pub use secret_name::SecretName;
pub use server::{Server, Slug};

use document::{ACCESS_TTL, BODY_BYTES, Document, LOG_DAYS, REFRESH_MAX, REFRESH_TTL, TokensDocument};
use report::{Pointer, Report};

/// A configuration that can be run: every value was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The origin clients reach the gateway at; where it is absent, the effective host decides.
    pub public_url: Option<Origin>,
    /// Hosts (`host[:port]`, lower case, no default port) the gateway answers under.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may call the gateway.
    pub allowed_origins: Vec<String>,
    /// How people sign in.
    pub login: Login,
    /// How long a browser stays signed in.
    pub session_ttl: Lifetime,
    /// Which clients the gateway deals with.
    pub clients: Clients,
    /// How long the gateway's tokens live.
    pub tokens: TokenLifetimes,
    /// When a person is asked.
    pub consent: ConsentPolicy,
    /// The servers, none of which can be mistaken for another.
    pub servers: BTreeMap<Slug, Server>,
    /// Other issuers, by their aliases.
    pub issuers: BTreeMap<String, ExternalIssuer>,
    /// The scopes that the operator defines.
    pub scopes: Scopes,
    /// What a client may send.
    pub limits: Limits,
    /// Whether the list of servers is shown without signing in.
    pub public_index: bool,
    /// Whose gateway it is.
    pub branding: Branding,
    /// Which calls are lines in the log.
    pub logged_calls: LoggedCalls,
    /// Who may use the console; without them there is none.
    pub operators: Option<Operators>,
    /// How much the log tells.
    pub log_level: LogLevel,
    /// How subjects are named in logs.
    pub logged_subjects: LoggedSubjects,
    /// How long the authorization log keeps an entry.
    pub log_keep: Lifetime,
}

/// How long the gateway's tokens live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLifetimes {
    /// An access token.
    pub access_ttl: Lifetime,
    /// A refresh token since its last use.
    pub refresh_ttl: Lifetime,
    /// Everything that is refreshed, since the sign-in that it began with.
    pub refresh_max: Lifetime,
}

impl Config {
    /// Parses `gateway.json`. A document with mistakes gives all of them at once.
    pub fn parse(text: &str) -> Result<Self, ConfigErrors> {
        Self::read(text, Report::default(), |_| ())
    }

    /// Parses a configuration that was taken before, perhaps by an earlier release with fewer rules. A bound that is
    /// narrower today narrows it, and refuses nothing.
    pub fn parse_stored(text: &str) -> Result<Self, ConfigErrors> {
        Self::read(text, Report::of_stored(), |document| {
            document.limits.body_bytes = document.limits.body_bytes.min(*BODY_BYTES.end());
        })
    }

    fn read(text: &str, mut report: Report, adapt: fn(&mut Document)) -> Result<Self, ConfigErrors> {
        let document = reading::read(text, &mut report).map(|mut document| {
            adapt(&mut document);
            document
        });
        let config = document.and_then(|document| prove(document, &mut report));
        match config {
            Some(config) if report.is_empty() => Ok(config),
            _ => Err(report.into_errors()),
        }
    }

    /// The server that clients reach at a path.
    pub fn server_at(&self, path: &str) -> Option<&Server> {
        self.servers.values().find(|server| server.path == path)
    }

    /// What a client may have without a person.
    pub fn machine(&self, client_id: &str) -> Option<&Machine> {
        self.clients.preregistered.iter().find(|client| client.client_id == client_id)?.machine.as_ref()
    }

    /// Whether a client that the operator set up gets no access token that is not bound to a key.
    pub fn binds_tokens_of(&self, client_id: &str) -> bool {
        self.clients.preregistered.iter().any(|client| client.client_id == client_id && client.dpop_bound)
    }

    /// The slugs of the servers whose tokens a client may ask about.
    pub fn introspects(&self, client_id: &str) -> &[String] {
        let mut clients = self.clients.preregistered.iter();
        clients.find(|client| client.client_id == client_id).map_or(&[], |client| &client.introspects)
    }

    /// Every scope there is: the gateway's own, and what the operator defines.
    pub fn supported_scope(&self) -> ScopeSet {
        let own = [ScopeSet::TOOLS, ScopeSet::OFFLINE_ACCESS];
        ScopeSet::of(&own.into_iter().chain(self.scopes.names()).collect::<Vec<_>>())
    }

    /// Scopes of the gateway's in the words of whoever issues tokens for a server: its own, where it does, and else
    /// those of the first other issuer.
    pub fn scope_to_ask(&self, server: &Server, scope: &ScopeSet) -> ScopeSet {
        let issuer = server.accepts.issuers.first().filter(|_| !server.accepts.own);
        let tokens = issuer.and_then(|alias| self.issuers.get(alias)?.access_tokens());
        tokens.map_or_else(|| scope.clone(), |tokens| tokens.scope_to_ask(scope))
    }

    /// The roles that the rules of servers ask for: all that a token has to tell of a person's.
    pub fn roles_of_rules(&self) -> BTreeSet<&str> {
        self.servers.values().flat_map(|server| server.policy.roles()).collect()
    }

    /// The roles that anything asks for, the console included: all that a sign-in has to find out.
    pub fn roles(&self) -> BTreeSet<&str> {
        let operators = self.operators.iter().flat_map(|operators| operators.roles.iter().map(String::as_str));
        operators.chain(self.servers.values().flat_map(|server| server.policy.roles())).collect()
    }

    /// The claims that rules ask for: all that a token has to tell of a person's.
    pub fn claims(&self) -> BTreeSet<&ClaimName> {
        self.servers.values().flat_map(|server| server.policy.claims()).collect()
    }

    /// Whether a rule asks for a value of a claim: a token need not tell of the others.
    pub fn asks_for_claim(&self, claim: &str, value: &str) -> bool {
        self.servers.values().any(|server| server.policy.asks_for_claim(claim, value))
    }

    /// Every place that names a secret the deployment must hold.
    pub fn secret_names(&self) -> Vec<&SecretName> {
        let login = match &self.login {
            Login::Oidc(oidc) => oidc.client_secret.as_ref(),
            Login::Github(github) => Some(&github.client_secret),
            Login::Page(page) => Some(&page.secret),
            Login::Dev { .. } => None,
        };
        let clients = self.clients.preregistered.iter().filter_map(|client| client.client_secret.as_ref());
        let servers = self.servers.values().flat_map(|server| server.auth.secret_names());
        let issuers = self.issuers.values().filter_map(|issuer| issuer.access_tokens()?.introspection.as_ref());
        let issuers = issuers.map(|asking| &asking.client_secret);
        login.into_iter().chain(clients).chain(servers).chain(issuers).collect()
    }
}

/// Proves every part before giving up on any, so that no mistake hides another. What cannot be proven is reported and
/// left out; [`Config::parse`] gives out nothing once anything was reported.
fn prove(document: Document, report: &mut Report) -> Option<Config> {
    let root = Pointer::default();
    let public_url = document.public_url.and_then(|text| report.check(&root.child("public_url"), Origin::parse(&text)));

    let hosts = report.entries(&root.child("allowed_hosts"), document.allowed_hosts);
    let allowed_hosts: Vec<_> =
        hosts.into_iter().filter_map(|(at, text)| report.check(&at, origin::host_port(&text))).collect();
    let origins = report.entries(&root.child("allowed_origins"), document.allowed_origins);
    let allowed_origins = origins.into_iter().filter_map(|(at, text)| report.check(&at, Origin::parse(&text)));
    let allowed_origins = allowed_origins.map(|origin| origin.as_str().to_owned()).collect();

    let at = root.child("login");
    let login = report.require(&at, document.login, "write how people sign in, such as {\"kind\": \"oidc\", …}");
    let login = login.and_then(|login| login::prove(login, public_url.as_ref(), &at, report));
    let tokens = prove_tokens(&document.tokens, &root.child("tokens"), report);
    let scopes = scopes::prove(document.scopes, &root.child("scopes"), report);
    let signs_in = login.as_ref().map(|(login, _)| login);
    let around = issuers::Surroundings { scopes: &scopes, login: signs_in, public_url: public_url.as_ref() };
    let issuers = issuers::prove(document.issuers, &around, &root.child("issuers"), report);
    let slugs: Option<Vec<String>> = document.servers.as_ref().map(|servers| servers.keys().cloned().collect());
    let offered = machine::Offered { servers: slugs.as_deref(), scopes: &scopes };
    let clients = clients::prove(document.clients, offered, &root.child("clients"), report);
    let known = policy::Known { scopes: &scopes, login: signs_in, clients: &clients, issuers: &issuers };
    let accepts = accepts::prove(document.accepts, &issuers, &root.child("accepts"), report).unwrap_or_default();
    let at = root.child("servers");
    let servers = report.require(&at, document.servers, "write the servers by slug; {} for none yet");
    let servers = servers.map(|servers| server::prove(servers, public_url.as_ref(), known, &accepts, &at, report));
    own_host::prove_apart(&servers.iter().flat_map(BTreeMap::values), &allowed_hosts, &at, report);
    let at = root.child("operators");
    let operators = document.operators.map(|operators| operators::prove(operators, known, &at, report));
    let limits = limits::prove(&document.limits, &root.child("limits"), report);
    let days = text::number(
        &root.child("log").child("authorization_days"),
        document.log.authorization_days,
        &LOG_DAYS,
        report,
    );
    let branding = branding::prove(document.branding, &root.child("branding"), report);
    let (login, session_ttl) = login?;
    Some(Config {
        public_url,
        allowed_hosts,
        allowed_origins,
        login,
        session_ttl,
        clients,
        tokens: tokens?,
        consent: document.consent,
        servers: servers?,
        issuers,
        scopes,
        limits: limits?,
        public_index: document.public_index,
        branding,
        logged_calls: document.log.calls,
        operators,
        log_level: document.log.level,
        logged_subjects: document.log.subjects,
        log_keep: Lifetime::days(days?),
    })
}

fn prove_tokens(document: &TokensDocument, at: &Pointer, report: &mut Report) -> Option<TokenLifetimes> {
    let access = text::seconds(&at.child("access_ttl_seconds"), document.access_ttl_seconds, &ACCESS_TTL, report);
    let refresh = text::seconds(&at.child("refresh_ttl_seconds"), document.refresh_ttl_seconds, &REFRESH_TTL, report);
    let max = text::seconds(&at.child("refresh_max_seconds"), document.refresh_max_seconds, &REFRESH_MAX, report);
    Some(TokenLifetimes { access_ttl: access?, refresh_ttl: refresh?, refresh_max: max? })
}
