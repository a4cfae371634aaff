//! An MCP client and the person who uses it, step by step. `registers`, `redeems` and the like go well or stop the
//! test; what may be refused is asked by the nouns (`authorization`, `redemption`, `call`).
//!
//! Not here: stock clients; those are in `tests/e2e`.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::World;
use super::answer::{Answer, parameter};
use super::browser::Browser;
use super::idp;

/// A client of one server.
#[derive(Clone)]
pub struct Client {
    pub world: World,
    pub browser: Browser,
    pub name: String,
    pub id: String,
    pub secret: Option<String>,
    pub redirect_uri: String,
    pub server: String,
    /// The host that is the server's alone, where the client knows it there.
    pub host: Option<String>,
    pub scope: String,
    pub state: String,
    pub verifier: String,
    pub code: String,
    pub access: String,
    /// The scope of its access token, as the token endpoint said it.
    pub granted: String,
    pub refresh: Option<String>,
    pub session: Option<String>,
}

impl Client {
    pub fn new(world: &World, name: &str) -> Self {
        Self {
            world: world.clone(),
            browser: world.browser(),
            name: name.to_owned(),
            id: String::new(),
            secret: None,
            redirect_uri: format!("https://{name}.example/callback"),
            server: "demo".to_owned(),
            host: None,
            scope: "mcp:tools offline_access".to_owned(),
            state: format!("state of {name}"),
            verifier: format!("verifier-of-{name}-{}", "v".repeat(43)),
            code: String::new(),
            access: String::new(),
            granted: String::new(),
            refresh: None,
            session: None,
        }
    }

    pub fn at(mut self, server: &str) -> Self {
        server.clone_into(&mut self.server);
        self
    }

    /// The same client of the server at a host of its own.
    pub fn at_host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    pub fn asks_for(mut self, scope: &str) -> Self {
        scope.clone_into(&mut self.scope);
        self
    }

    pub fn comes_back_at(mut self, redirect_uri: &str) -> Self {
        redirect_uri.clone_into(&mut self.redirect_uri);
        self
    }

    pub fn with_id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// The same client in the hands of the person at another browser.
    pub fn in_browser(mut self, browser: &Browser) -> Self {
        self.browser = browser.clone();
        self
    }

    /// The server's URL, and so the `resource` and `aud` of its tokens.
    pub fn resource(&self) -> String {
        if let Some(host) = &self.host {
            return format!("https://{host}/mcp");
        }
        let path = if self.world.origin().starts_with("https") && self.server == "mail" {
            "/mail/mcp".to_owned()
        } else {
            format!("/v1/mcp/{}", self.server)
        };
        format!("{}{path}", self.world.origin())
    }

    /// Finds the endpoint of a kind as clients do: challenge, resource metadata, authorization server metadata.
    pub fn discovers(&self, endpoint: &str) -> String {
        let challenge = self.world.request("POST", &self.resource()).json(&json!({})).send().with(401);
        let challenge = challenge.header("www-authenticate").unwrap().to_owned();
        let (_, metadata) = challenge.split_once("resource_metadata=\"").unwrap();
        let metadata = self.world.get(metadata.split('"').next().unwrap()).with(200).json();
        assert_eq!(metadata["resource"], self.resource());
        let issuer = metadata["authorization_servers"][0].as_str().unwrap();
        let metadata = self.world.get(&format!("{issuer}/.well-known/oauth-authorization-server")).with(200).json();
        assert_eq!(metadata["issuer"], issuer);
        metadata[endpoint].as_str().unwrap().to_owned()
    }

    pub fn registers(self) -> Self {
        self.registers_as("none")
    }

    pub fn registers_as(mut self, method: &str) -> Self {
        let answer = self.registration(method).with(201).json();
        answer["client_id"].as_str().unwrap().clone_into(&mut self.id);
        self.secret = answer["client_secret"].as_str().map(ToOwned::to_owned);
        self
    }

