//! Roles, from what the login says of a person.
//!
//! Not here: which roles a rule asks for (`rule`), and when a person's roles are asked for again.

use std::collections::{BTreeMap, BTreeSet};

use super::claims::ClaimName;
use crate::json::Node;

/// Where roles come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleMapping {
    /// The claim that says them.
    pub claim: ClaimName,
    /// Role by value of the claim, exactly. Without it the values are the roles.
    pub map: Option<BTreeMap<String, String>>,
}

impl RoleMapping {
    /// A person's roles, in order. A value that the map does not name gives none.
    pub fn roles_of(&self, claims: &Node<'_>) -> Vec<String> {
        let values = self.claim.values_in(claims).into_iter();
        let roles: BTreeSet<String> = match &self.map {
            Some(map) => values.filter_map(|value| map.get(&value).cloned()).collect(),
            None => values.filter(|role| is_role(role)).collect(),
        };
        roles.into_iter().collect()
    }

    /// Whether there is a value of the claim that gives the role.
    pub fn gives(&self, role: &str) -> bool {
        self.map.as_ref().is_none_or(|map| map.values().any(|other| other == role))
    }
}

/// Whether a text can be a role: short, and on one line.
pub fn is_role(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= 256 && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(map: Option<&[(&str, &str)]>) -> RoleMapping {
        let map = map.map(|map| map.iter().map(|(value, role)| ((*value).to_owned(), (*role).to_owned())).collect());
        RoleMapping { claim: ClaimName::parse("groups").unwrap(), map }
    }

    fn roles(mapping: &RoleMapping, claims: &str) -> Vec<String> {
        mapping.roles_of(&Node::parse(claims.as_bytes()).unwrap())
    }

    #[test]
    fn a_map_gives_roles_by_value_and_nothing_beside_it() {
        let mapping = mapping(Some(&[("0f3c", "support"), ("0f3d", "support"), ("aa", "admin")]));
        assert_eq!(roles(&mapping, r#"{"groups":["0f3d","0f3c","admin","AA"," aa"]}"#), ["support"]);
        assert_eq!(roles(&mapping, r#"{"groups":"aa"}"#), ["admin"]);
        for claims in ["{}", r#"{"groups":{"aa":1}}"#, r#"{"groups":null}"#, "[]", r#"{"group":["aa"]}"#] {
            assert!(roles(&mapping, claims).is_empty(), "{claims}");
        }
        assert!(mapping.gives("support") && !mapping.gives("0f3c"));
    }

    #[test]
    fn without_a_map_the_values_are_the_roles() {
        let mapping = mapping(None);
        assert_eq!(roles(&mapping, r#"{"groups":["b","a","b","a\nb",""]}"#), ["a", "b"]);
        assert!(mapping.gives("anything"));
    }
}
