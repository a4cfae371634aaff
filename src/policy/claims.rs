//! Claims of the login that rules ask for, taken out of an ID token or of userinfo.
//!
//! Not here: whether the token is to be believed (`login`).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::json::Node;

/// So many values of one claim are looked at.
const MOST_VALUES: usize = 1000;

/// Which claim: a member of the token by its whole name, or a JSON pointer (RFC 6901) where it begins with `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimName(String);

impl ClaimName {
    /// Reads a name; `None` for one that no claim could have.
    pub fn parse(text: &str) -> Option<Self> {
        let legal = !text.is_empty() && text.len() <= 256 && !text.chars().any(char::is_control);
        let escapes = || text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        (legal && (!text.starts_with('/') || escapes())).then(|| Self(text.to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The texts that the claim holds: itself, or the entries of a list. `true`, `false` and numbers are as they are
    /// written; whatever else is there is none, and so is a claim that is there twice.
    pub fn values_in(&self, claims: &Node<'_>) -> Vec<String> {
        match self.find(claims) {
            Some(Node::List(entries)) => entries.iter().take(MOST_VALUES).filter_map(text).collect(),
            Some(node) => text(node).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Whether the claim is there, be it empty. One that is `null`, or there twice, is not.
    pub fn is_in(&self, claims: &Node<'_>) -> bool {
        self.find(claims).is_some_and(|node| !matches!(node, Node::Null))
    }

    /// Whether it has more values than are looked at.
    pub fn is_cut_in(&self, claims: &Node<'_>) -> bool {
        matches!(self.find(claims), Some(Node::List(entries)) if entries.len() > MOST_VALUES)
    }

    /// The member of the token that it is, or that it is within.
    pub fn member(&self) -> String {
        match self.0.strip_prefix('/') {
            Some(pointer) => unescaped(pointer.split('/').next().unwrap_or_default()),
            None => self.0.clone(),
        }
    }

    fn find<'n, 'a>(&self, claims: &'n Node<'a>) -> Option<&'n Node<'a>> {
        let Some(pointer) = self.0.strip_prefix('/') else { return claims.get(&self.0) };
        pointer.split('/').try_fold(claims, |node, step| node.get(&unescaped(step)))
    }
}

/// RFC 6901 §4: `~1` first, or `~01` would become `/`.
fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

impl fmt::Display for ClaimName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn text(node: &Node<'_>) -> Option<String> {
    match node {
        Node::Text(text) => Some(text.to_string()),
        Node::Bool(value) => Some(value.to_string()),
        Node::Number(number) => Some(number.to_string()),
        Node::Null | Node::List(_) | Node::Object(_) => None,
    }
}

/// The claims of a person that rules ask for, by the names they ask with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimValues(BTreeMap<String, Vec<String>>);

impl ClaimValues {
    /// Takes them out of a login's claims.
    pub fn of<'n>(claims: &Node<'_>, names: impl IntoIterator<Item = &'n ClaimName>) -> Self {
        let values = names.into_iter().map(|name| (name.0.clone(), name.values_in(claims)));
        Self(values.filter(|(_, values)| !values.is_empty()).collect())
    }

    /// The values by the names of the claims, to be kept.
    pub fn into_map(self) -> BTreeMap<String, Vec<String>> {
        self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has_any(&self, name: &ClaimName, wanted: &[String]) -> bool {
        self.0.get(&name.0).is_some_and(|values| values.iter().any(|value| wanted.contains(value)))
    }
}

impl From<BTreeMap<String, Vec<String>>> for ClaimValues {
    fn from(values: BTreeMap<String, Vec<String>>) -> Self {
        Self(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(name: &str, claims: &str) -> Vec<String> {
        ClaimName::parse(name).unwrap().values_in(&Node::parse(claims.as_bytes()).unwrap())
    }

    #[test]
    fn a_claim_is_found_by_its_name_or_by_a_pointer() {
        let claims =
            r#"{"groups":["a","b",{"c":1},null,7],"email_verified":true,"https://x/roles":"r","realm":{"a/b":["n"]}}"#;
        assert_eq!(values("groups", claims), ["a", "b", "7"]);
        assert_eq!(values("email_verified", claims), ["true"]);
        assert_eq!(values("https://x/roles", claims), ["r"]);
        assert_eq!(values("/realm/a~1b", claims), ["n"]);
        for name in ["Groups", "realm", "realm.a/b", "/groups/0", "/realm", "/none/x", "none"] {
            assert!(values(name, claims).is_empty(), "{name}");
        }
        assert!(values("groups", r#"{"groups":["a"],"groups":["admin"]}"#).is_empty(), "nobody knows which is meant");
        for name in ["", "a\n", "/a~2", &"a".repeat(257)] {
            assert_eq!(ClaimName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_not_there_is_told_from_what_is_empty() {
        let name = |text| ClaimName::parse(text).unwrap();
        let claims = Node::parse(br#"{"none":[],"null":null,"a/b":{"c":""},"two":1,"two":1}"#).unwrap();
        assert!(name("none").is_in(&claims) && name("/a~1b/c").is_in(&claims));
        for absent in ["null", "two", "other", "/a~1b/d"] {
            assert!(!name(absent).is_in(&claims), "{absent}");
        }
        assert_eq!((name("/a~1b/c").member(), name("a/b").member()), ("a/b".to_owned(), "a/b".to_owned()));
        let long = |count| format!(r#"{{"groups":[{}"x"]}}"#, r#""g","#.repeat(count - 1));
        let cut = |count| name("groups").is_cut_in(&Node::parse(long(count).as_bytes()).unwrap());
        assert_eq!((cut(MOST_VALUES), cut(MOST_VALUES + 1)), (false, true));
    }

    #[test]
    fn only_what_rules_ask_for_is_kept() {
        let claims = Node::parse(br#"{"groups":["a"],"department":"ops","email":"a@b.example"}"#).unwrap();
        let names = ["department", "none"].map(|name| ClaimName::parse(name).unwrap());
        let kept = ClaimValues::of(&claims, &names);
        assert_eq!(serde_json::to_string(&kept).unwrap(), r#"{"department":["ops"]}"#);
        assert!(kept.has_any(&names[0], &["it".to_owned(), "ops".to_owned()]));
        assert!(!kept.has_any(&names[0], &["Ops".to_owned()]) && !kept.has_any(&names[1], &["ops".to_owned()]));
    }
}
