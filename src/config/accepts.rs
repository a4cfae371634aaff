//! Which bearer tokens a server takes: those of the gateway unless the operator leaves them out, API keys, tokens of
//! agents and tokens of other issuers where the operator says so.
//!
//! A key lives for months, nobody is asked before it is used, and no client is behind it. So none is taken unless the
//! configuration turns them on. Not here: whether a token or key is good.

use std::collections::BTreeMap;

use super::issuers::ExternalIssuer;
use super::near::nearest;
use super::report::{Pointer, Report, shown};

const OWN: &str = "own";
const KEYS: &str = "keys";
const AGENTS: &str = "agents";

/// Which bearer tokens a server takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepts {
    /// Access tokens of the gateway's own.
    pub own: bool,
    /// API keys.
    pub keys: bool,
    /// Access tokens of agents.
    pub agents: bool,
    /// Those of other issuers, by alias, in the order in which clients are told of them.
    pub issuers: Vec<String>,
}

impl Default for Accepts {
    fn default() -> Self {
        Self { own: true, keys: false, agents: false, issuers: Vec::new() }
    }
}

/// What is taken; `None` where nothing is said.
pub(super) fn prove(
    list: Option<Vec<Option<String>>>,
    issuers: &BTreeMap<String, ExternalIssuer>,
    at: &Pointer,
    report: &mut Report,
) -> Option<Accepts> {
    let mut accepts = Accepts { own: false, ..Accepts::default() };
    for (place, one) in report.entries(at, list?) {
        let before = match one.as_str() {
            OWN => std::mem::replace(&mut accepts.own, true),
            KEYS => std::mem::replace(&mut accepts.keys, true),
            // An older configuration may have an issuer of that name.
            AGENTS if !issuers.contains_key(AGENTS) => std::mem::replace(&mut accepts.agents, true),
            alias => {
                let before = accepts.issuers.iter().any(|other| other == alias);
                let issuer = issuers.get(alias);
                if issuer.is_some_and(|issuer| issuer.access_tokens().is_some()) {
                    accepts.issuers.push(alias.to_owned());
                } else {
                    refuse(alias, issuer, issuers, &place, report);
                }
                before
            }
        };
        if before {
            report.add(&place, "stands there already", "remove it");
        }
    }
    if !accepts.own && accepts.issuers.is_empty() && !report.has_within(at) {
        report.add(at, "names no issuer of access tokens", "add \"own\", the gateway itself, or one of issuers");
    }
    if accepts.agents && !accepts.own && !report.has_within(at) {
        let fix = "add \"own\": agents get their tokens here";
        report.add(at, "takes agents, and not the tokens that they have", fix);
    }
    require_distinct(&accepts.issuers, issuers, at, report);
    Some(accepts)
}

fn refuse(
    alias: &str,
    issuer: Option<&ExternalIssuer>,
    issuers: &BTreeMap<String, ExternalIssuer>,
    at: &Pointer,
    report: &mut Report,
) {
    if issuer.is_some() {
        let problem = format!("is {}, an issuer whose access tokens are not taken", shown(alias));
        return report.add(at, problem, "remove it: its assertions are for the token endpoint");
    }
    let known = [OWN, KEYS, AGENTS].into_iter().chain(issuers.keys().map(String::as_str));
    let fix = match nearest(alias, known) {
        Some(meant) => {
            format!("did you mean {meant:?}? Otherwise write \"own\", \"keys\", \"agents\" or an alias of issuers")
        }
        None => "write \"own\", \"keys\", \"agents\" or an alias of issuers".to_owned(),
    };
    report.add(at, format!("is {}, which is nothing that could be taken", shown(alias)), fix);
}

