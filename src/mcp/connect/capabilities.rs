//! Whether a client shows its person a link that a server asks it to show: URL mode of elicitation (2025-11-25 and
//! 2026-07-28, "Elicitation").
//!
//! Not here: what is shown ([`super::signal`]), and where the capabilities of a legacy client are kept
//! ([`crate::mcp::transport::session`]).

use serde::Deserialize;
use serde::de::IgnoredAny;

/// From the `params` of `initialize`, where legacy clients declare it. `{"elicitation":{}}` means forms only.
pub fn declared_at_initialize(params: &str) -> bool {
    serde_json::from_str::<Params>(params).is_ok_and(|params| params.capabilities.url_elicitation())
}

/// From the `_meta` of a request, where modern clients declare it each time. `body` is the whole message.
pub fn declared_in_request(body: &[u8]) -> bool {
    let request = serde_json::from_slice::<Request>(body);
    request.is_ok_and(|request| request.params.meta.capabilities.url_elicitation())
}

#[derive(Deserialize)]
struct Request {
    params: ModernParams,
}

#[derive(Deserialize)]
struct ModernParams {
    #[serde(rename = "_meta")]
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities")]
    capabilities: Capabilities,
}

#[derive(Deserialize)]
struct Params {
    capabilities: Capabilities,
}

#[derive(Deserialize)]
struct Capabilities {
    elicitation: Option<Elicitation>,
}

#[derive(Deserialize)]
struct Elicitation {
    url: Option<IgnoredAny>,
}

impl Capabilities {
    fn url_elicitation(&self) -> bool {
        self.elicitation.as_ref().is_some_and(|elicitation| elicitation.url.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_url_mode_counts() {
        for (capabilities, expected) in [
            (r#"{"elicitation":{"url":{}}}"#, true),
            (r#"{"elicitation":{"form":{},"url":{"x":1}},"sampling":{}}"#, true),
            (r#"{"elicitation":{}}"#, false),
            (r#"{"elicitation":{"form":{}}}"#, false),
            (r#"{"elicitation":{"url":null}}"#, false),
            (r#"{"elicitation":null}"#, false),
            (r#"{"elicitation":true}"#, false),
            ("{}", false),
            ("null", false),
        ] {
            let params = format!(r#"{{"protocolVersion":"2025-11-25","capabilities":{capabilities}}}"#);
            assert_eq!(declared_at_initialize(&params), expected, "{capabilities}");
            let meta = format!(r#"{{"io.modelcontextprotocol/clientCapabilities":{capabilities}}}"#);
            let request = format!(r#"{{"id":1,"method":"tools/call","params":{{"name":"a","_meta":{meta}}}}}"#);
            assert_eq!(declared_in_request(request.as_bytes()), expected, "{capabilities}");
        }
        assert!(!declared_in_request(br#"{"params":{"capabilities":{"elicitation":{"url":{}}}}}"#));
        assert!(!declared_at_initialize(r#"{"elicitation":{"url":{}}}"#));
    }

    proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>, text in "\\PC{0,40}") {
            declared_in_request(&bytes);
            declared_at_initialize(&text);
        }
    }
}
