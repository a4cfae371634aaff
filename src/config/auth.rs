//! What the gateway authenticates with at a server.
//!
//! Not here: which headers only the gateway writes (`upstream::headers`), resolving secrets (`flow`).

use std::collections::BTreeMap;

use http::HeaderName;

use crate::upstream::headers::is_forbidden;

use super::document::{AuthDocument, HeaderDocument};
use super::report::{Pointer, Report, shown};
use super::secret_name::SecretName;

const CREDENTIAL_WORDS: &[&str] =
    &["apikey", "auth", "authorization", "credential", "credentials", "key", "password", "secret", "token"];

/// How the gateway authenticates at a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// By headers that are the same for everyone: lower-case names, each once.
    Headers(Vec<(String, Value)>),
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text that anyone may read: printable ASCII.
    Literal(String),
    /// A secret that holds the whole value.
    Secret(SecretName),
}

pub(super) fn prove(document: AuthDocument, at: &Pointer, report: &mut Report) -> Option<Auth> {
    let AuthDocument::Headers { headers } = document else { return Some(Auth::None) };
    let at = at.child("headers");
    let headers =
        report.require(&at, headers, "write the headers, such as {\"X-Api-Key\": {\"secret\": \"DOCS_KEY\"}}")?;
    if headers.is_empty() {
        report.add(&at, "is empty", "write at least one header, or the kind \"none\"");
    }
    Some(Auth::Headers(prove_headers(headers, &at, report)))
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
            HeaderDocument::Literal(text) => prove_literal(name.as_deref(), text, &at, report),
        };
        proven.extend(name.zip(value));
    }
    proven
}

fn prove_name(name: &str, at: &Pointer, report: &mut Report) -> Option<String> {
    let Ok(legal) = HeaderName::from_bytes(name.as_bytes()) else {
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
            "write {\"secret\": \"NAME\"} and store the whole value with `wrangler secret put NAME`",
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

    use crate::config::Config;
    use crate::config::tests::{complete, refused, refused_at};

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
    fn kinds_and_filters_that_are_not_built_are_refused() {
        for kind in ["oauth", "client_credentials", "exchange"] {
            refused_at(
                "/servers/docs/auth/kind",
                "/servers/docs/auth",
                json!({"kind": kind}),
                &[kind, "\"none\", \"headers\""],
            );
        }
        refused("/servers/docs/tools", json!({"allow": ["list_issues"]}), &["not built", "remove"]);
    }
}
