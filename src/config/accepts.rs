//! Which bearer tokens a server takes: those of the gateway always, and API keys where the operator says so.
//!
//! A key lives for months, nobody is asked before it is used, and no client is behind it. So none is taken unless the
//! configuration turns them on. Not here: whether a token or key is good.

use super::document::AcceptedDocument;
use super::report::{Pointer, Report};

/// Whether API keys are taken; `None` where nothing is said.
pub(super) fn keys(list: Option<Vec<Option<AcceptedDocument>>>, at: &Pointer, report: &mut Report) -> Option<bool> {
    let mut accepted = Vec::new();
    for (at, one) in report.entries(at, list?) {
        if accepted.contains(&one) {
            report.add(&at, "stands there already", "remove it");
        }
        accepted.push(one);
    }
    if !accepted.contains(&AcceptedDocument::Own) && !report.has_within(at) {
        report.add(at, "leaves out \"own\", the gateway's own access tokens", "add \"own\": every server takes them");
    }
    Some(accepted.contains(&AcceptedDocument::Keys))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::Config;
    use crate::config::tests::{complete, refused, refused_at};

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
            Config::parse(&document.to_string()).unwrap().servers["docs"].accepts_keys
        };
        let (own, both) = (Some(r#"["own"]"#), Some(r#"["own", "keys"]"#));
        assert!(!taken(None, None) && !taken(own, None) && taken(both, None));
        assert!(taken(None, both) && taken(own, both) && !taken(both, own));
    }

    #[test]
    fn what_is_accepted_is_known_and_holds_the_gateways_own() {
        for place in ["/accepts", "/servers/docs/accepts"] {
            refused(place, json!(["keys"]), &["\"own\""]);
            refused(place, json!([]), &["\"own\""]);
            refused_at(&format!("{place}/1"), place, json!(["own", "kyes"]), &["keys"]);
            refused_at(&format!("{place}/1"), place, json!(["own", "own"]), &["already"]);
        }
    }
}