    pub fn registration(&self, method: &str) -> Answer {
        let metadata = json!({
            "client_name": self.name, "redirect_uris": [self.redirect_uri], "token_endpoint_auth_method": method,
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        });
        self.world.request("POST", &self.discovers("registration_endpoint")).json(&metadata).send()
    }

    pub fn challenge(&self) -> String {
        Base64UrlUnpadded::encode_string(&Sha256::digest(self.verifier.as_bytes()))
    }

    pub fn authorization_parameters(&self) -> Vec<(&'static str, String)> {
        vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.id.clone()),
            ("redirect_uri", self.redirect_uri.clone()),
            ("scope", self.scope.clone()),
            ("state", self.state.clone()),
            ("code_challenge", self.challenge()),
            ("code_challenge_method", "S256".to_owned()),
            ("resource", self.resource()),
        ]
    }

    pub fn authorization_url(&self) -> String {
        self.authorization_url_with(|_| ())
    }

    pub fn authorization_url_with(&self, change: impl FnOnce(&mut Vec<(&'static str, String)>)) -> String {
        let mut parameters = self.authorization_parameters();
        change(&mut parameters);
        let origin = self.world.origin();
        Url::parse_with_params(&format!("{origin}/oauth/authorize"), parameters).unwrap().into()
    }

    /// Opens the person's browser at the gateway.
    pub fn authorizes(mut self) -> Self {
        let url = self.authorization_url();
        self.browser.goes_to(&url);
        self.arrives()
    }

    /// Opens the browser with a changed request and says where that ends: at the gateway, or at the client with an
    /// error.
    pub fn authorization(&mut self, change: impl FnOnce(&mut Vec<(&'static str, String)>)) -> Answer {
        let url = self.authorization_url_with(change);
        self.browser.goes_to(&url).clone()
    }

    pub fn signs_in(mut self, person: &str) -> Self {
        if self.browser.at.as_str().starts_with(idp::ISSUER) {
            let back = self.world.idp.signs_in(&self.world, &self.browser.at, person);
            self.browser.goes_to(back.as_str());
        } else {
            self.browser.presses("/login/callback", "account", person);
        }
        self.arrives()
    }

    #[track_caller]
    pub fn consents(mut self) -> Self {
        self.browser.presses("/oauth/consent", "decision", "approve");
        let client = self.arrives();
        assert!(!client.code.is_empty(), "at {}: {}", client.browser.at, client.browser.shows.shown());
        client
    }

    /// Goes on to the client from the short page, where there is nothing left to allow.
    #[track_caller]
    pub fn goes_on(self) -> Self {
        assert!(self.is_reminded(), "at {}: {}", self.browser.at, self.browser.shows.shown());
        self.consents()
    }

    /// Consents, wherever that leads.
    pub fn approves(mut self) -> Self {
        self.browser.presses("/oauth/consent", "decision", "approve");
        self.arrives()
    }

    /// Presses Connect on a server's page, which leads to its authorization server.
    pub fn presses_connect(mut self) -> Self {
        let action = self.browser.at.path().to_owned();
        self.browser.presses(&action, "decision", "connect");
        self
    }

    /// The browser is sent somewhere.
    pub fn follows(mut self, url: &Url) -> Self {
        self.browser.goes_to(url.as_str());
        self.arrives()
    }

    /// Takes the code, if the browser is back at the client.
    pub fn arrived(self) -> Self {
        self.arrives()
    }

    pub fn denies(mut self) -> Self {
        self.browser.presses("/oauth/consent", "decision", "deny");
        self
    }

    /// Whether the consent page is shown now.
    pub fn is_asked(&self) -> bool {
        self.browser.at.path() == "/oauth/authorize" && self.browser.shows.text().contains("Approve")
    }

    /// Whether the page is shown now that asks for nothing but to go on to the client.
    pub fn is_reminded(&self) -> bool {
        self.browser.at.path() == "/oauth/authorize" && self.browser.shows.text().contains("Continue to")
    }

    /// Whether a sign-in page is shown now.
    pub fn must_sign_in(&self) -> bool {
        self.browser.at.path() == "/login" || self.browser.at.as_str().starts_with(idp::ISSUER)
    }

    fn arrives(mut self) -> Self {
        if self.browser.at.as_str().starts_with(&self.redirect_uri) {
            assert_eq!(parameter(&self.browser.at, "state"), self.state);
            assert_eq!(parameter(&self.browser.at, "iss"), self.world.origin());
            self.code = parameter(&self.browser.at, "code");
        }
        self
    }

    #[track_caller]
    pub fn redeems(mut self) -> Self {
        let answer = self.redemption(|_| ());
        self.takes(answer)
    }

    /// A token request with the code, changed.
    pub fn redemption(&self, change: impl FnOnce(&mut Vec<(&'static str, String)>)) -> Answer {
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", self.code.clone()),
            ("redirect_uri", self.redirect_uri.clone()),
            ("code_verifier", self.verifier.clone()),
            ("client_id", self.id.clone()),
            ("resource", self.resource()),
        ];
        form.extend(self.secret.iter().map(|secret| ("client_secret", secret.clone())));
        change(&mut form);
        self.asks("/oauth/token", &form)
    }

    #[track_caller]
    pub fn refreshes(mut self) -> Self {
        let answer = self.refreshing(self.refresh.as_deref().unwrap());
        self.takes(answer)
    }

    /// A token request with some refresh token.
    pub fn refreshing(&self, token: &str) -> Answer {
        let form = [("grant_type", "refresh_token".to_owned()), ("refresh_token", token.to_owned())];
        self.asks("/oauth/token", &self.identified(form))
    }

    /// RFC 7009 for some token.
    pub fn revocation(&self, token: &str) -> Answer {
        self.asks("/oauth/revoke", &self.identified([("token", token.to_owned())]))
    }

    fn identified(&self, form: impl IntoIterator<Item = (&'static str, String)>) -> Vec<(&'static str, String)> {
        let secret = self.secret.iter().map(|secret| ("client_secret", secret.clone()));
        form.into_iter().chain([("client_id", self.id.clone())]).chain(secret).collect()
    }

    fn asks(&self, path: &str, form: &[(&str, String)]) -> Answer {
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.world.request("POST", path).form(&form).send()
    }

    #[track_caller]
    fn takes(&mut self, answer: Answer) -> Self {
        let answer = answer.with(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let tokens = answer.json();
        assert_eq!(tokens["token_type"], "Bearer");
        tokens["access_token"].as_str().unwrap().clone_into(&mut self.access);
        tokens["scope"].as_str().unwrap().clone_into(&mut self.granted);
        self.refresh = tokens["refresh_token"].as_str().map(ToOwned::to_owned);
        self.clone()
    }

    /// All of it: registers, authorizes, signs in, consents and redeems.
    pub fn connects(self, person: &str) -> Self {
        self.registers().authorizes().signs_in(person).consents().redeems()
    }

    #[track_caller]
    pub fn calls(self, tool: &str) -> Self {
        let answer = self.call(tool).with(200);
        assert_eq!(answer.json()["result"]["content"][0]["text"], tool);
        self
    }

    /// Calls as a client does that never had a session.
    #[track_caller]
    pub fn calls_without_session(self, tool: &str) -> Self {
        let stateless = Self { session: None, ..self.clone() };
        stateless.calls(tool);
        self
    }

    /// A tools/call of the legacy era with what the client has.
    pub fn call(&self, tool: &str) -> Answer {
        let message =
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}});
        self.sends(&message)
    }

    /// A message with the bearer and, if there is one, the session.
    pub fn sends(&self, message: &Value) -> Answer {
        let mut request = self.world.request("POST", &self.resource()).bearer(&self.access).json(message);
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        request.send()
    }

    #[track_caller]
    pub fn initializes(mut self) -> Self {
        self.session = None;
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": self.name, "version": "1"}});
        let answer =
            self.sends(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})).with(200);
        self.session = Some(answer.header("mcp-session-id").unwrap().to_owned());
        self
    }
}