/// A token says which issuer it is from, and one that is opaque says nothing: there must be one that it can be of.
fn require_distinct(aliases: &[String], issuers: &BTreeMap<String, ExternalIssuer>, at: &Pointer, report: &mut Report) {
    let taken: Vec<_> = aliases.iter().filter_map(|alias| issuers.get(alias)).collect();
    for (index, issuer) in taken.iter().enumerate() {
        let asks =
            |issuer: &ExternalIssuer| issuer.access_tokens().is_some_and(|tokens| tokens.introspection.is_some());
        for other in taken.iter().take(index) {
            if other.issuer == issuer.issuer {
                let problem = format!("has {:?} and {:?}, which are one issuer", other.alias, issuer.alias);
                report.add(at, problem, "leave one of them");
            } else if asks(other) && asks(issuer) {
                let problem =
                    format!("has {:?} and {:?}, which are both asked about tokens", other.alias, issuer.alias);
                let fix = "leave one of them: a token that is no JWT would have to be shown to both";
                report.add(at, problem, fix);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::Config;
    use crate::config::tests::{complete, refused, refused_at};

    fn corp(document: &mut serde_json::Value) {
        let asked = json!({"client_id": "gw", "client_secret": {"secret": "CORP_SECRET"}});
        document["issuers"] = json!({
            "corp": {"issuer": "https://as.example.com", "introspection": asked.clone()},
            "twin": {"issuer": "https://as.example.com"},
            "other": {"issuer": "https://as.example.org", "introspection": asked},
            "ci": {"kind": "workload", "issuer": "https://ci.example.com", "require": {"repo": ["a"]}},
        });
    }

    #[test]
    fn keys_are_taken_only_where_the_configuration_says_so() {
        let taken = |everywhere: Option<&str>, docs: Option<&str>| {
            let mut document = complete();
            for (place, said) in [("", everywhere), ("/servers/docs", docs)] {
                let object = document.pointer_mut(place).unwrap().as_object_mut().unwrap();
                object.remove("accepts");
                if let Some(said) = said {
                    object.insert("accepts".to_owned(), serde_json::from_str(said).unwrap());
                }
            }
            let server = Config::parse(&document.to_string()).unwrap().servers.remove("docs").unwrap();
            assert!(server.accepts.own);
            server.accepts.keys
        };
        let (own, both) = (Some(r#"["own"]"#), Some(r#"["own", "keys"]"#));
        assert!(!taken(None, None) && !taken(own, None) && taken(both, None));
        assert!(taken(None, both) && taken(own, both) && !taken(both, own));
    }

    #[test]
    fn what_is_accepted_is_known_and_somebody_issues_tokens() {
        for place in ["/accepts", "/servers/docs/accepts"] {
            refused(place, json!(["keys"]), &["\"own\""]);
            refused(place, json!([]), &["\"own\""]);
            refused_at(&format!("{place}/1"), place, json!(["own", "kyes"]), &["keys"]);
            refused_at(&format!("{place}/1"), place, json!(["own", "own"]), &["already"]);
        }
    }

    #[test]
    fn agents_are_taken_where_the_configuration_says_so_and_their_tokens_too() {
        let mut document = complete();
        document["accepts"] = json!(["own"]);
        document["servers"]["docs"]["accepts"] = json!(["own", "agents"]);
        let config = Config::parse(&document.to_string()).unwrap();
        assert!(config.servers["docs"].accepts.agents && config.servers["docs"].takes("agents"));
        assert!(config.servers.values().any(|server| !server.accepts.agents));
        corp(&mut document);
        document["servers"]["docs"]["accepts"] = json!(["corp", "agents"]);
        assert!(Config::parse(&document.to_string()).unwrap_err().to_string().contains("add \"own\""));
        // Of a release without agents.
        document["issuers"]["agents"] = json!({"issuer": "https://old.example.com"});
        document["servers"]["docs"]["accepts"] = json!(["agents"]);
        assert!(Config::parse(&document.to_string()).is_err());
        let stored = Config::parse_stored(&document.to_string()).unwrap();
        assert_eq!(stored.servers["docs"].accepts.issuers, ["agents"]);
        assert!(!stored.servers["docs"].accepts.agents);
    }

    #[test]
    fn issuers_are_named_by_their_aliases() {
        let accepts = |list: serde_json::Value| {
            let mut document = complete();
            corp(&mut document);
            document["servers"]["docs"]["accepts"] = list;
            let config = Config::parse(&document.to_string()).map_err(|errors| errors.to_string())?;
            let server = &config.servers["docs"];
            Ok::<_, String>((server.accepts.own, server.accepts.keys, server.accepts.issuers.join(" ")))
        };
        assert_eq!(accepts(json!(["corp"])), Ok((false, false, "corp".to_owned())));
        assert_eq!(accepts(json!(["own", "keys", "corp"])), Ok((true, true, "corp".to_owned())));
        assert!(accepts(json!(["copr"])).unwrap_err().contains("did you mean \"corp\""));
        assert!(accepts(json!(["own", "ci"])).unwrap_err().contains("token endpoint"));
        assert!(accepts(json!(["corp", "twin"])).unwrap_err().contains("one issuer"));
        assert!(accepts(json!(["corp", "other"])).unwrap_err().contains("shown to both"));
        assert!(accepts(json!(["corp", "corp"])).unwrap_err().contains("already"));
    }
}
