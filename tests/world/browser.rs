//! A small browser: cookies with their lifetimes, redirects, forms, and the rule that a form may only lead where its
//! page's policy says, as Chromium has it.
//!
//! Not here: the identity provider's pages; a browser that is sent there waits.

use std::collections::BTreeMap;

use url::Url;

use super::World;
use super::answer::Answer;
use mcp_edge_gateway::headers::SET_COOKIE;

/// What Chromium asks for where a person goes.
pub const ACCEPT: &str =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8";

/// One person's browser.
#[derive(Clone)]
pub struct Browser {
    pub world: World,
    /// Cookies of the gateway: value and when it ends.
    pub cookies: BTreeMap<String, (String, u64)>,
    /// Where it is: a page of the gateway, or the first URL elsewhere.
    pub at: Url,
    /// What it got there; the redirect itself where it is elsewhere.
    pub shows: Answer,
}

/// A form of the page.
#[derive(Debug, Clone)]
pub struct Form {
    pub action: String,
    pub fields: BTreeMap<String, String>,
}

impl Browser {
    pub fn new(world: &World) -> Self {
        let nothing =
            Answer { status: 0, headers: mcp_edge_gateway::headers::HeaderMap::new(), body: Vec::new(), terms: None };
        Self { world: world.clone(), cookies: BTreeMap::new(), at: Url::parse("about:blank").unwrap(), shows: nothing }
    }

    /// Follows a link.
    pub fn goes_to(&mut self, url: &str) -> &Answer {
        let url = Url::parse(&self.world.origin()).unwrap().join(url).unwrap();
        let answer = self.get(&url);
        self.follow(url, answer, None)
    }

    /// Presses a button of the page's form for that action.
    pub fn presses(&mut self, action: &str, button: &str, value: &str) -> &Answer {
        let mut form = self.form(action);
        form.fields.insert(button.to_owned(), value.to_owned());
        self.submits(&form)
    }

    /// Posts a form as the page it is on would.
    pub fn submits(&mut self, form: &Form) -> &Answer {
        let policy = self.shows.header("content-security-policy").unwrap().to_owned();
        let url = self.at.join(&form.action).unwrap();
        let (at, answer) = (url.clone(), self.posts(&url, form));
        self.follow(at, answer, Some(&policy))
    }

    /// The first form of the page that leads to an action.
    #[track_caller]
    pub fn form(&self, action: &str) -> Form {
        let first = self.forms(action).into_iter().next();
        first.unwrap_or_else(|| panic!("no form to {action} at {}: {}", self.at, self.shows.shown()))
    }

    /// Every form of the page that leads to an action.
    pub fn forms(&self, action: &str) -> Vec<Form> {
        let html = self.shows.text();
        let forms = html.split("<form ").skip(1).filter(|form| attribute(form, "action") == Some(action));
        let forms = forms.map(|form| {
            let form = form.split("</form>").next().unwrap();
            let inputs = form.split("<input ").skip(1).filter(|input| {
                let tag = input.split('>').next().unwrap();
                attribute(input, "type") != Some("checkbox") || tag.contains(" checked")
            });
            let fields = inputs.map(|input| {
                let read = |name| attribute(input, name).map(unescape).unwrap_or_default();
                (read("name"), read("value"))
            });
            Form { action: action.to_owned(), fields: fields.collect() }
        });
        forms.collect()
    }

    /// What is stored for the gateway and has not ended.
    pub fn cookie_header(&self) -> String {
        let now = self.world.now();
        let live = self.cookies.iter().filter(|(_, (_, ends))| *ends > now);
        live.map(|(name, (value, _))| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn get(&mut self, url: &Url) -> Answer {
        let answer =
            self.world.request("GET", url.as_str()).header("accept", ACCEPT).cookies(&self.cookie_header()).send();
        self.keep(&answer);
        answer
    }

    fn posts(&mut self, url: &Url, form: &Form) -> Answer {
        let fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = self
            .world
            .request("POST", url.as_str())
            .cookies(&self.cookie_header())
            .header("origin", &self.world.origin())
            .header("sec-fetch-site", "same-origin")
            .form(&fields)
            .send();
        self.keep(&answer);
        answer
    }

    fn follow(&mut self, mut at: Url, mut answer: Answer, policy: Option<&str>) -> &Answer {
        for _ in 0..10 {
            let Some(location) = answer.header("location") else { break };
            at = at.join(location).unwrap();
            if let Some(policy) = policy {
                assert!(
                    allows(policy, &self.world.origin(), &at),
                    "the page's policy stops the form at {at}: {policy}"
                );
            }
            if at.origin().ascii_serialization() != self.world.origin() {
                break;
            }
            answer = self.get(&at);
        }
        self.at = at;
        self.shows = answer;
        &self.shows
    }

    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (pair, attributes) = cookie.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite=Lax"), "{attributes}");
            assert_eq!(attributes.contains("Secure"), self.world.origin().starts_with("https:"), "{attributes}");
            let age = attributes.split("; ").find_map(|part| part.strip_prefix("Max-Age=")).unwrap();
            let ends = self.world.now() + age.parse::<u64>().unwrap();
            self.cookies.insert(name.to_owned(), (value.to_owned(), ends));
        }
    }
}

/// Whether a policy lets a form lead to a URL: `form-action` with `'self'`, origins and schemes.
fn allows(policy: &str, own: &str, to: &Url) -> bool {
    let sources = policy.split("; ").find_map(|directive| directive.strip_prefix("form-action ")).unwrap();
    let origin = to.origin().ascii_serialization();
    sources.split(' ').any(|source| match source {
        "'self'" => origin == own,
        source => source == origin || source.strip_suffix(':') == Some(to.scheme()),
    })
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split('>').next()?.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}

fn unescape(text: &str) -> String {
    text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
}
