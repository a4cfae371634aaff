//! What rules ask for of a person, out of what the provider says of them: in the ID token, and of what is not in there
//! in userinfo.
//!
//! Not here: whether either is to be believed (`id_token`, `userinfo`), and which rules there are (`policy`).

use std::collections::BTreeMap;

use crate::json::Node;
use crate::policy::{ClaimName, ClaimValues, RoleMapping};

/// What is asked for.
pub struct WantedClaims<'c> {
    roles: Option<&'c RoleMapping>,
    claims: Vec<&'c ClaimName>,
}

/// What the provider said of it.
#[derive(Debug, PartialEq, Eq)]
pub struct ClaimsTold {
    /// The roles, in order.
    pub roles: Vec<String>,
    /// The values of each claim.
    pub claims: ClaimValues,
    /// Whether the provider has more to say of it, and says that elsewhere or in too many words. What is missing then
    /// is not given: to be asked for a role in vain is safer than to have one that nobody gave.
    pub incomplete: bool,
}

impl<'c> WantedClaims<'c> {
    /// By how roles are told, where any rule asks for one, and by the claims that rules name.
    pub fn new(roles: Option<&'c RoleMapping>, claims: impl IntoIterator<Item = &'c ClaimName>) -> Self {
        Self { roles, claims: claims.into_iter().collect() }
    }

    /// Whether the ID token lacks any of it.
    pub fn is_missing_in(&self, id_token: &Node<'_>) -> bool {
        self.names().any(|name| !name.is_in(id_token))
    }

    /// Takes it out. Of what both say the ID token's counts.
    pub fn told(&self, id_token: &Node<'_>, userinfo: Option<&Node<'_>>) -> ClaimsTold {
        let source = |name: &ClaimName| userinfo.filter(|_| !name.is_in(id_token)).unwrap_or(id_token);
        let roles = self.roles.map(|mapping| mapping.roles_of(source(&mapping.claim)));
        let (own, asked): (Vec<_>, Vec<_>) = self.claims.iter().partition(|name| name.is_in(id_token));
        let mut claims = ClaimValues::of(id_token, own).into_map();
        if let Some(userinfo) = userinfo {
            claims.extend(ClaimValues::of(userinfo, asked).into_map());
        }
        let withheld = |name: &ClaimName| {
            let elsewhere = [Some(id_token), userinfo].into_iter().flatten().any(|claims| is_elsewhere(name, claims));
            name.is_cut_in(source(name)) || !name.is_in(source(name)) && elsewhere
        };
        ClaimsTold { roles: roles.unwrap_or_default(), claims: claims.into(), incomplete: self.names().any(withheld) }
    }

    fn names(&self) -> impl Iterator<Item = &'c ClaimName> {
        self.roles.map(|mapping| &mapping.claim).into_iter().chain(self.claims.iter().copied())
    }
}

/// The first claim that somebody needs to be let in and has not.
pub fn lacking<'c>(require: &'c BTreeMap<ClaimName, Vec<String>>, claims: &Node<'_>) -> Option<&'c ClaimName> {
    let has = |name: &ClaimName, wanted: &[String]| name.values_in(claims).iter().any(|value| wanted.contains(value));
    require.iter().find(|(name, wanted)| !has(name, wanted)).map(|(name, _)| name)
}

