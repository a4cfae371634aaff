//! Identity providers as they were recorded: what each says of itself, answers for a code and claims of a person
//! (`tests/recorded`), played at the addresses that it has.
//!
//! Not here: a scripted provider that does what a test says (`idp`).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::rc::Rc;

use serde_json::{Value, json};
use url::Url;

use super::World;
use super::answer::parameter;
use super::idp::Key;
use super::platform::{Host, Scripted};

/// A recorded provider.
#[derive(Clone)]
pub struct Recorded {
    pub recording: Rc<RefCell<Value>>,
    nonce: Rc<RefCell<String>>,
}

impl Recorded {
    pub fn named(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/recorded/{name}.json"));
        let recording = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        Self { recording: Rc::new(RefCell::new(recording)), nonce: Rc::default() }
    }

    pub fn at(&self, pointer: &str) -> Value {
        self.recording.borrow().pointer(pointer).cloned().unwrap_or_default()
    }

    pub fn change(&self, pointer: &str, value: Value) {
        *self.recording.borrow_mut().pointer_mut(pointer).unwrap() = value;
    }

    /// A gateway whose people sign in there, with a rule that asks for the role "support".
    pub fn world(&self) -> World {
        let world = World::public(|config| {
            config["login"] = self.at("/login");
            config["servers"]["demo"]["require"] = json!([{"tools": ["delete"], "roles": ["support"]}]);
        });
        let texts = self.at("/discovery");
        let urls = texts.as_object().into_iter().flatten().filter_map(|(_, value)| Url::parse(value.as_str()?).ok());
        let github = ["https://github.com", "https://api.github.com"].map(|url| Url::parse(url).unwrap());
        let issuer = Url::parse(self.at("/login/issuer").as_str().unwrap_or("https://github.com")).unwrap();
        for url in urls.chain(github).chain([issuer]) {
            world.outside(&url.origin().ascii_serialization(), self.host(&world));
        }
        world
    }

    /// Somebody signs in at the page the browser was sent to: where they are sent back to.
    pub fn signs_in(&self, page: &Url) -> Url {
        assert!(page.query_pairs().all(|(name, _)| name != "resource"), "no provider has to know it: {page}");
        *self.nonce.borrow_mut() = page
            .query_pairs()
            .find(|(name, _)| name == "nonce")
            .map(|(_, value)| value.to_string())
            .unwrap_or_default();
        let mut back = Url::parse(&parameter(page, "redirect_uri")).unwrap();
        back.query_pairs_mut().append_pair("code", "a-code").append_pair("state", &parameter(page, "state"));
        if self.at("/discovery/authorization_response_iss_parameter_supported") == true {
            back.query_pairs_mut().append_pair("iss", self.at("/discovery/issuer").as_str().unwrap());
        }
        back
    }

    fn host(&self, world: &World) -> Host {
        let (recorded, platform) = (self.clone(), Rc::downgrade(&world.platform));
        Rc::new(move |request| {
            let mut place = request.url.clone();
            place.set_query(None);
            let place = place.to_string();
            let is = |member: &str| recorded.at(&format!("/discovery/{member}")) == place.as_str();
            let issuer = recorded.at("/login/issuer");
            let document = issuer.as_str().map(|issuer| {
                format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
            });
            Ok(if document.as_deref() == Some(&place) {
                Scripted::json(&recorded.at("/discovery"))
            } else if is("jwks_uri") {
                Scripted::json(&json!({"keys": [Key::default().published()]}))
            } else if is("token_endpoint") {
                let now = platform.upgrade().unwrap().now.get();
                let mut claims = recorded.at("/id_token");
                claims["nonce"] = recorded.nonce.borrow().as_str().into();
                (claims["iat"], claims["exp"]) = (now.into(), (now + 3600).into());
                let mut answer = recorded.at("/token");
                answer["id_token"] = Key::default().signed("JWT", claims).into();
                Scripted::json(&answer)
            } else if is("userinfo_endpoint") {
                Scripted::json(&recorded.at("/userinfo"))
            } else if place == "https://github.com/login/oauth/access_token" {
                let form: BTreeMap<_, _> = url::form_urlencoded::parse(&request.body).into_owned().collect();
                assert!(form.contains_key("client_secret") && form.contains_key("code_verifier"), "{form:?}");
                Scripted::json(&recorded.at("/token"))
            } else if let Some(path) = place.strip_prefix("https://api.github.com") {
                assert!(request.headers.contains_key("user-agent"), "GitHub answers nobody without a name");
                let answer = recorded.at(&format!("/api/{}", path.replace('/', "~1")));
                if answer.is_null() { Scripted::new(404, &[], "") } else { Scripted::json(&answer) }
            } else {
                Scripted::new(404, &[], "")
            })
        })
    }
}
