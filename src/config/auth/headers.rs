//! Headers that authenticate the gateway at a server: their names, and where each value comes from.
//!
//! Not here: which headers only the gateway writes (`upstream::headers`), resolving secrets (`flow`).

use std::collections::BTreeMap;

use crate::config::document::HeaderDocument;
use crate::config::report::{Pointer, Report, shown};
use crate::config::secret_name::SecretName;
use crate::config::text;
use crate::headers::HeaderName;
use crate::upstream::headers::is_forbidden;

const CREDENTIAL_WORDS: &[&str] =
    &["apikey", "auth", "authorization", "credential", "credentials", "key", "password", "secret", "token"];

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text that anyone may read: printable ASCII.
    Literal(String),
    /// A secret that holds the whole value.
    Secret(SecretName),
    /// What each person enters when they connect the server.
    Person {
        /// What the field is called on the page.
        label: String,
    },
}

impl Value {
    pub(super) fn secret_name(&self) -> Option<&SecretName> {
        match self {
            Self::Secret(name) => Some(name),
            Self::Literal(_) | Self::Person { .. } => None,
        }
    }
}

pub(super) fn prove(
    headers: Option<BTreeMap<String, HeaderDocument>>,
    at: &Pointer,
    report: &mut Report,
) -> Option<Vec<(String, Value)>> {
    let headers =
        report.require(at, headers, "write the headers, such as {\"X-Api-Key\": {\"secret\": \"DOCS_KEY\"}}")?;
    if headers.is_empty() {
        report.add(at, "is empty", "write at least one header, or the kind \"none\"");
    }
    Some(prove_headers(headers, at, report))
}

fn prove_headers(headers: BTreeMap<String, HeaderDocument>, at: &Pointer, report: &mut Report) -> Vec<(String, Value)> {
    let mut proven: Vec<(String, Value)> = Vec::new();
    for (name, value) in headers {
        let at = at.child(&name);
        let name = prove_name(&name, &at, report);
        if name.as_ref().is_some_and(|name| proven.iter().any(|(other, _)| other == name)) {
            report.add(&at, "is there twice, because header names do not differ by capitals", "keep one of the two");
        }
        let value = match value {
            HeaderDocument::Secret(secret) => SecretName::prove(secret, &at, report).map(Value::Secret),
            HeaderDocument::Person(document) => {
                let label = report.check(&at.child("person"), text::label(document.person, 80));
                label.map(|label| Value::Person { label })
            }
            HeaderDocument::Literal(text) => prove_literal(name.as_deref(), text, &at, report),
        };
        proven.extend(name.zip(value));
    }
    proven
}

fn prove_name(name: &str, at: &Pointer, report: &mut Report) -> Option<String> {
    let Ok(legal) = HeaderName::parse(name) else {
        report.add(at, format!("{} is not a header name", shown(name)), "write letters, digits and -");
        return None;
    };
    let name = legal.as_str();
    if is_forbidden(&legal) {
        report.add(at, format!("{name:?} is a header the gateway or the network writes itself"), "remove it");
        return None;
    }
    Some(name.to_owned())
}

fn prove_literal(name: Option<&str>, text: String, at: &Pointer, report: &mut Report) -> Option<Value> {
    if name.is_some_and(|name| name.split('-').any(|word| CREDENTIAL_WORDS.contains(&word))) {
        report.add(
            at,
            "looks like a credential, and its value can be read by everyone who reads this file",
            "write {\"secret\": \"NAME\"} and store the whole value with `wrangler secret put NAME`, or {\"person\": \
             \"Your API key\"} where each person has one",
        );
        return None;
    }
    let legal = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    if !legal || text.is_empty() || text.trim() != text || text.len() > 4096 {
        report.add(
            at,
            "is not a value a header can have",
            "write 1 to 4096 printable ASCII characters, no spaces around them",
        );
        return None;
    }
    Some(Value::Literal(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::tests::{complete, refused, refused_at};
    use crate::config::{Auth, Config, Value};

    #[test]
    fn headers_the_gateway_writes_itself_are_refused() {
        for name in ["Host", "MCP-Protocol-Version", "CF-Connecting-IP", "Set-Cookie"] {
            refused(&format!("/servers/docs/auth/headers/{name}"), json!("x"), &["writes itself"]);
        }
        refused("/servers/docs/auth/headers/x-team", json!("x"), &["is there twice"]);
        refused("/servers/docs/auth/headers/X Team", json!("x"), &["not a header name"]);
        refused("/servers/docs/auth/headers", json!({}), &["is empty"]);
        for value in ["", " x", "x\r\ny: z", "ü"] {
            refused("/servers/docs/auth/headers/X-Team", json!(value), &["not a value"]);
        }
        let mut document = complete();
        document["servers"]["docs"]["auth"]["headers"] =
            json!({"Authorization": {"secret": "TOKEN"}, "CF-Access-Client-Id": "id.access", "User-Agent": "edge"});
        assert!(Config::parse(&document.to_string()).is_ok());
    }

    #[test]
    fn a_value_of_each_persons_own_has_a_label_and_no_text() {
        let at = "/servers/docs/auth/headers/X-Api-Key";
        let mut document = complete();
        document["servers"]["docs"]["auth"]["headers"]["X-Api-Key"] = json!({"person": "Your API key"});
        let config = Config::parse(&document.to_string()).unwrap();
        let Auth::Headers(headers) = &config.servers["docs"].auth else { panic!() };
        assert_eq!(headers[0], ("x-api-key".to_owned(), Value::Person { label: "Your API key".to_owned() }));
        assert!(config.servers["docs"].is_personal() && !config.servers["docs"].is_connected_by_operator());
        for label in ["", "  ", "two\nlines", &"x".repeat(81)] {
            refused_at(&format!("{at}/person"), at, json!({"person": label}), &["shown to people"]);
        }
        refused(at, json!({"person": "Key", "secret": "DOCS_KEY"}), &["an object", "\"person\"", "\"secret\""]);
        refused(at, json!({"person": 5}), &["an object"]);
        refused("/servers/docs/auth/headers/Cookie", json!({"person": "Cookie"}), &["writes itself"]);
    }
}