/// Whether a claim is said to be somewhere else (Core §5.6.2). Entra does that with the groups of who is in more than
/// 200, or, in the implicit flow, says `hasgroups`; neither means that there are none.
fn is_elsewhere(name: &ClaimName, claims: &Node<'_>) -> bool {
    let member = name.member();
    // Twice is there as well, and more than `get` gives out.
    let names = |node: &Node<'_>, wanted: &str| match node {
        Node::Object(members) => members.iter().any(|(name, node)| name == wanted && *node != Node::Null),
        _ => false,
    };
    let distributed = match claims {
        Node::Object(members) => members.iter().any(|(name, node)| name == "_claim_names" && names(node, &member)),
        _ => false,
    };
    let overage = |value: &Node<'_>| match value {
        Node::Bool(overage) => *overage,
        Node::Text(overage) => overage == "true",
        _ => false,
    };
    distributed || member == "groups" && claims.get("hasgroups").is_some_and(overage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(roles: &str, claims: &[&str], id_token: &str, userinfo: Option<&str>) -> ClaimsTold {
        let mapping = RoleMapping { claim: ClaimName::parse(roles).unwrap(), map: None };
        let names: Vec<_> = claims.iter().map(|name| ClaimName::parse(name).unwrap()).collect();
        let wanted = WantedClaims::new(Some(&mapping), &names);
        let userinfo = userinfo.map(|json| Node::parse(json.as_bytes()).unwrap());
        wanted.told(&Node::parse(id_token.as_bytes()).unwrap(), userinfo.as_ref())
    }

    fn roles(name: &str, id_token: &str, userinfo: Option<&str>) -> (Vec<String>, bool) {
        let told = told(name, &[], id_token, userinfo);
        (told.roles, told.incomplete)
    }

    #[test]
    fn what_the_id_token_says_counts_and_userinfo_says_the_rest() {
        let userinfo = r#"{"groups":["b"],"team":"ops","level":7}"#;
        let told = told("groups", &["team", "level", "none"], r#"{"groups":["a"],"team":"it"}"#, Some(userinfo));
        assert_eq!(told.roles, ["a"]);
        let claims = serde_json::to_string(&told.claims).unwrap();
        assert_eq!(claims, r#"{"level":["7"],"team":["it"]}"#);
        assert!(!told.incomplete);
        assert_eq!(roles("groups", "{}", Some(userinfo)).0, ["b"]);
        assert!(roles("groups", r#"{"groups":[]}"#, Some(userinfo)).0.is_empty(), "none is an answer");
        assert!(roles("groups", r#"{"groups":{"b":1}}"#, Some(userinfo)).0.is_empty(), "and so is what is no list");
        let keycloak = r#"{"realm_access":{"roles":["support"]}}"#;
        assert_eq!(roles("/realm_access/roles", keycloak, None).0, ["support"]);
    }

    #[test]
    fn userinfo_is_needed_only_where_something_is_missing() {
        let (groups, team) = (ClaimName::parse("groups").unwrap(), ClaimName::parse("team").unwrap());
        let mapping = RoleMapping { claim: groups.clone(), map: None };
        let missing =
            |wanted: &WantedClaims<'_>, claims: &str| wanted.is_missing_in(&Node::parse(claims.as_bytes()).unwrap());
        let both = WantedClaims::new(Some(&mapping), [&team]);
        assert!(!missing(&both, r#"{"groups":[],"team":"a"}"#));
        for claims in ["{}", r#"{"groups":[]}"#, r#"{"team":1}"#, r#"{"groups":null,"team":1}"#, "[]"] {
            assert!(missing(&both, claims), "{claims}");
        }
        assert!(!missing(&WantedClaims::new(None, []), "{}"));
    }

    #[test]
    fn groups_that_are_elsewhere_are_not_taken_for_none() {
        let overage = r#"{"_claim_names":{"groups":"src1"},"_claim_sources":{"src1":{"endpoint":"https://graph"}}}"#;
        for claims in [overage, r#"{"hasgroups":true}"#, r#"{"hasgroups":"true"}"#] {
            assert_eq!(roles("groups", claims, None), (vec![], true), "{claims}");
            assert_eq!(roles("groups", claims, Some("{}")), (vec![], true), "{claims}");
            assert_eq!(roles("groups", claims, Some(r#"{"groups":["a"]}"#)), (vec!["a".to_owned()], false));
            assert_eq!(roles("roles", claims, None), (vec![], false), "another claim is not concerned");
        }
        assert_eq!(roles("groups", "{}", Some(overage)), (vec![], true), "userinfo can say so as well");
        assert!(told("roles", &["groups"], overage, None).incomplete, "a claim that a rule names is concerned too");
        assert_eq!(roles("groups", r#"{"groups":["a"],"hasgroups":true}"#, None), (vec!["a".to_owned()], false));
    }

    #[test]
    fn who_lacks_a_value_of_any_claim_is_not_let_in() {
        let claim = |name: &str| ClaimName::parse(name).unwrap();
        let texts = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        let require =
            BTreeMap::from([(claim("hd"), texts(&["acme.com", "acme.org"])), (claim("groups"), texts(&["staff"]))]);
        let lacks =
            |claims: &str| lacking(&require, &Node::parse(claims.as_bytes()).unwrap()).map(ClaimName::to_string);
        assert_eq!(lacks(r#"{"hd":"acme.org","groups":["x","staff"]}"#), None);
        assert_eq!(lacks(r#"{"groups":["staff"]}"#).as_deref(), Some("hd"));
        assert_eq!(lacks(r#"{"hd":"Acme.com","groups":["staff"]}"#).as_deref(), Some("hd"));
        assert_eq!(lacks(r#"{"hd":"acme.com","hd":"acme.com","groups":["staff"]}"#).as_deref(), Some("hd"));
        assert_eq!(lacks(r#"{"hd":"acme.com","groups":["Staff"]}"#).as_deref(), Some("groups"));
        assert_eq!(lacking(&BTreeMap::new(), &Node::Null), None);
    }

    #[test]
    fn more_groups_than_are_looked_at_are_not_all() {
        let many = format!(r#"{{"groups":[{}"last"]}}"#, r#""g","#.repeat(1000));
        assert_eq!(roles("groups", &many, None), (vec!["g".to_owned()], true));
    }
}
