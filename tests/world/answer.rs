//! What the gateway answered, read to the end.
//!
//! Not here: what it should have answered.

use mcp_edge_gateway::headers::HeaderMap;
use mcp_edge_gateway::web::reply::Terms;
use serde_json::Value;
use url::Url;

/// An answer with its body.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// On which terms it is a stream.
    pub terms: Option<Terms>,
}

impl Answer {
    /// The same, if it has this status.
    #[track_caller]
    pub fn with(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.shown());
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// What a failed assertion prints: of a page, what a person sees.
    pub fn shown(&self) -> String {
        let text = self.text();
        text.split_once("<main>").map_or(text.clone(), |(_, main)| main.to_owned())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name);
        let value = values.next()?;
        assert!(values.next().is_none(), "{name} is there twice");
        Some(value.to_str().unwrap())
    }

    /// The reason code, of JSON, of JSON-RPC and of a page.
    #[track_caller]
    pub fn reason(&self) -> String {
        let text = self.text();
        if let Ok(json) = serde_json::from_str::<Value>(&text) {
            let reason = json.pointer("/reason").or_else(|| json.pointer("/error/data/reason"));
            return reason.and_then(Value::as_str).unwrap_or_default().to_owned();
        }
        let (_, reason) = text.split_once("<dt>Reason</dt><dd><code>").unwrap_or_default();
        reason.split('<').next().unwrap().to_owned()
    }

    /// Refused for this reason, with this status, leading nowhere.
    #[track_caller]
    pub fn refused(&self, status: u16, reason: &str) {
        assert_eq!((self.status, self.reason().as_str()), (status, reason), "{}", self.shown());
        assert_eq!(self.header("location"), None, "a refusal redirects nowhere");
        assert!(self.text().contains(self.header("x-request-id").unwrap()), "the body names the request id");
    }

    pub fn location(&self) -> Option<Url> {
        self.header("location").map(|location| Url::parse("http://localhost:8787").unwrap().join(location).unwrap())
    }
}

/// A parameter of a URL's query that is there exactly once.
#[track_caller]
pub fn parameter(url: &Url, name: &str) -> String {
    let values: Vec<_> = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value).collect();
    assert_eq!(values.len(), 1, "{name} in {url}");
    values[0].to_string()
}
